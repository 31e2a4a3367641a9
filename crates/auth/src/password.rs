//! Passwords: what is accepted, and their hashes (bcrypt).

use crate::common_passwords::COMMON;
use kernel::Invalid;
use std::fmt;

/// How much work a hash is: 2 to the power of it. 4 to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BcryptCost(u32);

impl BcryptCost {
    /// A cost within the limits.
    pub fn new(cost: u32) -> Option<Self> {
        (4..=15).contains(&cost).then_some(Self(cost))
    }
}

/// A password that may be set: at least 10 characters, at most 72 bytes (bcrypt reads no further), none of the common
/// ones.
#[derive(Clone)]
pub struct NewPassword(String);

/// Why a password may not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// Too short.
    #[error("at least 10 characters")]
    TooShort,
    /// Too long for the hash.
    #[error("at most 72 bytes")]
    TooLong,
    /// Among the first that are guessed.
    #[error("one of the passwords that are guessed first")]
    Common,
}

impl NewPassword {
    /// Checks a password that somebody wants to set.
    pub fn parse(text: &str) -> Result<Self, InvalidPassword> {
        if text.chars().count() < 10 {
            return Err(InvalidPassword::TooShort);
        }
        if text.len() > 72 {
            return Err(InvalidPassword::TooLong);
        }
        if COMMON.contains(&text.to_lowercase().as_str()) {
            return Err(InvalidPassword::Common);
        }
        Ok(Self(text.to_owned()))
    }

    /// Checks a field of a form; notes what is wrong with it.
    pub fn take(invalid: &mut Invalid, pointer: &str, text: &str) -> Option<Self> {
        let parsed = Self::parse(text);
        let code = match parsed {
            Err(InvalidPassword::Common) => "common",
            _ => "length",
        };
        invalid.take(pointer, code, parsed)
    }

    /// Hashes it. Takes a quarter of a second at the usual cost: run it off the async threads.
    pub fn hash(&self, cost: BcryptCost) -> Result<PasswordHash, bcrypt::BcryptError> {
        PasswordHash::of_text(&self.0, cost)
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// A hash in bcrypt's own text form, with its salt and cost.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Reads back what was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Hashes a text of at most 72 bytes.
    pub(crate) fn of_text(text: &str, cost: BcryptCost) -> Result<Self, bcrypt::BcryptError> {
        bcrypt::hash(text, cost.0).map(Self)
    }

    /// A well-formed hash that no password is known for. Checking against it takes as long as against any other of that
    /// cost.
    pub fn of_nobody(cost: BcryptCost) -> Self {
        Self(format!(
            "$2b${:02}$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232",
            cost.0
        ))
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the password is the one. Costs as much as hashing; a text that bcrypt cannot take is never the one.
    pub fn verify(&self, password: &str) -> bool {
        let readable: String = password.chars().filter(|c| *c != '\0').collect();
        let longest = readable
            .char_indices()
            .take_while(|(at, c)| at + c.len_utf8() <= 72)
            .last();
        let cut = longest.map_or("", |(at, c)| &readable[..at + c.len_utf8()]);
        let matches = bcrypt::verify(cut, &self.0).unwrap_or(false);
        matches && cut.len() == password.len()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        assert_eq!(
            NewPassword::parse("ninechars").unwrap_err(),
            InvalidPassword::TooShort
        );
        assert_eq!(
            NewPassword::parse(&"é".repeat(37)).unwrap_err(),
            InvalidPassword::TooLong
        );
        assert_eq!(
            NewPassword::parse("Password123").unwrap_err(),
            InvalidPassword::Common
        );
        assert!(NewPassword::parse(&"é".repeat(36)).is_ok());
    }

    #[test]
    fn a_hash_fits_its_password_alone() {
        let hash = NewPassword::parse("a long enough one")
            .unwrap()
            .hash(BcryptCost::new(4).unwrap())
            .unwrap();
        assert!(hash.verify("a long enough one"));
        assert!(!hash.verify("a long enough two"));
        assert!(!hash.verify("a long enough one\0"));
        assert!(!hash.verify(&"a long enough one".repeat(20)));
    }

    #[test]
    fn checking_against_nobodys_hash_takes_the_work_of_a_real_one() {
        let nobody = PasswordHash::of_nobody(BcryptCost::new(4).unwrap());
        // A malformed hash would be refused at once; a well-formed one is compared.
        assert!(matches!(
            bcrypt::verify("any password", nobody.as_str()),
            Ok(false)
        ));
    }

    #[test]
    fn what_follows_the_72nd_byte_counts() {
        let hash = NewPassword::parse(&"x".repeat(72))
            .unwrap()
            .hash(BcryptCost::new(4).unwrap())
            .unwrap();
        assert!(hash.verify(&"x".repeat(72)));
        assert!(!hash.verify(&"x".repeat(73)));
    }
}
