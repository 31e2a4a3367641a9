//! Registrations are read: one's own, those of events that one runs, or all with the permission.

use crate::{RegistrationFilter, RegistrationTx, RegistrationView};
use event::{manages, may_manage};
use kernel::{Ctx, Denied, EventId, Page, PageRequest, Permission, RegistrationId, StoreError};

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadRegistrationError {
    /// None with that id, or nothing of the actor's.
    #[error("nothing there")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One registration: the actor's own, or of an event that the actor runs.
pub fn read_registration(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    id: RegistrationId,
) -> Result<RegistrationView, ReadRegistrationError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let view = tx
        .find_registration_view(id)?
        .ok_or(ReadRegistrationError::NotFound)?;
    let may = view.attendee_user_id == Some(user_id)
        || ctx.actor.holds(Permission::RegistrationReadAny)
        || may_manage(tx, &ctx.actor, view.event())?;
    if may {
        Ok(view)
    } else {
        Err(ReadRegistrationError::NotFound)
    }
}

/// The actor's own registrations; with `registration:read:any`, everybody's.
pub fn list_registrations(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    mut filter: RegistrationFilter,
    page: PageRequest,
) -> Result<Page<RegistrationView>, ReadRegistrationError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    if !ctx.actor.holds(Permission::RegistrationReadAny) {
        filter.user_id = Some(user_id);
    }
    Ok(tx.list_registrations(&filter, page)?)
}

/// Everybody's registrations, for who may read them all.
pub fn list_all_registrations(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    filter: &RegistrationFilter,
    page: PageRequest,
) -> Result<Page<RegistrationView>, ReadRegistrationError> {
    ctx.actor.require(Permission::RegistrationReadAny)?;
    Ok(tx.list_registrations(filter, page)?)
}

/// The registrations of an event, for its managers.
pub fn list_event_registrations(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
    mut filter: RegistrationFilter,
    page: PageRequest,
) -> Result<Page<RegistrationView>, ReadRegistrationError> {
    let event = tx.find_event(event_id)?.ok_or(ReadRegistrationError::NotFound)?;
    manages(tx, &ctx.actor, event.reference(), ReadRegistrationError::NotFound)?;
    filter.event_id = Some(event_id);
    Ok(tx.list_registrations(&filter, page)?)
}
