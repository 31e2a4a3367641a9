//! What the server's secret key is used for beside signing tokens: one derived key for each purpose, so that what is made
//! for one is worth nothing for another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Six digits are guessed in a moment by whoever has their plain hash.
    OneTimeCode,
    /// Secrets in messages that wait to be sent.
    QueuedSecret,
    /// Which questions are asked of an address.
    SecurityQuestions,
    /// What a browser keeps while a person signs in elsewhere.
    ExternalSignIn,
    /// What a request asked for, where it asked with a password in it.
    RequestFingerprint,
    /// How many codes went to a phone number, which is not to be told from the count.
    PhoneNumber,
    /// The pair of keys by which tickets are signed and scanned.
    TicketSigning,
    /// Links of campaigns' mails by which a person votes.
    VoteLink,
    /// Links of campaigns' mails by which a person gets no more of them.
    UnsubscribeLink,
    /// Which addresses get no campaigns.
    SuppressedAddress,
}

impl KeyPurpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::OneTimeCode => b"podium one-time code",
            Self::QueuedSecret => b"podium queued secret",
            Self::SecurityQuestions => b"podium security questions",
            Self::ExternalSignIn => b"podium external sign-in",
            Self::RequestFingerprint => b"podium request fingerprint",
            Self::PhoneNumber => b"podium phone number",
            Self::TicketSigning => b"podium ticket signing",
            Self::VoteLink => b"podium vote link",
            Self::UnsubscribeLink => b"podium unsubscribe link",
            Self::SuppressedAddress => b"podium suppressed address",
        }
    }
}

/// Nothing could be sealed: the operating system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be sealed: no randomness")]
pub struct SealError;

/// The key in force and those that were before it. Cloning copies them.
#[derive(Clone)]
pub struct ServerKeys {
    current: Vec<u8>,
    previous: Vec<Vec<u8>>,
}

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKeys(…)")
    }
}

impl ServerKeys {
    /// Keys of any length; 32 random bytes are as good as it gets.
    pub fn new(current: Vec<u8>, previous: Vec<Vec<u8>>) -> Self {
        Self { current, previous }
    }

    /// A code by which only who has the key can tell what it was made from: HMAC (RFC 2104) with SHA-256 over the parts,
    /// each behind its length, in base64.
    pub fn mac<P: AsRef<[u8]>>(&self, purpose: KeyPurpose, parts: &[P]) -> String {
        URL_SAFE_NO_PAD.encode(hmac(&self.current, purpose, parts).finalize().into_bytes())
    }

    /// The same under every key: under the present one first, then under the earlier ones.
    pub fn macs<P: AsRef<[u8]>>(&self, purpose: KeyPurpose, parts: &[P]) -> impl Iterator<Item = String> {
        self.all()
            .map(move |key| URL_SAFE_NO_PAD.encode(hmac(key, purpose, parts).finalize().into_bytes()))
    }

    /// Whether the code was made from these parts, under the present key or an earlier one. Takes the same time
    /// whichever byte differs.
    pub fn mac_fits<P: AsRef<[u8]>>(&self, purpose: KeyPurpose, parts: &[P], code: &str) -> bool {
        let Ok(code) = URL_SAFE_NO_PAD.decode(code) else {
            return false;
        };
        self.all()
            .any(|key| hmac(key, purpose, parts).verify_slice(&code).is_ok())
    }

    /// Makes a text that only who has the key can read or make (XChaCha20-Poly1305), in base64.
    pub fn seal(&self, purpose: KeyPurpose, plain: &[u8]) -> Result<String, SealError> {
        let mut nonce = [0_u8; 24];
        getrandom::fill(&mut nonce).map_err(|_| SealError)?;
        let sealed = cipher(&self.current, purpose)
            .encrypt(&XNonce::from(nonce), plain)
            .map_err(|_| SealError)?;
        let mut whole = nonce.to_vec();
        whole.extend(sealed);
        Ok(URL_SAFE_NO_PAD.encode(whole))
    }

