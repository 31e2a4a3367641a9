//! Entries of a waitlist.

use kernel::{AttendeeId, EventId, Instant, UserId, WaitlistEntryId, WaitlistLogId};
use user::Attendee;

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryStatus {
    /// In the queue.
    Waiting,
    /// Out of the queue, with a seat held for a while.
    Offered,
    /// Ended with a seat.
    Promoted,
    /// Ended by the person.
    Left,
    /// Ended by a manager, or with the attendee.
    Removed,
    /// Ended by an offer that nobody took up.
    Lapsed,
    /// Ended with the event.
    Cancelled,
}

impl EntryStatus {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Offered => "offered",
            Self::Promoted => "promoted",
            Self::Left => "left",
            Self::Removed => "removed",
            Self::Lapsed => "lapsed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Waiting,
            Self::Offered,
            Self::Promoted,
            Self::Left,
            Self::Removed,
            Self::Lapsed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|status| status.as_str() == name)
    }
}

/// A place in the queue of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitlistEntry {
    /// Its id.
    pub id: WaitlistEntryId,
    /// The event.
    pub event_id: EventId,
    /// Who waits.
    pub attendee_id: AttendeeId,
    /// Where it stands.
    pub status: EntryStatus,
    /// The order among those that wait: the smaller, the sooner.
    pub rank: i64,
    /// When the person joined.
    pub joined_at: Instant,
}

/// Somebody at the head of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPerson {
    /// The place.
    pub entry: WaitlistEntry,
    /// The person.
    pub attendee: Attendee,
}

/// An entry with its position, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitlistPlace {
    /// The place.
    pub entry: WaitlistEntry,
    /// From 1; none for an entry that does not wait.
    pub position: Option<u32>,
    /// How the person is called.
    pub attendee_name: String,
    /// Where mail to the person goes.
    pub attendee_email: String,
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogAction {
    /// It came to be: at the end of the queue, or where a manager put it, and then the line has the reason.
    Joined,
    /// A manager gave it another position.
    Moved,
    /// It got another rank, and nobody's place changed: there was no room between two others.
    Renumbered,
    /// It ended with a seat: as the head of the queue, or out of turn, and then the line has a manager's reason.
    Promoted,
    /// The person ended it.
    Left,
    /// A manager ended it, or it went with the attendee.
    Removed,
    /// It ended with the event.
    Cancelled,
}

impl LogAction {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Moved => "moved",
            Self::Renumbered => "renumbered",
            Self::Promoted => "promoted",
            Self::Left => "left",
            Self::Removed => "removed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The action of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Joined,
            Self::Moved,
            Self::Renumbered,
            Self::Promoted,
            Self::Left,
            Self::Removed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|action| action.as_str() == name)
    }
}

/// A line of an entry's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryLogLine {
    /// Its id.
    pub id: WaitlistLogId,
    /// The event whose queue it is.
    pub event_id: EventId,
    /// Its place among all lines of the event, from 1: the order in which things happened. None before it is written.
    pub number: Option<i64>,
    /// The entry.
    pub entry_id: WaitlistEntryId,
    /// When.
    pub at: Instant,
    /// What.
    pub action: LogAction,
    /// Who, if it was a person.
    pub actor_id: Option<UserId>,
    /// Why, in the manager's words.
    pub reason: Option<String>,
    /// The rank after it.
    pub rank: i64,
}
