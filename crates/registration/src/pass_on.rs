//! A freed seat goes to the next who waits: the only function that gives one away.

use crate::{Registration, RegistrationStatus, RegistrationTx};
use event::{EventSeats, SeatChange};
use kernel::{Ctx, StoreError};
use notification::Message;
use realtime::LiveEvent;
use ticket::TicketCode;
use user::Attendee;
use waitlist::{EntryLogLine, EntryStatus, LogAction, tell_position};

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
    if promoted > 0 {
        let entries: Vec<_> = heads.iter().map(|head| head.entry.id).collect();
        tx.end_waitlist_entries(&entries, EntryStatus::Promoted, ctx.now)?;
        let lines: Vec<_> = heads
            .iter()
            .map(|head| EntryLogLine::of(ctx, &head.entry, LogAction::Promoted, None))
            .collect();
        tx.log_waitlist(&lines)?;
        let registrations: Vec<_> = heads
            .iter()
            .map(|head| seat_for(ctx, seats, &head.attendee))
            .collect::<Result<_, _>>()?;
        tx.insert_registrations(&registrations)?;
        for (head, registration) in heads.iter().zip(&registrations) {
            let message = Message::SeatFromWaitlist {
                event: seats.facts(),
                registration_id: registration.id,
                ticket_code: Some(registration.ticket_code.clone()),
            };
            tx.enqueue(ctx, head.attendee.recipient(), message);
            tell_registration(tx, ctx, registration, &head.attendee);
            tell_position(tx, ctx, &head.entry, &head.attendee, None);
        }
    }
    announce_availability(tx, ctx, before, seats);
    Ok(promoted)
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
    if let Some(user_id) = attendee.user_id {
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
