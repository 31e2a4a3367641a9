//! Somebody joins the end of the queue.

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
    let entry = WaitlistEntry {
        id: ctx.new_id(),
        event_id: seats.id,
        attendee_id: attendee.id,
        status: EntryStatus::Waiting,
        rank: seats.next_rank,
        joined_at: ctx.now,
    };
    tx.change_seats(
        seats,
        SeatChange {
            taken: 0,
            waiting: 1,
            ranks: RANK_STEP,
        },
    )?;
    tx.insert_waitlist_entry(&entry)?;
    tx.log_waitlist(&[EntryLogLine::of(ctx, &entry, LogAction::Joined, None)])?;
    let position = seats.waiting;
    let message = Message::WaitlistJoined {
        event: seats.facts(),
        entry_id: entry.id,
        position,
    };
    tx.enqueue(ctx, attendee.recipient(), message);
    tell_position(tx, ctx, &entry, attendee, Some(position));
    Ok((entry, position))
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
            entry_id: entry.id,
            at: ctx.now,
            action,
            actor_id: ctx.actor.user_id(),
            reason,
            rank: entry.rank,
        }
    }
}
