//! Live events: what changed, who may hear of it, and the port through which operations tell it.
//!
//! Invariant: a live event knows ids and counts only; who may subscribe to a topic is asked of the domains.

use kernel::{CampaignId, Ctx, EventId, RegistrationId, UserId, WaitlistEntryId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who hears a live event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Everybody: the list of events.
    Events,
    /// Those who watch one event.
    Event(EventId),
    /// One person.
    User(UserId),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events => f.write_str("events"),
            Self::Event(id) => write!(f, "event:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LiveEvent {
    /// An event was published.
    NewEvent {
        /// The event.
        event_id: EventId,
    },
    /// A published event was edited, cancelled or taken down.
    EventUpdated {
        /// The event.
        event_id: EventId,
        /// Its status after the change.
        status: String,
    },
    /// Few seats are left, or seats came back.
    EventAvailability {
        /// The event.
        event_id: EventId,
        /// Seats that anybody can take now.
        seats_available: u32,
    },
    /// A person's registration came to be or changed.
    RegistrationChanged {
        /// Who hears of it.
        user_id: UserId,
        /// The event.
        event_id: EventId,
        /// The registration.
        registration_id: RegistrationId,
        /// Its status after the change.
        status: String,
    },
    /// A person's place in a waitlist came to be, changed or ended.
    WaitlistMoved {
        /// Who hears of it.
        user_id: UserId,
        /// The event.
        event_id: EventId,
        /// The place in the queue.
        entry_id: WaitlistEntryId,
        /// The position now, from 1; none when the place is gone.
        position: Option<u32>,
    },
    /// A campaign went on, or was stopped, or is over.
    CampaignProgress {
        /// Who hears of it: who asked for it.
        user_id: UserId,
        /// The event.
        event_id: EventId,
        /// The campaign.
        campaign_id: CampaignId,
        /// Its status after the change.
        status: String,
        /// Recipients that are known, without those who were skipped.
        total: u64,
        /// Mails that were handed over.
        sent: u64,
        /// Mails that were given up.
        failed: u64,
        /// How much of it is done with, in hundredths.
        percent: u64,
        /// Votes that its links gave and that stand; none as long as the results are hidden from who hears of it.
        votes_won: Option<u64>,
    },
}

impl LiveEvent {
    /// The name that clients see.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NewEvent { .. } => "new-event",
            Self::EventUpdated { .. } => "event-updated",
            Self::EventAvailability { .. } => "event-availability",
            Self::RegistrationChanged { .. } => "registration-changed",
            Self::WaitlistMoved { .. } => "waitlist-moved",
            Self::CampaignProgress { .. } => "campaign-progress",
        }
    }

    /// Who hears it.
    pub const fn topic(&self) -> Topic {
        match self {
            Self::NewEvent { .. } => Topic::Events,
            Self::EventUpdated { event_id, .. } | Self::EventAvailability { event_id, .. } => {
                Topic::Event(*event_id)
            }
            Self::RegistrationChanged { user_id, .. }
            | Self::WaitlistMoved { user_id, .. }
            | Self::CampaignProgress { user_id, .. } => Topic::User(*user_id),
        }
    }
}

/// Where an operation puts a live event. They gather in the transaction and are written with it; a relay numbers and
/// publishes them after the commit.
pub trait LiveEvents {
    /// Tells a change to those who watch, once this transaction is committed.
    fn publish(&mut self, ctx: &Ctx, live: LiveEvent);
}
