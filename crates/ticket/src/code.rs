//! The code of a ticket: what a person reads out when nothing can be scanned.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Crockford's base 32 (<https://www.crockford.com/base32.html>): no I, L, O and U, which are mistaken for others.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// So many characters of five bits each.
const LENGTH: usize = 12;

/// Twelve characters, 60 random bits. Who knows it has the ticket, so it is not shown where things are described.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketCode(String);

/// Not the code of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the code of a ticket has 12 letters and digits")]
pub struct InvalidTicketCode;

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no randomness")]
pub struct NoRandomness;

impl TicketCode {
    /// A new code, from the generator of the operating system.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0_u8; LENGTH];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(
            bytes
                .iter()
                .map(|byte| char::from(DIGITS[usize::from(byte & 31)]))
                .collect(),
        ))
    }

    /// The code as it is kept: without hyphens, in capitals.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code as people read it: three groups of four.
    pub fn grouped(&self) -> String {
        let groups: Vec<&str> = [0, 4, 8].map(|from| &self.0[from..from + 4]).into();
        groups.join("-")
    }
}

impl fmt::Debug for TicketCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketCode(…)")
    }
}

impl Serialize for TicketCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TicketCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for TicketCode {
    type Err = InvalidTicketCode;

    /// Reads a code as people write it: in small letters, with hyphens or spaces, with I or L for 1 and O for 0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code: String = text
            .chars()
            .filter(|c| !matches!(c, '-' | ' '))
            .map(|c| match c.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                other => other,
            })
            .take(LENGTH + 1)
            .collect();
        let fits = code.len() == LENGTH && code.bytes().all(|byte| DIGITS.contains(&byte));
        if fits {
            Ok(Self(code))
        } else {
            Err(InvalidTicketCode)
        }
    }
}

impl fmt::Display for TicketCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_however_people_write_it() {
        let code: TicketCode = "01AB-89XY-ZT0K".parse().unwrap();
        assert_eq!(code.as_str(), "01AB89XYZT0K");
        assert_eq!(code.grouped(), "01AB-89XY-ZT0K");
        assert_eq!("oIab 89xy ztOk".parse(), Ok(code.clone()));
        assert_eq!("Ol ab89xyzt0k".parse(), Ok(code));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "",
            "01AB89XYZT0",
            "01AB89XYZT0KK",
            "01AB89XYZT0U",
            "ÄÖÜ",
            "01AB89XYZT0é",
        ] {
            assert_eq!(text.parse::<TicketCode>(), Err(InvalidTicketCode), "{text}");
        }
    }

    #[test]
    fn random_codes_differ_and_use_every_digit() {
        let codes: Vec<String> = (0..1_000)
            .map(|_| TicketCode::random().unwrap().to_string())
            .collect();
        let distinct: std::collections::BTreeSet<&String> = codes.iter().collect();
        assert_eq!(distinct.len(), codes.len());
        let digits: std::collections::BTreeSet<char> = codes.iter().flat_map(|code| code.chars()).collect();
        assert_eq!(digits.len(), 32);
        assert!(codes.iter().all(|code| code.parse::<TicketCode>().is_ok()));
    }
}
