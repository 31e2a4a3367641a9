//! How often somebody may guess at an account.
//!
//! Two counts for each kind of guess: of the account from one address, where a few failures lock for a time that grows;
//! and of the account from everywhere, where many failures delay, so that a guesser with many addresses is slow and an
//! owner is never shut out for good. An account is known by a digest of its address alone, whether it exists or not.
//!
//! Invariant: a guess is counted before it is looked at, and taken back if it was none. So of many at once no more are
//! looked at than one after the other, and whoever hangs up before the answer has guessed all the same.

use crate::limits::{RequestLimits, too_much};
use crate::problem::Problem;
use actix_web::HttpRequest;
use chrono::TimeDelta;
use kernel::{Bucket, EmailAddress, Lockout, Quota, Try};
use sha2::{Digest, Sha256};

/// Guesses from one address.
const FROM_ONE_ADDRESS: Lockout = Lockout {
    after: 5,
    first: TimeDelta::seconds(30),
    longest: TimeDelta::minutes(15),
    forgets_one_after: TimeDelta::hours(1),
};
/// Guesses from everywhere.
const FROM_EVERYWHERE: Lockout = Lockout {
    after: 20,
    ..FROM_ONE_ADDRESS
};
/// Mails that somebody may ask for in the name of an account.
const MAILS: Quota = Quota {
    events: 5,
    per: TimeDelta::hours(1),
};

/// What is guessed at; each is counted by itself, so that a lockout of one leaves the others open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// A password.
    Password,
    /// A code that was mailed.
    Code,
    /// Answers to security questions.
    Answers,
}

impl Guess {
    const ALL: [Self; 3] = [Self::Password, Self::Code, Self::Answers];

    const fn of_one_address(self) -> &'static str {
        match self {
            Self::Password => "passwords-of-address",
            Self::Code => "codes-of-address",
            Self::Answers => "answers-of-address",
        }
    }

    const fn of_everywhere(self) -> &'static str {
        match self {
            Self::Password => "passwords-of-account",
            Self::Code => "codes-of-account",
            Self::Answers => "answers-of-account",
        }
    }
}

/// An account as the limits know it: a digest of the address that was written, in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountKey(u128);

impl AccountKey {
    /// The key of what somebody wrote as an address, even if it is none.
    pub fn of_text(text: &str) -> Self {
        match text.parse::<EmailAddress>() {
            Ok(email) => Self::of(&email),
            Err(_) => Self(digest(&[text.trim().as_bytes()])),
        }
    }

    /// The key of an address.
    pub fn of(email: &EmailAddress) -> Self {
        Self(digest(&[email.key().as_bytes()]))
    }

    fn at(self, network: u128) -> u128 {
        digest(&[&self.0.to_be_bytes(), &network.to_be_bytes()])
    }
}

/// The first half of SHA-256 over the parts, each behind its length.
fn digest(parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let whole: [u8; 32] = hash.finalize().into();
    whole
        .first_chunk()
        .map_or(0, |half: &[u8; 16]| u128::from_be_bytes(*half))
}

/// A guess that was let in. Say how it ended; without a word it has failed.
#[must_use = "a guess counts as failed until it is said that it has not"]
pub struct Attempt<'a> {
    limits: &'a RequestLimits,
    counted: Option<Counted>,
}

struct Counted {
    at_address: (Bucket, Try),
    at_account: (Bucket, Try),
}

impl RequestLimits {
    /// Lets a guess at an account in, or says when to come again. Ask before any work is spent on it.
    pub async fn attempt(
        &self,
        guess: Guess,
        request: &HttpRequest,
        account: AccountKey,
    ) -> Result<Attempt<'_>, Problem> {
        if !self.enabled() {
            return Ok(Attempt {
                limits: self,
                counted: None,
            });
        }
        let address = Bucket {
            limit: guess.of_one_address(),
            whom: account.at(self.network(request)),
        };
        let everywhere = Bucket {
            limit: guess.of_everywhere(),
            whom: account.0,
        };
        let at_address = self.counts.try_once(address, FROM_ONE_ADDRESS).wait().await;
        let at_address = at_address.map_err(|refused| too_much(address, refused))?;
        match self.counts.try_once(everywhere, FROM_EVERYWHERE).wait().await {
            Ok(at_account) => Ok(Attempt {
                limits: self,
                counted: Some(Counted {
                    at_address: (address, at_address),
                    at_account: (everywhere, at_account),
                }),
            }),
            Err(refused) => {
                self.counts.take_back(address, at_address).wait().await;
                Err(too_much(everywhere, refused))
            }
        }
    }

    /// Counts that somebody asks for a mail to an account, or says when to come again.
    pub async fn ask_for_mail(&self, request: &HttpRequest, account: AccountKey) -> Result<(), Problem> {
        if !self.enabled() {
            return Ok(());
        }
        let bucket = Bucket {
            limit: "mails",
            whom: account.at(self.network(request)),
        };
        self.take(bucket, MAILS).await
    }

    /// The owner has shown by a mail that the account is theirs: nothing that was guessed at it delays anybody any more,
    /// and the owner's own address is let in.
    pub async fn account_recovered(&self, request: &HttpRequest, account: AccountKey) {
        if !self.enabled() {
            return;
        }
        let at_address = account.at(self.network(request));
        for guess in Guess::ALL {
            for (limit, whom) in [
                (guess.of_one_address(), at_address),
                (guess.of_everywhere(), account.0),
            ] {
                self.counts.clear(Bucket { limit, whom }).wait().await;
            }
        }
    }
}

