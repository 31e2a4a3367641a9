//! Sessions and their refresh tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Instant, SessionId, UserId};
use sha2::{Digest, Sha256};
use std::fmt;

/// One sign-in on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, carried by every access token.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// What the client says of itself, at most 300 characters.
    pub device: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// When it began.
    pub created_at: Instant,
    /// When it ends, used or not.
    pub expires_at: Instant,
}

/// A session that its owner may end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// The session.
    pub session: Session,
    /// When it last asked for a new access token.
    pub last_seen_at: Instant,
}

/// Where a session is opened from, and for how long.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// What the client says of itself.
    pub device: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// Until when.
    pub expires_at: Instant,
}

/// An opaque token of 256 random bits. Only its hash is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// A new one, from the operating system's generator.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What a client sent.
    pub fn from_client(text: String) -> Self {
        Self(text)
    }

    /// The text for the client.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is stored: SHA-256 in base64. The token is random, so that no slow hash is needed.
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}
