//! The sections `data` and `database`, read.

use super::{error::ConfigError, sections};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use storage::connection::Connector;
use storage::{DatabaseUrl, SqliteSync};

/// Where the server keeps its files.
#[derive(Debug, Clone)]
pub struct Data {
    /// The folder.
    pub dir: PathBuf,
}

impl Data {
    /// Makes the folder, for its owner alone, where it is not there yet.
    pub fn prepare(&self) -> Result<(), ConfigError> {
        make_folder(&self.dir)
    }
}

/// Which database, and how it is used.
#[derive(Debug, Clone)]
pub struct Database {
    /// How connections are opened.
    pub connector: Connector,
    /// Connections at the most.
    pub pool_size: u32,
    /// Whether what waits at the same time is committed together.
    pub write_together: bool,
    /// Whether starting the server brings the schema forward.
    pub migrate_on_start: bool,
}

impl Database {
    pub(super) fn read(section: &sections::Database, base: &Path, data: &Data) -> Result<Self, ConfigError> {
        let url = match super::filled(section.url.as_ref().map(super::Secret::expose)) {
            // The text may hold a password, so the refusal does not repeat it.
            Some(text) => read_url(text, base)?,
            None => DatabaseUrl::Sqlite(data.dir.join("podium.db")),
        };
        let sqlite_sync = match section.sqlite_synchronous.as_str() {
            "full" => SqliteSync::Full,
            "normal" => SqliteSync::Normal,
            other => {
                let reason = format!("`{other}` is neither full nor normal");
                return Err(ConfigError::value("database.sqlite_synchronous", reason));
            }
        };
        let migrate_on_start = section
            .migrate_on_start
            .unwrap_or(matches!(url, DatabaseUrl::Sqlite(_)));
        super::within("database.pool_size", section.pool_size, 2..=1_000)?;
        super::within("database.lock_timeout_ms", section.lock_timeout_ms, 1..=60_000)?;
        Ok(Self {
            connector: Connector {
                url,
                sqlite_sync,
                lock_timeout_ms: section.lock_timeout_ms,
                statement_timeout_ms: section.statement_timeout_ms,
            },
            pool_size: section.pool_size,
            write_together: section.write_together,
            migrate_on_start,
        })
    }

    /// Makes the folder of an SQLite file where it is not there yet.
    pub fn prepare(&self) -> Result<(), ConfigError> {
        match &self.connector.url {
            DatabaseUrl::Sqlite(path) => path.parent().map_or(Ok(()), make_folder),
            DatabaseUrl::Postgres(_) => Ok(()),
        }
    }
}

fn read_url(text: &str, base: &Path) -> Result<DatabaseUrl, ConfigError> {
    let url = text.parse().map_err(|error: storage::InvalidDatabaseUrl| {
        ConfigError::value("database.url", error.to_string())
    })?;
    match url {
        DatabaseUrl::Sqlite(path) if path.as_os_str() == ":memory:" => Err(ConfigError::value(
            "database.url",
            "a database in memory is another one for each connection; name a file",
        )),
        DatabaseUrl::Sqlite(path) => Ok(DatabaseUrl::Sqlite(base.join(path))),
        DatabaseUrl::Postgres(_) => Ok(url),
    }
}

fn make_folder(path: &Path) -> Result<(), ConfigError> {
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|cause| ConfigError::File {
            path: path.to_owned(),
            cause,
        })
}