    /// Reads what [`Self::seal`] made under the present key or an earlier one; none if it was made or changed by
    /// somebody else.
    pub fn open(&self, purpose: KeyPurpose, sealed: &str) -> Option<Vec<u8>> {
        let whole = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = whole.split_first_chunk::<24>()?;
        self.all()
            .find_map(|key| cipher(key, purpose).decrypt(&XNonce::from(*nonce), sealed).ok())
    }

    /// Random-looking bytes of which a pair of keys is made, of the present key first and then of the earlier ones. Nobody is to
    /// see them.
    pub fn seeds(&self, purpose: KeyPurpose) -> impl Iterator<Item = [u8; 32]> {
        self.all().map(move |key| derived(key, purpose))
    }

    fn all(&self) -> impl Iterator<Item = &Vec<u8>> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

/// HKDF (RFC 5869) without salt: the key is random.
fn derived<const LENGTH: usize>(key: &[u8], purpose: KeyPurpose) -> [u8; LENGTH] {
    let mut derived = [0_u8; LENGTH];
    // Fails for more than 255 blocks of 32 bytes; these are one or two.
    let _ = Hkdf::<Sha256>::new(None, key).expand(purpose.label(), &mut derived);
    derived
}

fn hmac<P: AsRef<[u8]>>(key: &[u8], purpose: KeyPurpose, parts: &[P]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new(&derived::<64>(key, purpose).into());
    for part in parts.iter().map(AsRef::as_ref) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

fn cipher(key: &[u8], purpose: KeyPurpose) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(derived::<32>(key, purpose)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> ServerKeys {
        ServerKeys::new(vec![byte; 32], Vec::new())
    }

    #[test]
    fn what_is_sealed_is_read_by_the_same_key_and_purpose_alone() {
        let sealed = keys(1).seal(KeyPurpose::QueuedSecret, b"123456").unwrap();
        assert_eq!(
            keys(1).open(KeyPurpose::QueuedSecret, &sealed).unwrap(),
            b"123456"
        );
        assert_eq!(keys(2).open(KeyPurpose::QueuedSecret, &sealed), None);
        assert_eq!(keys(1).open(KeyPurpose::ExternalSignIn, &sealed), None);
        let mut changed = sealed.clone().into_bytes();
        changed[40] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(keys(1).open(KeyPurpose::QueuedSecret, &changed), None);
        assert_eq!(keys(1).open(KeyPurpose::QueuedSecret, "short"), None);
        assert_ne!(sealed, keys(1).seal(KeyPurpose::QueuedSecret, b"123456").unwrap());
    }

    #[test]
    fn a_code_fits_its_parts_key_and_purpose_alone() {
        let code = keys(1).mac(KeyPurpose::OneTimeCode, &["ab", "c"]);
        assert!(keys(1).mac_fits(KeyPurpose::OneTimeCode, &["ab", "c"], &code));
        assert!(!keys(1).mac_fits(KeyPurpose::OneTimeCode, &["a", "bc"], &code));
        assert!(!keys(2).mac_fits(KeyPurpose::OneTimeCode, &["ab", "c"], &code));
        assert!(!keys(1).mac_fits(KeyPurpose::SecurityQuestions, &["ab", "c"], &code));
    }

    #[test]
    fn what_an_earlier_key_made_is_still_good() {
        let sealed = keys(1).seal(KeyPurpose::QueuedSecret, b"x").unwrap();
        let code = keys(1).mac(KeyPurpose::OneTimeCode, &["x"]);
        let rotated = ServerKeys::new(vec![2; 32], vec![vec![1; 32]]);
        assert!(rotated.open(KeyPurpose::QueuedSecret, &sealed).is_some());
        assert!(rotated.mac_fits(KeyPurpose::OneTimeCode, &["x"], &code));
    }
}
