//! Who manages every event changes how many seats one of them has.

use crate::{EditEventError, Event, EventPatch, EventTx, edit_event};
use kernel::{Change, Ctx, EventId, Permission};

/// Changes the capacity, as an edit of the event does: a raised one moves the waitlist in the same transaction.
pub fn set_capacity(
    tx: &mut dyn EventTx,
    ctx: &Ctx,
    id: EventId,
    capacity: i64,
) -> Result<Event, EditEventError> {
    ctx.actor.require(Permission::EventManageAny)?;
    let patch = EventPatch {
        capacity: Change::Set(capacity),
        ..EventPatch::default()
    };
    edit_event(tx, ctx, id, patch, None)
}
