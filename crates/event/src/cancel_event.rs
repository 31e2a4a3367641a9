//! An event is called off, for good.

use crate::{Ending, Event, EventStatus, EventTx, lock_managed_event};
use kernel::{AuditEntry, Ctx, Denied, EventId, Invalid, StoreError, TypedId};
use realtime::LiveEvent;

/// Why it takes place after all.
#[derive(Debug, thiserror::Error)]
pub enum CancelEventError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The reason is too long.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is over or called off already.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Calls an event off: registrations and entries end, everybody who had one is told.
pub fn cancel_event(
    tx: &mut dyn EventTx,
    ctx: &Ctx,
    id: EventId,
    reason: Option<String>,
) -> Result<Event, CancelEventError> {
    let mut event = lock_managed_event(tx, ctx, id, || CancelEventError::NotFound)?;
    if reason.as_ref().is_some_and(|text| text.chars().count() > 1_000) {
        return Err(Invalid::field("/reason", "length", "at most 1,000 characters").into());
    }
    let status = event.status_at(ctx.now);
    if matches!(status, EventStatus::Cancelled | EventStatus::Completed) {
        return Err(CancelEventError::ReadOnly(status));
    }
    let mut seats = event.seats();
    let told = tx.event_ended(ctx, &mut seats, Ending::Cancelled, reason.as_deref())?;
    let was_public = event.status == EventStatus::Published;
    if (event.seats_taken, event.waitlist_length) != (seats.taken, seats.waiting) {
        event.seats_version += 1;
    }
    event.seats_taken = seats.taken;
    event.waitlist_length = seats.waiting;
    event.status = EventStatus::Cancelled;
    event.updated_at = ctx.now;
    event.edit_version += 1;
    tx.update_event(&event)?;
    tx.set_cancelled(id, ctx.now, reason.as_deref())?;
    if was_public {
        let status = event.status.as_str().to_owned();
        tx.publish(ctx, LiveEvent::EventUpdated { event_id: id, status });
    }
    tx.record_audit(
        ctx,
        AuditEntry::new("event.cancel", "event", id.uuid())
            .with("told", &told)
            .because(reason),
    )?;
    Ok(event)
}
