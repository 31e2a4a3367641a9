//! A manager takes an entry off the queue.

use crate::join::tell_position;
use crate::move_entry::check_reason;
use crate::{EntryLogLine, EntryStatus, LogAction, WaitlistTx};
use event::{EventStatus, SeatChange, manages};
use kernel::{AuditEntry, Ctx, Denied, EventId, Invalid, StoreError, TypedId, WaitlistEntryId};
use notification::Message;

/// Why it stays.
#[derive(Debug, thiserror::Error)]
pub enum RemoveEntryError {
    /// No such event, or no such entry that waits there.
    #[error("no such entry in this queue")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The reason does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The event is over or called off.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Ends somebody's waiting entry, and tells them.
pub fn remove_entry(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    event_id: EventId,
    entry_id: WaitlistEntryId,
    reason: String,
) -> Result<(), RemoveEntryError> {
    let mut seats = tx.lock_event_seats(event_id)?.ok_or(RemoveEntryError::NotFound)?;
    manages(tx, &ctx.actor, seats.reference(), RemoveEntryError::NotFound)?;
    let entry = tx
        .find_waitlist_entry(entry_id)?
        .filter(|entry| entry.event_id == event_id && entry.status == EntryStatus::Waiting)
        .ok_or(RemoveEntryError::NotFound)?;
    check_reason(&reason)?;
    if seats.is_read_only_at(ctx.now) {
        return Err(RemoveEntryError::ReadOnly(seats.status));
    }
    let ended = tx.end_waitlist_entries(&[entry.id], EntryStatus::Removed, ctx.now)?;
    tx.change_seats(
        &mut seats,
        SeatChange {
            taken: 0,
            waiting: -ended.cast_signed(),
            ranks: 0,
        },
    )?;
    tx.log_waitlist(&[EntryLogLine::of(ctx, &entry, LogAction::Removed, Some(reason))])?;
    tx.record_audit(
        ctx,
        // The reason stands in the entry's own log, which goes when the person is forgotten; this one stays.
        AuditEntry::new("waitlist.remove", "waitlist_entry", entry.id.uuid()),
    )?;
    if let Some(attendee) = tx.find_attendee(entry.attendee_id)? {
        let message = Message::WaitlistRemoved {
            event: seats.facts(),
            entry_id: entry.id,
        };
        tx.enqueue(ctx, attendee.recipient(), message);
        tell_position(tx, ctx, &entry, &attendee, None);
    }
    Ok(())
}
