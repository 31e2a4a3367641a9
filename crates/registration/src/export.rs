//! The list of an event's seat holders leaves the house: a page at a time, since it may be long and who reads it slow.

use crate::{ReadRegistrationError, RegistrationTx, SeatHolder};
use event::{Event, manages};
use kernel::{AuditEntry, Ctx, EventId, Position, TypedId};

/// Seat holders of a page at the most.
pub const EXPORTED_AT_ONCE: u32 = 1_000;

/// The event, if the actor may have the list; notes that it was given out.
pub fn begin_export(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<Event, ReadRegistrationError> {
    let event = exported_event(tx, ctx, event_id)?;
    tx.record_audit(ctx, AuditEntry::new("attendees.export", "event", event_id.uuid()))?;
    Ok(event)
}

/// The event, if the actor may have the list.
pub fn exported_event(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<Event, ReadRegistrationError> {
    let event = tx.find_event(event_id)?.ok_or(ReadRegistrationError::NotFound)?;
    manages(tx, &ctx.actor, event.reference(), ReadRegistrationError::NotFound)?;
    Ok(event)
}

/// The next seat holders, in the order in which they registered. Who has lost the right meanwhile gets no more.
pub fn export_page(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
    after: Option<Position>,
) -> Result<Vec<SeatHolder>, ReadRegistrationError> {
    exported_event(tx, ctx, event_id)?;
    Ok(tx.list_seat_holders_after(event_id, after, EXPORTED_AT_ONCE)?)
}
