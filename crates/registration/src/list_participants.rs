//! Who else is there: seat holders see those who agreed to be seen.

use crate::{Participant, ReadRegistrationError, RegistrationTx};
use event::{EventStatus, may_manage};
use kernel::{Ctx, Denied, EventId, Page, PageRequest};

/// Those who hold a seat at the event, have an account in use and agreed to be listed; for its managers and for who holds a seat
/// there themselves.
pub fn list_participants(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
    page: PageRequest,
) -> Result<Page<Participant>, ReadRegistrationError> {
    require_participant(tx, ctx, event_id)?;
    Ok(tx.list_participants(event_id, page)?)
}

/// Refuses who neither holds a seat at the event nor manages it.
pub fn require_participant(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<(), ReadRegistrationError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let event = tx.find_event(event_id)?.ok_or(ReadRegistrationError::NotFound)?;
    if may_manage(tx, &ctx.actor, event.reference())? {
        return Ok(());
    }
    if event.status == EventStatus::Draft {
        return Err(ReadRegistrationError::NotFound);
    }
    let standing = tx.find_standing_of_user(event_id, user_id)?.unwrap_or_default();
    // A guest with the address of an account that is not confirmed is somebody else.
    let theirs = standing
        .attendee
        .is_some_and(|attendee| attendee.user_id == Some(user_id));
    let seat = standing
        .registration
        .is_some_and(|registration| registration.status.has_ticket());
    if theirs && seat {
        Ok(())
    } else {
        Err(Denied::NotYours.into())
    }
}
