//! Attendees are read: one's own, those of events that one runs, or all with the permission.

use crate::{Attendee, AttendeeFilter, AttendeeRepository, EventRunner, sees_attendee};
use kernel::{AttendeeId, Ctx, Denied, Page, PageRequest, Permission, StoreError};

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadAttendeeError {
    /// There is none with that id, or none that the actor sees.
    #[error("no such attendee")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One attendee.
pub fn read_attendee(
    tx: &mut dyn AttendeeRepository,
    ctx: &Ctx,
    id: AttendeeId,
) -> Result<Attendee, ReadAttendeeError> {
    require_reading(ctx)?;
    let attendee = tx.find_attendee(id)?.ok_or(ReadAttendeeError::NotFound)?;
    if sees_attendee(tx, &ctx.actor, &attendee)? {
        Ok(shown(ctx, attendee))
    } else {
        Err(ReadAttendeeError::NotFound)
    }
}

/// A page of attendees, the newest first.
pub fn list_attendees(
    tx: &mut dyn AttendeeRepository,
    ctx: &Ctx,
    filter: &AttendeeFilter,
    page: PageRequest,
) -> Result<Page<Attendee>, ReadAttendeeError> {
    require_reading(ctx)?;
    let runner = if ctx.actor.holds(Permission::AttendeeReadAny) {
        None
    } else {
        Some(EventRunner::of(&ctx.actor).ok_or(Denied::Unauthenticated)?)
    };
    let page = tx.list_attendees(runner, filter, page)?;
    Ok(page.map(|attendee| shown(ctx, attendee)))
}

/// Refuses who may read no attendee at all.
pub fn require_reading(ctx: &Ctx) -> Result<(), Denied> {
    if ctx.actor.holds(Permission::AttendeeReadAny) {
        return Ok(());
    }
    ctx.actor.require(Permission::AttendeeRead)
}

/// The telephone number is for who noted it, and not for other organisers who meet the person.
fn shown(ctx: &Ctx, attendee: Attendee) -> Attendee {
    let noted = attendee.created_by.is_some() && attendee.created_by == ctx.actor.user_id();
    if noted || ctx.actor.holds(Permission::AttendeeReadAny) {
        return attendee;
    }
    Attendee {
        phone: None,
        ..attendee
    }
}
