//! The messages, one enum.

use kernel::{EmailAddress, EventId, Instant, RegistrationId, UserId, WaitlistEntryId};
use serde::{Deserialize, Serialize};

/// Who a message goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// How the person is addressed.
    pub name: String,
    /// Where the message goes.
    pub email: EmailAddress,
}

/// What a message says about its event, as it was when the message was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    /// The event.
    pub id: EventId,
    /// Its title; part of every subject.
    pub title: String,
    /// When it starts.
    pub starts_at: Instant,
    /// The IANA zone that dates are shown in.
    pub time_zone: String,
    /// Where it is; none for a virtual event.
    pub location: Option<String>,
}

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Asks a new account to confirm its address.
    EmailVerification {
        /// The account.
        user_id: UserId,
    },
    /// The seat is the person's.
    SeatConfirmed {
        /// The event.
        event: EventFacts,
        /// The registration that holds the seat.
        registration_id: RegistrationId,
    },
    /// A seat came free and is the person's now.
    SeatFromWaitlist {
        /// The event.
        event: EventFacts,
        /// The registration that holds the seat.
        registration_id: RegistrationId,
    },
    /// The person waits for a seat.
    WaitlistJoined {
        /// The event.
        event: EventFacts,
        /// The place in the queue.
        entry_id: WaitlistEntryId,
        /// The position at the time of joining, from 1.
        position: u32,
    },
    /// The seat is given back.
    RegistrationCancelled {
        /// The event.
        event: EventFacts,
        /// The registration that held the seat.
        registration_id: RegistrationId,
    },
    /// A manager took the person off the waitlist.
    WaitlistRemoved {
        /// The event.
        event: EventFacts,
        /// The place that is gone.
        entry_id: WaitlistEntryId,
    },
    /// The event does not take place.
    EventCancelled {
        /// The event.
        event: EventFacts,
        /// Why, in the organiser's words.
        reason: Option<String>,
    },
    /// The event starts at another time.
    EventMoved {
        /// The event, with its new start.
        event: EventFacts,
        /// The start that was announced before.
        previous_starts_at: Instant,
        /// The edit that moved it: a start can move away, back, and away again, and each move is told.
        edit: i64,
    },
}

/// How urgent a message is: mails to one person go before mails to many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody waits for it.
    Personal = 0,
    /// One of many.
    Bulk = 10,
}

impl Message {
    /// The kind, as the queue and its readers name it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::EmailVerification { .. } => "email_verification",
            Self::SeatConfirmed { .. } => "seat_confirmed",
            Self::SeatFromWaitlist { .. } => "seat_from_waitlist",
            Self::WaitlistJoined { .. } => "waitlist_joined",
            Self::RegistrationCancelled { .. } => "registration_cancelled",
            Self::WaitlistRemoved { .. } => "waitlist_removed",
            Self::EventCancelled { .. } => "event_cancelled",
            Self::EventMoved { .. } => "event_moved",
        }
    }

    /// What makes it the only message of its kind to its recipient.
    pub fn occasion(&self) -> String {
        match self {
            Self::EmailVerification { user_id } => user_id.to_string(),
            Self::SeatConfirmed { registration_id, .. }
            | Self::SeatFromWaitlist { registration_id, .. }
            | Self::RegistrationCancelled { registration_id, .. } => registration_id.to_string(),
            Self::WaitlistJoined { entry_id, .. } | Self::WaitlistRemoved { entry_id, .. } => {
                entry_id.to_string()
            }
            Self::EventCancelled { event, .. } => event.id.to_string(),
            Self::EventMoved { event, edit, .. } => format!("{}:{edit}", event.id),
        }
    }

    /// How urgent it is.
    pub const fn priority(&self) -> Priority {
        match self {
            Self::EventCancelled { .. } | Self::EventMoved { .. } => Priority::Bulk,
            _ => Priority::Personal,
        }
    }
}
