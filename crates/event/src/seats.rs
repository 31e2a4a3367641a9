//! What decides about the seats of an event: the part of its row that registering loads and locks.

use crate::{EventRef, EventStatus};
use kernel::{EventId, Instant, UserId};
use notification::EventFacts;
use realtime::LiveEvent;

/// From so many seats on, each one that goes is told.
const FEW_SEATS: u32 = 2;

/// The seats of an event, their queue and the window in which they can be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSeats {
    /// The event.
    pub id: EventId,
    /// Who runs it.
    pub organizer_id: UserId,
    /// Where it stands, as last written.
    pub status: EventStatus,
    /// When it was published.
    pub published_at: Option<Instant>,
    /// For what is told about it.
    pub title: String,
    /// For what is told about it.
    pub location: Option<String>,
    /// When it starts; nobody is promoted from then on.
    pub starts_at: Instant,
    /// When it ends; it is read-only from then on.
    pub ends_at: Instant,
    /// For what is told about it.
    pub time_zone: String,
    /// In minor units; 0 is free.
    pub fee_amount: i64,
    /// None: from publishing on.
    pub registration_opens_at: Option<Instant>,
    /// None: until the start.
    pub registration_closes_at: Option<Instant>,
    /// How many seats there are.
    pub capacity: u32,
    /// How many of them are held.
    pub taken: u32,
    /// Whether people may join the queue.
    pub waitlist_enabled: bool,
    /// How many wait.
    pub waiting: u32,
    /// The rank that the next one gets.
    pub next_rank: i64,
}

/// Whether one can register, as shown to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationState {
    /// Not published yet, or the window has not begun.
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

impl RegistrationState {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOpen => "not_open",
            Self::Open => "open",
            Self::Waitlist => "waitlist",
            Self::Full => "full",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl EventSeats {
    /// What decides about who runs it.
    pub fn reference(&self) -> EventRef {
        EventRef {
            id: self.id,
            organizer_id: self.organizer_id,
            status: self.status,
            is_private: self.status.is_private(self.published_at),
        }
    }

    /// Whether a seat costs something.
    pub fn has_fee(&self) -> bool {
        self.fee_amount > 0
    }

    /// Seats that nobody holds.
    pub fn free(&self) -> u32 {
        self.capacity.saturating_sub(self.taken)
    }

    /// Seats that a newcomer can have: those left when everybody who waits has got one.
    pub fn available(&self) -> u32 {
        self.free().saturating_sub(self.waiting)
    }

    /// What is told to everybody who watches when so many seats could be had before: that few are left, or that seats
    /// came back.
    pub fn availability_news(&self, available_before: u32) -> Option<LiveEvent> {
        let seats_available = self.available();
        let worth_telling = seats_available <= FEW_SEATS || available_before == 0;
        (seats_available != available_before && worth_telling).then_some(LiveEvent::EventAvailability {
            event_id: self.id,
            seats_available,
        })
    }

    /// When registering ends.
    pub fn closes_at(&self) -> Instant {
        self.registration_closes_at
            .map_or(self.starts_at, |closes| closes.min(self.starts_at))
    }

    /// Whether a freed seat still goes to the queue.
    pub fn promotes_at(&self, now: Instant) -> bool {
        self.status == EventStatus::Published && now < self.starts_at
    }

    /// Whether it can no longer be changed by anyone.
    pub fn is_read_only_at(&self, now: Instant) -> bool {
        match self.status {
            EventStatus::Cancelled | EventStatus::Completed => true,
            EventStatus::Draft => false,
            EventStatus::Published => now >= self.ends_at,
        }
    }

    /// Whether one can register at that time.
    pub fn registration_state(&self, now: Instant) -> RegistrationState {
        match self.status {
            EventStatus::Draft => RegistrationState::NotOpen,
            EventStatus::Cancelled => RegistrationState::Cancelled,
            EventStatus::Completed => RegistrationState::Closed,
            EventStatus::Published if now >= self.closes_at() => RegistrationState::Closed,
            EventStatus::Published if self.registration_opens_at.is_some_and(|opens| now < opens) => {
                RegistrationState::NotOpen
            }
            EventStatus::Published if self.available() > 0 => RegistrationState::Open,
            EventStatus::Published if self.waitlist_enabled => RegistrationState::Waitlist,
            EventStatus::Published => RegistrationState::Full,
        }
    }

    /// How often the clock alone has changed what is shown of the event, up to `now`. It only grows while the event is not
    /// edited.
    pub fn turns_until(&self, now: Instant) -> i64 {
        self.turns().map(|instant| i64::from(instant <= now)).sum()
    }

    /// The next instant after `now` at which the clock alone changes what is shown of the event.
    pub fn next_turn_after(&self, now: Instant) -> Option<Instant> {
        self.turns().filter(|instant| *instant > now).min()
    }

    fn turns(&self) -> impl Iterator<Item = Instant> {
        [
            self.registration_opens_at,
            Some(self.closes_at()),
            Some(self.ends_at),
        ]
        .into_iter()
        .flatten()
    }

    /// The event as messages tell of it.
    pub fn facts(&self) -> EventFacts {
        EventFacts {
            id: self.id,
            title: self.title.clone(),
            starts_at: self.starts_at,
            ends_at: Some(self.ends_at),
            time_zone: self.time_zone.clone(),
            location: self.location.clone(),
        }
    }
}
