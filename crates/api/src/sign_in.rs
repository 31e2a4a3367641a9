//! From an access token to the person behind it, remembered for a few seconds.
//!
//! Invariant: what another instance revoked is honoured here after the time of remembering at the latest, and what this
//! one revoked at once.

use crate::middleware::{AuthFailure, Authenticating, Authenticator};
use auth::{AccessClaims, TokenSigner, find_actor};
use kernel::{Clock, Instant, SessionId, SignedIn, StoreError};
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use storage::Store;

/// Sessions that are remembered at the most.
const CAPACITY: u64 = 100_000;

/// Knows whose an access token is: by its signature, and by its session's rows.
pub struct SessionAuthenticator {
    signer: Arc<TokenSigner>,
    store: Store,
    clock: Arc<dyn Clock>,
    remembered: Cache<SessionId, (SignedIn, Instant)>,
    remember_for: Duration,
    /// Counts ended sessions: what was read before one ended is not remembered after it.
    generation: AtomicU64,
}

impl SessionAuthenticator {
    /// An authenticator that remembers a session for that long, at most five seconds.
    pub fn new(
        signer: Arc<TokenSigner>,
        store: Store,
        clock: Arc<dyn Clock>,
        remember_for: Duration,
    ) -> Self {
        Self {
            signer,
            store,
            clock,
            remembered: Cache::new(CAPACITY),
            remember_for: remember_for.min(Duration::from_secs(5)),
            generation: AtomicU64::new(0),
        }
    }

    /// To be called after every commit that changed what roles permit.
    pub fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.remembered.invalidate_all();
    }

    /// To be called after every commit that ended a session or changed what it permits.
    pub fn forget(&self, sessions: &[SessionId]) {
        if !sessions.is_empty() {
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
        for session in sessions {
            self.remembered.invalidate(session);
        }
    }

    fn claims(&self, now: Instant, token: &str) -> Result<AccessClaims, AuthFailure> {
        self.signer.verify(now, token).map_err(|_| AuthFailure::Invalid)
    }

    async fn look_up(&self, token: &str) -> Result<SignedIn, AuthFailure> {
        let now = self.clock.now();
        let claims = self.claims(now, token)?;
        let generation = self.generation.load(Ordering::SeqCst);
        let found = self
            .store
            .read(move |tx| find_actor(tx, now, claims.sid))
            .await
            .map_err(|error: StoreError| AuthFailure::Store(error))?;
        let signed_in = found
            .filter(|found| found.user_id == claims.sub)
            .ok_or(AuthFailure::SessionEnded)?;
        if generation == self.generation.load(Ordering::SeqCst) {
            self.remembered.insert(claims.sid, (signed_in.clone(), now));
            // A session that ended between the look at the count and the insertion is forgotten again.
            if generation != self.generation.load(Ordering::SeqCst) {
                self.remembered.invalidate(&claims.sid);
            }
        }
        Ok(signed_in)
    }
}

impl Authenticator for SessionAuthenticator {
    fn recall(&self, token: &str) -> Option<Result<SignedIn, AuthFailure>> {
        let now = self.clock.now();
        let claims = match self.claims(now, token) {
            Ok(claims) => claims,
            Err(failure) => return Some(Err(failure)),
        };
        let (signed_in, since) = self.remembered.get(&claims.sid)?;
        let age = (now - since).to_std().unwrap_or(Duration::MAX);
        (age < self.remember_for && signed_in.user_id == claims.sub).then_some(Ok(signed_in))
    }

    fn authenticate<'a>(&'a self, token: &'a str) -> Authenticating<'a> {
        Box::pin(self.look_up(token))
    }
}
