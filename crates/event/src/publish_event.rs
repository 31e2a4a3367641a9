//! A draft is announced.

use crate::create_event::place_taken;
use crate::{Event, EventStatus, EventTx, lock_managed_event};
use kernel::{AuditEntry, Ctx, Denied, EventId, StoreError, TypedId};
use realtime::LiveEvent;

/// Why it stays a draft.
#[derive(Debug, thiserror::Error)]
pub enum PublishEventError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is published, over or called off.
    #[error("the event is no draft")]
    NotDraft(EventStatus),
    /// Its start went by while it was a draft.
    #[error("the start is past")]
    StartIsPast,
    /// A published event has this place on this date.
    #[error("the place is taken on that date")]
    PlaceTaken(Option<EventId>),
    /// It costs something, and payments are not set up.
    #[error("payments are not set up")]
    PaymentsNotConfigured,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct PublishEvent {
    /// The draft.
    pub id: EventId,
    /// Whether the person who publishes must have confirmed their address.
    pub require_verified_email: bool,
}

/// Announces a draft; mails nobody.
pub fn publish_event(
    tx: &mut dyn EventTx,
    ctx: &Ctx,
    command: PublishEvent,
) -> Result<Event, PublishEventError> {
    let mut event = lock_managed_event(tx, ctx, command.id, || PublishEventError::NotFound)?;
    // The draft may be older than the wish to know who organises, or than the organiser's address.
    if command.require_verified_email && !ctx.actor.signed_in()?.email_verified {
        return Err(Denied::EmailNotVerified.into());
    }
    if event.status != EventStatus::Draft {
        return Err(PublishEventError::NotDraft(event.status_at(ctx.now)));
    }
    publish(tx, ctx, &mut event)?;
    Ok(event)
}

/// Publishes a locked draft that the actor manages.
pub(crate) fn publish(tx: &mut dyn EventTx, ctx: &Ctx, event: &mut Event) -> Result<(), PublishEventError> {
    if event.details.has_fee() {
        return Err(PublishEventError::PaymentsNotConfigured);
    }
    if event.details.starts_at <= ctx.now {
        return Err(PublishEventError::StartIsPast);
    }
    if let Some(other) = place_taken(tx, event)? {
        return Err(PublishEventError::PlaceTaken(Some(other)));
    }
    event.status = EventStatus::Published;
    event.published_at = Some(ctx.now);
    event.updated_at = ctx.now;
    event.edit_version += 1;
    // Two drafts for one place and date may be published at the same moment: the index decides.
    tx.update_event(event).map_err(|error| match error {
        StoreError::Duplicate(_) => PublishEventError::PlaceTaken(None),
        other => PublishEventError::Store(other),
    })?;
    tx.publish(ctx, LiveEvent::NewEvent { event_id: event.id });
    tx.record_audit(ctx, AuditEntry::new("event.publish", "event", event.id.uuid()))?;
    Ok(())
}
