//! An attendee goes: what they hold is freed and passes on.

use crate::{RegistrationStatus, RegistrationTx, SeatLoss, Standing, pass_on_seats};
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
    let mut freed_in_all = 0;
    for event_id in events_touched(tx, attendee)? {
        let Some(mut seats) = tx.lock_event_seats(event_id)? else {
            continue;
        };
        // Looked up again: before the lock, the queue may have given the attendee a seat.
        if let Some(standing) = tx.find_standing_of_attendee(event_id, attendee.id)? {
            freed_in_all += release_standing(tx, ctx, &mut seats, &standing, SeatLoss::Ended)?;
        }
    }
    tx.delete_taking_part_of(attendee.id)?;
    Ok(freed_in_all)
}

/// Locks the events at which the attendee holds or waits for a seat or stands for something, in the order of their ids.
pub fn lock_events_of(tx: &mut dyn RegistrationTx, attendee: &Attendee) -> Result<(), StoreError> {
    for event_id in events_touched(tx, attendee)? {
        tx.lock_event_seats(event_id)?;
    }
    Ok(())
}

/// The events at which the attendee holds or waits for a seat, in the order in which they are to be locked.
pub(crate) fn events_held(
    tx: &mut dyn RegistrationTx,
    attendee: &Attendee,
) -> Result<BTreeSet<EventId>, StoreError> {
    let held = tx.live_registrations_of_attendee(attendee.id)?;
    let waits = tx.live_entries_of_attendee(attendee.id)?;
    Ok(held
        .iter()
        .map(|held| held.event_id)
        .chain(waits.iter().map(|entry| entry.event_id))
        .collect())
}

/// The same with those whose rows may be written besides when the attendee goes.
pub(crate) fn events_touched(
    tx: &mut dyn RegistrationTx,
    attendee: &Attendee,
) -> Result<BTreeSet<EventId>, StoreError> {
    let mut events = events_held(tx, attendee)?;
    events.extend(tx.events_told_of(attendee.id)?);
    Ok(events)
}

/// Ends what an attendee holds at the locked event, with what stands on the seat, and gives a seat that it frees to who waits.
/// Gives how many seats came free.
pub(crate) fn release_standing(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    standing: &Standing,
    loss: SeatLoss,
) -> Result<u32, StoreError> {
    let freed = end_standing(tx, ctx, seats, standing)?;
    if let Some(registration) = standing
        .registration
        .as_ref()
        .filter(|held| held.status.has_ticket())
    {
        tx.seat_lost(ctx, seats, registration.attendee_id, loss)?;
    }
    if freed > 0 {
        pass_on_seats(tx, ctx, seats, freed)?;
    }
    Ok(freed)
}

/// The same for who holds another seat there in its place, or a guest who turns out to be who does: what stands on the seat stays.
pub(crate) fn release_double(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    standing: &Standing,
) -> Result<(), StoreError> {
    let freed = end_standing(tx, ctx, seats, standing)?;
    if freed > 0 {
        pass_on_seats(tx, ctx, seats, freed)?;
    }
    Ok(())
}

/// Gives how many seats are to be passed on.
fn end_standing(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    standing: &Standing,
) -> Result<u32, StoreError> {
    let mut freed = 0;
    if let Some(entry) = &standing.entry {
        let ended = tx.end_waitlist_entries(&[entry.id], EntryStatus::Removed, ctx.now)?;
        tx.log_waitlist(&[EntryLogLine::of(ctx, entry, LogAction::Removed, None)])?;
        if entry.status == EntryStatus::Offered {
            freed += ended;
        } else {
            let change = SeatChange {
                taken: 0,
                waiting: -ended.cast_signed(),
                ranks: 0,
            };
            tx.change_seats(seats, change)?;
        }
    }
    if let Some(registration) = &standing.registration {
        // Also one with which the person was there. As it was read: a merge keeps what is worth more.
        tx.end_registration(registration, RegistrationStatus::Cancelled, ctx.now)?;
        freed += 1;
    }
    Ok(freed)
}
