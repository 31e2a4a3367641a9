//! The start of an event moved: the seat holders are told.

use crate::RegistrationTx;
use event::Event;
use kernel::{Ctx, Instant, StoreError};
use notification::Message;

/// Writes to everybody who holds a seat; gives how many.
pub fn tell_moved(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event: &Event,
    previous_starts_at: Instant,
) -> Result<u32, StoreError> {
    let holders = tx.list_seat_holders(event.id)?;
    for holder in &holders {
        let message = Message::EventMoved {
            event: event.seats().facts(),
            previous_starts_at,
            edit: event.edit_version,
        };
        tx.enqueue(ctx, holder.attendee.recipient(), message);
    }
    Ok(u32::try_from(holders.len()).unwrap_or(u32::MAX))
}