impl Attempt<'_> {
    /// It was wrong, and stays counted.
    pub fn failed(self) {}

    /// It was right: what failed before at this account from this address is forgotten. What failed from everywhere
    /// stays, so that the owner's own sign-ins do not give a guesser new tries.
    pub async fn succeeded(self) {
        if let Some(Counted {
            at_address,
            at_account,
        }) = self.counted
        {
            self.limits.counts.clear(at_address.0).wait().await;
            self.limits
                .counts
                .take_back(at_account.0, at_account.1)
                .wait()
                .await;
        }
    }

    /// It was not looked at, by no fault of the guesser's.
    pub async fn void(self) {
        if let Some(Counted {
            at_address,
            at_account,
        }) = self.counted
        {
            for (bucket, attempt) in [at_address, at_account] {
                self.limits.counts.take_back(bucket, attempt).wait().await;
            }
        }
    }

    /// Says how it ended by the answer: a refusal has failed, a failure of the server counts for nothing.
    pub async fn end<T>(self, answer: Result<T, Problem>) -> Result<T, Problem> {
        match &answer {
            Ok(_) => self.succeeded().await,
            Err(problem) if problem.kind().status().is_server_error() => self.void().await,
            Err(_) => self.failed(),
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{InProcessLimits, LimitSettings};
    use crate::state::TrustedProxies;
    use actix_web::test::TestRequest;
    use kernel::SystemClock;
    use std::sync::Arc;

    #[test]
    fn an_account_is_one_in_every_spelling() {
        let key = AccountKey::of_text("Asha.Ö@Bücher.example");
        for spelling in [" asha.ö@bücher.example", "ASHA.O\u{308}@xn--bcher-kva.example"] {
            assert_eq!(AccountKey::of_text(spelling), key);
        }
        assert_ne!(AccountKey::of_text("bela@example.org"), key);
        assert_ne!(AccountKey::of_text("no address"), AccountKey::of_text("none"));
        assert_ne!(key.at(1), key.at(2));
    }

    fn limits() -> RequestLimits {
        let counts = Arc::new(InProcessLimits::new(Arc::new(SystemClock)));
        RequestLimits::new(counts, LimitSettings::default(), TrustedProxies::none())
    }

    fn request_from(peer: &str) -> HttpRequest {
        TestRequest::default()
            .peer_addr(format!("{peer}:1").parse().unwrap())
            .to_http_request()
    }

    #[actix_web::test]
    async fn a_recovered_account_is_open_again_for_its_owner_and_each_guess_counts_apart() {
        let (limits, account) = (limits(), AccountKey::of_text("asha@example.org"));
        for host in 0..4 {
            let there = request_from(&format!("192.0.2.{host}"));
            for _ in 0..5 {
                limits
                    .attempt(Guess::Password, &there, account)
                    .await
                    .unwrap()
                    .failed();
            }
        }
        let (owner, guesser) = (request_from("192.0.2.0"), request_from("192.0.2.1"));
        let is_open = async |guess, request: &HttpRequest| {
            let attempt = limits.attempt(guess, request, account).await;
            match attempt {
                Ok(attempt) => {
                    attempt.void().await;
                    true
                }
                Err(_) => false,
            }
        };
        assert!(!is_open(Guess::Password, &request_from("192.0.2.77")).await);
        assert!(is_open(Guess::Code, &owner).await && is_open(Guess::Answers, &owner).await);
        limits.account_recovered(&owner, account).await;
        assert!(is_open(Guess::Password, &owner).await);
        assert!(is_open(Guess::Password, &request_from("192.0.2.77")).await);
        assert!(!is_open(Guess::Password, &guesser).await);
    }

    #[actix_web::test]
    async fn a_failure_of_the_server_is_no_guess_and_a_guess_without_an_end_is_one() {
        let (limits, account) = (limits(), AccountKey::of_text("asha@example.org"));
        let here = request_from("192.0.2.1");
        for _ in 0..30 {
            let attempt = limits.attempt(Guess::Code, &here, account).await.unwrap();
            let away: Result<(), Problem> = Err(Problem::unavailable("away"));
            attempt.end(away).await.unwrap_err();
        }
        for _ in 0..5 {
            drop(limits.attempt(Guess::Code, &here, account).await.unwrap());
        }
        assert!(limits.attempt(Guess::Code, &here, account).await.is_err());
    }

    #[actix_web::test]
    async fn mails_to_an_account_are_asked_for_five_times_an_hour() {
        let (limits, account) = (limits(), AccountKey::of_text("asha@example.org"));
        let here = request_from("192.0.2.1");
        for _ in 0..5 {
            limits.ask_for_mail(&here, account).await.unwrap();
        }
        limits.ask_for_mail(&here, account).await.unwrap_err();
        let other = AccountKey::of_text("bela@example.org");
        limits.ask_for_mail(&here, other).await.unwrap();
        limits
            .ask_for_mail(&request_from("192.0.2.2"), account)
            .await
            .unwrap();
    }
}
