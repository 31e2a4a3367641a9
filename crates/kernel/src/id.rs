//! Typed ids: a registration's id cannot be handed in where an event's is asked.

use crate::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use uuid::{ContextV7, Timestamp, Uuid};

/// What all typed ids have in common, so that [`crate::Ctx::new_id`] can make any of them.
pub trait TypedId: Copy + Eq + fmt::Display {
    /// Wraps a UUID that is known to name this kind of thing.
    fn from_uuid(id: Uuid) -> Self;
    /// The UUID behind the id.
    fn uuid(self) -> Uuid;
}

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl TypedId for $name {
            fn from_uuid(id: Uuid) -> Self { Self(id) }
            fn uuid(self) -> Uuid { self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.hyphenated().fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!(stringify!($name), "({})"), self.0) }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { Uuid::try_parse(text).map(Self) }
        }
    )+};
}

typed_id! {
    /// A person with an account.
    UserId,
    /// One sign-in of a user on one device.
    SessionId,
    /// A person who can hold a seat, with or without an account.
    AttendeeId,
    /// An event.
    EventId,
    /// A registration of an attendee for an event.
    RegistrationId,
    /// A place in an event's waitlist.
    WaitlistEntryId,
    /// One line of a waitlist entry's log.
    WaitlistLogId,
    /// A row of the outbox: a message to send or a live event to publish.
    OutboxId,
    /// A row of the audit log.
    AuditId,
    /// A link and a code that were mailed to prove control of an address.
    OneTimeId,
    /// One text that goes to all who hold a seat at an event.
    MailingId,
    /// A person who stands for speaker of an event.
    CandidateId,
    /// A campaign that asks for votes for a candidate.
    CampaignId,
    /// The copy of a campaign that goes to one recipient.
    DeliveryId,
}

/// Where new ids come from; injected so that tests can foresee them.
pub trait IdSource: Send + Sync {
    /// A new id, never given before.
    fn next_id(&self, now: Instant) -> Uuid;
}

/// UUID version 7 (RFC 9562): sorts by time of making, also within one millisecond of one process.
pub struct TimeOrderedIds {
    context: Mutex<ContextV7>,
}

impl TimeOrderedIds {
    /// A source for one process.
    pub fn new() -> Self {
        Self {
            context: Mutex::new(ContextV7::new()),
        }
    }
}

impl Default for TimeOrderedIds {
    fn default() -> Self {
        Self::new()
    }
}

impl IdSource for TimeOrderedIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one home of id making")]
    fn next_id(&self, now: Instant) -> Uuid {
        let context = self
            .context
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        Uuid::new_v7(Timestamp::from_unix(
            &*context,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_in_one_instant_keep_their_order() {
        let ids = TimeOrderedIds::new();
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next_id(now)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
