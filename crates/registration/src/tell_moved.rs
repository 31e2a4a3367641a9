//! The start of an event moved: the seat holders are told.

use crate::{Mailing, RegistrationTx, begin_mailing};
use event::Event;
use kernel::{Ctx, Instant, StoreError};
use notification::Message;

/// Writes to everybody who holds a seat: the first few hundred at once, the others soon. Whom an earlier move has not been
/// told yet need not hear of it any more. Under the event's lock.
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
        registration_id: None,
    };
    tx.delete_mailings_of_kind(event.id, message.kind())?;
    let mailing = Mailing::to_all_holders(tx, ctx, event.id, message)?;
    begin_mailing(tx, ctx, mailing)?;
    Ok(())
}
