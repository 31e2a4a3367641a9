//! An event is removed with all that belongs to it; the audit log stays.

use crate::{Ending, EventStatus, EventTx, lock_managed_event};
use kernel::{AuditEntry, Ctx, Denied, EventId, StoreError, TypedId};
use realtime::LiveEvent;

/// Why it stays.
#[derive(Debug, thiserror::Error)]
pub enum DeleteEventError {
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

/// Removes an event: everybody who had a seat or waited is told, as when it is called off.
pub fn delete_event(tx: &mut dyn EventTx, ctx: &Ctx, id: EventId) -> Result<(), DeleteEventError> {
    let event = lock_managed_event(tx, ctx, id, || DeleteEventError::NotFound)?;
    let was_upcoming = event.status_at(ctx.now) == EventStatus::Published;
    let told = tx.event_ended(ctx, &mut event.seats(), Ending::Deleted, None)?;
    tx.delete_event(id)?;
    if was_upcoming {
        let status = "deleted".to_owned();
        tx.publish(ctx, LiveEvent::EventUpdated { event_id: id, status });
    }
    tx.record_audit(
        ctx,
        AuditEntry::new("event.delete", "event", id.uuid()).with("told", &told),
    )?;
    Ok(())
}
