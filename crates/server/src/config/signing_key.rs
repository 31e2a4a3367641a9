//! The key that signs tokens: named by the configuration, or in development made once and kept in the data folder.

use super::error::ConfigError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::ServerKeys;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// As long as the output of the hash it is used with (RFC 7518, section 3.2).
const SHORTEST: usize = 32;

/// At least 32 bytes that nobody else knows.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

/// The key that signs, and those that are still good for reading.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    /// Signs.
    pub current: SigningKey,
    /// Signed before.
    pub previous: Vec<SigningKey>,
}

impl SigningKeys {
    /// The same keys for what else is sealed or vouched for.
    pub fn server_keys(&self) -> ServerKeys {
        let previous = self.previous.iter().map(|key| key.as_bytes().to_vec()).collect();
        ServerKeys::new(self.current.as_bytes().to_vec(), previous)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::secret::MASK)
    }
}

impl SigningKey {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn read(key: &'static str, text: &str) -> Result<Self, ConfigError> {
        let bytes = STANDARD
            .decode(text.trim())
            .map_err(|_| ConfigError::value(key, "not base64; make a key with `openssl rand -base64 32`"))?;
        if bytes.len() < SHORTEST {
            let reason = format!(
                "a key of {} bytes is too short, it takes {SHORTEST}; make one with `openssl rand -base64 32`",
                bytes.len()
            );
            return Err(ConfigError::value(key, reason));
        }
        Ok(Self(bytes))
    }
}

/// Where the key of development is kept.
pub(super) fn path_in(data: &Path) -> PathBuf {
    data.join("signing.key")
}

/// The key in the file, if the file is there.
pub(super) fn find(path: &Path) -> Result<Option<SigningKey>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => SigningKey::read("auth.signing_key", &text)
            .map(Some)
            .map_err(|error| match error {
                ConfigError::Value { reason, .. } => {
                    ConfigError::Layer(format!("{}: {reason}", path.display()))
                }
                other => other,
            }),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(ConfigError::File {
            path: path.to_owned(),
            cause,
        }),
    }
}

/// The key in the file, which is made where it is not there. Of several that start at once one wins, and all read
/// what it wrote: the file gets its name only when it is complete.
pub(super) fn find_or_make(path: &Path) -> Result<SigningKey, ConfigError> {
    if let Some(key) = find(path)? {
        return Ok(key);
    }
    let failed = |cause| ConfigError::File {
        path: path.to_owned(),
        cause,
    };
    let mut random = [0_u8; SHORTEST + 8];
    getrandom::fill(&mut random).map_err(|error| failed(std::io::Error::other(error)))?;
    let (key, draft_name) = random.split_at(SHORTEST);
    let draft = path.with_extension(format!(
        "key.{:016x}",
        draft_name.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b))
    ));
    let named =
        write_new(&draft, &STANDARD.encode(key)).and_then(|()| match std::fs::hard_link(&draft, path) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
            other => other,
        });
    // The draft may not even have been made; what counts is the file under its own name.
    let _ = std::fs::remove_file(&draft);
    named.map_err(failed)?;
    find(path)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_short_key_and_one_that_is_no_base64_are_refused() {
        let refused = |text: &str| {
            SigningKey::read("auth.signing_key", text)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(&STANDARD.encode([1; 31])).contains("31 bytes"));
        assert!(refused("a phrase that is long enough, but no base64").contains("openssl rand"));
        assert_eq!(
            SigningKey::read("auth.signing_key", &STANDARD.encode([7; 32]))
                .unwrap()
                .as_bytes(),
            [7; 32]
        );
    }

    #[test]
    fn all_who_start_at_once_agree_on_one_key_that_only_its_owner_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        let keys: Vec<SigningKey> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| find_or_make(&path).unwrap()))
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(keys[0].as_bytes().len(), 32);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft stays"
        );
    }

    #[test]
    fn a_damaged_file_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        std::fs::write(&path, "c2hvcnQ=\n").unwrap();
        let error = find_or_make(&path).unwrap_err().to_string();
        assert!(
            error.contains("signing.key") && error.contains("too short"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "c2hvcnQ=\n");
    }
}
