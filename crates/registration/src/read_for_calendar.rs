//! A registration is read with its event, for a calendar.

use crate::read_registration::is_told;
use crate::{ReadRegistrationError, RegistrationTx, RegistrationView};
use event::Event;
use kernel::{Ctx, RegistrationId};

/// The actor's own registration, or one at an event that the actor runs, and the event. Also one that has ended: who has
/// the entry in a calendar is to learn it there.
pub fn read_for_calendar(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    id: RegistrationId,
) -> Result<(RegistrationView, Event), ReadRegistrationError> {
    ctx.actor.signed_in()?;
    let view = tx
        .find_registration_view(id)?
        .ok_or(ReadRegistrationError::NotFound)?;
    if !is_told(tx, ctx, &view)? {
        return Err(ReadRegistrationError::NotFound);
    }
    let event = tx
        .find_event(view.registration.event_id)?
        .ok_or(ReadRegistrationError::NotFound)?;
    Ok((view, event))
}
