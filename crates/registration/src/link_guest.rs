//! A person turns out to be somebody whom an organiser noted: what the guest holds becomes the person's.

use crate::pass_on::tell_registration;
use crate::release_attendee::{events_held, release_double};
use crate::{Registration, RegistrationStatus, RegistrationTx, Standing};
use event::EventSeats;
use kernel::{AuditEntry, Ctx, EmailAddress, EventId, Instant, StoreError, TypedId};
use notification::{Message, Recipient};
use std::cmp::Reverse;
use user::{Account, Attendee};
use waitlist::{EntryStatus, tell_position};

/// Gives the account the guest who was noted with that address, if there is one. An account that takes part already gets
/// what the guest holds instead, and the guest goes: nobody's place is lost. Events are locked in the order of their ids.
pub fn link_guest(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    account: &Account,
    email: &EmailAddress,
) -> Result<(), StoreError> {
    let guest = tx
        .find_attendee_by_email(email.key())?
        .filter(|attendee| attendee.user_id.is_none());
    let Some(guest) = guest else {
        return Ok(());
    };
    match tx.find_attendee_of_user(account.id)? {
        None => {
            // Whoever noted the guest may be giving it another address.
            tx.hold_address_as_read(&guest)?;
            tx.link_attendee(guest.id, account)
        }
        Some(own) => merge(tx, ctx, &guest, &own),
    }
}

fn merge(tx: &mut dyn RegistrationTx, ctx: &Ctx, guest: &Attendee, own: &Attendee) -> Result<(), StoreError> {
    let events = events_held(tx, guest)?;
    let mut gained = Vec::new();
    for event_id in &events {
        let Some(mut seats) = tx.lock_event_seats(*event_id)? else {
            continue;
        };
        // Looked up again: before the lock, the queue may have given either of them a seat.
        let theirs = standing_of(tx, *event_id, guest)?;
        let owns = standing_of(tx, *event_id, own)?;
        match (worth(&theirs), worth(&owns)) {
            (None, _) => {}
            (guests, persons) if guests > persons => {
                release_own(tx, ctx, &mut seats, &owns, own)?;
                let is_instead = worth(&owns).is_some();
                gained.push((seats, theirs, is_instead));
            }
            // The seat goes and what stands on it is the person's: who sorts it out is told below.
            _ => release_double(tx, ctx, &mut seats, &theirs)?,
        }
    }
    tx.hold_address_as_read(guest)?;
    let events: Vec<EventId> = events.into_iter().collect();
    tx.give_taking_part(guest.id, own.id, &events)?;
    tx.guest_merged(guest.id, own.id)?;
    tx.delete_attendee(guest.id)?;
    for (seats, standing, is_instead) in &gained {
        tell_gained(tx, ctx, standing, own)?;
        if *is_instead {
            send_ticket(tx, ctx, seats, standing, (guest, own));
        }
    }
    tx.record_audit(
        ctx,
        AuditEntry::new("attendee.merge", "attendee", guest.id.uuid()).with("into", &own.id),
    )
}

fn standing_of(
    tx: &mut dyn RegistrationTx,
    event_id: EventId,
    attendee: &Attendee,
) -> Result<Standing, StoreError> {
    Ok(tx
        .find_standing_of_attendee(event_id, attendee.id)?
        .unwrap_or_default())
}

/// What a standing is worth, the better the greater: a seat before a place in the queue, and of two alike the earlier
/// one; but of two confirmed seats none is better, so that the ticket that the person has printed stays good. None for who
/// holds nothing.
fn worth(standing: &Standing) -> Option<(u8, Reverse<Instant>, Reverse<i64>)> {
    let seat = |registration: &Registration| {
        let (kind, since) = match registration.status {
            RegistrationStatus::Attended => (4, registration.registered_at),
            RegistrationStatus::Confirmed => (3, Instant::MIN_UTC),
            _ => (2, registration.registered_at),
        };
        (kind, Reverse(since), Reverse(0))
    };
    let registration = standing.registration.as_ref().map(seat);
    registration.or_else(|| {
        let entry = standing.entry.as_ref()?;
        let kind = u8::from(entry.status == EntryStatus::Offered);
        // Among those who wait, the rank says who is sooner, whenever they joined.
        Some((kind, Reverse(Instant::MIN_UTC), Reverse(entry.rank)))
    })
}

/// Ends what the person held for what the guest has. The seat is the person's at once: their vote and candidacy stay.
fn release_own(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    standing: &Standing,
    own: &Attendee,
) -> Result<(), StoreError> {
    release_double(tx, ctx, seats, standing)?;
    if let Some(registration) = &standing.registration {
        let ended = Registration {
            status: RegistrationStatus::Cancelled,
            ..registration.clone()
        };
        tell_registration(tx, ctx, &ended, own);
    }
    if let Some(entry) = &standing.entry {
        tell_position(tx, ctx, entry, own, None);
    }
    Ok(())
}

fn tell_gained(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    standing: &Standing,
    own: &Attendee,
) -> Result<(), StoreError> {
    if let Some(registration) = &standing.registration {
        // As it stands now: a check-in does not wait for the event's lock.
        if let Some(registration) = tx.find_registration(registration.id)? {
            tell_registration(tx, ctx, &registration, own);
        }
    }
    if let Some(entry) = &standing.entry {
        let position = tx.waitlist_position(entry.event_id, entry.rank)?;
        tell_position(tx, ctx, entry, own, Some(position));
    }
    Ok(())
}

/// Sends the ticket of the guest's seat to the person who had something else there, at the address that they proved to be
/// theirs.
fn send_ticket(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &EventSeats,
    standing: &Standing,
    (guest, own): (&Attendee, &Attendee),
) {
    let Some(seat) = standing
        .registration
        .as_ref()
        .filter(|seat| seat.status.has_ticket())
    else {
        return;
    };
    let message = Message::SeatConfirmed {
        event: seats.facts(),
        registration_id: seat.id,
        ticket_code: Some(seat.ticket_code.clone()),
        // The guest had this mail before, at the same address.
        resent_at: Some(ctx.now),
    };
    let recipient = Recipient {
        email: guest.email.clone(),
        ..own.recipient()
    };
    tx.enqueue(ctx, recipient, message);
}
