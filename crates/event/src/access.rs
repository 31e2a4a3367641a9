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
    if status == EventStatus::Draft { Err(not_found) } else { Err(Denied::NotYours.into()) }
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
