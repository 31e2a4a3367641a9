//! A person gives up their place in the queue.

use crate::join::tell_position;
use crate::{EntryLogLine, EntryStatus, LogAction, WaitlistTx};
use event::{EventStatus, SeatChange};
use kernel::{Ctx, Denied, EventId, StoreError};

/// Why the place stays.
#[derive(Debug, thiserror::Error)]
pub enum LeaveError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such event, or the person does not wait there.
    #[error("you do not wait there")]
    NotWaiting,
    /// The event is over or called off.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Ends the actor's own waiting entry.
pub fn leave(tx: &mut dyn WaitlistTx, ctx: &Ctx, event_id: EventId) -> Result<(), LeaveError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let mut seats = tx.lock_event_seats(event_id)?.ok_or(LeaveError::NotWaiting)?;
    let entry = tx
        .find_live_entry_of_user(event_id, user_id)?
        .filter(|entry| entry.status == EntryStatus::Waiting)
        .ok_or(LeaveError::NotWaiting)?;
    if seats.is_read_only_at(ctx.now) {
        return Err(LeaveError::ReadOnly(seats.status));
    }
    let ended = tx.end_waitlist_entries(&[entry.id], EntryStatus::Left, ctx.now)?;
    tx.change_seats(
        &mut seats,
        SeatChange {
            taken: 0,
            waiting: -ended.cast_signed(),
            ranks: 0,
        },
    )?;
    tx.log_waitlist(&[EntryLogLine::of(ctx, &entry, LogAction::Left, None)])?;
    if let Some(attendee) = tx.find_attendee(entry.attendee_id)? {
        tell_position(tx, ctx, &entry, &attendee, None);
    }
    Ok(())
}
