//! Keys that an issuer signs with, made in code.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;
use std::sync::OnceLock;

/// Bytes of PKCS #8 (RFC 5208) before the RSA key in it (RFC 8017), for a key of 2048 bits.
const PKCS8_HEAD: usize = 26;

/// A key with its name.
#[derive(Clone)]
pub(super) struct IssuerKey {
    /// `kid`.
    pub(super) id: String,
    algorithm: Algorithm,
    private: EncodingKey,
}

impl IssuerKey {
    /// The usual RS256 key, made once for all tests of the process: making one takes a while.
    pub(super) fn usual() -> Self {
        static KEY: OnceLock<EncodingKey> = OnceLock::new();
        Self::rsa("usual", &KEY)
    }

    /// One that nobody publishes, under the name of the usual one.
    pub(super) fn foreign() -> Self {
        static KEY: OnceLock<EncodingKey> = OnceLock::new();
        Self::rsa("usual", &KEY)
    }

    fn rsa(id: &str, made: &OnceLock<EncodingKey>) -> Self {
        let private = made.get_or_init(|| {
            let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
            let der: Pkcs8V1Der = pair.as_der().expect("its bytes");
            EncodingKey::from_rsa_der(&der.as_ref()[PKCS8_HEAD..])
        });
        Self {
            id: id.to_owned(),
            algorithm: Algorithm::RS256,
            private: private.clone(),
        }
    }

    /// A new ES256 key.
    pub(super) fn elliptic(id: &str) -> Self {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .expect("a key on P-256");
        Self {
            id: id.to_owned(),
            algorithm: Algorithm::ES256,
            private: EncodingKey::from_ec_der(der.as_ref()),
        }
    }

    /// A signed token.
    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = Header {
            kid: Some(self.id.clone()),
            ..Header::new(self.algorithm)
        };
        jsonwebtoken::encode(&header, claims, &self.private).expect("a signed token")
    }

    /// As it is published (RFC 7517).
    pub(super) fn public(&self) -> Value {
        let mut key = Jwk::from_encoding_key(&self.private, self.algorithm).expect("a public key");
        key.common.key_id = Some(self.id.clone());
        key.common.public_key_use = Some(PublicKeyUse::Signature);
        serde_json::to_value(key).expect("JSON")
    }
}
