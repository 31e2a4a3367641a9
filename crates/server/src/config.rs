//! The configuration: built-in defaults, `config/default.toml`, `config/<profile>.toml`, then the environment.
//!
//! Invariants: it is read once and into types; a key that nothing reads is refused, wherever it stands; nothing
//! shows a secret; a folder without any file is enough to start from.

mod auth;
mod database;
mod describe;
mod error;
mod google;
mod http;
mod keys;
mod layers;
mod log;
mod messages;
mod secret;
mod sections;
mod signing_key;

pub use auth::Auth;
pub use database::{Data, Database};
pub use error::ConfigError;
pub use google::{Google, GoogleClient};
pub use http::{AddressRange, Http, Origin};
pub use log::{Log, LogFormat, LogRequests};
pub use messages::{Mail, Sms, SmsGateway, Worker};
pub use secret::Secret;
pub use signing_key::{SigningKey, SigningKeys};

use sections::Sections;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// Everything that is set, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the installation is for.
    pub profile: Profile,
    /// Where and for whom it listens.
    pub http: Http,
    /// Where it keeps its files.
    pub data: Data,
    /// Which database, and how it is used.
    pub database: Database,
    /// How people sign in.
    pub auth: Auth,
    /// Who else vouches for people.
    pub google: Google,
    /// How long answers are kept in memory.
    pub cache: Cache,
    /// How often an address may ask, and how much one account may do.
    pub limits: Limits,
    /// How mails leave.
    pub mail: Mail,
    /// How text messages leave.
    pub sms: Sms,
    /// Who sends what waits in the queue.
    pub worker: Worker,
    /// Who reads the measurements.
    pub metrics: Metrics,
    /// What is logged, and how.
    pub log: Log,
}

/// What an installation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Trying and building: starts from nothing.
    Development,
    /// Real people: nothing is made up, nothing is seeded.
    Production,
}

/// How long answers are kept in memory.
#[derive(Debug, Clone, Copy)]
pub struct Cache {
    /// Events.
    pub ttl: Duration,
    /// Sessions, users and their permissions. A change is in force everywhere after this time.
    pub access_ttl: Duration,
}

/// How often an address may ask, and how much one account may do.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Whether the limits of addresses hold, and the lockouts.
    pub enabled: bool,
    /// Requests of one address within the seconds below.
    pub requests: u32,
    /// The time for the requests above.
    pub per_seconds: u32,
    /// Requests of one address to what leads to a sign-in.
    pub sign_ins_per_minute: u32,
    /// Pages of tickets and links of campaigns that one address opens.
    pub pages_per_minute: u32,
    /// New accounts of one address.
    pub sign_ups_per_hour: u32,
    /// How many others one account may register within 24 hours; each of them gets a mail.
    pub invites_per_day: u32,
    /// How often those who hold a seat at one event are written to within 24 hours.
    pub announcements_per_day: u32,
}

/// Who reads the measurements.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// What a reader from elsewhere than this machine must show.
    pub token: Option<Secret>,
}

impl Config {
    /// Reads the files below `base` and the given environment. Relative paths begin at `base`.
    pub fn load(
        base: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let environment = layers::Environment::read(environment)?;
        let profile = environment.profile;
        let sections = layers::lay(base, environment)?;
        Self::read(sections, profile, base)
    }

