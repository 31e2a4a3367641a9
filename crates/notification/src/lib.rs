//! Every message that Podium sends, and the port through which operations ask for one.
//!
//! Invariant: a message holds all that its text needs, so that it can be sent after what it tells of is gone.

mod announcement;
mod calendar_file;
mod campaign;
mod campaign_links;
mod destination;
mod letter;
mod lines;
mod links;
mod mail;
mod mailer;
mod message;
mod queue;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
mod secret;
#[cfg(test)]
mod tests;
mod text_message;
mod ticket_page;

pub use campaign::{
    CampaignText, CampaignValues, MOST_OF_BODY, MOST_OF_SUBJECT, TemplateProblem, check_campaign,
    render_campaign,
};
pub use campaign_links::{
    UnsubscribeToken, read_unsubscribe_token, read_vote_token, unsubscribe_link, unsubscribe_token,
    vote_link, vote_token,
};
pub use destination::{Destination, Medium};
pub use mail::{Attachment, RenderError, RenderedMail, render_mail};
pub use mailer::{Delivering, Mailer, OutgoingMail, OutgoingText, SmsSender};
pub use message::{EventFacts, Message, PasswordChange, Priority, Recipient, ReminderLead};
pub use queue::{
    Claim, Claimed, Delivery, Job, MessageQueue, PROBE_EVERY, QueueFigures, Unreadable, Verdict, judge,
};
pub use secret::{MailedSecrets, SealedSecrets};
pub use text_message::{TEXTS_A_DAY, render_text};

use kernel::{Ctx, OutboxId, PhoneNumber, UserId};

/// Where an operation puts what is to be told. Messages gather in the transaction and are written with it, in one
/// insert before the commit; one with the same recipient, kind and occasion as an earlier one is dropped.
pub trait Outbox {
    /// Asks for a message to be sent once this transaction is committed.
    fn enqueue(&mut self, ctx: &Ctx, recipient: Recipient, message: Message);
    /// The same under an id that the caller knows the message by.
    fn enqueue_as(&mut self, ctx: &Ctx, id: OutboxId, recipient: Recipient, message: Message);
    /// Asks for a message to be sent to a phone, once this transaction is committed.
    fn enqueue_text(&mut self, ctx: &Ctx, phone: &PhoneNumber, user_id: UserId, message: Message);
}
