//! What was mailed, as its recipient reads it.

use super::{Harness, SIGNING_KEY};
use kernel::{EmailAddress, ServerKeys};
use notification::{MailedSecrets, Message};
use storage::QueuedMessage;

impl Harness {
    /// The messages to an address, the oldest first.
    pub async fn mails_to(&self, email: &str) -> Vec<Message> {
        let address: EmailAddress = email.parse().expect("an address");
        let entries = self.outbox().await.into_iter();
        entries
            .filter(|entry| {
                entry.channel == "message" && entry.recipient_key.as_deref() == Some(address.key())
            })
            .map(|entry| {
                let queued: QueuedMessage =
                    serde_json::from_value(entry.payload).expect("a message in the outbox");
                queued.message
            })
            .collect()
    }

    /// The token and the code of the newest message to that address that carries some.
    pub async fn mailed_secrets(&self, email: &str) -> MailedSecrets {
        let mails = self.mails_to(email).await;
        let newest = mails.iter().rev().find_map(Message::secrets);
        let (sealed, _) = newest.unwrap_or_else(|| panic!("nothing to prove anything was mailed to {email}"));
        let keys = ServerKeys::new(SIGNING_KEY.to_vec(), Vec::new());
        sealed.open(&keys).expect("secrets under the server's key")
    }
}
