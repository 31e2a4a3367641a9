//! Where events are kept.

use crate::{Event, EventFormat, EventSeats, EventStatus, StaffRole};
use chrono::NaiveDate;
use kernel::{EventId, Instant, Page, PageRequest, StoreError, UserId};

/// A change of what an event counts, written together with the rows that account for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeatChange {
    /// Seats taken more, or fewer.
    pub taken: i32,
    /// Entries waiting more, or fewer.
    pub waiting: i32,
    /// By how much the next rank grows.
    pub ranks: i64,
}

/// Who asks for a list decides which events are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// What everybody sees: nothing private ([`Event::is_private`]).
    Public,
    /// That, and what is private and run by this person: as a manager of the staff and, where `organizes`, as the organiser.
    AndPrivateOf {
        /// Who it is.
        user_id: UserId,
        /// Whether they may organise.
        organizes: bool,
    },
    /// Everything.
    All,
}

/// The order of a list; the id decides between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSort {
    /// The soonest first.
    StartsAt,
    /// The latest first.
    StartsAtDescending,
    /// The oldest first.
    CreatedAt,
    /// The newest first.
    CreatedAtDescending,
}

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFilter {
    /// As who asks may see.
    pub visibility: Visibility,
    /// Part of title or description, in any case.
    pub text: Option<String>,
    /// Local date of the start, inclusive.
    pub from: Option<NaiveDate>,
    /// Local date of the start, inclusive.
    pub to: Option<NaiveDate>,
    /// Part of the location, in any case.
    pub location: Option<String>,
    /// How people take part.
    pub format: Option<EventFormat>,
    /// Where it stands at `now`.
    pub status: Option<EventStatus>,
    /// Who organises it.
    pub organizer_id: Option<UserId>,
    /// Who organises it or manages it as one of its staff.
    pub run_by: Option<UserId>,
    /// Whether seats are left for newcomers.
    pub has_seats: Option<bool>,
    /// The order.
    pub sort: EventSort,
    /// The time that decides what is completed.
    pub now: Instant,
}

/// Events.
pub trait EventRepository {
    /// The event with that id.
    fn find_event(&mut self, id: EventId) -> Result<Option<Event>, StoreError>;
    /// The same, locked until the end of the transaction.
    fn lock_event(&mut self, id: EventId) -> Result<Option<Event>, StoreError>;
    /// What decides about its seats, locked until the end of the transaction.
    fn lock_event_seats(&mut self, id: EventId) -> Result<Option<EventSeats>, StoreError>;
    /// A page of events.
    fn list_events(&mut self, filter: &EventFilter, page: PageRequest) -> Result<Page<Event>, StoreError>;
    /// Makes an event. [`StoreError::Duplicate`] if its place is taken on its date.
    fn insert_event(&mut self, event: &Event) -> Result<(), StoreError>;
    /// Writes details, status and times; counts the edit. [`StoreError::Duplicate`] as when inserting.
    fn update_event(&mut self, event: &Event) -> Result<(), StoreError>;
    /// Gives an event another organiser. [`StoreError::Contention`] if the account was erased meanwhile.
    fn hand_over_event(&mut self, id: EventId, to: UserId) -> Result<(), StoreError>;
    /// Notes why an event was called off.
    fn set_cancelled(&mut self, id: EventId, at: Instant, reason: Option<&str>) -> Result<(), StoreError>;
    /// Changes what the event counts, never beyond 0 and its capacity: [`StoreError::Internal`] if it would. Writes
    /// the new counts into `seats` too.
    fn change_seats(&mut self, seats: &mut EventSeats, change: SeatChange) -> Result<(), StoreError>;
    /// The published or completed event, other than `except`, that has this place on this date.
    fn find_event_at(
        &mut self,
        place_key: &str,
        local_date: NaiveDate,
        except: EventId,
    ) -> Result<Option<EventId>, StoreError>;
    /// Removes an event that nothing refers to any more.
    fn delete_event(&mut self, id: EventId) -> Result<(), StoreError>;
    /// Marks published events that ended as completed, in the order of their ids and a few hundred at a time; gives how
    /// many.
    fn complete_events(&mut self, now: Instant) -> Result<u64, StoreError>;
    /// The ids of all events of an organiser.
    fn ids_of_events_of(&mut self, organizer: UserId) -> Result<Vec<EventId>, StoreError>;
    /// What a user does at an event, if they belong to its staff.
    fn find_staff_role(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<StaffRole>, StoreError>;
    /// Whether a user manages any event as one of its staff.
    fn manages_any_event(&mut self, user_id: UserId) -> Result<bool, StoreError>;
    /// Gives an event the staff of another, but for who organises it; gives how many.
    fn copy_staff(&mut self, from: EventId, to: &Event, at: Instant) -> Result<u32, StoreError>;
    /// The name of a user who organises; none of one who was erased.
    fn find_organizer_name(&mut self, id: UserId) -> Result<Option<String>, StoreError>;
}
