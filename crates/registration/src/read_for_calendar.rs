//! A registration is read with its event, for a calendar.

use crate::{ReadRegistrationError, RegistrationTx, RegistrationView};
use event::{Event, may_manage};
use kernel::{Ctx, RegistrationId};

/// The actor's own registration, or one at an event that the actor runs, and the event. Also one that has ended: who has
/// the entry in a calendar is to learn it there.
pub fn read_for_calendar(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    id: RegistrationId,
) -> Result<(RegistrationView, Event), ReadRegistrationError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let view = tx
        .find_registration_view(id)?
        .ok_or(ReadRegistrationError::NotFound)?;
    if view.attendee_user_id != Some(user_id) && !may_manage(tx, &ctx.actor, view.event())? {
        return Err(ReadRegistrationError::NotFound);
    }
    let event = tx
        .find_event(view.registration.event_id)?
        .ok_or(ReadRegistrationError::NotFound)?;
    Ok((view, event))
}
