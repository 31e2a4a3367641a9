//! Somebody comes to the door with a ticket.
//!
//! Scans come at a thousand a second at one event, so the event's row is not locked: what decides stands in the
//! registration's own row, which changes only from what was seen. Who ends registrations does the same.

use crate::pass_on::tell_user;
use crate::{RegistrationStatus, RegistrationTx, RegistrationView};
use event::{EventStatus, manages, require_scanner, scans};
use kernel::{AuditEntry, Ctx, Denied, EventId, Instant, RegistrationId, StoreError, TypedId};
use ticket::{Presented, TicketCode};

/// Why nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum CheckInError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    EventNotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The event is not published, was called off, or ended more than a day ago.
    #[error("the event is {}", .0.as_str())]
    Closed(EventStatus),
    /// No ticket has that code.
    #[error("no such ticket")]
    UnknownTicket,
    /// The ticket is for another event.
    #[error("a ticket for another event")]
    OtherEvent,
    /// The seat was given back, or taken with its hold.
    #[error("the registration is {}", .0.as_str())]
    Void(RegistrationStatus),
    /// The seat is not paid.
    #[error("the seat is not paid")]
    Unpaid,
    /// The ticket was scanned before, then.
    #[error("checked in before")]
    AlreadyCheckedIn(Instant),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

event::refuse_alike!(CheckInError => EventNotFound);

/// Lets the holder of the ticket in: once.
pub fn check_in(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
    presented: &Presented,
) -> Result<RegistrationView, CheckInError> {
    let found = tx.find_registration_by_code(&presented.code)?;
    // The ticket tells of its event. Only of another one the event must be asked for.
    let (event, ends_at) = match &found {
        Some(view) if view.registration.event_id == event_id => (view.event(), view.event_ends_at),
        _ => {
            let event = tx.find_event(event_id)?.ok_or(CheckInError::EventNotFound)?;
            (event.reference(), event.details.ends_at)
        }
    };
    scans(tx, &ctx.actor, event, CheckInError::EventNotFound)?;
    if !event.admits_at(ctx.now, ends_at) {
        return Err(CheckInError::Closed(event.status));
    }
    if presented.event_id.is_some_and(|signed| signed != event_id) {
        return Err(CheckInError::OtherEvent);
    }
    let mut view = found.ok_or(CheckInError::UnknownTicket)?;
    admits(&view, event_id)?;
    tx.mark_attended(&view.registration, ctx.now, ctx.actor.user_id())?;
    view.registration.status = RegistrationStatus::Attended;
    view.registration.checked_in_at = Some(ctx.now);
    tell_user(tx, ctx, &view.registration, view.attendee_user_id);
    tx.record_audit(
        ctx,
        AuditEntry::new(
            "registration.check_in",
            "registration",
            view.registration.id.uuid(),
        ),
    )?;
    Ok(view)
}

/// Refuses a ticket that lets nobody in, or nobody more.
fn admits(view: &RegistrationView, event_id: EventId) -> Result<(), CheckInError> {
    let registration = &view.registration;
    if registration.event_id != event_id {
        return Err(CheckInError::OtherEvent);
    }
    match (registration.status, registration.checked_in_at) {
        (RegistrationStatus::Confirmed, _) => Ok(()),
        (RegistrationStatus::PendingPayment, _) => Err(CheckInError::Unpaid),
        // The database keeps a time with the status.
        (RegistrationStatus::Attended, at) => Err(CheckInError::AlreadyCheckedIn(at.unwrap_or_default())),
        (ended, _) => Err(CheckInError::Void(ended)),
    }
}

/// Why a check-in stays.
#[derive(Debug, thiserror::Error)]
pub enum UndoCheckInError {
    /// There is no such event, it is somebody else's draft, or nobody was checked in with that registration.
    #[error("no such check-in")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The event was called off, or ended more than a day ago.
    #[error("the event is {}", .0.as_str())]
    Closed(EventStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a check-in back: the ticket can be scanned again, and the seat given back. For managers.
pub fn undo_check_in(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
    id: RegistrationId,
) -> Result<(), UndoCheckInError> {
    let event = tx.find_event(event_id)?.ok_or(UndoCheckInError::NotFound)?;
    manages(tx, &ctx.actor, event.reference(), UndoCheckInError::NotFound)?;
    if !event.reference().admits_at(ctx.now, event.details.ends_at) {
        return Err(UndoCheckInError::Closed(event.status));
    }
    if !tx.unmark_attended(event_id, id)? {
        return Err(UndoCheckInError::NotFound);
    }
    // After the change, so that it is told to whom the registration belongs now.
    if let Some(view) = tx.find_registration_view(id)? {
        tell_user(tx, ctx, &view.registration, view.attendee_user_id);
    }
    tx.record_audit(
        ctx,
        AuditEntry::new("registration.undo_check_in", "registration", id.uuid()),
    )?;
    Ok(())
}

/// The codes of the event's tickets that are worth nothing any more, for those who verify tickets without asking.
pub fn list_revoked_tickets(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<Vec<TicketCode>, CheckInError> {
    require_scanner(tx, ctx, event_id)?;
    Ok(tx.list_revoked_codes(event_id)?)
}
