//! Access tokens: signed JWTs (RFC 7519, HS256) that name a session.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{Instant, SessionId, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who made it.
    pub iss: String,
    /// Who it is for.
    pub aud: String,
    /// The account.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it runs out, in seconds since 1970.
    pub exp: i64,
}

/// The token is none of ours, or no longer good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct InvalidToken;

/// The key is too short to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing key has at least 32 bytes")]
pub struct WeakKey;

/// A secret that tokens are signed with, and the id by which a token names it.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    secret: Vec<u8>,
}

impl SigningKey {
    /// A key of at least 32 bytes; its id is made from its hash.
    pub fn new(secret: Vec<u8>) -> Result<Self, WeakKey> {
        if secret.len() < 32 {
            return Err(WeakKey);
        }
        let digest = Sha256::digest(&secret);
        let mut id = String::with_capacity(12);
        for byte in &digest[..6] {
            // Writing into a string does not fail.
            let _ = write!(id, "{byte:02x}");
        }
        Ok(Self { id, secret })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

/// Makes and checks access tokens.
pub struct TokenSigner {
    header: Header,
    current: EncodingKey,
    keys: Vec<(String, DecodingKey)>,
    validation: Validation,
    issuer: String,
    audience: String,
    lifetime_seconds: i64,
}

impl TokenSigner {
    /// A signer that signs with `current` and also accepts what `previous` keys signed.
    pub fn new(
        current: &SigningKey,
        previous: &[SigningKey],
        issuer: String,
        audience: String,
        lifetime_seconds: i64,
    ) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The injected clock decides, below.
        validation.validate_exp = false;
        let header = Header {
            kid: Some(current.id.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let keys = std::iter::once(current)
            .chain(previous)
            .map(|key| (key.id.clone(), DecodingKey::from_secret(&key.secret)))
            .collect();
        Self {
            header,
            current: EncodingKey::from_secret(&current.secret),
            keys,
            validation,
            issuer,
            audience,
            lifetime_seconds,
        }
    }

    /// How long a token is good, in seconds.
    pub fn lifetime_seconds(&self) -> i64 {
        self.lifetime_seconds
    }

    /// A token for a session.
    pub fn issue(
        &self,
        now: Instant,
        user_id: UserId,
        session_id: SessionId,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let iat = now.timestamp();
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user_id,
            sid: session_id,
            iat,
            exp: iat + self.lifetime_seconds,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.current)
    }

    /// What a token says, if it is ours and good at that time. A token from the future is refused, but for a minute
    /// by which the clocks of two instances may differ.
    pub fn verify(&self, now: Instant, token: &str) -> Result<AccessClaims, InvalidToken> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| InvalidToken)?;
        let named = header.kid.ok_or(InvalidToken)?;
        let (_, key) = self
            .keys
            .iter()
            .find(|(id, _)| *id == named)
            .ok_or(InvalidToken)?;
        let claims = jsonwebtoken::decode::<AccessClaims>(token, key, &self.validation)
            .map_err(|_| InvalidToken)?
            .claims;
        let now = now.timestamp();
        if claims.exp <= now || claims.iat > now + 60 {
            return Err(InvalidToken);
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Duration};
    use kernel::TypedId;
    use uuid::Uuid;

    fn now() -> Instant {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn signer(secret: u8) -> TokenSigner {
        let key = SigningKey::new(vec![secret; 32]).unwrap();
        TokenSigner::new(&key, &[], "podium".into(), "podium".into(), 900)
    }

    fn token(signer: &TokenSigner) -> String {
        signer
            .issue(
                now(),
                UserId::from_uuid(Uuid::from_u128(1)),
                SessionId::from_uuid(Uuid::from_u128(2)),
            )
            .unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_time() {
        let signer = signer(1);
        let token = token(&signer);
        assert!(signer.verify(now(), &token).is_ok());
        assert!(signer.verify(now() + Duration::seconds(899), &token).is_ok());
        assert!(signer.verify(now() + Duration::seconds(900), &token).is_err());
        assert!(signer.verify(now() - Duration::seconds(61), &token).is_err());
    }

    #[test]
    fn a_foreign_key_audience_or_algorithm_is_refused() {
        let ours = signer(1);
        assert!(ours.verify(now(), &token(&signer(2))).is_err());
        let key = SigningKey::new(vec![1; 32]).unwrap();
        let elsewhere = TokenSigner::new(&key, &[], "podium".into(), "elsewhere".into(), 900);
        assert!(ours.verify(now(), &token(&elsewhere)).is_err());
        let [_, claims, _] =
            <[String; 3]>::try_from(token(&ours).split('.').map(str::to_owned).collect::<Vec<_>>()).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
        assert!(ours.verify(now(), &unsigned).is_err());
    }

    #[test]
    fn a_previous_key_is_still_accepted() {
        let old = SigningKey::new(vec![1; 32]).unwrap();
        let new = SigningKey::new(vec![2; 32]).unwrap();
        let before = TokenSigner::new(&old, &[], "podium".into(), "podium".into(), 900);
        let after = TokenSigner::new(
            &new,
            std::slice::from_ref(&old),
            "podium".into(),
            "podium".into(),
            900,
        );
        assert!(after.verify(now(), &token(&before)).is_ok());
    }
}
