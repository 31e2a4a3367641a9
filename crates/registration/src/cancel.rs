//! A registration is cancelled, and its seat passes on in the same transaction.

use crate::pass_on::tell_registration;
use crate::{RegistrationStatus, RegistrationTx, RegistrationView, SeatLoss, pass_on_seats};
use event::{EventStatus, may_manage};
use kernel::{AuditEntry, Ctx, Denied, RegistrationId, StoreError, TypedId};
use notification::Message;

/// What cancelling did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    /// The registration as it is now.
    pub view: RegistrationView,
    /// How many got a seat through it.
    pub promoted: u32,
}

/// Why the registration stays.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// None with that id, or nothing of the actor's.
    #[error("no such registration")]
    NotFound,
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The person was there.
    #[error("already attended")]
    AlreadyAttended,
    /// It ended before.
    #[error("the registration is {}", .0.as_str())]
    NotLive(RegistrationStatus),
    /// The event is over or called off.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Cancels the actor's own registration, or one at an event that the actor runs.
pub fn cancel(tx: &mut dyn RegistrationTx, ctx: &Ctx, id: RegistrationId) -> Result<Cancelled, CancelError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let found = tx.find_registration(id)?.ok_or(CancelError::NotFound)?;
    let mut seats = tx
        .lock_event_seats(found.event_id)?
        .ok_or(CancelError::NotFound)?;
    let mut view = tx.find_registration_view(id)?.ok_or(CancelError::NotFound)?;
    let is_own = view.attendee_user_id == Some(user_id);
    if !is_own && !may_manage(tx, &ctx.actor, seats.reference())? {
        return Err(CancelError::NotFound);
    }
    if seats.is_read_only_at(ctx.now) {
        return Err(CancelError::ReadOnly(seats.status));
    }
    match view.registration.status {
        RegistrationStatus::Confirmed | RegistrationStatus::PendingPayment => {}
        RegistrationStatus::Attended => return Err(CancelError::AlreadyAttended),
        ended => return Err(CancelError::NotLive(ended)),
    }
    tx.end_registration(&view.registration, RegistrationStatus::Cancelled, ctx.now)?;
    if view.registration.status.has_ticket() {
        tx.seat_lost(ctx, &seats, view.registration.attendee_id, SeatLoss::Ended)?;
    }
    view.registration.status = RegistrationStatus::Cancelled;
    view.registration.hold_expires_at = None;
    if let Some(attendee) = tx.find_attendee(view.registration.attendee_id)? {
        let message = Message::RegistrationCancelled {
            event: seats.facts(),
            registration_id: id,
        };
        tx.enqueue(ctx, attendee.recipient(), message);
        tell_registration(tx, ctx, &view.registration, &attendee);
    }
    let promoted = pass_on_seats(tx, ctx, &mut seats, 1)?;
    if !is_own {
        tx.record_audit(
            ctx,
            AuditEntry::new("registration.cancel", "registration", id.uuid()),
        )?;
    }
    Ok(Cancelled { view, promoted })
}
