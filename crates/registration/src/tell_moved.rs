//! The start of an event moved: the seat holders are told.

use crate::{Mailing, RegistrationTx, begin_mailing};
use event::Event;
use kernel::{Ctx, Instant, StoreError};
use notification::Message;

/// Writes to everybody who holds a seat: the first few hundred at once, the others soon.
pub fn tell_moved(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event: &Event,
    previous_starts_at: Instant,
) -> Result<(), StoreError> {
    let message = Message::EventMoved {
        event: event.seats().facts(),
        previous_starts_at,
        edit: event.edit_version,
    };
    begin_mailing(tx, ctx, Mailing::to_holders(ctx, event.id, message, ctx.now))?;
    Ok(())
}
