//! One connection of either database, how it is opened, and how a query is written once for both.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{ManageConnection, R2D2Connection};
use diesel::{Connection, PgConnection, SqliteConnection};
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// An open connection. The variant is chosen by the URL's scheme, never by trying.
pub enum DbConn {
    /// A PostgreSQL server.
    Postgres(PgConnection),
    /// An SQLite file.
    Sqlite(SqliteConnection),
}

/// Compiles one query for each database: `on!(connection, |c| events::table.find(id).first(c))`.
macro_rules! on {
    ($connection:expr, |$c:ident| $query:expr) => {
        match $connection {
            $crate::connection::DbConn::Postgres($c) => $query,
            $crate::connection::DbConn::Sqlite($c) => $query,
        }
    };
}
pub(crate) use on;

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `postgres://…` or `postgresql://…`, as libpq reads it.
    Postgres(String),
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
}

/// A URL of no database that Podium knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a database URL is sqlite:PATH or postgres://…")]
pub struct InvalidDatabaseUrl;

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.trim_start_matches('/').is_empty() => Ok(Self::Sqlite(PathBuf::from(
                path.strip_prefix("//").unwrap_or(path),
            ))),
            _ => Err(InvalidDatabaseUrl),
        }
    }
}

/// Shows no password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let rest = rest.split('?').next().unwrap_or(rest);
                let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                write!(f, "{scheme}://{rest}")
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How hard SQLite pushes a commit to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SqliteSync {
    /// A commit survives the loss of power.
    #[default]
    Full,
    /// A commit survives a crash of the process; the last ones may be lost with the power.
    Normal,
}

/// Opens connections for the pools.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Where to.
    pub url: DatabaseUrl,
    /// SQLite only.
    pub sqlite_sync: SqliteSync,
    /// PostgreSQL only: how long a statement waits for a lock, in milliseconds, before the transaction is tried anew.
    pub lock_timeout_ms: u32,
    /// PostgreSQL only: how long a statement may take, in milliseconds; 0 is for ever.
    pub statement_timeout_ms: u32,
}

impl Connector {
    /// A connector with the usual limits: 200 ms for a lock, 10 s for a statement.
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            sqlite_sync: SqliteSync::Full,
            lock_timeout_ms: 200,
            statement_timeout_ms: 10_000,
        }
    }

    /// Opens one connection, with the settings that everything relies on.
    pub fn open(&self) -> Result<DbConn, diesel::r2d2::Error> {
        match &self.url {
            DatabaseUrl::Postgres(url) => self.open_postgres(url),
            DatabaseUrl::Sqlite(path) => self.open_sqlite(path),
        }
    }

    fn open_postgres(&self, url: &str) -> Result<DbConn, diesel::r2d2::Error> {
        let mut connection =
            PgConnection::establish(&with_limits(url)).map_err(diesel::r2d2::Error::ConnectionError)?;
        connection
            // To start another process takes longer than most of what is read here, and there are as many connections as are of use.
            .batch_execute(&format!(
                "SET timezone = 'UTC'; SET lock_timeout = {}; SET statement_timeout = {}; \
                 SET idle_in_transaction_session_timeout = 30000; \
                 SET max_parallel_workers_per_gather = 0",
                self.lock_timeout_ms, self.statement_timeout_ms
            ))
            .map_err(diesel::r2d2::Error::QueryError)?;
        Ok(DbConn::Postgres(connection))
    }

    fn open_sqlite(&self, path: &Path) -> Result<DbConn, diesel::r2d2::Error> {
        let synchronous = match self.sqlite_sync {
            SqliteSync::Full => "FULL",
            SqliteSync::Normal => "NORMAL",
        };
        let mut connection = SqliteConnection::establish(&path.to_string_lossy())
            .map_err(diesel::r2d2::Error::ConnectionError)?;
        // Mapped, pages are read from where the system keeps them, for all connections at once: a search that reads thousands of rows
        // takes half as long as with a small cache of each connection (sqlite.org/mmap.html).
        connection
            .batch_execute(&format!(
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
                 PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4000; \
                 PRAGMA mmap_size = 1073741824"
            ))
            .map_err(diesel::r2d2::Error::QueryError)?;
        Ok(DbConn::Sqlite(connection))
    }
}

/// Limits of waiting for a server that does not answer, unless the URL names its own: libpq by itself waits for ever, and
/// would keep a thread for each request. Seconds, but for the last, which is in milliseconds (PostgreSQL manual, "Parameter
/// Key Words").
fn with_limits(url: &str) -> String {
    const LIMITS: [(&str, u32); 4] = [
        ("connect_timeout", 5),
        ("keepalives_idle", 10),
        ("keepalives_interval", 5),
        ("tcp_user_timeout", 15_000),
    ];
    let mut limited = url.to_owned();
    for (name, value) in LIMITS {
        if !url.contains(name) {
            limited.push(if limited.contains('?') { '&' } else { '?' });
            let _ = write!(limited, "{name}={value}");
        }
    }
    limited
}

impl ManageConnection for Connector {
    type Connection = DbConn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<DbConn, Self::Error> {
        self.open()
    }

    fn is_valid(&self, connection: &mut DbConn) -> Result<(), Self::Error> {
        on!(connection, |c| c.ping()).map_err(diesel::r2d2::Error::QueryError)
    }

    /// A connection that was in use while its thread panicked may hold an open transaction: it is thrown away.
    fn has_broken(&self, connection: &mut DbConn) -> bool {
        std::thread::panicking() || on!(connection, |c| R2D2Connection::is_broken(c))
    }
}

impl DbConn {
    /// It is of no use any more: a pool throws it away. The driver notices that itself of some ways in which a connection ends, and
    /// not of all.
    pub(crate) fn give_up(&mut self) {
        on!(self, |c| AnsiTransactionManager::transaction_manager_status_mut(
            c
        )
        .set_in_error());
    }

    /// Runs statements that give no rows.
    pub fn execute_batch(&mut self, sql: &str) -> diesel::QueryResult<()> {
        on!(self, |c| c.batch_execute(sql))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_decides_and_a_typo_is_refused() {
        assert!(matches!(
            "sqlite:var/podium.db".parse(),
            Ok(DatabaseUrl::Sqlite(_))
        ));
        assert!(matches!(
            "postgres://localhost/podium".parse(),
            Ok(DatabaseUrl::Postgres(_))
        ));
        for typo in ["postgre://localhost/podium", "podium.db", "sqlite:", ""] {
            assert!(typo.parse::<DatabaseUrl>().is_err(), "{typo}");
        }
    }

    #[test]
    fn waiting_is_limited_unless_the_url_says_how() {
        let limited = with_limits("postgres://db.example/podium?connect_timeout=1");
        assert!(limited.starts_with("postgres://db.example/podium?connect_timeout=1&keepalives_idle=10&"));
        assert!(with_limits("postgres://db.example/podium").contains("podium?connect_timeout=5&"));
    }

    #[test]
    fn a_shown_url_has_no_password() {
        let url: DatabaseUrl = "postgres://podium:s3cret@db.example/podium?password=s3cret"
            .parse()
            .unwrap();
        assert_eq!(url.to_string(), "postgres://db.example/podium");
    }
}
