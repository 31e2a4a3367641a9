//! Remembered answers: the same key and request within 24 hours answers as the first did.

use crate::{Instant, StoreError, UserId};

/// The client's key: 1 to 255 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a header's value.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| (0x21..=0x7e).contains(&b));
        fits.then(|| Self(text.to_owned()))
    }

    /// The key as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose key it is and what it was used for, with a fingerprint of the request's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyScope {
    /// The account.
    pub user_id: UserId,
    /// Method and path, such as `POST /api/v1/events`.
    pub route: String,
    /// The key.
    pub key: IdempotencyKey,
    /// SHA-256 of the request's body, in hexadecimal.
    pub fingerprint: String,
}

/// An answer as it went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The status, 200 to 299.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The JSON body.
    pub body: String,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// It is new, and taken for this transaction now.
    New,
    /// The same request was answered before.
    Answered(StoredAnswer),
    /// The key was used for another request.
    OtherRequest,
}

/// Keeps the answers, in the transaction of their effect.
pub trait IdempotencyStore {
    /// Takes the key for this transaction, or tells what it stands for. A repeat that runs at the same time waits.
    fn claim_idempotency_key(
        &mut self,
        now: Instant,
        scope: &IdempotencyScope,
    ) -> Result<Remembered, StoreError>;
    /// Keeps the answer of the request that took the key.
    fn store_answer(&mut self, scope: &IdempotencyScope, answer: &StoredAnswer) -> Result<(), StoreError>;
}
