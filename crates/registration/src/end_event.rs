//! An event is called off or deleted: every registration and entry ends, everybody is told.

use crate::pass_on::tell_registration;
use crate::{RegistrationStatus, RegistrationTx};
use event::{Ending, EventSeats, EventStatus, SeatChange};
use kernel::{Ctx, StoreError};
use notification::Message;
use waitlist::{EntryLogLine, EntryStatus, LogAction, tell_position};

/// Ends all that takes part in the locked event; gives how many people were told. Nobody is told of an event that is
/// over or was called off before.
pub fn end_event(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    ending: Ending,
    reason: Option<&str>,
) -> Result<u32, StoreError> {
    let holders = tx.list_seat_holders(seats.id)?;
    let waiting = tx.list_all_waiting(seats.id)?;
    let upcoming = seats.status == EventStatus::Published && ctx.now < seats.ends_at;

    let registrations: Vec<_> = holders.iter().map(|holder| holder.registration.id).collect();
    let freed = tx.end_registrations(&registrations, RegistrationStatus::Cancelled, ctx.now)?;
    let entries: Vec<_> = waiting.iter().map(|person| person.entry.id).collect();
    let left = tx.end_waitlist_entries(&entries, EntryStatus::Cancelled, ctx.now)?;
    let change = SeatChange {
        taken: -freed.cast_signed(),
        waiting: -left.cast_signed(),
        ranks: 0,
    };
    if change != SeatChange::default() {
        tx.change_seats(seats, change)?;
    }
    let lines: Vec<_> = waiting
        .iter()
        .map(|person| {
            EntryLogLine::of(
                ctx,
                &person.entry,
                LogAction::Cancelled,
                reason.map(str::to_owned),
            )
        })
        .collect();
    tx.log_waitlist(&lines)?;

    let people = holders
        .iter()
        .map(|holder| &holder.attendee)
        .chain(waiting.iter().map(|person| &person.attendee));
    let mut told = 0;
    if upcoming {
        for attendee in people {
            let message = Message::EventCancelled {
                event: seats.facts(),
                reason: reason.map(str::to_owned),
            };
            tx.enqueue(ctx, attendee.recipient(), message);
            told += 1;
        }
        for holder in &holders {
            let mut registration = holder.registration.clone();
            registration.status = RegistrationStatus::Cancelled;
            tell_registration(tx, ctx, &registration, &holder.attendee);
        }
        for person in &waiting {
            tell_position(tx, ctx, &person.entry, &person.attendee, None);
        }
    }
    if ending == Ending::Deleted {
        tx.delete_taking_part_in(seats.id)?;
    }
    Ok(told)
}
