//! Every message that Podium sends, and the port through which operations ask for one.
//!
//! Invariant: a message holds all that its text needs, so that it can be sent after what it tells of is gone.

mod links;
mod message;
mod secret;

pub use message::{EventFacts, Message, PasswordChange, Priority, Recipient};
pub use secret::{MailedSecrets, SealedSecrets};

use kernel::Ctx;

/// Where an operation puts what is to be told. Messages gather in the transaction and are written with it, in one
/// insert before the commit; one with the same recipient, kind and occasion as an earlier one is dropped.
pub trait Outbox {
    /// Asks for a message to be sent once this transaction is committed.
    fn enqueue(&mut self, ctx: &Ctx, recipient: Recipient, message: Message);
}
