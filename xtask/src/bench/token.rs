//! Access tokens for people that the bench put into the database itself: as the server signs them, with a key that both
//! are given.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The issuer and the audience that server and tokens agree on.
pub const ISSUER: &str = "http://127.0.0.1";
/// The audience.
pub const AUDIENCE: &str = "podium";
/// How long the tokens are valid, in seconds: longer than any run.
const VALID_FOR: u64 = 3600;

/// Signs tokens with a key made for this run alone.
pub struct Signer {
    key: [u8; 32],
    issued_at: u64,
}

impl Signer {
    /// A signer with a new key, drawn from the system's own randomness.
    pub fn new(issued_at: u64) -> std::io::Result<Self> {
        let mut key = [0; 32];
        std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut key)?;
        Ok(Self { key, issued_at })
    }

    /// The key as the server's configuration takes it.
    pub fn key_for_server(&self) -> String {
        STANDARD.encode(self.key)
    }

    /// A token for one user in one session.
    pub fn sign(&self, user: &str, session: &str) -> String {
        // The header names the key by the start of its digest, so that a server with several finds the right one.
        let key_id: String = Sha256::digest(self.key)
            .iter()
            .take(6)
            .fold(String::new(), |mut id, byte| {
                let _ = write!(id, "{byte:02x}");
                id
            });
        let header = json!({"typ": "JWT", "alg": "HS256", "kid": key_id});
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": user, "sid": session,
            "iat": self.issued_at, "exp": self.issued_at + VALID_FOR,
        });
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

fn encode(part: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::fixtures::{Thing, id};

    /// The example of RFC 7515, appendix A.1: its signature over its own text must come out.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mut mac = Hmac::<Sha256>::new_from_slice(&URL_SAFE_NO_PAD.decode(key).unwrap()).unwrap();
        mac.update(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn the_server_takes_a_token_for_what_it_says() {
        let signer = Signer::new(1000).unwrap();
        let key = auth::SigningKey::new(STANDARD.decode(signer.key_for_server()).unwrap()).unwrap();
        let server = auth::TokenSigner::new(&key, &[], ISSUER.to_owned(), AUDIENCE.to_owned(), 900);
        let (user, session) = (id(Thing::User, 7), id(Thing::Session, 7));
        let now = chrono::DateTime::from_timestamp(1010, 0).unwrap();
        let claims = server.verify(now, &signer.sign(&user, &session)).unwrap();
        assert_eq!((claims.sub.to_string(), claims.sid.to_string()), (user, session));
        assert!(claims.exp > now.timestamp() + 900);
    }
}
