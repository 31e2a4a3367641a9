//! A dead letter is put back into the queue.

use crate::{JobStatus, JobTx, QueuedJob};
use kernel::{AuditEntry, Ctx, Denied, OutboxId, Permission, StoreError, TypedId};

/// Why the message stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum RetryJobError {
    /// There is none with that id.
    #[error("no such message")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is not a dead letter.
    #[error("the message is {}", .0.as_str())]
    NotDead(JobStatus),
    /// What it said was taken out, or is worth nothing any more.
    #[error("the message says nothing any more")]
    Gone,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts a dead letter back into the queue, as if it had never been tried, and wakes who sends it. What was in the way
/// the last time is kept until the next try says otherwise.
pub fn retry_job(tx: &mut dyn JobTx, ctx: &Ctx, id: OutboxId) -> Result<QueuedJob, RetryJobError> {
    ctx.actor.require(Permission::JobManage)?;
    let job = tx.lock_job(id)?.ok_or(RetryJobError::NotFound)?;
    match job.status {
        JobStatus::Dead if job.is_worth_sending(ctx.now) => {}
        JobStatus::Dead | JobStatus::Lapsed => return Err(RetryJobError::Gone),
        JobStatus::Queued | JobStatus::Done => return Err(RetryJobError::NotDead(job.status)),
    }
    tx.requeue_job(id, ctx.now)?;
    let entry = AuditEntry::new("job.retry", "job", id.uuid());
    tx.record_audit(ctx, entry.with("kind", &job.kind).with("attempts", &job.attempts))?;
    Ok(QueuedJob {
        status: JobStatus::Queued,
        attempts: 0,
        due_at: ctx.now,
        finished_at: None,
        is_leased: false,
        ..job
    })
}
