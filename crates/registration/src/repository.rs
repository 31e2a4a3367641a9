//! Where registrations are kept, and what their operations need.

use crate::{
    Mailing, Participant, Registration, RegistrationStatus, RegistrationView, SeatHolder, SeatLost,
    SeatRecipient, Standing, StatisticsRepository,
};
use event::EventRepository;
use kernel::{
    AttendeeId, AuditLog, EventId, Instant, MailingId, Page, PageRequest, Position, RegistrationId,
    StoreError, UserId, WordQuery,
};
use notification::{Outbox, ReminderLead};
use realtime::LiveEvents;
use ticket::TicketCode;
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
    /// Without those at events that are private by now.
    pub without_private: bool,
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
    /// The attendees with these folded addresses, with their keys, and how they stand with an event. Until the end of the
    /// transaction none of them gets another address or is removed.
    fn hold_standings_of_addresses(
        &mut self,
        event_id: EventId,
        email_keys: &[String],
    ) -> Result<Vec<(String, Standing)>, StoreError>;
    /// The registration with that id.
    fn find_registration(&mut self, id: RegistrationId) -> Result<Option<Registration>, StoreError>;
    /// The registration with what is shown beside it.
    fn find_registration_view(&mut self, id: RegistrationId) -> Result<Option<RegistrationView>, StoreError>;
    /// Makes registrations. [`StoreError::Duplicate`] if an attendee has a live one; [`StoreError::Contention`] if an
    /// attendee went meanwhile: tried again, it is made anew.
    fn insert_registrations(&mut self, registrations: &[Registration]) -> Result<(), StoreError>;
    /// Ends a live registration that stands as it was read. [`StoreError::Contention`] if it does not, because somebody was
    /// checked in with it meanwhile, which takes no lock of the event's: tried again, it is seen as it is.
    fn end_registration(
        &mut self,
        registration: &Registration,
        status: RegistrationStatus,
        at: Instant,
    ) -> Result<(), StoreError>;
    /// Ends live registrations, attended ones too; gives how many were live.
    fn end_registrations(
        &mut self,
        ids: &[RegistrationId],
        status: RegistrationStatus,
        at: Instant,
    ) -> Result<u32, StoreError>;
    /// All live registrations of an event, with their holders.
    fn list_seat_holders(&mut self, event_id: EventId) -> Result<Vec<SeatHolder>, StoreError>;
    /// At most so many who hold a seat at the event (confirmed or attended) after that place, in the order in which they
    /// registered. Nobody who was erased.
    fn list_seat_holders_after(
        &mut self,
        event_id: EventId,
        after: Option<Position>,
        limit: u32,
    ) -> Result<Vec<SeatHolder>, StoreError>;
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
    /// Removes the ended registrations and entries of an attendee, with the logs; the codes of their tickets stay, as
    /// revoked. What is live stays.
    fn delete_taking_part_of(&mut self, attendee_id: AttendeeId) -> Result<(), StoreError>;
}

/// Check-ins. None of these locks the event.
pub trait CheckInRepository {
    /// The registration of that ticket, live or not, at whichever event.
    fn find_registration_by_code(
        &mut self,
        code: &TicketCode,
    ) -> Result<Option<RegistrationView>, StoreError>;
    /// Notes that the person is there, without the event's lock: only if the registration is confirmed and still that
    /// attendee's. [`StoreError::Contention`] if it is not, any more: tried again, it is seen as it is.
    fn mark_attended(
        &mut self,
        registration: &Registration,
        at: Instant,
        by: Option<UserId>,
    ) -> Result<(), StoreError>;
    /// Takes that back; false if the registration is none of that event's with which somebody was checked in.
    fn unmark_attended(&mut self, event_id: EventId, id: RegistrationId) -> Result<bool, StoreError>;
    /// The codes of an event's tickets that are worth nothing any more, sorted.
    fn list_revoked_codes(&mut self, event_id: EventId) -> Result<Vec<TicketCode>, StoreError>;
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
}

/// Texts that go to all who hold a seat.
pub trait MailingRepository {
    /// When the last registration of the event came to be, live or not.
    fn last_registered_at(&mut self, event_id: EventId) -> Result<Option<Instant>, StoreError>;
    /// The next who hold a seat and are to get it, in the order of registering; of a reminder, those who want some. Nobody
    /// who was erased. Until the end of the transaction none of them is removed or gets another address.
    /// [`StoreError::Contention`] if somebody was meanwhile: tried again, they are not among them.
    fn list_seat_recipients(
        &mut self,
        mailing: &Mailing,
        most: u32,
    ) -> Result<Vec<SeatRecipient>, StoreError>;
    /// Keeps what is left to be written.
    fn insert_mailing(&mut self, mailing: &Mailing, at: Instant) -> Result<(), StoreError>;
    /// Those that are to go on, the oldest first.
    fn list_mailings(&mut self) -> Result<Vec<MailingId>, StoreError>;
    /// A mailing, locked until the end of the transaction.
    fn lock_mailing(&mut self, id: MailingId) -> Result<Option<Mailing>, StoreError>;
    /// Notes how far a mailing is.
    fn note_mailing(
        &mut self,
        id: MailingId,
        written_to: (Instant, RegistrationId),
    ) -> Result<(), StoreError>;
    /// The last edit of which that recipient was told, or is to be, that it moved the event.
    fn last_move_told(&mut self, recipient_key: &str, event_id: EventId) -> Result<Option<i64>, StoreError>;
    /// Forgets what is left of the event's mailings with a message of that kind.
    fn delete_mailings_of_kind(&mut self, event_id: EventId, kind: &str) -> Result<(), StoreError>;
    /// Forgets a mailing that is done.
    fn delete_mailing(&mut self, id: MailingId) -> Result<(), StoreError>;
    /// When the confirmation of this seat was last sent again to that folded address.
    fn find_last_resent(
        &mut self,
        id: RegistrationId,
        email_key: &str,
    ) -> Result<Option<Instant>, StoreError>;
}

/// What the operations on registrations need of a transaction.
pub trait RegistrationTx:
    RegistrationRepository
    + CheckInRepository
    + ReminderRepository
    + MailingRepository
    + StatisticsRepository
    + SeatLost
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
