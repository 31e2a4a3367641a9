//! What is shown at the door, forged and altered in the ways that are known of signed texts.

use super::*;
use crate::{public_keys, signed_text};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use kernel::{KeyPurpose, TypedId};
use serde_json::{Value, json};

fn keys(byte: u8) -> ServerKeys {
    ServerKeys::new(vec![byte; 32], Vec::new())
}

fn code() -> TicketCode {
    "01AB89XYZT0K".parse().unwrap()
}

fn event() -> EventId {
    "01905e5e-0000-7000-8000-0123456789ab".parse().unwrap()
}

fn text() -> String {
    signed_text(&keys(1), &code(), event()).unwrap()
}

fn parts(text: &str) -> [String; 3] {
    let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn is_refused(text: &str) -> bool {
    read_presented(&keys(1), text) == Err(NotATicket)
}

#[test]
fn a_signed_text_says_code_and_event_and_a_typed_code_the_code_alone() {
    let scanned = read_presented(&keys(1), &format!(" {}\n", text())).unwrap();
    assert_eq!((scanned.code, scanned.event_id), (code(), Some(event())));
    let typed = read_presented(&keys(1), "01ab-89xy-zt0k").unwrap();
    assert_eq!((typed.code, typed.event_id), (code(), None));
    assert_eq!(text(), text(), "the same each time");
}

#[test]
fn a_text_holds_nothing_but_code_and_event() {
    let [header, claims, _] = parts(&text());
    let read =
        |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    let kid = &public_keys(&keys(1))[0].id;
    assert_eq!(read(&header), json!({"alg": "EdDSA", "kid": kid}));
    assert_eq!(
        read(&claims),
        json!({"c": "01AB89XYZT0K", "e": event().uuid().simple().to_string()})
    );
    assert!(text().len() <= 213, "{} characters", text().len());
}

#[test]
fn not_a_character_can_be_another() {
    let text = text();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        for other in [b'A', b'B', b'-', b'.'] {
            if bytes[at] == other {
                continue;
            }
            let was = std::mem::replace(&mut bytes[at], other);
            let altered = String::from_utf8(bytes.clone()).unwrap();
            assert!(is_refused(&altered), "{at}: {altered}");
            bytes[at] = was;
        }
        // Its first twelve letters look like a code that was typed.
        assert!(at == 12 || is_refused(&text[..at]), "cut at {at}");
    }
    for added in ["A", "=", ".", ".x", "%"] {
        assert!(is_refused(&format!("{text}{added}")), "{added}");
    }
    assert!(is_refused(&"a.".repeat(1_000_000)));
}

#[test]
fn a_text_cannot_choose_how_it_is_verified() {
    let [header, claims, signature] = parts(&text());
    let key = public_keys(&keys(1)).remove(0);
    // No signature at all.
    for alg in ["none", "None", "NONE", ""] {
        let none = part(&json!({"alg": alg, "kid": key.id}));
        assert!(is_refused(&format!("{none}.{claims}.")));
        assert!(is_refused(&format!("{none}.{claims}.{signature}")));
        assert!(is_refused(&format!("{none}.{claims}")));
    }
    // The public key as the secret of a code that who has the secret can make.
    for secret in [
        URL_SAFE_NO_PAD.decode(&key.x).unwrap(),
        key.x.clone().into_bytes(),
    ] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key.id.clone());
        let claims = json!({"c": "01AB89XYZT0K", "e": event().uuid().simple().to_string()});
        let forged = encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
        assert!(is_refused(&forged));
        let [_, claims, signature] = parts(&forged);
        let ours = &parts(&text())[0];
        assert!(is_refused(&format!("{ours}.{claims}.{signature}")));
    }
    // Headers that say more, or the same in another way, or bring a key of their own.
    for other in [
        json!({"alg": "EdDSA"}),
        json!({"kid": key.id, "alg": "EdDSA"}),
        json!({"alg": "EdDSA", "kid": "AAAAAAAA"}),
        json!({"alg": "EdDSA", "kid": key.id, "typ": "JWT"}),
        json!({"alg": "EdDSA", "kid": key.id, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": key.x}}),
        json!({"alg": "EdDSA", "kid": key.id, "crit": ["b64"], "b64": false}),
    ] {
        assert!(
            is_refused(&format!("{}.{claims}.{signature}", part(&other))),
            "{other}"
        );
    }
    assert!(is_refused(&format!("{header}.{claims}.")));
}

#[test]
fn a_text_under_another_header_is_none_of_ours_even_signed_with_our_key() {
    let [header, claims, signature] = parts(&text());
    let seed = keys(1).seeds(KeyPurpose::TicketSigning).next().unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let signed = |header: &str| {
        let text = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(text.as_bytes()));
        format!("{text}.{signature}")
    };
    assert_eq!(signed(&header), format!("{header}.{claims}.{signature}"));
    let kid = &public_keys(&keys(1))[0].id;
    for other in [
        json!({"alg": "EdDSA"}),
        json!({"alg": "none", "kid": kid}),
        json!({"alg": "HS256", "kid": kid}),
        json!({"alg": "EdDSA", "kid": "AAAAAAAA"}),
        json!({"alg": "EdDSA", "kid": kid, "typ": "JWT"}),
        json!({"alg": "EdDSA", "kid": kid, "crit": ["b64"], "b64": false}),
    ] {
        assert!(is_refused(&signed(&part(&other))), "{other}");
    }
    assert!(is_refused(&signed("")));
}

#[test]
fn another_server_signs_nothing_for_us() {
    let foreign = signed_text(&keys(2), &code(), event()).unwrap();
    assert!(is_refused(&foreign));
    // Under our header, too.
    let [_, claims, signature] = parts(&foreign);
    let ours = &parts(&text())[0];
    assert!(is_refused(&format!("{ours}.{claims}.{signature}")));
    // The other's claims beside our signature.
    let other = signed_text(&keys(1), &code(), EventId::from_uuid(uuid::Uuid::nil())).unwrap();
    let [header, claims, _] = parts(&other);
    assert!(is_refused(&format!("{header}.{claims}.{}", parts(&text())[2])));
}

#[test]
fn what_an_earlier_key_signed_is_still_a_ticket() {
    let rotated = ServerKeys::new(vec![2; 32], vec![vec![1; 32]]);
    assert!(read_presented(&rotated, &text()).is_ok());
    let listed: Vec<String> = public_keys(&rotated).into_iter().map(|key| key.id).collect();
    let alone = |byte| public_keys(&keys(byte)).remove(0).id;
    assert_eq!(listed, [alone(2), alone(1)]);
    // The present key signs.
    let newer = signed_text(&rotated, &code(), event()).unwrap();
    assert!(is_refused(&newer));
    assert!(read_presented(&keys(2), &newer).is_ok());
    // A key that is gone verifies nothing.
    assert!(read_presented(&keys(2), &text()).is_err());
}

/// Nothing of ours takes part: another library, with what the server publishes.
#[test]
fn another_library_verifies_with_the_public_key_alone() {
    let key = public_keys(&keys(1)).remove(0);
    let decoding = DecodingKey::from_ed_components(&key.x).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let read = decode::<Value>(text(), &decoding, &validation).unwrap();
    assert_eq!(read.header.kid, Some(key.id));
    assert_eq!(read.claims["c"], "01AB89XYZT0K");
    let other = public_keys(&keys(2)).remove(0);
    let other = DecodingKey::from_ed_components(&other.x).unwrap();
    assert!(decode::<Value>(text(), &other, &validation).is_err());
}
