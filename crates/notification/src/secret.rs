//! The secrets that some messages carry: a link's token and a code, readable by who has the server's key alone.

use kernel::{KeyPurpose, SealError, ServerKeys};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What proves control of the address that a message goes to. Shown to nobody but its recipient.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailedSecrets {
    /// The token of the link, 256 bits in base64; empty where there is no link.
    pub token: String,
    /// Six digits, for who cannot follow the link.
    pub code: String,
}

impl fmt::Debug for MailedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailedSecrets(…)")
    }
}

/// The same, sealed with the server's key, as it stands in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedSecrets(String);

impl MailedSecrets {
    /// A code that comes without a link, as a text message carries it: the token is empty, and proves nothing anywhere.
    pub fn code_alone(code: String) -> Self {
        Self {
            token: String::new(),
            code,
        }
    }

    /// Seals them for the queue.
    pub fn seal(&self, keys: &ServerKeys) -> Result<SealedSecrets, SealError> {
        let plain = serde_json::to_vec(self).map_err(|_| SealError)?;
        keys.seal(KeyPurpose::QueuedSecret, &plain).map(SealedSecrets)
    }
}

impl SealedSecrets {
    /// Reads them; none if the key that sealed them is gone.
    pub fn open(&self, keys: &ServerKeys) -> Option<MailedSecrets> {
        let plain = keys.open(KeyPurpose::QueuedSecret, &self.0)?;
        serde_json::from_slice(&plain).ok()
    }
}
