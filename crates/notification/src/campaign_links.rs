//! The links of a campaign's mail: each names the copy that it came with, under the server's key. Nothing is kept of them; whoever has
//! the mail has the link, and an altered one is none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{DeliveryId, KeyPurpose, ServerKeys, TypedId};
use uuid::Uuid;

/// The page on which a person confirms the vote.
const VOTE: &str = "/vote/";
/// The page on which a person says that they want no more of it.
const UNSUBSCRIBE: &str = "/unsubscribe/";

/// Bytes of a token: the id's, and those of an HMAC with SHA-256.
const ID_BYTES: usize = 16;
const TOKEN_BYTES: usize = ID_BYTES + 32;
/// Characters of a token; three bytes are four of them, so each token has one spelling.
const TOKEN_LENGTH: usize = TOKEN_BYTES / 3 * 4;

/// The token by which whoever got that copy votes.
pub fn vote_token(keys: &ServerKeys, delivery: DeliveryId) -> String {
    token(keys, KeyPurpose::VoteLink, delivery)
}

/// The token by which whoever got that copy gets no more of them. It gives no vote.
pub fn unsubscribe_token(keys: &ServerKeys, delivery: DeliveryId) -> String {
    token(keys, KeyPurpose::UnsubscribeLink, delivery)
}

/// Whose vote the token gives; none where it is not ours, was altered or is for something else.
pub fn read_vote_token(keys: &ServerKeys, token: &str) -> Option<DeliveryId> {
    read(keys, KeyPurpose::VoteLink, token)
}

/// Who unsubscribes by the token; none where it is not ours, was altered or is for something else.
pub fn read_unsubscribe_token(keys: &ServerKeys, token: &str) -> Option<DeliveryId> {
    read(keys, KeyPurpose::UnsubscribeLink, token)
}

/// Where whoever got that copy votes.
pub fn vote_link(public_url: &str, keys: &ServerKeys, delivery: DeliveryId) -> String {
    format!("{public_url}{VOTE}{}", vote_token(keys, delivery))
}

/// Where whoever got that copy unsubscribes: the page, and what a mail program sends its one click to (RFC 8058).
pub fn unsubscribe_link(public_url: &str, keys: &ServerKeys, delivery: DeliveryId) -> String {
    format!("{public_url}{UNSUBSCRIBE}{}", unsubscribe_token(keys, delivery))
}

fn token(keys: &ServerKeys, purpose: KeyPurpose, delivery: DeliveryId) -> String {
    let id = delivery.uuid().into_bytes();
    let mut bytes = id.to_vec();
    bytes.extend(
        URL_SAFE_NO_PAD
            .decode(keys.mac(purpose, &[id]))
            .unwrap_or_default(),
    );
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read(keys: &ServerKeys, purpose: KeyPurpose, token: &str) -> Option<DeliveryId> {
    // Whatever is longer is none of ours, and nothing is spent on it.
    if token.len() != TOKEN_LENGTH {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, code) = bytes.split_first_chunk::<ID_BYTES>()?;
    keys.mac_fits(purpose, &[id], &URL_SAFE_NO_PAD.encode(code))
        .then(|| DeliveryId::from_uuid(Uuid::from_bytes(*id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> ServerKeys {
        ServerKeys::new(vec![byte; 32], Vec::new())
    }

    fn delivery(number: u128) -> DeliveryId {
        DeliveryId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_token_names_its_copy_and_is_good_for_one_thing() {
        let (keys, id) = (keys(1), delivery(0x0190_5e5e_0000_7000_8000_0000_0000_0001));
        let (vote, unsubscribe) = (vote_token(&keys, id), unsubscribe_token(&keys, id));
        assert_eq!(read_vote_token(&keys, &vote), Some(id));
        assert_eq!(read_unsubscribe_token(&keys, &unsubscribe), Some(id));
        assert_eq!(read_vote_token(&keys, &unsubscribe), None);
        assert_eq!(read_unsubscribe_token(&keys, &vote), None);
        assert_eq!(vote.len(), TOKEN_LENGTH);
        assert!(
            vote.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        let link = vote_link("https://events.example.org", &keys, id);
        assert_eq!(link, format!("https://events.example.org/vote/{vote}"));
    }

    #[test]
    fn an_altered_token_is_none() {
        let (keys, id) = (keys(1), delivery(7));
        let token = vote_token(&keys, id);
        for place in 0..token.len() {
            for letter in ["A", "b", "-", "_", "=", "ä"] {
                let altered = format!("{}{letter}{}", &token[..place], &token[place + 1..]);
                assert!(
                    altered == token || read_vote_token(&keys, &altered).is_none(),
                    "{altered}"
                );
            }
        }
        // The id of another under this code.
        let other = vote_token(&keys, delivery(8));
        assert_eq!(
            read_vote_token(&keys, &format!("{}{}", &other[..24], &token[24..])),
            None
        );
        for none in [
            "",
            "A",
            &token[..63],
            &format!("{token}A"),
            &format!(" {token}"),
            &"A".repeat(64),
        ] {
            assert_eq!(read_vote_token(&keys, none), None, "{none}");
        }
    }

    #[test]
    fn an_earlier_key_is_good_and_another_is_not() {
        let id = delivery(7);
        let token = vote_token(&keys(1), id);
        let rotated = ServerKeys::new(vec![2; 32], vec![vec![3; 32], vec![1; 32]]);
        assert_eq!(read_vote_token(&rotated, &token), Some(id));
        assert_eq!(read_vote_token(&keys(2), &token), None);
        assert_ne!(vote_token(&rotated, id), token);
    }
}