    /// Reads the files of the working folder and the environment of this process.
    pub fn of_this_process() -> Result<Self, ConfigError> {
        let mut ours = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with("PODIUM_")) else {
                continue;
            };
            let value = value
                .into_string()
                .map_err(|_| ConfigError::Layer(format!("{name} is not UTF-8")))?;
            ours.push((name.to_owned(), value));
        }
        Self::load(Path::new(""), ours)
    }

    fn read(sections: Sections, profile: Profile, base: &Path) -> Result<Self, ConfigError> {
        if sections.data.dir.is_empty() {
            return Err(ConfigError::value("data.dir", "names no folder"));
        }
        let http = Http::read(sections.http)?;
        let data = Data {
            dir: base.join(sections.data.dir),
        };
        let database = Database::read(&sections.database, base, &data)?;
        let auth = Auth::read(sections.auth, profile, &http)?;
        let google = Google::read(sections.google)?;
        // Suspending somebody must be in force within five seconds on every instance.
        within("cache.access_ttl_ms", sections.cache.access_ttl_ms, 0..=5_000)?;
        within("cache.ttl_ms", sections.cache.ttl_ms, 0..=60_000)?;
        Ok(Self {
            profile,
            http,
            data,
            database,
            auth,
            google,
            cache: Cache {
                ttl: Duration::from_millis(sections.cache.ttl_ms),
                access_ttl: Duration::from_millis(sections.cache.access_ttl_ms),
            },
            limits: Limits::read(&sections.limits)?,
            mail: Mail::read(sections.mail)?,
            sms: Sms::read(sections.sms)?,
            worker: Worker::read(&sections.worker)?,
            metrics: Metrics {
                token: sections.metrics.token.filter(|token| !token.expose().is_empty()),
            },
            log: Log::read(&sections.log)?,
        })
    }

    /// The keys that tokens are signed and read with. In development a missing one is made, once, in the data
    /// folder; production refuses.
    pub fn signing_keys(&self) -> Result<SigningKeys, ConfigError> {
        let current = match (&self.auth.signing_key, self.profile) {
            (Some(key), _) => key.clone(),
            (None, Profile::Production) => return Err(ConfigError::NoSigningKey),
            (None, Profile::Development) => {
                self.data.prepare()?;
                signing_key::find_or_make(&signing_key::path_in(&self.data.dir))?
            }
        };
        Ok(SigningKeys {
            current,
            previous: self.auth.previous_signing_keys.clone(),
        })
    }

    /// Says where the signing key comes from, and makes none.
    pub fn signing_key_source(&self) -> Result<String, ConfigError> {
        let path = signing_key::path_in(&self.data.dir);
        match (&self.auth.signing_key, self.profile) {
            (Some(_), _) => Ok("set by auth.signing_key".to_owned()),
            (None, Profile::Production) => Err(ConfigError::NoSigningKey),
            (None, Profile::Development) => Ok(match signing_key::find(&path)? {
                Some(_) => format!("kept in {}", path.display()),
                None => format!("made in {} by the first start", path.display()),
            }),
        }
    }

    /// Makes the folders that the configuration names, where they are not there yet.
    pub fn prepare_folders(&self) -> Result<(), ConfigError> {
        self.data.prepare()?;
        self.database.prepare()
    }
}

impl Limits {
    fn read(section: &sections::Limits) -> Result<Self, ConfigError> {
        // A limit that lets nobody in is a mistake; without limits is `enabled = false`.
        within("limits.requests", section.requests, 1..=1_000_000)?;
        within("limits.per_seconds", section.per_seconds, 1..=3_600)?;
        within(
            "limits.sign_ins_per_minute",
            section.sign_ins_per_minute,
            1..=1_000_000,
        )?;
        within("limits.pages_per_minute", section.pages_per_minute, 1..=1_000_000)?;
        within(
            "limits.sign_ups_per_hour",
            section.sign_ups_per_hour,
            1..=1_000_000,
        )?;
        Ok(Self {
            enabled: section.enabled,
            requests: section.requests,
            per_seconds: section.per_seconds,
            sign_ins_per_minute: section.sign_ins_per_minute,
            pages_per_minute: section.pages_per_minute,
            sign_ups_per_hour: section.sign_ups_per_hour,
            invites_per_day: section.invites_per_day,
            announcements_per_day: section.announcements_per_day,
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Production => "production",
        })
    }
}

impl FromStr for Profile {
    type Err = ConfigError;
    fn from_str(name: &str) -> Result<Self, ConfigError> {
        match name {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            other => {
                let reason = format!("`{other}` is neither development nor production");
                Err(ConfigError::value("PODIUM_PROFILE", reason))
            }
        }
    }
}

/// A text that says something: an empty one counts as not set, as a variable handed through by others often is.
fn filled<T: AsRef<str>>(text: Option<T>) -> Option<T> {
    text.filter(|text| !text.as_ref().is_empty())
}

fn within<T: PartialOrd + Copy + fmt::Display>(
    key: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(ConfigError::value(
        key,
        format!("{value} is not between {} and {}", range.start(), range.end()),
    ))
}
