//! Who sees and changes which attendees.

use crate::{Attendee, AttendeeRepository};
use kernel::{Actor, Denied, Permission, StoreError, UserId};

/// An account as somebody who runs events: those that it organises, if it may, and those of whose staff it is a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRunner {
    /// The account.
    pub user_id: UserId,
    /// Whether it runs what it organises: the permission may have been taken from it since.
    pub organizes: bool,
}

impl EventRunner {
    /// The actor as such; none for who has no account.
    pub fn of(actor: &Actor) -> Option<Self> {
        Some(Self {
            user_id: actor.user_id()?,
            organizes: actor.holds(Permission::EventCreate),
        })
    }
}

/// Whether the actor sees the attendee: one that they noted themselves, or one that is or was at an event that they run; with
/// `attendee:read:any` everyone. Nobody sees who was forgotten.
pub fn sees_attendee<T>(tx: &mut T, actor: &Actor, attendee: &Attendee) -> Result<bool, StoreError>
where
    T: AttendeeRepository + ?Sized,
{
    if attendee.is_nobody() {
        return Ok(false);
    }
    if actor.holds(Permission::AttendeeReadAny) {
        return Ok(true);
    }
    let Some(runner) = EventRunner::of(actor) else {
        return Ok(false);
    };
    Ok(attendee.created_by == Some(runner.user_id) || tx.attendee_is_at_events_of(attendee.id, runner)?)
}

/// Refuses who may change no attendee at all, before anything is looked up: they learn nothing of who is there.
pub fn require_writing(actor: &Actor) -> Result<(), Denied> {
    if actor.holds(Permission::AttendeeWriteAny) {
        return Ok(());
    }
    actor.require(Permission::AttendeeWrite)
}

/// Refuses who may not change this attendee. Without `attendee:write:any` one changes only whom one noted oneself, who has no
/// account and is and was at nobody else's events. Whom one does not see is said not to exist.
pub(crate) fn changes<T, E>(tx: &mut T, actor: &Actor, attendee: &Attendee, not_found: E) -> Result<(), E>
where
    T: AttendeeRepository + ?Sized,
    E: From<Denied> + From<StoreError>,
{
    if attendee.is_nobody() {
        return Err(not_found);
    }
    if actor.holds(Permission::AttendeeWriteAny) {
        return Ok(());
    }
    if !sees_attendee(tx, actor, attendee)? {
        return Err(not_found);
    }
    let Some(runner) = EventRunner::of(actor) else {
        return Err(not_found);
    };
    let own = attendee.user_id.is_none()
        && attendee.created_by == Some(runner.user_id)
        && !tx.attendee_is_at_events_of_others(attendee.id, runner)?;
    if own { Ok(()) } else { Err(Denied::NotYours.into()) }
}
