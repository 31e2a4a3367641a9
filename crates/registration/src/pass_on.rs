//! Seats go to those who wait, here and nowhere else: a freed one to the head of the queue, in the transaction that freed it
//! ([`pass_on_seats`]), and one that nobody took before the start to whom a manager chooses ([`give_out_of_turn`]).

use crate::{Registration, RegistrationStatus, RegistrationTx};
use event::{EventSeats, SeatChange};
use kernel::{Ctx, StoreError, UserId};
use notification::Message;
use realtime::LiveEvent;
use ticket::TicketCode;
use user::Attendee;
use waitlist::{EntryLogLine, EntryStatus, LogAction, WaitingPerson, tell_position};

/// Takes account of `freed` seats whose rows were just ended, and gives every free seat to those who wait, in order,
/// until the start of the event. Gives how many got one. The event is locked.
pub fn pass_on_seats(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    freed: u32,
) -> Result<u32, StoreError> {
    let before = seats.available();
    let count = to_promote(ctx, seats, freed);
    let heads = if count > 0 {
        tx.first_waiting(seats.id, count)?
    } else {
        Vec::new()
    };
    let promoted = u32::try_from(heads.len()).unwrap_or(u32::MAX);
    if promoted != count {
        return Err(StoreError::Internal(
            "waitlist_length is not the number of waiting entries".into(),
        ));
    }
    if freed == 0 && promoted == 0 {
        return Ok(0);
    }
    let change = SeatChange {
        taken: promoted.cast_signed() - freed.cast_signed(),
        waiting: -promoted.cast_signed(),
        ranks: 0,
    };
    tx.change_seats(seats, change)?;
    give_away(tx, ctx, seats, &heads, None)?;
    announce_availability(tx, ctx, before, seats);
    Ok(promoted)
}

/// Gives one free seat to somebody who waits, out of turn: a manager's decision, which has a reason. None if no seat is
/// free. The event is locked.
pub(crate) fn give_out_of_turn(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    person: WaitingPerson,
    reason: &str,
) -> Result<Option<Registration>, StoreError> {
    if seats.free() == 0 {
        return Ok(None);
    }
    let before = seats.available();
    let change = SeatChange {
        taken: 1,
        waiting: -1,
        ranks: 0,
    };
    tx.change_seats(seats, change)?;
    let given = give_away(tx, ctx, seats, &[person], Some(reason))?;
    announce_availability(tx, ctx, before, seats);
    Ok(given.into_iter().next())
}

/// Ends the entries with a seat each, which the event counts already, and tells everybody.
fn give_away(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &EventSeats,
    people: &[WaitingPerson],
    reason: Option<&str>,
) -> Result<Vec<Registration>, StoreError> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let entries: Vec<_> = people.iter().map(|person| person.entry.id).collect();
    tx.end_waitlist_entries(&entries, EntryStatus::Promoted, ctx.now)?;
    let lines: Vec<_> = people
        .iter()
        .map(|person| EntryLogLine::of(ctx, &person.entry, LogAction::Promoted, reason.map(str::to_owned)))
        .collect();
    tx.log_waitlist(&lines)?;
    let registrations: Vec<_> = people
        .iter()
        .map(|person| seat_for(ctx, seats, &person.attendee))
        .collect::<Result<_, _>>()?;
    tx.insert_registrations(&registrations)?;
    for (person, registration) in people.iter().zip(&registrations) {
        let message = Message::SeatFromWaitlist {
            event: seats.facts(),
            registration_id: registration.id,
            ticket_code: Some(registration.ticket_code.clone()),
        };
        tx.enqueue(ctx, person.attendee.recipient(), message);
        tell_registration(tx, ctx, registration, &person.attendee);
        tell_position(tx, ctx, &person.entry, &person.attendee, None);
    }
    Ok(registrations)
}

fn to_promote(ctx: &Ctx, seats: &EventSeats, freed: u32) -> u32 {
    if seats.promotes_at(ctx.now) {
        (seats.free() + freed).min(seats.waiting)
    } else {
        0
    }
}

/// A new seat of the attendee, given now.
pub(crate) fn seat_for(
    ctx: &Ctx,
    seats: &EventSeats,
    attendee: &Attendee,
) -> Result<Registration, StoreError> {
    let ticket_code = TicketCode::random().map_err(|error| StoreError::Internal(error.to_string()))?;
    Ok(Registration {
        id: ctx.new_id(),
        event_id: seats.id,
        attendee_id: attendee.id,
        status: RegistrationStatus::Confirmed,
        registered_by: None,
        registered_at: ctx.now,
        checked_in_at: None,
        hold_expires_at: None,
        ended_at: None,
        ticket_code,
    })
}

/// Tells a person with an account how their registration stands.
pub(crate) fn tell_registration(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    registration: &Registration,
    attendee: &Attendee,
) {
    tell_user(tx, ctx, registration, attendee.user_id);
}

/// The same, where the account is known and the attendee is not loaded.
pub(crate) fn tell_user(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    registration: &Registration,
    user_id: Option<UserId>,
) {
    if let Some(user_id) = user_id {
        let live = LiveEvent::RegistrationChanged {
            user_id,
            event_id: registration.event_id,
            registration_id: registration.id,
            status: registration.status.as_str().to_owned(),
        };
        tx.publish(ctx, live);
    }
}

/// Tells everybody who watches the event, if it is news how many seats can be had.
pub(crate) fn announce_availability(tx: &mut dyn RegistrationTx, ctx: &Ctx, before: u32, seats: &EventSeats) {
    if let Some(news) = seats.availability_news(before) {
        tx.publish(ctx, news);
    }
}
