//! Events are read.

use crate::{Event, EventFilter, EventRepository, Visibility, may_manage};
use kernel::{Actor, Ctx, EventId, Page, PageRequest, Permission, StoreError};

/// There is no such event, or it is somebody else's and private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such event")]
pub struct EventNotFound;

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadEventError {
    /// Nothing there for the actor.
    #[error(transparent)]
    NotFound(#[from] EventNotFound),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One event. Drafts are shown to those who run them.
pub fn read_event(tx: &mut dyn EventRepository, ctx: &Ctx, id: EventId) -> Result<Event, ReadEventError> {
    let event = tx.find_event(id)?.ok_or(EventNotFound)?;
    if event.is_private() && !may_manage(tx, &ctx.actor, event.reference())? {
        return Err(EventNotFound.into());
    }
    Ok(event)
}

/// A page of events, with the drafts that the actor runs. `filter.visibility` is set here, whatever it was.
pub fn list_events(
    tx: &mut dyn EventRepository,
    ctx: &Ctx,
    mut filter: EventFilter,
    page: PageRequest,
) -> Result<Page<Event>, StoreError> {
    filter.visibility = match ctx.actor.user_id() {
        _ if ctx.actor.holds(Permission::EventManageAny) => Visibility::All,
        Some(user_id) => Visibility::AndPrivateOf {
            user_id,
            organizes: ctx.actor.holds(Permission::EventCreate),
        },
        None => Visibility::Public,
    };
    tx.list_events(&filter, page)
}

/// Whether [`list_events`] gives the actor what it gives everybody: no event may be private to them.
pub fn is_onlooker(tx: &mut dyn EventRepository, actor: &Actor) -> Result<bool, StoreError> {
    match actor.user_id() {
        None => Ok(true),
        Some(_) if actor.holds(Permission::EventManageAny) || actor.holds(Permission::EventCreate) => {
            Ok(false)
        }
        Some(user_id) => Ok(!tx.manages_any_event(user_id)?),
    }
}
