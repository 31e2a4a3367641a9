//! An event.

use crate::{EventDetails, EventRef, EventSeats};
use chrono::NaiveDate;
use kernel::{AttendeeId, CandidateId, EventId, Instant, UserId};

/// How people take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFormat {
    /// At a place.
    InPerson,
    /// Over the network only.
    Virtual,
    /// Both.
    Hybrid,
}

impl EventFormat {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InPerson => "in_person",
            Self::Virtual => "virtual",
            Self::Hybrid => "hybrid",
        }
    }

    /// Every format.
    pub const ALL: [Self; 3] = [Self::InPerson, Self::Virtual, Self::Hybrid];

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStatus {
    /// Being prepared; only managers see it.
    Draft,
    /// Announced.
    Published,
    /// Called off, for good.
    Cancelled,
    /// Over.
    Completed,
}

impl EventStatus {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
        }
    }

    /// Every status.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Published, Self::Cancelled, Self::Completed];

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether only those who run an event of that status see it: a draft, or one that was called off without ever being
    /// announced.
    pub fn is_private(self, published_at: Option<Instant>) -> bool {
        match self {
            Self::Draft => true,
            Self::Cancelled => published_at.is_none(),
            Self::Published | Self::Completed => false,
        }
    }
}

/// Where the stream of a virtual event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamStatus {
    /// Not begun.
    Idle,
    /// On the air.
    Live,
    /// Over.
    Ended,
}

impl StreamStatus {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Live => "live",
            Self::Ended => "ended",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Idle, Self::Live, Self::Ended]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// What a helper does at an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffRole {
    /// Runs it as its organiser does.
    Manager,
    /// Checks people in, and nothing else.
    Scanner,
}

impl StaffRole {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Scanner => "scanner",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Manager, Self::Scanner]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// Who runs an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organizer {
    /// The account.
    pub id: UserId,
    /// How the person is called.
    pub name: String,
}

/// Who speaks at an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// The candidacy that was chosen.
    pub candidate_id: CandidateId,
    /// The person.
    pub attendee_id: AttendeeId,
    /// How the person is called.
    pub name: String,
    /// What the talk is called.
    pub talk_title: String,
}

/// An event with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Who runs it.
    pub organizer: Organizer,
    /// Who speaks, once somebody was chosen.
    pub speaker: Option<Speaker>,
    /// Where it stands, as last written; [`Event::status_at`] asks the clock too.
    pub status: EventStatus,
    /// What managers write.
    pub details: EventDetails,
    /// Live registrations and open offers.
    pub seats_taken: u32,
    /// Entries that wait.
    pub waitlist_length: u32,
    /// The rank that the next entry gets.
    pub next_rank: i64,
    /// Where its stream stands.
    pub stream_status: StreamStatus,
    /// Counts edits; the first half of the ETag.
    pub edit_version: i64,
    /// Counts changes of seats and queue; the second half of the ETag.
    pub seats_version: i64,
    /// When it was published.
    pub published_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
    /// When a manager last changed it.
    pub updated_at: Instant,
}

impl Event {
    /// Where it stands at that time: a published event is completed from its end on, before a sweep writes it.
    pub fn status_at(&self, now: Instant) -> EventStatus {
        match self.status {
            EventStatus::Published if now >= self.details.ends_at => EventStatus::Completed,
            status => status,
        }
    }

    /// Whether only those who run it see it: a draft, or one that was called off without ever being announced.
    pub fn is_private(&self) -> bool {
        self.status.is_private(self.published_at)
    }

    /// What decides about who runs it.
    pub fn reference(&self) -> EventRef {
        EventRef {
            id: self.id,
            organizer_id: self.organizer.id,
            status: self.status,
            is_private: self.is_private(),
        }
    }

    /// The calendar date of the start in the event's own zone.
    pub fn local_date(&self) -> NaiveDate {
        self.details.local_date()
    }

    /// What decides about its seats.
    pub fn seats(&self) -> EventSeats {
        EventSeats {
            id: self.id,
            organizer_id: self.organizer.id,
            status: self.status,
            published_at: self.published_at,
            title: self.details.title.clone(),
            location: self.details.location.clone(),
            starts_at: self.details.starts_at,
            ends_at: self.details.ends_at,
            time_zone: self.details.time_zone.name().to_owned(),
            fee_amount: self.details.fee.map_or(0, |fee| fee.amount()),
            registration_opens_at: self.details.registration_opens_at,
            registration_closes_at: self.details.registration_closes_at,
            capacity: self.details.capacity,
            taken: self.seats_taken,
            waitlist_enabled: self.details.waitlist_enabled,
            waiting: self.waitlist_length,
            next_rank: self.next_rank,
        }
    }
}
