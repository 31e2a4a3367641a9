//! Where the links in messages lead: to pages that the server has, with the token in the query.

use crate::{MailedSecrets, Message};
use ticket::TicketCode;

/// The page on which an address is confirmed.
const VERIFY_EMAIL: &str = "/verify-email";
/// The page on which a password is set.
const RESET_PASSWORD: &str = "/reset-password";
/// The page that shows a ticket.
const TICKET: &str = "/t/";

/// Where a ticket is shown to who has its code.
pub(crate) fn ticket_link(public_url: &str, code: &TicketCode) -> String {
    format!("{public_url}{TICKET}{code}")
}

impl Message {
    /// The link that the message carries, below the address at which people reach the server; none where it has no
    /// secrets. A token is base64 for URLs, so nothing of it has to be encoded.
    pub fn link(&self, public_url: &str, secrets: &MailedSecrets) -> Option<String> {
        let page = match self {
            Self::EmailVerification { .. } | Self::EmailChange { .. } => VERIFY_EMAIL,
            Self::PasswordReset { .. } | Self::AccountCreated { .. } => RESET_PASSWORD,
            _ => return None,
        };
        Some(format!("{public_url}{page}?token={}", secrets.token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{KeyPurpose, ServerKeys, TypedId};

    #[test]
    fn every_message_with_secrets_has_a_link_and_no_other() {
        let keys = ServerKeys::new(vec![1; 32], Vec::new());
        assert!(keys.seal(KeyPurpose::QueuedSecret, b"x").is_ok());
        let secrets = MailedSecrets {
            token: "a-token_of-ours".to_owned(),
            code: "123456".to_owned(),
        };
        let sealed = secrets.seal(&keys).unwrap();
        let one_time_id = kernel::OneTimeId::from_uuid(uuid::Uuid::nil());
        let expires_at = kernel::Instant::default();
        let reset = Message::PasswordReset {
            one_time_id,
            secrets: sealed.clone(),
            expires_at,
        };
        let verification = Message::EmailVerification {
            one_time_id,
            secrets: sealed,
            expires_at,
        };
        let changed = Message::EmailChanged { one_time_id };
        let url = "https://events.example.org";
        for message in [reset, verification, changed] {
            let link = message.link(url, &secrets);
            assert_eq!(link.is_some(), message.secrets().is_some(), "{}", message.kind());
            if let Some(link) = link {
                assert!(
                    link.starts_with(url) && link.ends_with("?token=a-token_of-ours"),
                    "{link}"
                );
            }
        }
    }
}
