//! A manager gives an entry another position.

use crate::join::tell_position;
use crate::{
    EntryLogLine, EntryStatus, LogAction, RANK_STEP, WaitlistEntry, WaitlistTx, make_room, rank_between,
};
use event::{EventSeats, EventStatus, SeatChange, manages};
use kernel::{AuditEntry, Ctx, Denied, EventId, Invalid, StoreError, TypedId, WaitlistEntryId};

/// Where an entry is to go.
#[derive(Debug, Clone)]
pub struct MoveEntry {
    /// The event.
    pub event_id: EventId,
    /// The entry.
    pub entry_id: WaitlistEntryId,
    /// The new position, from 1 to the length of the queue.
    pub position: u32,
    /// Why; part of the log.
    pub reason: String,
}

/// Why it stays where it is.
#[derive(Debug, thiserror::Error)]
pub enum MoveEntryError {
    /// No such event, or no such entry that waits there.
    #[error("no such entry in this queue")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The position is not one of the queue, or the reason does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The event is over or called off.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Moves a waiting entry; gives it with its new rank.
pub fn move_entry(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    command: MoveEntry,
) -> Result<(WaitlistEntry, u32), MoveEntryError> {
    let mut seats = tx
        .lock_event_seats(command.event_id)?
        .ok_or(MoveEntryError::NotFound)?;
    manages(tx, &ctx.actor, seats.reference(), MoveEntryError::NotFound)?;
    let mut entry = tx
        .find_waitlist_entry(command.entry_id)?
        .filter(|entry| entry.event_id == command.event_id && entry.status == EntryStatus::Waiting)
        .ok_or(MoveEntryError::NotFound)?;
    check_reason(&command.reason)?;
    if command.position == 0 || command.position > seats.waiting {
        let detail = format!("a position from 1 to {}", seats.waiting);
        return Err(Invalid::field("/position", "range", detail).into());
    }
    if seats.is_read_only_at(ctx.now) {
        return Err(MoveEntryError::ReadOnly(seats.status));
    }
    let length = seats.waiting;
    entry.rank = rank_for(tx, ctx, &mut seats, entry.id, command.position, length)?;
    tx.update_waitlist_ranks(&[(entry.id, entry.rank)])?;
    tx.log_waitlist(&[EntryLogLine::of(
        ctx,
        &entry,
        LogAction::Moved,
        Some(command.reason),
    )])?;
    tx.record_audit(
        ctx,
        // The reason stands in the entry's own log, which goes when the person is forgotten; this one stays.
        AuditEntry::new("waitlist.move", "waitlist_entry", entry.id.uuid())
            .with("position", &command.position),
    )?;
    if let Some(attendee) = tx.find_attendee(entry.attendee_id)? {
        tell_position(tx, ctx, &entry, &attendee, Some(command.position));
    }
    Ok((entry, command.position))
}

/// A reason has 1 to 1,000 characters.
pub fn check_reason(reason: &str) -> Result<(), Invalid> {
    if (1..=1_000).contains(&reason.chars().count()) {
        Ok(())
    } else {
        Err(Invalid::field("/reason", "length", "1 to 1,000 characters"))
    }
}

/// The rank that puts the entry at the position of a queue that is so long with it; spreads the nearest behind it
/// where there is no room.
pub(crate) fn rank_for(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    entry: WaitlistEntryId,
    position: u32,
    length: u32,
) -> Result<i64, StoreError> {
    if position == length {
        return rank_from_counter(tx, seats);
    }
    let first = position == 1;
    let from = if first { 0 } else { position - 2 };
    let neighbours = tx.waiting_ranks(seats.id, entry, from, if first { 1 } else { 2 })?;
    let (before, after) = match neighbours.as_slice() {
        [(_, after)] if first => (None, *after),
        [(_, before), (_, after)] => (Some(*before), *after),
        _ => {
            return Err(StoreError::Internal(
                "waitlist_length is not the number of waiting entries".into(),
            ));
        }
    };
    if let Some(rank) = rank_between(before, after) {
        return Ok(rank);
    }
    // No room: the nearest behind the place are spread.
    let room = make_room(before, seats.next_rank, |count| {
        tx.waiting_ranks(seats.id, entry, position - 1, count)
    })?;
    // Among the ranks that are written may be one that somebody has who is written later, or the entry itself: at first
    // all of them go where nobody is.
    let ids = room.moved.iter().map(|(id, _)| *id).chain([entry]);
    let aside: Vec<_> = ids.zip(seats.next_rank + room.used..).collect();
    tx.update_waitlist_ranks(&aside)?;
    tx.update_waitlist_ranks(&room.moved)?;
    tx.change_seats(
        seats,
        SeatChange {
            taken: 0,
            waiting: 0,
            ranks: room.used,
        },
    )?;
    let lines: Vec<_> = room
        .moved
        .into_iter()
        .map(|(moved, rank)| renumbered(ctx, seats, moved, rank))
        .collect();
    tx.log_waitlist(&lines)?;
    Ok(room.rank)
}

fn renumbered(ctx: &Ctx, seats: &EventSeats, entry_id: WaitlistEntryId, rank: i64) -> EntryLogLine {
    EntryLogLine {
        id: ctx.new_id(),
        event_id: seats.id,
        number: None,
        entry_id,
        at: ctx.now,
        action: LogAction::Renumbered,
        actor_id: ctx.actor.user_id(),
        reason: None,
        rank,
    }
}

fn rank_from_counter(tx: &mut dyn WaitlistTx, seats: &mut EventSeats) -> Result<i64, StoreError> {
    let rank = seats.next_rank;
    tx.change_seats(
        seats,
        SeatChange {
            taken: 0,
            waiting: 0,
            ranks: RANK_STEP,
        },
    )?;
    Ok(rank)
}
