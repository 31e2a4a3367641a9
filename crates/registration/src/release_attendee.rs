//! An attendee goes: what they hold is freed and passes on.

use crate::{RegistrationStatus, RegistrationTx, pass_on_seats};
use event::{EventSeats, SeatChange};
use kernel::{Ctx, EventId, StoreError};
use std::collections::BTreeSet;
use user::Attendee;
use waitlist::{EntryLogLine, EntryStatus, LogAction};

/// Ends every live registration and entry of the attendee, gives the seats to those who wait, and removes the rows.
/// Gives how many seats came free. Events are locked in the order of their ids.
pub fn release_attendee(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    attendee: &Attendee,
) -> Result<u32, StoreError> {
    let held = tx.live_registrations_of_attendee(attendee.id)?;
    let waits = tx.live_entries_of_attendee(attendee.id)?;
    let events: BTreeSet<EventId> = held
        .iter()
        .map(|held| held.event_id)
        .chain(waits.iter().map(|entry| entry.event_id))
        .collect();
    let mut freed_in_all = 0;
    for event_id in events {
        let Some(mut seats) = tx.lock_event_seats(event_id)? else {
            continue;
        };
        freed_in_all += free_place(tx, ctx, &mut seats, attendee)?;
    }
    tx.delete_taking_part_of(attendee.id)?;
    Ok(freed_in_all)
}

/// Ends what the attendee holds at the locked event and passes the seat on; gives how many seats came free.
pub(crate) fn free_place(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    attendee: &Attendee,
) -> Result<u32, StoreError> {
    // Looked up again: before the lock, the queue may have given the attendee a seat.
    let Some(standing) = tx.find_standing_of_attendee(seats.id, attendee.id)? else {
        return Ok(0);
    };
    if let Some(entry) = standing
        .entry
        .filter(|entry| entry.status == EntryStatus::Waiting)
    {
        let left = tx.end_waitlist_entries(&[entry.id], EntryStatus::Removed, ctx.now)?;
        tx.log_waitlist(&[EntryLogLine::of(ctx, &entry, LogAction::Removed, None)])?;
        let change = SeatChange {
            taken: 0,
            waiting: -left.cast_signed(),
            ranks: 0,
        };
        tx.change_seats(seats, change)?;
    }
    let Some(registration) = standing.registration else {
        return Ok(0);
    };
    let freed = tx.end_registrations(&[registration.id], RegistrationStatus::Cancelled, ctx.now)?;
    pass_on_seats(tx, ctx, seats, freed)?;
    Ok(freed)
}
