//! The links of a campaign's mail: each names the copy that it came with, under the server's key. Nothing is kept of them; whoever has
//! the mail has the link, and an altered one is none. The link to unsubscribe says by itself which address it is, as a code: it
//! outlives the copy's row, and the address in it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{DeliveryId, EmailAddress, KeyPurpose, ServerKeys, TypedId};
use uuid::Uuid;

/// The page on which a person confirms the vote.
const VOTE: &str = "/vote/";
/// The page on which a person says that they want no more of it.
const UNSUBSCRIBE: &str = "/unsubscribe/";

/// Bytes of an id, and those of an HMAC with SHA-256. A token is an id, what else it says, and the code of both.
const ID_BYTES: usize = 16;
const CODE_BYTES: usize = 32;

/// What a link to unsubscribe says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsubscribeToken {
    /// The copy that it came with.
    pub delivery: DeliveryId,
    /// The address that the copy went to, as it is noted: a code for [`KeyPurpose::SuppressedAddress`].
    pub address_mac: String,
}

/// The token by which whoever got that copy votes.
pub fn vote_token(keys: &ServerKeys, delivery: DeliveryId) -> String {
    token(keys, KeyPurpose::VoteLink, delivery.uuid().as_bytes())
}

/// The token by which whoever got that copy at that address gets no more of them. It gives no vote.
pub fn unsubscribe_token(keys: &ServerKeys, delivery: DeliveryId, address: &str) -> String {
    let address: Result<EmailAddress, _> = address.parse();
    let key = address.as_ref().map_or("", EmailAddress::key);
    let mut says = delivery.uuid().as_bytes().to_vec();
    says.extend(bytes_of(&keys.mac(KeyPurpose::SuppressedAddress, &[key])));
    token(keys, KeyPurpose::UnsubscribeLink, &says)
}

/// Whose vote the token gives; none where it is not ours, was altered or is for something else.
pub fn read_vote_token(keys: &ServerKeys, token: &str) -> Option<DeliveryId> {
    let says: [u8; ID_BYTES] = read(keys, KeyPurpose::VoteLink, token)?;
    Some(DeliveryId::from_uuid(Uuid::from_bytes(says)))
}

/// Who unsubscribes by the token; none where it is not ours, was altered or is for something else.
pub fn read_unsubscribe_token(keys: &ServerKeys, token: &str) -> Option<UnsubscribeToken> {
    let says: [u8; ID_BYTES + CODE_BYTES] = read(keys, KeyPurpose::UnsubscribeLink, token)?;
    let (id, address) = says.split_first_chunk()?;
    Some(UnsubscribeToken {
        delivery: DeliveryId::from_uuid(Uuid::from_bytes(*id)),
        address_mac: URL_SAFE_NO_PAD.encode(address),
    })
}

/// Where whoever got that copy votes.
pub fn vote_link(public_url: &str, keys: &ServerKeys, delivery: DeliveryId) -> String {
    format!("{public_url}{VOTE}{}", vote_token(keys, delivery))
}

/// Where whoever got that copy unsubscribes: the page, and what a mail program sends its one click to (RFC 8058).
pub fn unsubscribe_link(public_url: &str, keys: &ServerKeys, delivery: DeliveryId, address: &str) -> String {
    let token = unsubscribe_token(keys, delivery, address);
    format!("{public_url}{UNSUBSCRIBE}{token}")
}

fn token(keys: &ServerKeys, purpose: KeyPurpose, says: &[u8]) -> String {
    let mut bytes = says.to_vec();
    bytes.extend(bytes_of(&keys.mac(purpose, &[says])));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes_of(code: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(code).unwrap_or_default()
}

/// What the token says, in so many bytes.
fn read<const BYTES: usize>(keys: &ServerKeys, purpose: KeyPurpose, token: &str) -> Option<[u8; BYTES]> {
    // Whatever is longer is none of ours, and nothing is spent on it. The last character has one spelling too: what is left of it
    // has to be nothing.
    if token.len() != ((BYTES + CODE_BYTES) * 4).div_ceil(3) {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (says, code) = bytes.split_first_chunk::<BYTES>()?;
    keys.mac_fits(purpose, &[says], &URL_SAFE_NO_PAD.encode(code))
        .then_some(*says)
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
        let (vote, unsubscribe) = (
            vote_token(&keys, id),
            unsubscribe_token(&keys, id, "Ada@example.org"),
        );
        assert_eq!(read_vote_token(&keys, &vote), Some(id));
        let says = UnsubscribeToken {
            delivery: id,
            address_mac: keys.mac(KeyPurpose::SuppressedAddress, &["ada@example.org"]),
        };
        assert_eq!(read_unsubscribe_token(&keys, &unsubscribe), Some(says));
        assert_eq!(read_vote_token(&keys, &unsubscribe), None);
        assert_eq!(read_unsubscribe_token(&keys, &vote), None);
        assert_eq!((vote.len(), unsubscribe.len()), (64, 107));
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
        let token_of = |number, address| unsubscribe_token(&keys, delivery(number), address);
        let (one, other) = (token_of(7, "a@example.org"), token_of(7, "b@example.org"));
        for place in 0..one.len() {
            for letter in ["A", "b", "-", "_", "=", "ä"] {
                let altered = format!("{}{letter}{}", &one[..place], &one[place + 1..]);
                assert!(
                    altered == one || read_unsubscribe_token(&keys, &altered).is_none(),
                    "{altered}"
                );
            }
        }
        // The address of another under this code.
        let swapped = format!("{}{}", &other[..64], &one[64..]);
        assert_eq!(read_unsubscribe_token(&keys, &swapped), None);
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
