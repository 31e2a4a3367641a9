//! Registrations and waitlist entries in answers.

use chrono::{DateTime, Utc};
use event::EventSeats;
use kernel::TypedId;
use registration::{Registration, RegistrationStatus, RegistrationView};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use waitlist::{EntryLogLine, WaitlistEntry, WaitlistPlace, WaitlistStanding};

/// Who holds a seat.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttendeeOfRegistration)]
pub struct AttendeeBody {
    /// How the person is called.
    pub name: String,
    /// Where mail goes.
    pub email: String,
}

/// What a registration tells of its event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventOfRegistration {
    /// Its title.
    pub title: String,
    /// When it starts.
    pub starts_at: DateTime<Utc>,
    /// Its zone in the IANA database.
    pub time_zone: String,
    /// Where it is.
    pub location: Option<String>,
}

/// Where a registration stands.
#[derive(Debug, Clone, Copy, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RegistrationStatus)]
pub enum RegistrationStatusBody {
    /// The seat is held until it is paid.
    PendingPayment,
    /// The seat is the person's.
    Confirmed,
    /// The person was there.
    Attended,
    /// The seat was given back.
    Cancelled,
    /// The hold ran out.
    Expired,
}

impl From<RegistrationStatus> for RegistrationStatusBody {
    fn from(status: RegistrationStatus) -> Self {
        match status {
            RegistrationStatus::PendingPayment => Self::PendingPayment,
            RegistrationStatus::Confirmed => Self::Confirmed,
            RegistrationStatus::Attended => Self::Attended,
            RegistrationStatus::Cancelled => Self::Cancelled,
            RegistrationStatus::Expired => Self::Expired,
        }
    }
}

impl From<RegistrationStatusBody> for RegistrationStatus {
    fn from(status: RegistrationStatusBody) -> Self {
        match status {
            RegistrationStatusBody::PendingPayment => Self::PendingPayment,
            RegistrationStatusBody::Confirmed => Self::Confirmed,
            RegistrationStatusBody::Attended => Self::Attended,
            RegistrationStatusBody::Cancelled => Self::Cancelled,
            RegistrationStatusBody::Expired => Self::Expired,
        }
    }
}

/// A registration, as its holder and the event's managers see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Registration)]
pub struct RegistrationBody {
    /// Its id.
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Who holds the seat.
    pub attendee_id: Uuid,
    /// Who holds the seat.
    pub attendee: AttendeeBody,
    /// Where it stands.
    pub status: RegistrationStatusBody,
    /// When it came to be.
    pub registered_at: DateTime<Utc>,
    /// When the person was checked in.
    pub checked_in_at: Option<DateTime<Utc>>,
    /// When the hold runs out.
    pub hold_expires_at: Option<DateTime<Utc>>,
    /// The event in short.
    pub event: EventOfRegistration,
}

impl RegistrationBody {
    /// A registration with what is shown beside it.
    pub fn of(view: RegistrationView) -> Self {
        let event = EventOfRegistration {
            title: view.event_title,
            starts_at: view.event_starts_at,
            time_zone: view.event_time_zone,
            location: view.event_location,
        };
        let attendee = AttendeeBody {
            name: view.attendee_name,
            email: view.attendee_email,
        };
        Self::put_together(&view.registration, attendee, event)
    }

    /// A registration that was just made.
    pub fn new(registration: &Registration, attendee: AttendeeBody, seats: EventSeats) -> Self {
        let event = EventOfRegistration {
            title: seats.title,
            starts_at: seats.starts_at,
            time_zone: seats.time_zone,
            location: seats.location,
        };
        Self::put_together(registration, attendee, event)
    }

    fn put_together(registration: &Registration, attendee: AttendeeBody, event: EventOfRegistration) -> Self {
        Self {
            id: registration.id.uuid(),
            event_id: registration.event_id.uuid(),
            attendee_id: registration.attendee_id.uuid(),
            attendee,
            status: registration.status.into(),
            registered_at: registration.registered_at,
            checked_in_at: registration.checked_in_at,
            hold_expires_at: registration.hold_expires_at,
            event,
        }
    }
}

/// Who was let in: what a scanner needs to see.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScannedAttendee {
    /// How the person is called.
    pub name: String,
}

