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
    ctx.actor.signed_in()?;
    let view = tx
        .find_registration_view(id)?
        .ok_or(ReadRegistrationError::NotFound)?;
    let may = ctx.actor.holds(Permission::RegistrationReadAny) || is_told(tx, ctx, &view)?;
    if may {
        Ok(view)
    } else {
        Err(ReadRegistrationError::NotFound)
    }
}

/// Whether the actor is told of the registration: it is their own, or they run the event. Of an event that is private by
/// now, who once had a seat learns no more than anybody.
pub(crate) fn is_told(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    view: &RegistrationView,
) -> Result<bool, StoreError> {
    let event = view.event();
    let is_own = ctx.actor.user_id().is_some() && view.attendee_user_id == ctx.actor.user_id();
    Ok((is_own && !event.is_private) || may_manage(tx, &ctx.actor, event)?)
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
        filter.without_private = true;
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
