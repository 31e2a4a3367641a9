//! Who runs an event.

use crate::{Event, EventRepository, EventStatus};
use kernel::{Actor, Ctx, Denied, EventId, Permission, StoreError, UserId};

/// Whether the actor runs events of that organiser: the organiser while holding `event:create`, or whoever holds
/// `event:manage:any`.
pub fn may_manage(actor: &Actor, organizer_id: UserId) -> bool {
    actor.holds(Permission::EventManageAny)
        || (actor.user_id() == Some(organizer_id) && actor.holds(Permission::EventCreate))
}

/// Refuses who does not run the event: a draft is private and said not to exist, any other is not theirs.
pub fn manages<E: From<Denied>>(
    actor: &Actor,
    organizer_id: UserId,
    status: EventStatus,
    not_found: E,
) -> Result<(), E> {
    if may_manage(actor, organizer_id) {
        return Ok(());
    }
    if matches!(actor, Actor::Anonymous) {
        return Err(Denied::Unauthenticated.into());
    }
    if status == EventStatus::Draft {
        Err(not_found)
    } else {
        Err(Denied::NotYours.into())
    }
}

/// The event, locked, if the actor runs it.
pub fn lock_managed_event<E>(
    tx: &mut (impl EventRepository + ?Sized),
    ctx: &Ctx,
    id: EventId,
    not_found: fn() -> E,
) -> Result<Event, E>
where
    E: From<Denied> + From<StoreError>,
{
    let event = tx.lock_event(id)?.ok_or_else(not_found)?;
    manages(&ctx.actor, event.organizer.id, event.status, not_found())?;
    Ok(event)
}

/// Why somebody is not let near an event's management.
#[derive(Debug, thiserror::Error)]
pub enum ManageEventError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks, without a lock, whether the actor runs the event: before a repeated request is answered again, and before
/// anybody is told what is wrong with the content of theirs.
pub fn require_manager(
    tx: &mut (impl EventRepository + ?Sized),
    ctx: &Ctx,
    id: EventId,
) -> Result<(), ManageEventError> {
    let event = tx.find_event(id)?.ok_or(ManageEventError::NotFound)?;
    manages(
        &ctx.actor,
        event.organizer.id,
        event.status,
        ManageEventError::NotFound,
    )
}

/// What asking refuses, the operations refuse too.
macro_rules! refuse_alike {
    ($($error:ty),+) => {$(
        impl From<ManageEventError> for $error {
            fn from(error: ManageEventError) -> Self {
                match error {
                    ManageEventError::NotFound => Self::NotFound,
                    ManageEventError::Denied(denied) => Self::Denied(denied),
                    ManageEventError::Store(error) => Self::Store(error),
                }
            }
        }
    )+};
}

refuse_alike!(crate::PublishEventError, crate::CancelEventError);