/// A registration as the person at the door sees it: without an address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScannedRegistration)]
pub struct ScannedRegistrationBody {
    /// Its id.
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Who holds the seat.
    pub attendee_id: Uuid,
    /// Who holds the seat.
    pub attendee: ScannedAttendee,
    /// Where it stands.
    pub status: RegistrationStatusBody,
    /// When it came to be.
    pub registered_at: DateTime<Utc>,
    /// When the person was checked in.
    pub checked_in_at: Option<DateTime<Utc>>,
    /// The event in short.
    pub event: EventOfRegistration,
}

impl ScannedRegistrationBody {
    /// A registration that was scanned.
    pub fn of(view: RegistrationView) -> Self {
        Self {
            id: view.registration.id.uuid(),
            event_id: view.registration.event_id.uuid(),
            attendee_id: view.registration.attendee_id.uuid(),
            attendee: ScannedAttendee {
                name: view.attendee_name,
            },
            status: view.registration.status.into(),
            registered_at: view.registration.registered_at,
            checked_in_at: view.registration.checked_in_at,
            event: EventOfRegistration {
                title: view.event_title,
                starts_at: view.event_starts_at,
                time_zone: view.event_time_zone,
                location: view.event_location,
            },
        }
    }
}

/// A place in a waitlist.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitlistEntry)]
pub struct WaitlistEntryBody {
    /// Its id.
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Who waits.
    pub attendee_id: Uuid,
    /// From 1; none while a seat is offered, and of a place that has ended.
    pub position: Option<u32>,
    /// `waiting` or `offered`; in `…/waitlist/me` also how the last place ended: `promoted`, `left`, `removed`, `lapsed` or
    /// `cancelled`.
    pub status: &'static str,
    /// When the person joined.
    pub joined_at: DateTime<Utc>,
}

impl WaitlistEntryBody {
    /// An entry at its position.
    pub fn of(entry: &WaitlistEntry, position: Option<u32>) -> Self {
        Self {
            id: entry.id.uuid(),
            event_id: entry.event_id.uuid(),
            attendee_id: entry.attendee_id.uuid(),
            position,
            status: entry.status.as_str(),
            joined_at: entry.joined_at,
        }
    }
}

/// A place in a waitlist, as the event's managers see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitlistPlace)]
pub struct WaitlistPlaceBody {
    /// The place.
    #[serde(flatten)]
    pub entry: WaitlistEntryBody,
    /// Who waits.
    pub attendee: AttendeeBody,
}

impl WaitlistPlaceBody {
    /// A place with who waits.
    pub fn of(place: WaitlistPlace) -> Self {
        Self {
            entry: WaitlistEntryBody::of(&place.entry, place.position),
            attendee: AttendeeBody {
                name: place.attendee_name,
                email: place.attendee_email,
            },
        }
    }
}

/// A line of an entry's log, as the person who waits sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitlistLogLine)]
pub struct LogLineBody {
    /// When.
    pub at: DateTime<Utc>,
    /// What happened.
    pub action: &'static str,
    /// Why, in the manager's words.
    pub reason: Option<String>,
}

impl LogLineBody {
    fn of(line: EntryLogLine) -> Self {
        Self {
            at: line.at,
            action: line.action.as_str(),
            reason: line.reason,
        }
    }
}

/// A seat that is held for somebody who waited, until they take it up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Offer)]
pub struct OfferBody {
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// What the seat costs.
    pub fee: super::MoneyBody,
}

/// A person's own place in a waitlist, or the one that ended last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitlistStanding)]
pub struct WaitlistStandingBody {
    /// The place.
    #[serde(flatten)]
    pub entry: WaitlistEntryBody,
    /// How many wait.
    pub length: u32,
    /// The seat that is offered at a paid event; none while the person waits.
    pub offer: Option<OfferBody>,
    /// What happened to the place, in order: the newest 100 lines.
    pub log: Vec<LogLineBody>,
}

impl WaitlistStandingBody {
    /// The standing.
    pub fn of(standing: WaitlistStanding) -> Self {
        Self {
            entry: WaitlistEntryBody::of(&standing.entry, standing.position),
            length: standing.length,
            // Offers are for paid events, which cannot be published yet.
            offer: None,
            log: standing.log.into_iter().map(LogLineBody::of).collect(),
        }
    }
}
