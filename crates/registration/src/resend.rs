//! The confirmation of a seat is sent once more.

use crate::invites::{Invites, RESENT};
use crate::{ReadRegistrationError, RegistrationStatus, RegistrationTx};
use chrono::TimeDelta;
use event::may_manage;
use kernel::{AuditEntry, Ctx, Denied, RegistrationId, StoreError, TypedId};
use notification::Message;
use user::Attendee;

/// Between one and the next lie so many minutes.
const PAUSE: TimeDelta = TimeDelta::minutes(15);

/// Why nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// None with that id, or nothing of the actor's.
    #[error("no such registration")]
    NotFound,
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It holds no seat: there is nothing to confirm.
    #[error("the registration is {}", .0.as_str())]
    NoSeat(RegistrationStatus),
    /// The account had as many others written to as it may within 24 hours.
    #[error("no more than {0} others within 24 hours")]
    TooManyInvites(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReadRegistrationError> for ResendError {
    fn from(error: ReadRegistrationError) -> Self {
        match error {
            ReadRegistrationError::NotFound => Self::NotFound,
            ReadRegistrationError::Denied(denied) => Self::Denied(denied),
            ReadRegistrationError::Store(error) => Self::Store(error),
        }
    }
}

/// Sends the confirmation of the actor's own seat again, or of one at an event that the actor runs. Within a quarter of an
/// hour it is sent once, however often it is asked for; what is sent to another counts among the account's invites.
pub fn resend(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    id: RegistrationId,
    invites_per_day: u32,
) -> Result<(), ResendError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let found = tx.find_registration(id)?.ok_or(ResendError::NotFound)?;
    // Under the lock two who ask at once come one after the other.
    let seats = tx
        .lock_event_seats(found.event_id)?
        .ok_or(ResendError::NotFound)?;
    let view = tx.find_registration_view(id)?.ok_or(ResendError::NotFound)?;
    let is_own = view.attendee_user_id == Some(user_id);
    if !is_own && !may_manage(tx, &ctx.actor, seats.reference())? {
        return Err(ResendError::NotFound);
    }
    if !view.registration.status.has_ticket() {
        return Err(ResendError::NoSeat(view.registration.status));
    }
    let attendee = tx.find_attendee(view.registration.attendee_id)?;
    let Some(attendee) = attendee.filter(|attendee| !Attendee::is_nobody(attendee)) else {
        return Ok(());
    };
    let last = tx.find_last_resent(id, attendee.email.key())?;
    if last.is_some_and(|at| at > ctx.now - PAUSE) {
        return Ok(());
    }
    if !is_own {
        let mut invites = Invites::by(invites_per_day);
        invites
            .take(tx, ctx, user_id)?
            .map_err(ResendError::TooManyInvites)?;
    }
    let message = Message::SeatConfirmed {
        event: seats.facts(),
        registration_id: id,
        ticket_code: Some(view.registration.ticket_code.clone()),
        resent_at: Some(ctx.now),
    };
    tx.enqueue(ctx, attendee.recipient(), message);
    if !is_own {
        let entry = AuditEntry::new(RESENT, "registration", id.uuid());
        tx.record_audit(ctx, entry)?;
    }
    Ok(())
}
