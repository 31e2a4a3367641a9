//! The signed text of a QR code: a compact JWS (RFC 7515) with Ed25519 (RFC 8037).
//!
//! Invariants: there is one algorithm and one form of header, so a text cannot choose how it is verified; the keys follow from the
//! server's own, so a text stays good as long as the key that was in force is among the earlier ones.

use crate::TicketCode;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{EventId, KeyPurpose, ServerKeys, TypedId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// So much of the key's thumbprint tells one key of a server from another.
const KEY_ID_BYTES: usize = 6;

/// Longer texts are none of ours, and nothing is spent on them.
const LONGEST: usize = 512;

/// What is signed. No more than is needed at a door: each character makes the QR code finer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    /// The code of the ticket.
    c: TicketCode,
    /// The event, without hyphens.
    #[serde(with = "uuid::serde::simple")]
    e: Uuid,
}

/// A key by which anybody can verify tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its name in the headers of texts.
    pub id: String,
    /// Its 32 bytes, in base64 for URLs.
    pub x: String,
}

/// The cryptographic library made no key of its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a ticket cannot be signed")]
pub struct SigningFailed;

/// The text that the QR code of a ticket says, the same each time.
pub fn signed_text(keys: &ServerKeys, code: &TicketCode, event_id: EventId) -> Result<String, SigningFailed> {
    let pair = pairs(keys).next().ok_or(SigningFailed)?;
    let claims = Claims {
        c: code.clone(),
        e: event_id.uuid(),
    };
    let claims = serde_json::to_vec(&claims).map_err(|_| SigningFailed)?;
    let signed = format!("{}.{}", header_of(&pair), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

/// The keys that verify: the present one first, then the earlier ones.
pub fn public_keys(keys: &ServerKeys) -> Vec<PublicKey> {
    pairs(keys)
        .map(|pair| PublicKey {
            id: id_of(&pair),
            x: x_of(&pair),
        })
        .collect()
}

/// What a text of ours says; none where it is not ours or was changed.
pub(crate) fn verified(keys: &ServerKeys, text: &str) -> Option<(TicketCode, EventId)> {
    if text.len() > LONGEST {
        return None;
    }
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    // The header is compared, not read: what it says is ours to decide.
    let pair = pairs(keys).find(|pair| header_of(pair) == header)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    UnparsedPublicKey::new(&ED25519, pair.public_key())
        .verify(signed.as_bytes(), &signature)
        .ok()?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Some((claims.c, EventId::from_uuid(claims.e)))
}

fn pairs(keys: &ServerKeys) -> impl Iterator<Item = Ed25519KeyPair> {
    keys.seeds(KeyPurpose::TicketSigning)
        .filter_map(|seed| Ed25519KeyPair::from_seed_unchecked(&seed).ok())
}

fn header_of(pair: &Ed25519KeyPair) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, id_of(pair)))
}

fn x_of(pair: &Ed25519KeyPair) -> String {
    URL_SAFE_NO_PAD.encode(pair.public_key())
}

/// The beginning of the key's thumbprint (RFC 7638; RFC 8037, section 2).
fn id_of(pair: &Ed25519KeyPair) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, x_of(pair));
    let thumbprint = digest(&SHA256, members.as_bytes());
    URL_SAFE_NO_PAD.encode(&thumbprint.as_ref()[..KEY_ID_BYTES])
}
