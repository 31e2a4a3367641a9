//! Events in answers.

use crate::extract::EntityTag;
use chrono::{DateTime, Utc};
use event::{Event, EventFormat, EventStatus, RegistrationState, StreamStatus};
use kernel::TypedId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// An amount of money in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyBody {
    /// In minor units.
    pub amount: i64,
    /// A code of ISO 4217.
    #[schema(example = "INR")]
    pub currency: &'static str,
}

/// Who runs an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organizer)]
pub struct OrganizerBody {
    /// The account.
    pub id: Uuid,
    /// How the person is called.
    pub name: String,
}

/// The speaker of an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Speaker)]
pub struct SpeakerBody {
    /// The attendee.
    pub id: Uuid,
    /// How the person is called.
    pub name: String,
    /// What the talk is called.
    pub talk_title: String,
}

/// An event, as everybody sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventBody {
    /// Its id.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// What happens when.
    pub agenda: Option<String>,
    /// How people take part.
    pub format: FormatBody,
    /// Where it is; none for a virtual event.
    pub location: Option<String>,
    /// When it starts.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// Its zone in the IANA database.
    pub time_zone: &'static str,
    /// The calendar date of the start in its zone.
    #[schema(example = "2027-05-01")]
    pub local_date: String,
    /// How many seats there are.
    pub capacity: u32,
    /// How many of them are held.
    pub seats_taken: u32,
    /// How many of them a newcomer can have now.
    pub seats_available: u32,
    /// Whether one can wait when it is full.
    pub waitlist_enabled: bool,
    /// How many wait.
    pub waitlist_length: u32,
    /// What a seat costs; none or 0 is free.
    pub fee: Option<MoneyBody>,
    /// Where it stands.
    pub status: StatusBody,
    /// Who runs it.
    pub organizer: OrganizerBody,
    /// Who speaks, once that is decided.
    pub speaker: Option<SpeakerBody>,
    /// When registration opens; none: with publishing.
    pub registration_opens_at: Option<DateTime<Utc>>,
    /// When registration closes; none: with the start.
    pub registration_closes_at: Option<DateTime<Utc>>,
    /// When voting opens; none: there is none.
    pub voting_opens_at: Option<DateTime<Utc>>,
    /// When voting closes; none: with the start.
    pub voting_closes_at: Option<DateTime<Utc>>,
    /// Whether tallies are shown to all while voting runs.
    pub live_results: bool,
    /// Full refund until so many hours before the start.
    pub refund_until_hours: u32,
    /// Whether one can register now.
    pub registration_state: RegistrationStateBody,
    /// Where its stream stands.
    pub stream_status: StreamStatusBody,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When a manager last changed it.
    pub updated_at: DateTime<Utc>,
}

/// How people take part.
#[derive(Debug, Clone, Copy, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EventFormat)]
pub enum FormatBody {
    /// At a place.
    InPerson,
    /// Over the network only.
    Virtual,
    /// Both.
    Hybrid,
}

impl From<EventFormat> for FormatBody {
    fn from(format: EventFormat) -> Self {
        match format {
            EventFormat::InPerson => Self::InPerson,
            EventFormat::Virtual => Self::Virtual,
            EventFormat::Hybrid => Self::Hybrid,
        }
    }
}

impl From<FormatBody> for EventFormat {
    fn from(format: FormatBody) -> Self {
        match format {
            FormatBody::InPerson => Self::InPerson,
            FormatBody::Virtual => Self::Virtual,
            FormatBody::Hybrid => Self::Hybrid,
        }
    }
}

/// Where an event stands.
#[derive(Debug, Clone, Copy, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EventStatus)]
pub enum StatusBody {
    /// Being prepared; only managers see it.
    Draft,
    /// Announced.
    Published,
    /// Called off.
    Cancelled,
    /// Over.
    Completed,
}

