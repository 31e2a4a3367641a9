//! Where entries are kept.

use crate::{EntryLogLine, EntryStatus, WaitingPerson, WaitlistEntry, WaitlistPlace};
use event::EventRepository;
use kernel::{
    AttendeeId, AuditLog, EventId, Instant, Page, PageRequest, StoreError, UserId, WaitlistEntryId,
};
use notification::Outbox;
use realtime::LiveEvents;
use user::AttendeeRepository;

/// Entries and their log.
pub trait WaitlistRepository {
    /// The entry with that id.
    fn find_waitlist_entry(&mut self, id: WaitlistEntryId) -> Result<Option<WaitlistEntry>, StoreError>;
    /// The waiting or offered entry of an account's attendee.
    fn find_live_entry_of_user(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<WaitlistEntry>, StoreError>;
    /// The entry of an account's attendee that ended last.
    fn find_ended_entry_of_user(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<WaitlistEntry>, StoreError>;
    /// The first so many that wait, in order.
    fn first_waiting(&mut self, event_id: EventId, count: u32) -> Result<Vec<WaitingPerson>, StoreError>;
    /// Everybody who waits, in order.
    fn list_all_waiting(&mut self, event_id: EventId) -> Result<Vec<WaitingPerson>, StoreError>;
    /// How many wait with that rank or a smaller one.
    fn waitlist_position(&mut self, event_id: EventId, rank: i64) -> Result<u32, StoreError>;
    /// Of the queue without `except`: so many entries from the index on (from 0), as id and rank, in order.
    fn waiting_ranks(
        &mut self,
        event_id: EventId,
        except: WaitlistEntryId,
        from: u32,
        count: u32,
    ) -> Result<Vec<(WaitlistEntryId, i64)>, StoreError>;
    /// Makes an entry. [`StoreError::Duplicate`] if the attendee has a live one; [`StoreError::Contention`] if the
    /// attendee went meanwhile.
    fn insert_waitlist_entry(&mut self, entry: &WaitlistEntry) -> Result<(), StoreError>;
    /// Gives entries other ranks, one after the other: none may be one that somebody has at that moment.
    fn update_waitlist_ranks(&mut self, ranks: &[(WaitlistEntryId, i64)]) -> Result<(), StoreError>;
    /// Ends entries; gives how many were live.
    fn end_waitlist_entries(
        &mut self,
        ids: &[WaitlistEntryId],
        status: EntryStatus,
        at: Instant,
    ) -> Result<u32, StoreError>;
    /// Appends lines to the log of one event, which is locked, and numbers them in their order.
    fn log_waitlist(&mut self, lines: &[EntryLogLine]) -> Result<(), StoreError>;
    /// The queue of an event, in order, with positions.
    fn list_waiting(
        &mut self,
        event_id: EventId,
        page: PageRequest,
    ) -> Result<Page<WaitlistPlace>, StoreError>;
    /// The live entries of an account, the newest first, with positions.
    fn list_live_entries_of_user(
        &mut self,
        user_id: UserId,
        page: PageRequest,
    ) -> Result<Page<WaitlistPlace>, StoreError>;
    /// The newest `most` lines of an entry's log but those that say [`LogAction::Renumbered`](crate::LogAction), in order.
    fn list_told_log(
        &mut self,
        entry_id: WaitlistEntryId,
        most: u32,
    ) -> Result<Vec<EntryLogLine>, StoreError>;
    /// The whole log of an entry, in order.
    fn list_waitlist_log(&mut self, entry_id: WaitlistEntryId) -> Result<Vec<EntryLogLine>, StoreError>;
    /// The live entries of an attendee, over all events.
    fn live_entries_of_attendee(&mut self, id: AttendeeId) -> Result<Vec<WaitlistEntry>, StoreError>;
}

/// What the operations on a waitlist need of a transaction.
pub trait WaitlistTx:
    WaitlistRepository + EventRepository + AttendeeRepository + Outbox + LiveEvents + AuditLog
{
}
