//! An attendee is removed, and its seats pass on.

use crate::AttendeeTx;
use crate::access::{changes, require_writing};
use kernel::{AttendeeId, AuditEntry, Ctx, Denied, StoreError, TypedId};

/// Why the attendee stays.
#[derive(Debug, thiserror::Error)]
pub enum RemoveAttendeeError {
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

/// Removes an attendee; gives the number of seats that came free. Organisers remove only whom they noted themselves,
/// who has no account and is at nobody else's events; `attendee:write:any` removes everyone.
pub fn remove_attendee(
    tx: &mut dyn AttendeeTx,
    ctx: &Ctx,
    id: AttendeeId,
) -> Result<u32, RemoveAttendeeError> {
    require_writing(&ctx.actor)?;
    let attendee = tx.find_attendee(id)?.ok_or(RemoveAttendeeError::NotFound)?;
    changes(tx, &ctx.actor, &attendee, RemoveAttendeeError::NotFound)?;
    // Events are locked before people. Whoever registers the attendee elsewhere meanwhile is either seen here or comes after.
    tx.before_attendee_removed(&attendee)?;
    let attendee = tx.hold_attendee(id)?.ok_or(RemoveAttendeeError::NotFound)?;
    changes(tx, &ctx.actor, &attendee, RemoveAttendeeError::NotFound)?;
    let freed = tx.attendee_removed(ctx, &attendee)?;
    tx.delete_attendee(id)?;
    tx.record_audit(
        ctx,
        AuditEntry::new("attendee.delete", "attendee", id.uuid()).with("seats_freed", &freed),
    )?;
    Ok(freed)
}
