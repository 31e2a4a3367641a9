//! A message is taken out of the queue for good.

use crate::{JobStatus, JobTx};
use kernel::{AuditEntry, Ctx, Denied, OutboxId, Permission, StoreError, TypedId};

/// What a dropped message says was in the way.
pub const DROPPED: &str = "dropped by an admin";

/// Why the message stays.
#[derive(Debug, thiserror::Error)]
pub enum DropJobError {
    /// There is none with that id.
    #[error("no such message")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It was sent already.
    #[error("the message was sent")]
    Sent,
    /// Somebody is sending it at this moment.
    #[error("the message is being sent")]
    InProgress,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a dead or waiting message out for good, with what it says. Its row stays, as one that lapsed and cannot be tried
/// again: the same thing is not told anew, and whoever reads the queue sees what became of it. Doing it twice is
/// doing it once.
pub fn drop_job(tx: &mut dyn JobTx, ctx: &Ctx, id: OutboxId) -> Result<(), DropJobError> {
    ctx.actor.require(Permission::JobManage)?;
    let job = tx.lock_job(id)?.ok_or(DropJobError::NotFound)?;
    if job.status == JobStatus::Done {
        return Err(DropJobError::Sent);
    }
    if job.is_in_progress(ctx.now) {
        return Err(DropJobError::InProgress);
    }
    if job.wiped_at.is_some() && job.last_error.as_deref() == Some(DROPPED) {
        return Ok(());
    }
    tx.drop_job(id, DROPPED, ctx.now)?;
    let entry = AuditEntry::new("job.drop", "job", id.uuid());
    tx.record_audit(
        ctx,
        entry.with("kind", &job.kind).with("status", job.status.as_str()),
    )?;
    Ok(())
}
