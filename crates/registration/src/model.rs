//! Registrations.

use event::{EventRef, EventStatus};
use kernel::{AttendeeId, EventId, Instant, RegistrationId, UserId};
use ticket::TicketCode;
use user::{Account, Attendee};
use waitlist::WaitlistEntry;

/// Where a registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationStatus {
    /// The seat is held until it is paid.
    PendingPayment,
    /// The seat is the person's.
    Confirmed,
    /// The person was there.
    Attended,
    /// The seat was given back, or taken with the event.
    Cancelled,
    /// The hold ran out.
    Expired,
}

impl RegistrationStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::PendingPayment,
        Self::Confirmed,
        Self::Attended,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingPayment => "pending_payment",
            Self::Confirmed => "confirmed",
            Self::Attended => "attended",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether it counts as a seat.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::PendingPayment | Self::Confirmed | Self::Attended)
    }

    /// Whether the person holds the seat and does not only keep it for a while.
    pub const fn has_ticket(self) -> bool {
        matches!(self, Self::Confirmed | Self::Attended)
    }
}

/// A person's registration for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its id.
    pub id: RegistrationId,
    /// The event.
    pub event_id: EventId,
    /// Who holds the seat.
    pub attendee_id: AttendeeId,
    /// Where it stands.
    pub status: RegistrationStatus,
    /// The account that registered, if it was not the queue.
    pub registered_by: Option<UserId>,
    /// When it came to be.
    pub registered_at: Instant,
    /// When the person was checked in.
    pub checked_in_at: Option<Instant>,
    /// When the hold runs out.
    pub hold_expires_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// What the ticket of the seat goes by; worth nothing without a seat.
    pub ticket_code: TicketCode,
}

/// A live registration and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatHolder {
    /// The registration.
    pub registration: Registration,
    /// The person.
    pub attendee: Attendee,
}

/// How a person stands with an event, loaded under its lock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The account, where one asks for itself.
    pub account: Option<Account>,
    /// The attendee, if there is one already.
    pub attendee: Option<Attendee>,
    /// The live registration.
    pub registration: Option<Registration>,
    /// The waiting or offered entry.
    pub entry: Option<WaitlistEntry>,
}

/// A registration with what is shown beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationView {
    /// The registration.
    pub registration: Registration,
    /// The account of its attendee.
    pub attendee_user_id: Option<UserId>,
    /// How the person is called.
    pub attendee_name: String,
    /// Where mail to the person goes.
    pub attendee_email: String,
    /// The event's title.
    pub event_title: String,
    /// The event's start.
    pub event_starts_at: Instant,
    /// The event's end.
    pub event_ends_at: Instant,
    /// The event's zone.
    pub event_time_zone: String,
    /// The event's place.
    pub event_location: Option<String>,
    /// Who runs the event.
    pub organizer_id: UserId,
    /// Where the event stands.
    pub event_status: EventStatus,
    /// When the event was published.
    pub event_published_at: Option<Instant>,
}

impl RegistrationView {
    /// What decides about who runs its event.
    pub fn event(&self) -> EventRef {
        EventRef {
            id: self.registration.event_id,
            organizer_id: self.organizer_id,
            status: self.event_status,
            is_private: self.event_status.is_private(self.event_published_at),
        }
    }
}

/// A seat holder who agreed to be seen by the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Who holds the seat.
    pub attendee_id: AttendeeId,
    /// The account.
    pub user_id: UserId,
    /// How the person is called.
    pub name: String,
    /// What the person does, in a line.
    pub profession: Option<String>,
    /// A picture, by URL.
    pub avatar_url: Option<String>,
}
