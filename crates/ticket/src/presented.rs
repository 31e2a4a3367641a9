//! What somebody shows at the door.

use crate::TicketCode;
use crate::signature::verified;
use kernel::{EventId, ServerKeys};

/// A ticket as it was shown: typed in, or scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Its code.
    pub code: TicketCode,
    /// The event that a scanned ticket is for, as it was signed. A typed code does not say.
    pub event_id: Option<EventId>,
}

/// Neither a code nor a text that we signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a ticket")]
pub struct NotATicket;

/// Reads what was typed or scanned: the code alone, or the signed text of a QR code. A text whose signature is not ours is
/// no ticket, whatever code it names.
pub fn read_presented(keys: &ServerKeys, text: &str) -> Result<Presented, NotATicket> {
    let text = text.trim();
    // A code has no dots, a signed text has two.
    if text.contains('.') {
        let (code, event_id) = verified(keys, text).ok_or(NotATicket)?;
        return Ok(Presented {
            code,
            event_id: Some(event_id),
        });
    }
    let code = text.parse().map_err(|_| NotATicket)?;
    Ok(Presented { code, event_id: None })
}

#[cfg(test)]
mod tests;
