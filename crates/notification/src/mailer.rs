//! The ports through which messages leave: mails, and text messages beside them.

use crate::{Delivery, RenderedMail};
use kernel::Instant;
use std::future::Future;
use std::pin::Pin;

/// A mail on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// The part before the `@` of its Message-ID: the same for every copy of one message.
    pub id: String,
    /// When it was asked for; its `Date`.
    pub date: Instant,
    /// How the recipient is called.
    pub to_name: String,
    /// Where it goes.
    pub to_email: String,
    /// What it says.
    pub content: RenderedMail,
}

/// A text message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingText {
    /// The message's id, for the log.
    pub id: String,
    /// The number, E.164.
    pub to: String,
    /// What it says.
    pub body: String,
}

/// A delivery that is under way.
pub type Delivering<'a> = Pin<Box<dyn Future<Output = Delivery> + Send + 'a>>;

/// Hands mails over.
pub trait Mailer: Send + Sync {
    /// Hands one over, or says why not; ends within a minute.
    fn deliver<'a>(&'a self, mail: &'a OutgoingMail) -> Delivering<'a>;
}

/// Hands text messages over.
pub trait SmsSender: Send + Sync {
    /// Hands one over, or says why not; ends within a minute.
    fn deliver<'a>(&'a self, text: &'a OutgoingText) -> Delivering<'a>;
}
