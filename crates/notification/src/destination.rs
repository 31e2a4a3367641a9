//! Where messages go, and by what.

use serde::{Deserialize, Serialize};

/// By what a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Medium {
    /// A mail.
    Email,
    /// A text message to a phone.
    Sms,
}

impl Medium {
    /// Every medium.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// The name in the database and for operators.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// The medium of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|medium| medium.as_str() == name)
    }
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// An e-mail address as it was written.
    Email(String),
    /// A phone number, E.164.
    Phone(String),
}

impl Destination {
    /// By what it is reached.
    pub const fn medium(&self) -> Medium {
        match self {
            Self::Email(_) => Medium::Email,
            Self::Phone(_) => Medium::Sms,
        }
    }

    /// The address or the number.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Phone(text) => text,
        }
    }
}
