//! The audit log is read.

use crate::{AuditFilter, AuditRecord, AuditRepository};
use kernel::{Ctx, Denied, Page, PageRequest, Permission, StoreError};

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadAuditLogError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page of rows, the newest first.
pub fn read_audit_log(
    tx: &mut dyn AuditRepository,
    ctx: &Ctx,
    filter: &AuditFilter,
    page: PageRequest,
) -> Result<Page<AuditRecord>, ReadAuditLogError> {
    ctx.actor.require(Permission::AuditRead)?;
    Ok(tx.list_audit(filter, page)?)
}