impl From<EventStatus> for StatusBody {
    fn from(status: EventStatus) -> Self {
        match status {
            EventStatus::Draft => Self::Draft,
            EventStatus::Published => Self::Published,
            EventStatus::Cancelled => Self::Cancelled,
            EventStatus::Completed => Self::Completed,
        }
    }
}

impl From<StatusBody> for EventStatus {
    fn from(status: StatusBody) -> Self {
        match status {
            StatusBody::Draft => Self::Draft,
            StatusBody::Published => Self::Published,
            StatusBody::Cancelled => Self::Cancelled,
            StatusBody::Completed => Self::Completed,
        }
    }
}

/// Whether one can register.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RegistrationState)]
pub enum RegistrationStateBody {
    /// The window has not begun.
    NotOpen,
    /// A seat can be had.
    Open,
    /// No seat is left, but one can wait.
    Waitlist,
    /// No seat is left.
    Full,
    /// The window is over.
    Closed,
    /// The event is called off.
    Cancelled,
}

impl From<RegistrationState> for RegistrationStateBody {
    fn from(state: RegistrationState) -> Self {
        match state {
            RegistrationState::NotOpen => Self::NotOpen,
            RegistrationState::Open => Self::Open,
            RegistrationState::Waitlist => Self::Waitlist,
            RegistrationState::Full => Self::Full,
            RegistrationState::Closed => Self::Closed,
            RegistrationState::Cancelled => Self::Cancelled,
        }
    }
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StreamStatus)]
pub enum StreamStatusBody {
    /// Not begun.
    Idle,
    /// On the air.
    Live,
    /// Over.
    Ended,
}

impl From<StreamStatus> for StreamStatusBody {
    fn from(status: StreamStatus) -> Self {
        match status {
            StreamStatus::Idle => Self::Idle,
            StreamStatus::Live => Self::Live,
            StreamStatus::Ended => Self::Ended,
        }
    }
}

impl EventBody {
    /// The event as it stands at that time.
    pub fn of(event: Event, now: DateTime<Utc>) -> Self {
        let seats = event.seats();
        let local_date = event.local_date().to_string();
        let status = event.status_at(now).into();
        let details = event.details;
        Self {
            id: event.id.uuid(),
            title: details.title,
            description: details.description,
            agenda: details.agenda,
            format: details.format.into(),
            location: details.location,
            starts_at: details.starts_at,
            ends_at: details.ends_at,
            time_zone: details.time_zone.name(),
            local_date,
            capacity: details.capacity,
            seats_taken: event.seats_taken,
            seats_available: seats.available(),
            waitlist_enabled: details.waitlist_enabled,
            waitlist_length: event.waitlist_length,
            fee: details.fee.map(|fee| MoneyBody {
                amount: fee.amount(),
                currency: fee.currency(),
            }),
            status,
            organizer: OrganizerBody {
                id: event.organizer.id.uuid(),
                name: event.organizer.name,
            },
            speaker: event.speaker.map(|speaker| SpeakerBody {
                id: speaker.attendee_id.uuid(),
                name: speaker.name,
                talk_title: speaker.talk_title,
            }),
            registration_opens_at: details.registration_opens_at,
            registration_closes_at: details.registration_closes_at,
            voting_opens_at: details.voting_opens_at,
            voting_closes_at: details.voting_closes_at,
            live_results: details.live_results,
            refund_until_hours: details.refund_until_hours,
            registration_state: seats.registration_state(now).into(),
            stream_status: event.stream_status.into(),
            created_at: event.created_at,
            updated_at: event.updated_at,
        }
    }
}

impl EntityTag {
    /// The version of an event at that time. The clock alone changes what is shown of it, when a window opens or closes
    /// and when it ends: each such turn counts like a change of its seats.
    pub fn of(event: &Event, now: DateTime<Utc>) -> Self {
        let seats = event.seats_version + event.seats().turns_until(now);
        Self {
            edit: event.edit_version.unsigned_abs(),
            seats: seats.unsigned_abs(),
        }
    }
}
