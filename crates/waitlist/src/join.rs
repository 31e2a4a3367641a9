//! Somebody joins the queue: at its end, or where a manager puts them.

use crate::move_entry::rank_for;
use crate::{EntryLogLine, EntryStatus, LogAction, RANK_STEP, WaitlistEntry, WaitlistTx};
use event::{EventSeats, SeatChange};
use kernel::{Ctx, StoreError};
use notification::Message;
use realtime::LiveEvent;
use user::Attendee;

/// Puts the attendee at the end of the locked event's queue; gives the entry and its position. Whether they may wait is
/// decided before.
pub fn join(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    attendee: &Attendee,
) -> Result<(WaitlistEntry, u32), StoreError> {
    let entry = new_entry(ctx, seats, attendee, seats.next_rank);
    let (entry, position) = enter(tx, ctx, seats, entry, RANK_STEP, None)?;
    tell_joined(tx, ctx, seats, attendee, &entry, position);
    Ok((entry, position))
}

/// Where a manager puts somebody, and why.
#[derive(Debug, Clone, Copy)]
pub struct JoinAt<'a> {
    /// From 1 to one more than wait already.
    pub position: u32,
    /// Part of the entry's log.
    pub reason: &'a str,
}

/// The same at a position that is one of the queue with the attendee in it.
pub fn join_at(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    attendee: &Attendee,
    at: JoinAt<'_>,
) -> Result<(WaitlistEntry, u32), StoreError> {
    let mut entry = new_entry(ctx, seats, attendee, seats.next_rank);
    entry.rank = rank_for(tx, ctx, seats, entry.id, at.position, seats.waiting + 1)?;
    let (entry, _) = enter(tx, ctx, seats, entry, 0, Some(at.reason.to_owned()))?;
    tell_joined(tx, ctx, seats, attendee, &entry, at.position);
    Ok((entry, at.position))
}

fn new_entry(ctx: &Ctx, seats: &EventSeats, attendee: &Attendee, rank: i64) -> WaitlistEntry {
    WaitlistEntry {
        id: ctx.new_id(),
        event_id: seats.id,
        attendee_id: attendee.id,
        status: EntryStatus::Waiting,
        rank,
        joined_at: ctx.now,
    }
}

/// Writes the entry, its first line, and what the event counts; gives how many wait now, too.
fn enter(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    entry: WaitlistEntry,
    ranks: i64,
    reason: Option<String>,
) -> Result<(WaitlistEntry, u32), StoreError> {
    let change = SeatChange {
        taken: 0,
        waiting: 1,
        ranks,
    };
    tx.change_seats(seats, change)?;
    tx.insert_waitlist_entry(&entry)?;
    tx.log_waitlist(&[EntryLogLine::of(ctx, &entry, LogAction::Joined, reason)])?;
    Ok((entry, seats.waiting))
}

fn tell_joined(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    seats: &EventSeats,
    attendee: &Attendee,
    entry: &WaitlistEntry,
    position: u32,
) {
    let message = Message::WaitlistJoined {
        event: seats.facts(),
        entry_id: entry.id,
        position,
    };
    tx.enqueue(ctx, attendee.recipient(), message);
    tell_position(tx, ctx, entry, attendee, Some(position));
}

/// Tells a person with an account where they stand now; no position says that the place is gone.
pub fn tell_position(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    entry: &WaitlistEntry,
    attendee: &Attendee,
    position: Option<u32>,
) {
    if let Some(user_id) = attendee.user_id {
        let live = LiveEvent::WaitlistMoved {
            user_id,
            event_id: entry.event_id,
            entry_id: entry.id,
            position,
        };
        tx.publish(ctx, live);
    }
}

impl EntryLogLine {
    /// A line about what the actor does to the entry now.
    pub fn of(ctx: &Ctx, entry: &WaitlistEntry, action: LogAction, reason: Option<String>) -> Self {
        Self {
            id: ctx.new_id(),
            event_id: entry.event_id,
            number: None,
            entry_id: entry.id,
            at: ctx.now,
            action,
            actor_id: ctx.actor.user_id(),
            reason,
            rank: entry.rank,
        }
    }
}
