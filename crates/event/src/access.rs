//! Who runs an event.

use crate::{Event, EventRepository, EventStatus, StaffRole};
use chrono::TimeDelta;
use kernel::{Actor, Ctx, Denied, EventId, Instant, Permission, StoreError, UserId};

/// What decides about who runs an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRef {
    /// The event.
    pub id: EventId,
    /// Who organises it.
    pub organizer_id: UserId,
    /// Where it stands, as last written.
    pub status: EventStatus,
    /// Whether only those who run it know of it.
    pub is_private: bool,
}

/// How long after the end of an event tickets are still scanned: scanners that were offline send what they scanned.
const ADMITS_AFTER_END: TimeDelta = TimeDelta::hours(24);

impl EventRef {
    /// Whether people are checked in at that time: from publishing until a day after the end.
    pub fn admits_at(&self, now: Instant, ends_at: Instant) -> bool {
        let announced = matches!(self.status, EventStatus::Published | EventStatus::Completed);
        announced && now < ends_at + ADMITS_AFTER_END
    }
}

/// Whether the actor runs the event: the organiser while holding `event:create`, a manager of its staff, or whoever holds
/// `event:manage:any`.
pub fn may_manage<T>(tx: &mut T, actor: &Actor, event: EventRef) -> Result<bool, StoreError>
where
    T: EventRepository + ?Sized,
{
    Ok(organises(actor, event.organizer_id) || staff_role(tx, actor, event)? == Some(StaffRole::Manager))
}

/// Whether the actor checks people in at the event: its managers, its scanners, or whoever holds `checkin:scan`.
pub fn may_scan<T>(tx: &mut T, actor: &Actor, event: EventRef) -> Result<bool, StoreError>
where
    T: EventRepository + ?Sized,
{
    Ok(actor.holds(Permission::CheckinScan)
        || organises(actor, event.organizer_id)
        || staff_role(tx, actor, event)?.is_some())
}

fn organises(actor: &Actor, organizer_id: UserId) -> bool {
    actor.holds(Permission::EventManageAny)
        || (actor.user_id() == Some(organizer_id) && actor.holds(Permission::EventCreate))
}

fn staff_role<T>(tx: &mut T, actor: &Actor, event: EventRef) -> Result<Option<StaffRole>, StoreError>
where
    T: EventRepository + ?Sized,
{
    match actor.user_id() {
        Some(user_id) => tx.find_staff_role(event.id, user_id),
        None => Ok(None),
    }
}

/// Refuses who does not run the event: a private one is said not to exist, any other is not theirs.
pub fn manages<T, E>(tx: &mut T, actor: &Actor, event: EventRef, not_found: E) -> Result<(), E>
where
    T: EventRepository + ?Sized,
    E: From<Denied> + From<StoreError>,
{
    let may = may_manage(tx, actor, event)?;
    allowed(may, actor, event, not_found)
}

/// Refuses who may not check people in at the event, as [`manages`] refuses. Nobody is checked in at a private one, so that
/// who only scans does not learn of it.
pub fn scans<T, E>(tx: &mut T, actor: &Actor, event: EventRef, not_found: E) -> Result<(), E>
where
    T: EventRepository + ?Sized,
    E: From<Denied> + From<StoreError>,
{
    let may = if event.is_private {
        may_manage(tx, actor, event)?
    } else {
        may_scan(tx, actor, event)?
    };
    allowed(may, actor, event, not_found)
}

fn allowed<E: From<Denied>>(may: bool, actor: &Actor, event: EventRef, not_found: E) -> Result<(), E> {
    if may {
        return Ok(());
    }
    if matches!(actor, Actor::Anonymous) {
        return Err(Denied::Unauthenticated.into());
    }
    if event.is_private {
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
    manages(tx, &ctx.actor, event.reference(), not_found())?;
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
    manages(tx, &ctx.actor, event.reference(), ManageEventError::NotFound)
}

/// Asks the same of who checks people in.
pub fn require_scanner(
    tx: &mut (impl EventRepository + ?Sized),
    ctx: &Ctx,
    id: EventId,
) -> Result<(), ManageEventError> {
    let event = tx.find_event(id)?.ok_or(ManageEventError::NotFound)?;
    scans(tx, &ctx.actor, event.reference(), ManageEventError::NotFound)
}

/// What asking refuses, the operations refuse too: an error takes over [`ManageEventError`], with the name of its variant
/// for "no such event".
#[macro_export]
macro_rules! refuse_alike {
    ($($error:ty => $not_found:ident),+ $(,)?) => {$(
        impl From<$crate::ManageEventError> for $error {
            fn from(error: $crate::ManageEventError) -> Self {
                match error {
                    $crate::ManageEventError::NotFound => Self::$not_found,
                    $crate::ManageEventError::Denied(denied) => Self::Denied(denied),
                    $crate::ManageEventError::Store(error) => Self::Store(error),
                }
            }
        }
    )+};
}

refuse_alike!(
    crate::PublishEventError => NotFound,
    crate::UnpublishEventError => NotFound,
    crate::CancelEventError => NotFound,
    crate::CopyEventError => NotFound,
);
