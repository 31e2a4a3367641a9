//! Whether a message that waited is still to be sent. Most tell what has happened, and stay true; some tell what is to
//! come, and some go only to who wants them.

use crate::RegistrationTx;
use event::EventStatus;
use kernel::{EmailAddress, EventId, Instant, RegistrationId, StoreError, UserId};
use notification::{Destination, Job, Message};
use ticket::TicketCode;

/// Whether the message is to be sent, as things are now. That it is not too late is the queue's to know.
pub fn still_true(tx: &mut dyn RegistrationTx, job: &Job) -> Result<bool, StoreError> {
    let is_so = match &job.message {
        Message::Reminder {
            event,
            registration_id,
            ..
        } => reminder_holds(tx, *registration_id, event.starts_at)?,
        Message::Announcement { registration_id, .. } => holds_seat(tx, *registration_id)?,
        Message::EventMoved {
            event,
            registration_id,
            edit,
            ..
        } => {
            let holds = registration_id.map_or(Ok(true), |registration| holds_seat(tx, registration))?;
            holds && starts_then(tx, event.id, event.starts_at)? && !is_outdated(tx, job, event.id, *edit)?
        }
        Message::SeatConfirmed {
            registration_id,
            ticket_code,
            ..
        }
        | Message::SeatFromWaitlist {
            registration_id,
            ticket_code,
            ..
        } => seat_is_theirs(tx, job, *registration_id, ticket_code.as_ref())?,
        _ => true,
    };
    Ok(is_so && is_wanted(tx, job)?)
}

/// Whether a reminder is still true: the seat is held, the event takes place and starts then.
fn reminder_holds(
    tx: &mut dyn RegistrationTx,
    registration: RegistrationId,
    starts_at: Instant,
) -> Result<bool, StoreError> {
    let view = tx.find_registration_view(registration)?;
    Ok(view.is_some_and(|view| {
        view.registration.status.has_ticket()
            && view.event_status == EventStatus::Published
            && view.event_starts_at == starts_at
    }))
}

/// Whether the seat is held with that code, by who is written to: once the address is another, the code that lets its bearer
/// in is nothing for who reads the old one.
fn seat_is_theirs(
    tx: &mut dyn RegistrationTx,
    job: &Job,
    registration: RegistrationId,
    code: Option<&TicketCode>,
) -> Result<bool, StoreError> {
    let Some(view) = tx.find_registration_view(registration)? else {
        return Ok(false);
    };
    let found = &view.registration;
    let has_code = code.is_none_or(|code| *code == found.ticket_code);
    let is_reached = match &job.to {
        Destination::Email(to) => key_of(to) == key_of(&view.attendee_email),
        // Asked below, of the account.
        Destination::Phone(_) => job.user_id.is_some() && job.user_id == view.attendee_user_id,
    };
    Ok(has_code && is_reached && found.status.has_ticket())
}

/// Whether the seat is held.
fn holds_seat(tx: &mut dyn RegistrationTx, registration: RegistrationId) -> Result<bool, StoreError> {
    let registration = tx.find_registration(registration)?;
    Ok(registration.is_some_and(|found| found.status.has_ticket()))
}

/// Whether that is still the event's start: who gets the news of an earlier move after those of a later one comes at the
/// wrong time.
fn starts_then(tx: &mut dyn RegistrationTx, event: EventId, starts_at: Instant) -> Result<bool, StoreError> {
    let event = tx.find_event(event)?;
    Ok(event
        .is_some_and(|event| event.status == EventStatus::Published && event.details.starts_at == starts_at))
}

/// Whether a later move was told the same way: a start that moved away and back is told once.
fn is_outdated(
    tx: &mut dyn RegistrationTx,
    job: &Job,
    event: EventId,
    edit: i64,
) -> Result<bool, StoreError> {
    let key = match &job.to {
        Destination::Email(to) => key_of(to),
        Destination::Phone(number) => number.clone(),
    };
    Ok(tx.last_move_told(&key, event)?.is_some_and(|last| last > edit))
}

/// What makes two spellings one address.
fn key_of(address: &str) -> String {
    let parsed = address.parse::<EmailAddress>();
    parsed.map_or_else(|_| address.to_owned(), |address| address.key().to_owned())
}

/// Whether the person still wants it that way: a text at that number, a reminder.
fn is_wanted(tx: &mut dyn RegistrationTx, job: &Job) -> Result<bool, StoreError> {
    let Some(user_id) = job.user_id else {
        return Ok(true);
    };
    match (&job.to, &job.message) {
        // It is to prove the number: nothing is wanted there yet.
        (Destination::Phone(_), Message::PhoneVerification { .. }) => Ok(true),
        (Destination::Phone(number), _) => wants_texts_at(tx, user_id, number),
        (Destination::Email(_), Message::Reminder { .. }) => {
            let user = tx.find_user(user_id)?;
            Ok(user.is_none_or(|user| user.preferences.email_reminders))
        }
        (Destination::Email(_), _) => Ok(true),
    }
}

fn wants_texts_at(tx: &mut dyn RegistrationTx, user_id: UserId, number: &str) -> Result<bool, StoreError> {
    let user = tx.find_user(user_id)?;
    Ok(user.is_some_and(|user| {
        let phone = user.proven_phone().map(kernel::PhoneNumber::as_str);
        user.preferences.text_messages && phone == Some(number)
    }))
}
