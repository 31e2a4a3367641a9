//! An attendee is removed, and its seats pass on.

use crate::{Attendee, AttendeeRemoved, AttendeeRepository};
use kernel::{AttendeeId, AuditEntry, AuditLog, Ctx, Denied, Permission, StoreError, TypedId};

/// What removing needs of a transaction.
pub trait RemoveAttendeeTx: AttendeeRepository + AttendeeRemoved + AuditLog {}

/// Why the attendee stays.
#[derive(Debug, thiserror::Error)]
pub enum RemoveAttendeeError {
    /// There is none with that id, or it is nothing of the actor's.
    #[error("no such attendee")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Removes an attendee; gives the number of seats that came free. Organisers remove only whom they noted themselves,
/// who has no account and is at nobody else's events; `attendee:write:any` removes everyone.
pub fn remove_attendee(
    tx: &mut dyn RemoveAttendeeTx,
    ctx: &Ctx,
    id: AttendeeId,
) -> Result<u32, RemoveAttendeeError> {
    let removes_any = ctx.actor.holds(Permission::AttendeeWriteAny);
    // Before anything is looked up: who lacks it learns nothing of who is there.
    if !removes_any {
        ctx.actor.require(Permission::AttendeeWrite)?;
    }
    let attendee = tx.find_attendee(id)?.ok_or(RemoveAttendeeError::NotFound)?;
    if !removes_any && !is_own(tx, ctx, &attendee)? {
        return Err(RemoveAttendeeError::NotFound);
    }
    let freed = tx.attendee_removed(ctx, &attendee)?;
    tx.delete_attendee(id)?;
    tx.record_audit(
        ctx,
        AuditEntry::new("attendee.delete", "attendee", id.uuid()).with("seats_freed", &freed),
    )?;
    Ok(freed)
}

fn is_own(
    tx: &mut dyn RemoveAttendeeTx,
    ctx: &Ctx,
    attendee: &Attendee,
) -> Result<bool, RemoveAttendeeError> {
    let Some(user_id) = ctx.actor.user_id() else {
        return Ok(false);
    };
    Ok(attendee.user_id.is_none()
        && attendee.created_by == Some(user_id)
        && !tx.attendee_is_at_events_of_others(attendee.id, user_id)?)
}
