//! E-mail addresses and the key by which two of them are the same.

use crate::TypedId;
use std::fmt;
use std::str::FromStr;
use unicode_normalization::UnicodeNormalization;

/// A syntactically right address (RFC 5321), its domain in ASCII (IDNA), and the folded key that makes it unique.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    text: String,
    key: String,
}

/// The domain of the addresses that stand in the place of erased ones. It can never have mail (RFC 2606, section 2), and
/// nobody can name an address there: somebody's future one could be taken before they are erased.
const ERASED_DOMAIN: &str = "erased.invalid";

/// Not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmail;

impl EmailAddress {
    /// The address as the person wrote it, its domain in ASCII.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key: two addresses with one key are the same address.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What stands in the place of an address that was erased; no two rows have the same.
    pub fn erased(row: impl TypedId) -> Self {
        let text = format!("erased-{row}@{ERASED_DOMAIN}");
        Self {
            key: text.clone(),
            text,
        }
    }

    /// Whether it stands in the place of an address that was erased.
    pub fn is_erased(&self) -> bool {
        self.key
            .rsplit_once('@')
            .is_some_and(|(_, domain)| domain == ERASED_DOMAIN)
    }

    /// Reads back what was stored.
    pub fn from_stored(text: String, key: String) -> Self {
        Self { text, key }
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        // Some keyboards send a letter and its accent apart; a mail server expects them composed (RFC 6532, section 3.1).
        let local: String = local.nfc().collect();
        let domain = idna::domain_to_ascii(domain).map_err(|_| InvalidEmail)?;
        let text = format!("{local}@{domain}");
        // A quoted local part or an address literal is legal and always a mistake on a sign-up form.
        let plain = !local.starts_with('"')
            && !domain.starts_with('[')
            && domain.contains('.')
            && domain != ERASED_DOMAIN;
        if text.len() > 254 || !plain || !email_address::EmailAddress::is_valid(&text) {
            return Err(InvalidEmail);
        }
        let key = format!("{}@{domain}", crate::text::fold_mailbox(&local));
        Ok(Self { text, key })
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Addresses are personal: a debug print shows that there is one, not which.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_script_of_the_domain_make_no_difference_to_the_key() {
        let one: EmailAddress = "Ada@BÜCHER.example".parse().unwrap();
        let other: EmailAddress = " ada@xn--bcher-kva.example ".parse().unwrap();
        assert_eq!(one.key(), other.key());
        assert_eq!(one.as_str(), "Ada@xn--bcher-kva.example");
    }

    #[test]
    fn a_letter_and_its_accent_are_composed() {
        let one: EmailAddress = "o\u{308}@example.org".parse().unwrap();
        assert_eq!(one.as_str(), "\u{f6}@example.org");
    }

    #[test]
    fn nobody_can_name_an_address_that_stands_for_an_erased_one() {
        let erased = EmailAddress::erased(crate::UserId::from_uuid(uuid::Uuid::from_u128(7)));
        assert!(erased.is_erased() && erased.as_str().starts_with("erased-00000000-"));
        assert!(erased.as_str().parse::<EmailAddress>().is_err());
        assert!(erased.as_str().to_uppercase().parse::<EmailAddress>().is_err());
        let other: EmailAddress = "erased@invalid.example".parse().unwrap();
        assert!(!other.is_erased());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "a b@example.org",
            "ada@localhost",
            "\"a\"@example.org",
            "ada@[127.0.0.1]",
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text}");
        }
    }
}
