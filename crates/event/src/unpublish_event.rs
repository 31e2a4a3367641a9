//! A published event becomes a draft again, while it concerns nobody.

use crate::{Event, EventStatus, EventTx, lock_managed_event};
use kernel::{AuditEntry, Ctx, Denied, EventId, StoreError, TypedId};
use realtime::LiveEvent;

/// Why it stays published.
#[derive(Debug, thiserror::Error)]
pub enum UnpublishEventError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is a draft, over or called off.
    #[error("the event is not published")]
    NotPublished(EventStatus),
    /// Somebody has a seat or waits for one.
    #[error("somebody is registered")]
    Taken {
        /// Seats that are held.
        seats: u32,
        /// How many wait.
        waiting: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes an announcement back: the event is private from the commit on, and its place is free.
pub fn unpublish_event(tx: &mut dyn EventTx, ctx: &Ctx, id: EventId) -> Result<Event, UnpublishEventError> {
    let mut event = lock_managed_event(tx, ctx, id, || UnpublishEventError::NotFound)?;
    let status = event.status_at(ctx.now);
    if status != EventStatus::Published {
        return Err(UnpublishEventError::NotPublished(status));
    }
    // Under the lock both counts are those of the rows.
    if event.seats_taken > 0 || event.waitlist_length > 0 {
        return Err(UnpublishEventError::Taken {
            seats: event.seats_taken,
            waiting: event.waitlist_length,
        });
    }
    event.status = EventStatus::Draft;
    // As if it had never been announced: called off now, it stays as private as any draft.
    event.published_at = None;
    event.updated_at = ctx.now;
    event.edit_version += 1;
    tx.update_event(&event)?;
    let status = event.status.as_str().to_owned();
    tx.publish(ctx, LiveEvent::EventUpdated { event_id: id, status });
    tx.record_audit(ctx, AuditEntry::new("event.unpublish", "event", id.uuid()))?;
    Ok(event)
}
