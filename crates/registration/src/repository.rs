//! Where registrations are kept, and what their operations need.

use crate::{Participant, Registration, RegistrationStatus, RegistrationView, SeatHolder, Standing};
use event::EventRepository;
use kernel::{
    AttendeeId, AuditLog, EventId, Instant, Page, PageRequest, RegistrationId, StoreError, UserId, WordQuery,
};
use notification::{Outbox, Recipient, ReminderLead};
use realtime::LiveEvents;
use user::{AttendeeRepository, UserRepository};
use waitlist::{WaitlistRepository, WaitlistTx};

/// Which registrations are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistrationFilter {
    /// At this event.
    pub event_id: Option<EventId>,
    /// Of this attendee.
    pub attendee_id: Option<AttendeeId>,
    /// Of this account's attendee.
    pub user_id: Option<UserId>,
    /// That stand so.
    pub status: Option<RegistrationStatus>,
    /// With these words in the attendee's name or address.
    pub words: Option<WordQuery>,
}

/// Registrations.
pub trait RegistrationRepository {
    /// How an account stands with an event: account, the attendee with its address (linked or not), registration and
    /// entry in one look.
    fn find_standing_of_user(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<Standing>, StoreError>;
    /// How an attendee stands with an event.
    fn find_standing_of_attendee(
        &mut self,
        event_id: EventId,
        attendee_id: AttendeeId,
    ) -> Result<Option<Standing>, StoreError>;
    /// The registration with that id.
    fn find_registration(&mut self, id: RegistrationId) -> Result<Option<Registration>, StoreError>;
    /// The registration with what is shown beside it.
    fn find_registration_view(&mut self, id: RegistrationId) -> Result<Option<RegistrationView>, StoreError>;
    /// Makes registrations. [`StoreError::Duplicate`] if an attendee has a live one; [`StoreError::Contention`] if an
    /// attendee went meanwhile: tried again, it is made anew.
    fn insert_registrations(&mut self, registrations: &[Registration]) -> Result<(), StoreError>;
    /// Ends live registrations; gives how many were live.
    fn end_registrations(
        &mut self,
        ids: &[RegistrationId],
        status: RegistrationStatus,
        at: Instant,
    ) -> Result<u32, StoreError>;
    /// All live registrations of an event, with their holders.
    fn list_seat_holders(&mut self, event_id: EventId) -> Result<Vec<SeatHolder>, StoreError>;
    /// The live registrations of an attendee, over all events.
    fn live_registrations_of_attendee(&mut self, id: AttendeeId) -> Result<Vec<Registration>, StoreError>;
    /// A page of registrations, the newest first.
    fn list_registrations(
        &mut self,
        filter: &RegistrationFilter,
        page: PageRequest,
    ) -> Result<Page<RegistrationView>, StoreError>;
    /// A page of those who hold a seat at the event, have an account in use and agreed to be listed.
    fn list_participants(
        &mut self,
        event_id: EventId,
        page: PageRequest,
    ) -> Result<Page<Participant>, StoreError>;
    /// Removes all registrations, entries and logs of an event.
    fn delete_taking_part_in(&mut self, event_id: EventId) -> Result<(), StoreError>;
    /// Gives one attendee what another had: what is live at these events, which are locked, and what has ended anywhere.
    /// What is live elsewhere stays. [`StoreError::Contention`] if the attendee went meanwhile.
    fn give_taking_part(
        &mut self,
        from: AttendeeId,
        to: AttendeeId,
        events: &[EventId],
    ) -> Result<(), StoreError>;
    /// Removes the ended registrations and entries of an attendee, with the logs. What is live stays.
    fn delete_taking_part_of(&mut self, attendee_id: AttendeeId) -> Result<(), StoreError>;
}

/// A person with a seat who is to be reminded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonToRemind {
    /// The registration that holds the seat.
    pub registration_id: RegistrationId,
    /// Who it is.
    pub recipient: Recipient,
}

/// Rounds of reminders.
pub trait ReminderRepository {
    /// Published events that start after `after` and up to `until`, and whose reminders of that distance were not asked
    /// for; the soonest first.
    fn events_without_round(
        &mut self,
        lead: ReminderLead,
        after: Instant,
        until: Instant,
        most: u32,
    ) -> Result<Vec<EventId>, StoreError>;
    /// Notes that a round is asked for; false if it was before.
    fn begin_reminder_round(
        &mut self,
        event_id: EventId,
        lead: ReminderLead,
        starts_at: Instant,
        at: Instant,
    ) -> Result<bool, StoreError>;
    /// Who holds a seat that they got then or before, but for those who want no reminders.
    fn list_people_to_remind(
        &mut self,
        event_id: EventId,
        registered_by: Instant,
    ) -> Result<Vec<PersonToRemind>, StoreError>;
}

/// What the operations on registrations need of a transaction.
pub trait RegistrationTx:
    RegistrationRepository
    + ReminderRepository
    + WaitlistRepository
    + WaitlistTx
    + EventRepository
    + AttendeeRepository
    + UserRepository
    + Outbox
    + LiveEvents
    + AuditLog
{
}
