//! Fills a database with things to try Podium on, and takes them back, by the texts that are built into the binary.
//!
//! Invariants: one text serves both databases; a seed is there with its record or not at all; taking back the last
//! seed takes back exactly what was applied last. A seed's rows are those that its text names: what people made of
//! them since is held by the foreign keys.

mod template;

use crate::connection::{Connector, DbConn, on};
use crate::migrations::{self, MigrationError};
use crate::step;
use chrono::SecondsFormat;
use diesel::prelude::*;
use include_dir::{Dir, include_dir};
use kernel::Instant;

static TEXTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../seeds");

/// The key of the advisory lock that keeps a second runner out: "seeds", as a number.
const ADVISORY_LOCK: i64 = 0x73_6565_6473;

const TABLE: &str = "applied_seeds";

diesel::table! {
    /// What was applied, in which order.
    applied_seeds (name) {
        name -> Text,
        sequence -> Integer,
        applied_at -> Text,
    }
}

/// What became of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedStep {
    /// The seed, such as `02-users`.
    pub name: String,
    /// What was done.
    pub outcome: SeedOutcome,
}

/// What was done with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedOutcome {
    /// Its rows are there now.
    Applied,
    /// It had been applied before, and nothing was changed.
    AlreadyApplied,
    /// Its rows are gone.
    TakenBack,
}

/// Why a seed was neither applied nor taken back. Nothing of the step it names was kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// There is no seed of that name.
    #[error("there is no seed `{name}`; there are {}", .known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// All there are.
        known: Vec<String>,
    },
    /// The seed is not there to be taken back.
    #[error("seed {0} is not applied, so it cannot be taken back")]
    NotApplied(String),
    /// No seed at all is there to be taken back.
    #[error("no seed is applied, so there is none to take back")]
    NoneApplied,
    /// The tables that the seeds fill are not all there.
    #[error("the schema is behind (migration {0} is pending): migrate first")]
    SchemaBehind(String),
    /// The schema cannot be looked at, or is none of this binary's.
    #[error(transparent)]
    Schema(#[from] MigrationError),
    /// A placeholder in the text that the runner does not know.
    #[error("seed {name} has a placeholder that is not known: {{{{{placeholder}}}}}")]
    Placeholder {
        /// The seed.
        name: String,
        /// What stands between the braces.
        placeholder: String,
    },
    /// Rows that this seed needs are not there.
    #[error("seed {0} needs rows that are not there: apply the seeds before it first")]
    NeedsEarlier(String),
    /// Other rows still point to the seed's.
    #[error(
        "seed {0} cannot be taken back while other rows point to its own: take back the seeds after it first, and what was made with them"
    )]
    StillUsed(String),
    /// The database refused the text.
    #[error("seed {name} failed, and nothing of it was kept: {cause}")]
    Failed {
        /// The seed.
        name: String,
        /// What the database said.
        cause: String,
    },
    /// The database is away, or the records of what was applied cannot be read or written.
    #[error("the records of applied seeds: {0}")]
    Records(String),
}

impl From<diesel::result::Error> for SeedError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Records(error.to_string())
    }
}

/// All seeds, in the order in which they are applied.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = TEXTS
        .get_dir("sql")
        .into_iter()
        .flat_map(Dir::files)
        .filter_map(|file| {
            Some(
                file.path()
                    .file_name()?
                    .to_str()?
                    .strip_suffix(".sql")?
                    .to_owned(),
            )
        })
        .collect();
    names.sort();
    names
}

/// The seed of that name, with its number (`02-users`) or without (`users`).
pub fn resolve(name: &str) -> Result<String, SeedError> {
    let known = names();
    let found = known.iter().find(|known| {
        let without_number = known.split_once('-').map(|(_, rest)| rest);
        known.as_str() == name || without_number == Some(name)
    });
    match found {
        Some(found) => Ok(found.clone()),
        None => Err(SeedError::Unknown {
            name: name.to_owned(),
            known,
        }),
    }
}

/// What is applied, in the order in which it was.
pub fn applied(connector: &Connector) -> Result<Vec<String>, SeedError> {
    let mut connection = step::open(connector).map_err(SeedError::Records)?;
    if !step::table_exists(&mut connection, TABLE)? {
        return Ok(Vec::new());
    }
    Ok(applied_names(&mut connection)?)
}

/// Applies the named seeds in that order, or all of them; each in a transaction of its own. Stops at the first that
/// fails; those before it stay.
pub fn apply(connector: &Connector, seeds: &[String], now: Instant) -> Result<Vec<SeedStep>, SeedError> {
    let chosen = if seeds.is_empty() {
        names()
    } else {
        seeds.iter().map(|name| resolve(name)).collect::<Result<_, _>>()?
    };
    let mut connection = open(connector)?;
    chosen
        .into_iter()
        .map(|name| {
            let outcome = step::in_transaction(&mut connection, |c| apply_one(c, &name, now))?;
            Ok(SeedStep { name, outcome })
        })
        .collect()
}

/// Takes back one seed: the named one, or the one that was applied last.
pub fn undo(connector: &Connector, seed: Option<&str>, now: Instant) -> Result<SeedStep, SeedError> {
    let seed = seed.map(resolve).transpose()?;
    let mut connection = open(connector)?;
    let name = step::in_transaction(&mut connection, |c| undo_one(c, seed, now))?;
    Ok(SeedStep {
        name,
        outcome: SeedOutcome::TakenBack,
    })
}

