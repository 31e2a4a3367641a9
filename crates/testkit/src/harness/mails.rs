//! What was mailed, as its recipient reads it.

use super::Harness;
use kernel::EmailAddress;
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
        sealed
            .open(&self.server_keys())
            .expect("secrets under the server's key")
    }

    /// The code of the newest text message to that number that carries one.
    pub async fn texted_code(&self, phone: &str) -> String {
        let entries = self.outbox().await.into_iter().rev();
        let newest = entries
            .filter(|entry| entry.channel == "message" && entry.recipient_key.as_deref() == Some(phone))
            .filter_map(|entry| serde_json::from_value::<QueuedMessage>(entry.payload).ok())
            .find_map(|queued| queued.message.secrets().map(|(sealed, _)| sealed.clone()));
        let sealed = newest.unwrap_or_else(|| panic!("no code was sent to {phone}"));
        let secrets = sealed.open(&self.server_keys());
        secrets.expect("secrets under the server's key").code
    }

    /// The link of the newest message to that address that has one.
    pub async fn newest_link(&self, email: &str) -> String {
        let secrets = self.mailed_secrets(email).await;
        let mails = self.mails_to(email).await;
        let url = self.running().base_url();
        let link = mails.iter().rev().find_map(|message| message.link(url, &secrets));
        link.unwrap_or_else(|| panic!("no link was mailed to {email}"))
    }
}
