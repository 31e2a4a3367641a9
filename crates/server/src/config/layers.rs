//! The layers of the configuration, laid one over the other: the files, then the environment.

use super::error::ConfigError;
use super::keys::{self, KEYS, Kind};
use super::{Profile, sections::Sections};
use config::{ConfigBuilder, File, FileFormat, Value, ValueKind, builder::DefaultState};
use std::path::Path;

const PREFIX: &str = "PODIUM_";
const PROFILE: &str = "PODIUM_PROFILE";
/// Variables of the tests, which are none of the server's business.
const TESTS: &str = "PODIUM_TEST_";

/// What the environment says.
pub(super) struct Environment {
    pub(super) profile: Profile,
    values: Vec<(&'static str, String, Kind)>,
}

impl Environment {
    /// Reads the variables that are ours and refuses those that only look like it.
    pub(super) fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut environment = Self {
            profile: Profile::Development,
            values: Vec::new(),
        };
        for (name, value) in variables {
            if name == PROFILE {
                environment.profile = value.parse()?;
            } else if name.starts_with(PREFIX) && !name.starts_with(TESTS) {
                let (key, kind) = known(&name)?;
                environment.values.push((key, value, kind));
            }
        }
        Ok(environment)
    }
}

fn known(name: &str) -> Result<(&'static str, Kind), ConfigError> {
    KEYS.iter()
        .copied()
        .find(|(key, _)| keys::variable_of(key) == name)
        .ok_or_else(|| {
            let candidates = KEYS
                .iter()
                .map(|(key, _)| keys::variable_of(key))
                .chain([PROFILE.to_owned()]);
            ConfigError::UnknownKey {
                place: "the environment".to_owned(),
                key: name.to_owned(),
                nearest: keys::nearest(name, candidates),
            }
        })
}

/// Lays the files of the folder and the environment over the built-in defaults.
pub(super) fn lay(base: &Path, environment: Environment) -> Result<Sections, ConfigError> {
    let folder = base.join("config");
    let mut builder = config::Config::builder();
    for name in ["default.toml".to_owned(), format!("{}.toml", environment.profile)] {
        builder = add_file(builder, &folder.join(name))?;
    }
    for (key, text, kind) in environment.values {
        let origin = format!("the environment variable {}", keys::variable_of(key));
        let value = Value::new(Some(&origin), read(&text, kind));
        builder = builder
            .set_override(key, value)
            .map_err(|error| ConfigError::Layer(error.to_string()))?;
    }
    builder
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| ConfigError::Layer(error.to_string()))
}

fn read(text: &str, kind: Kind) -> ValueKind {
    match kind {
        Kind::Single => ValueKind::String(text.trim().to_owned()),
        Kind::List => ValueKind::Array(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| Value::new(None, ValueKind::String(part.to_owned())))
                .collect(),
        ),
    }
}

/// Adds a file, if it is there, after a look at its keys.
fn add_file(
    builder: ConfigBuilder<DefaultState>,
    path: &Path,
) -> Result<ConfigBuilder<DefaultState>, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(builder),
        Err(cause) => {
            return Err(ConfigError::File {
                path: path.to_owned(),
                cause,
            });
        }
    };
    let place = path.display().to_string();
    let table: toml::Table = text
        .parse()
        .map_err(|error| ConfigError::Layer(format!("{place}: {error}")))?;
    for (section, value) in &table {
        match value {
            toml::Value::Table(entries) if !entries.is_empty() => {
                for (name, value) in entries {
                    let key = format!("{section}.{name}");
                    check_key(&place, &key)?;
                    if value.is_table() {
                        return Err(ConfigError::Layer(format!(
                            "{place}: {key} is one value and no section"
                        )));
                    }
                }
            }
            // A section without keys says nothing; its name must be right all the same.
            toml::Value::Table(_) if keys_of_section(section) => {}
            _ => check_key(&place, section)?,
        }
    }
    Ok(builder.add_source(File::from(path).format(FileFormat::Toml)))
}

fn keys_of_section(section: &str) -> bool {
    KEYS.iter()
        .any(|(key, _)| key.split_once('.').is_some_and(|(known, _)| known == section))
}

fn check_key(place: &str, key: &str) -> Result<(), ConfigError> {
    if keys::kind_of(key).is_some() {
        return Ok(());
    }
    Err(ConfigError::UnknownKey {
        place: place.to_owned(),
        key: key.to_owned(),
        nearest: keys::nearest(key, KEYS.iter().map(|(known, _)| (*known).to_owned())),
    })
}