/// Forgets what was applied, after the tables themselves went.
pub(crate) fn forget_all(connection: &mut DbConn) -> diesel::QueryResult<()> {
    connection.execute_batch(&format!("DROP TABLE IF EXISTS {TABLE}"))
}

fn open(connector: &Connector) -> Result<DbConn, SeedError> {
    if let Some(behind) = migrations::pending(connector)?.into_iter().next() {
        return Err(SeedError::SchemaBehind(behind));
    }
    step::open(connector).map_err(SeedError::Records)
}

/// Keeps other runners out until the transaction ends, and makes the table of records.
fn begin_step(connection: &mut DbConn) -> Result<(), SeedError> {
    if matches!(connection, DbConn::Postgres(_)) {
        connection.execute_batch(&format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))?;
    }
    if !step::table_exists(connection, TABLE)? {
        connection.execute_batch(&format!(
            "CREATE TABLE {TABLE} \
             (name text NOT NULL PRIMARY KEY, sequence integer NOT NULL, applied_at text NOT NULL)"
        ))?;
    }
    Ok(())
}

fn apply_one(connection: &mut DbConn, name: &str, now: Instant) -> Result<SeedOutcome, SeedError> {
    begin_step(connection)?;
    if applied_names(connection)?.iter().any(|applied| applied == name) {
        return Ok(SeedOutcome::AlreadyApplied);
    }
    run_text(connection, "sql", name, now, SeedError::NeedsEarlier)?;
    let last: Option<i32> = on!(connection, |c| applied_seeds::table
        .select(diesel::dsl::max(applied_seeds::sequence))
        .get_result(c))?;
    on!(connection, |c| diesel::insert_into(applied_seeds::table)
        .values((
            applied_seeds::name.eq(name),
            applied_seeds::sequence.eq(last.unwrap_or(0) + 1),
            applied_seeds::applied_at.eq(now.to_rfc3339_opts(SecondsFormat::Micros, true)),
        ))
        .execute(c))?;
    tracing::info!(seed = name, "seed applied");
    Ok(SeedOutcome::Applied)
}

fn undo_one(connection: &mut DbConn, seed: Option<String>, now: Instant) -> Result<String, SeedError> {
    begin_step(connection)?;
    let mut applied = applied_names(connection)?;
    let name = match seed {
        Some(name) if applied.contains(&name) => name,
        Some(name) => return Err(SeedError::NotApplied(name)),
        None => applied.pop().ok_or(SeedError::NoneApplied)?,
    };
    run_text(connection, "undo", &name, now, SeedError::StillUsed)?;
    on!(connection, |c| diesel::delete(applied_seeds::table.find(&name))
        .execute(c))?;
    tracing::info!(seed = name, "seed taken back");
    Ok(name)
}

fn applied_names(connection: &mut DbConn) -> diesel::QueryResult<Vec<String>> {
    on!(connection, |c| applied_seeds::table
        .select(applied_seeds::name)
        .order(applied_seeds::sequence)
        .load(c))
}

/// Runs a seed's text from one of the two folders; `dangling` is what a refusal of the foreign keys means there.
fn run_text(
    connection: &mut DbConn,
    folder: &str,
    name: &str,
    now: Instant,
    dangling: fn(String) -> SeedError,
) -> Result<(), SeedError> {
    let failed = |cause: String| SeedError::Failed {
        name: name.to_owned(),
        cause,
    };
    let text = TEXTS
        .get_file(format!("{folder}/{name}.sql"))
        .and_then(|file| file.contents_utf8())
        .ok_or_else(|| failed(format!("seeds/{folder}/{name}.sql is not there")))?;
    let filled = template::fill(text, now).map_err(|placeholder| SeedError::Placeholder {
        name: name.to_owned(),
        placeholder,
    })?;
    connection.execute_batch(&filled).map_err(|error| {
        let cause = error.to_string();
        // Statements sent as a batch come back without a kind on SQLite, so the words decide.
        if cause.to_lowercase().contains("foreign key") {
            dangling(name.to_owned())
        } else {
            failed(cause)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_can_be_taken_back_and_has_only_known_placeholders() {
        let now = Instant::UNIX_EPOCH;
        assert!(!names().is_empty());
        for name in names() {
            for folder in ["sql", "undo"] {
                let file = TEXTS.get_file(format!("{folder}/{name}.sql"));
                let text = file
                    .and_then(|file| file.contents_utf8())
                    .unwrap_or_else(|| panic!("{folder}/{name}"));
                assert!(template::fill(text, now).is_ok(), "{folder}/{name}");
            }
        }
        assert_eq!(TEXTS.get_dir("undo").unwrap().files().count(), names().len());
    }

    #[test]
    fn a_seed_is_found_with_and_without_its_number() {
        assert_eq!(resolve("users").unwrap(), "02-users");
        assert_eq!(resolve("02-users").unwrap(), "02-users");
        assert!(
            matches!(resolve("user"), Err(SeedError::Unknown { name, known }) if name == "user" && known == names())
        );
    }
}
