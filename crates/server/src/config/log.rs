//! The section `log`, read.

use super::{error::ConfigError, sections};
use tracing::Level;

/// What is logged, and how.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    /// For people or for programs.
    pub format: LogFormat,
    /// The least important level that is logged.
    pub level: Level,
    /// Which requests leave a line.
    pub requests: LogRequests,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident, $key:literal { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }
        impl $name {
            /// The word that the configuration uses.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
            fn read(word: &str) -> Result<Self, ConfigError> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err(ConfigError::value($key, format!("`{other}` is none of {}", [$($word),+].join(", ")))),
                }
            }
        }
    )+};
}

words! {
    /// The form of a line of the log.
    LogFormat, "log.format" {
        /// For people.
        Readable = "readable",
        /// For programs: one JSON object a line.
        Json = "json",
    }
    /// Which requests leave a line in the log.
    LogRequests, "log.requests" {
        /// Those that may change something, and those that fail.
        Changes = "changes",
        /// All.
        All = "all",
        /// Those alone that fail by a mistake of ours.
        None = "none",
    }
}

impl Log {
    pub(super) fn read(section: &sections::Log) -> Result<Self, ConfigError> {
        let level = section.level.parse().map_err(|_| {
            let reason = format!("`{}` is none of error, warn, info, debug, trace", section.level);
            ConfigError::value("log.level", reason)
        })?;
        Ok(Self {
            format: LogFormat::read(&section.format)?,
            level,
            requests: LogRequests::read(&section.requests)?,
        })
    }
}
