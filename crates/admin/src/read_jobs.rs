//! The queue of messages is read.

use crate::{JobFilter, JobRepository, QueuedJob};
use kernel::{Ctx, Denied, Page, PageRequest, Permission, StoreError};

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadJobsError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page of messages, the newest first.
pub fn read_jobs(
    tx: &mut dyn JobRepository,
    ctx: &Ctx,
    filter: &JobFilter,
    page: PageRequest,
) -> Result<Page<QueuedJob>, ReadJobsError> {
    ctx.actor.require(Permission::JobManage)?;
    Ok(tx.list_jobs(filter, page)?)
}
