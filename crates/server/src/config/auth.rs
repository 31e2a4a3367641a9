//! The section `auth`, read.

use super::signing_key::SigningKey;
use super::{Http, Profile, error::ConfigError, sections};
use std::time::Duration;

/// How people sign in.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The work of hashing a password: two to the power of this.
    pub bcrypt_cost: u32,
    /// Whether registering, voting and organising need a confirmed address.
    pub require_verified_email: bool,
    /// Roles that a person may ask for at sign-up.
    pub public_roles: Vec<String>,
    /// How long an access token is good.
    pub access_token_lifetime: Duration,
    /// How long a session lives, from its sign-in.
    pub session_lifetime: Duration,
    /// The key that signs, if the configuration names one.
    pub signing_key: Option<SigningKey>,
    /// Keys that signed before and are still good for reading.
    pub previous_signing_keys: Vec<SigningKey>,
    /// The `iss` of tokens.
    pub issuer: String,
    /// The `aud` of tokens.
    pub audience: String,
}

impl Auth {
    pub(super) fn read(section: sections::Auth, profile: Profile, http: &Http) -> Result<Self, ConfigError> {
        let lowest_cost = if profile == Profile::Production { 10 } else { 4 };
        super::within("auth.bcrypt_cost", section.bcrypt_cost, lowest_cost..=15)?;
        super::within(
            "auth.access_token_minutes",
            section.access_token_minutes,
            1..=1_440,
        )?;
        super::within("auth.session_days", section.session_days, 1..=3_650)?;
        if section.public_roles.iter().any(|role| role == "admin") {
            return Err(ConfigError::value(
                "auth.public_roles",
                "nobody may sign up as admin",
            ));
        }
        let signing_key = super::filled(section.signing_key.as_ref().map(super::Secret::expose))
            .map(|text| SigningKey::read("auth.signing_key", text))
            .transpose()?;
        let previous_signing_keys = section
            .previous_signing_keys
            .iter()
            .map(|text| SigningKey::read("auth.previous_signing_keys", text.expose()))
            .collect::<Result<_, _>>()?;
        let minutes = u64::from(section.access_token_minutes);
        let days = u64::from(section.session_days);
        Ok(Self {
            bcrypt_cost: section.bcrypt_cost,
            require_verified_email: section
                .require_verified_email
                .unwrap_or(profile == Profile::Production),
            public_roles: section.public_roles,
            access_token_lifetime: Duration::from_secs(minutes * 60),
            session_lifetime: Duration::from_secs(days * 24 * 3_600),
            signing_key,
            previous_signing_keys,
            issuer: super::filled(section.issuer).unwrap_or_else(|| http.public_url.to_string()),
            audience: section.audience,
        })
    }
}
