//! Why the configuration is refused.

use std::path::PathBuf;

/// Why the configuration is refused; each names the place to look at.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key that nothing reads: most likely a typing error, which must not pass for a setting.
    #[error("{place}: there is no key `{key}`; the nearest is `{nearest}`")]
    UnknownKey {
        /// The file, or the environment.
        place: String,
        /// The key as it is written there.
        key: String,
        /// The known key that is most like it.
        nearest: String,
    },
    /// A value that does not fit its key.
    #[error("{key}: {reason}")]
    Value {
        /// The key, such as `http.address`.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A value of the wrong type, or a file that is not TOML.
    #[error("{0}")]
    Layer(String),
    /// A file that cannot be read or written.
    #[error("{}: {cause}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Production has no key of its own making.
    #[error(
        "auth.signing_key is not set, and production makes none by itself: make one with `openssl rand -base64 32` \
         and set it as PODIUM_AUTH__SIGNING_KEY, the same on every instance"
    )]
    NoSigningKey,
}

impl ConfigError {
    pub(super) fn value(key: &'static str, reason: impl Into<String>) -> Self {
        Self::Value {
            key,
            reason: reason.into(),
        }
    }
}
