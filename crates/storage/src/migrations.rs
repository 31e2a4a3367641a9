//! Brings the schema forward and back, by the migrations that are built into the binary.
//!
//! Invariants: the database says what was applied; a step is there with its record and its checksum or not at all;
//! what was applied with another text, or by a newer binary, is refused; of two runners at once one waits.

mod embedded;

use crate::connection::{Connector, DbConn, on};
use crate::step;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::MigrationHarness;
use embedded::{Migration, Migrations};
use kernel::Instant;
use std::collections::BTreeMap;

/// The key of the advisory lock that keeps a second runner out: "podium", as a number.
const ADVISORY_LOCK: i64 = 0x706f_6469_756d;

diesel::table! {
    /// What diesel's harness records.
    __diesel_schema_migrations (version) {
        version -> Text,
        run_on -> Timestamp,
    }
}

diesel::table! {
    /// The text that each migration had when it was applied.
    schema_checksums (migration) {
        migration -> Text,
        checksum -> Text,
    }
}

/// One migration, in the binary or in the database, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// The name of its folder, such as `0001_people`.
    pub id: String,
    /// When it was applied, if it was.
    pub applied_at: Option<Instant>,
    /// How the database's record and this binary's text fit together.
    pub standing: Standing,
}

/// How a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Applied, with the text that this binary holds.
    Applied,
    /// Not applied yet.
    Pending,
    /// Applied, but not with the text that this binary holds.
    Changed,
    /// Applied, but unknown to this binary.
    Unknown,
}

/// Why the schema was not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Unavailable(String),
    /// Another runner is at work and did not finish in time.
    #[error("another runner of migrations holds the lock: {0}")]
    Locked(String),
    /// A migration was edited after it was applied.
    #[error(
        "migration {id} is applied, but not with the text that this binary holds; a change needs a migration of its own"
    )]
    Changed {
        /// The migration.
        id: String,
    },
    /// A newer binary was here.
    #[error("the database is newer than this binary: it has migration {id}, which this binary does not know")]
    NewerDatabase {
        /// The migration.
        id: String,
    },
    /// There is nothing to take back.
    #[error("no migration is applied, so there is none to take back")]
    NothingApplied,
    /// The text of a migration was refused; its step was taken back as a whole.
    #[error("migration {id} failed, and nothing of it was kept: {cause}")]
    Failed {
        /// The migration.
        id: String,
        /// What the database said.
        cause: String,
    },
    /// The records of what was applied cannot be read or written.
    #[error("the records of applied migrations: {0}")]
    Records(String),
}

impl From<diesel::result::Error> for MigrationError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Records(error.to_string())
    }
}

/// Every migration that this binary or the database knows, in order. It changes nothing in the database.
pub fn status(connector: &Connector) -> Result<Vec<MigrationState>, MigrationError> {
    let mut connection = step::open(connector).map_err(MigrationError::Unavailable)?;
    let migrations = Migrations::embedded(&connection);
    states(&mut connection, &migrations)
}

/// The migrations that are yet to be applied. A changed or unknown one is an error. It changes nothing.
pub fn pending(connector: &Connector) -> Result<Vec<String>, MigrationError> {
    let states = status(connector)?;
    check(&states)?;
    Ok(states
        .into_iter()
        .filter(|state| state.standing == Standing::Pending)
        .map(|state| state.id)
        .collect())
}

/// Applies what is pending, each migration in a transaction of its own, and names what it applied.
pub fn up(connector: &Connector) -> Result<Vec<String>, MigrationError> {
    let mut runner = Runner::open(connector)?;
    let migrations = Migrations::embedded(&runner.connection);
    runner.up(&migrations)
}

/// Takes back the last `steps` migrations, each in a transaction of its own, and names what it took back.
pub fn down(connector: &Connector, steps: usize) -> Result<Vec<String>, MigrationError> {
    let mut runner = Runner::open(connector)?;
    let migrations = Migrations::embedded(&runner.connection);
    (0..steps).map(|_| runner.down(&migrations)).collect()
}

/// A connection that may change the schema. On PostgreSQL it holds the lock of all runners until it is closed.
struct Runner {
    connection: DbConn,
}

impl Runner {
    fn open(connector: &Connector) -> Result<Self, MigrationError> {
        let mut connection = step::open(connector).map_err(MigrationError::Unavailable)?;
        match &mut connection {
            DbConn::Postgres(c) => c
                .batch_execute(&format!("SELECT pg_advisory_lock({ADVISORY_LOCK})"))
                .map_err(|error| MigrationError::Locked(error.to_string()))?,
            // Making a table anew by copy, drop and rename is how SQLite changes one, and needs the foreign keys
            // off; they are checked as a whole before each step is kept.
            DbConn::Sqlite(c) => c.batch_execute("PRAGMA foreign_keys = OFF")?,
        }
        Ok(Self { connection })
    }

    fn up(&mut self, migrations: &Migrations) -> Result<Vec<String>, MigrationError> {
        let mut applied = Vec::new();
        while let Some(id) = step::in_transaction(&mut self.connection, |c| apply_next(c, migrations))? {
            tracing::info!(migration = id, "migration applied");
            applied.push(id);
        }
        Ok(applied)
    }

    fn down(&mut self, migrations: &Migrations) -> Result<String, MigrationError> {
        let id = step::in_transaction(&mut self.connection, |c| take_back_last(c, migrations))?;
        tracing::info!(migration = id, "migration taken back");
        Ok(id)
    }
}

/// Applies the first pending migration; the list is read inside the transaction, since another runner may have been
/// quicker.
fn apply_next(connection: &mut DbConn, migrations: &Migrations) -> Result<Option<String>, MigrationError> {
    let states = states(connection, migrations)?;
    check(&states)?;
    let Some(next) = states.iter().find(|state| state.standing == Standing::Pending) else {
        return Ok(None);
    };
    let Some(migration) = migrations.find(&next.id) else {
        return Ok(None);
    };
    make_records(connection)?;
    on!(connection, |c| c.run_migration(migration)).map_err(|error| failed(migration, &*error))?;
    on!(connection, |c| diesel::insert_into(schema_checksums::table)
        .values((
            schema_checksums::migration.eq(migration.id()),
            schema_checksums::checksum.eq(migration.checksum()),
        ))
        .execute(c))?;
    check_foreign_keys(connection, migration)?;
    Ok(Some(migration.id().to_owned()))
}

/// Takes back the migration that was applied last.
fn take_back_last(connection: &mut DbConn, migrations: &Migrations) -> Result<String, MigrationError> {
    let states = states(connection, migrations)?;
    check(&states)?;
    let last = states
        .iter()
        .rev()
        .find(|state| state.standing == Standing::Applied);
    let Some(migration) = last.and_then(|state| migrations.find(&state.id)) else {
        return Err(MigrationError::NothingApplied);
    };
    on!(connection, |c| c.revert_migration(migration)).map_err(|error| failed(migration, &*error))?;
    on!(connection, |c| diesel::delete(
        schema_checksums::table.find(migration.id())
    )
    .execute(c))?;
    check_foreign_keys(connection, migration)?;
    if states.iter().filter(|state| state.applied_at.is_some()).count() == 1 {
        // The rows that seeds made went with their tables.
        crate::seeds::forget_all(connection)?;
    }
    Ok(migration.id().to_owned())
}

fn failed(migration: &Migration, cause: &dyn std::error::Error) -> MigrationError {
    MigrationError::Failed {
        id: migration.id().to_owned(),
        cause: cause.to_string(),
    }
}

/// Makes the tables that hold what was applied: diesel's own, and the checksums beside it.
fn make_records(connection: &mut DbConn) -> Result<(), MigrationError> {
    connection.execute_batch(diesel::migration::CREATE_MIGRATIONS_TABLE)?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_checksums (migration text NOT NULL PRIMARY KEY, checksum text NOT NULL)",
    )?;
    Ok(())
}

/// Refuses a step that leaves a row pointing nowhere. PostgreSQL has checked already.
fn check_foreign_keys(connection: &mut DbConn, migration: &Migration) -> Result<(), MigrationError> {
    #[derive(QueryableByName)]
    struct Dangling {
        #[diesel(sql_type = diesel::sql_types::Text)]
        table: String,
    }
    let DbConn::Sqlite(c) = connection else {
        return Ok(());
    };
    let dangling: Vec<Dangling> =
        diesel::sql_query("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1").load(c)?;
    match dangling.first() {
        None => Ok(()),
        Some(row) => Err(MigrationError::Failed {
            id: migration.id().to_owned(),
            cause: format!("a row of {} points to a row that is not there", row.table),
        }),
    }
}

/// Refuses a database whose past is not this binary's.
fn check(states: &[MigrationState]) -> Result<(), MigrationError> {
    for state in states {
        match state.standing {
            Standing::Unknown => return Err(MigrationError::NewerDatabase { id: state.id.clone() }),
            Standing::Changed => return Err(MigrationError::Changed { id: state.id.clone() }),
            Standing::Applied | Standing::Pending => {}
        }
    }
    Ok(())
}

fn states(connection: &mut DbConn, migrations: &Migrations) -> Result<Vec<MigrationState>, MigrationError> {
    let mut applied = applied(connection)?;
    let checksums = checksums(connection)?;
    let mut states: Vec<MigrationState> = Vec::new();
    for migration in &migrations.0 {
        let applied_at = applied.remove(migration.id());
        let standing = match applied_at {
            None => Standing::Pending,
            Some(_) if checksums.get(migration.id()) == Some(&migration.checksum()) => Standing::Applied,
            Some(_) => Standing::Changed,
        };
        states.push(MigrationState {
            id: migration.id().to_owned(),
            applied_at,
            standing,
        });
    }
    states.extend(applied.into_iter().map(|(id, applied_at)| MigrationState {
        id,
        applied_at: Some(applied_at),
        standing: Standing::Unknown,
    }));
    states.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(states)
}

/// What the database says was applied, and when.
fn applied(connection: &mut DbConn) -> Result<BTreeMap<String, Instant>, MigrationError> {
    if !step::table_exists(connection, "__diesel_schema_migrations")? {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(String, chrono::NaiveDateTime)> =
        on!(connection, |c| __diesel_schema_migrations::table.load(c))?;
    Ok(rows
        .into_iter()
        .map(|(id, run_on)| (id, run_on.and_utc()))
        .collect())
}

fn checksums(connection: &mut DbConn) -> Result<BTreeMap<String, String>, MigrationError> {
    if !step::table_exists(connection, "schema_checksums")? {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(String, String)> = on!(connection, |c| schema_checksums::table.load(c))?;
    Ok(rows.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::DatabaseUrl;

    fn sqlite_runner(folder: &tempfile::TempDir) -> Runner {
        let url = DatabaseUrl::Sqlite(folder.path().join("podium.db"));
        Runner::open(&Connector::new(url)).unwrap()
    }

    fn count(runner: &mut Runner, table: &str) -> i64 {
        use diesel::sql_types::BigInt;
        let DbConn::Sqlite(connection) = &mut runner.connection else {
            panic!("SQLite was asked for")
        };
        let count = diesel::dsl::sql::<BigInt>(&format!("(SELECT count(*) FROM {table})"));
        diesel::select(count).get_result(connection).unwrap()
    }

    const FAMILY: &str = "CREATE TABLE parents (id INTEGER PRIMARY KEY); INSERT INTO parents VALUES (1), (2); \
        CREATE TABLE children (parent INTEGER REFERENCES parents (id) ON DELETE CASCADE); \
        INSERT INTO children VALUES (1), (2);";

    #[test]
    fn making_a_table_anew_on_sqlite_keeps_the_rows_that_point_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut runner = sqlite_runner(&folder);
        let anew = "CREATE TABLE parents_new (id INTEGER PRIMARY KEY, name TEXT); \
            INSERT INTO parents_new SELECT id, 'x' FROM parents; DROP TABLE parents; \
            ALTER TABLE parents_new RENAME TO parents;";
        let migrations = Migrations(vec![
            Migration::new("0001_family", FAMILY, ""),
            Migration::new("0002_names", anew, ""),
        ]);
        assert_eq!(runner.up(&migrations).unwrap(), ["0001_family", "0002_names"]);
        assert_eq!(
            (count(&mut runner, "parents"), count(&mut runner, "children")),
            (2, 2)
        );
    }

    #[test]
    fn a_step_that_leaves_a_row_pointing_nowhere_is_taken_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut runner = sqlite_runner(&folder);
        let orphaning = "CREATE TABLE other (id INTEGER); DELETE FROM parents WHERE id = 1;";
        let mut migrations = Migrations(vec![
            Migration::new("0001_family", FAMILY, ""),
            Migration::new("0002_orphans", orphaning, ""),
        ]);
        let error = runner.up(&migrations).unwrap_err();
        assert!(
            matches!(&error, MigrationError::Failed { id, cause } if id == "0002_orphans" && cause.contains("children"))
        );
        assert_eq!(count(&mut runner, "parents"), 2);
        let states = states(&mut runner.connection, &migrations).unwrap();
        assert_eq!(states[0].standing, Standing::Applied);
        assert_eq!(states[1].standing, Standing::Pending);
        // The same connection goes on with a better text.
        migrations.0[1] = Migration::new("0002_orphans", "CREATE TABLE other (id INTEGER);", "");
        assert_eq!(runner.up(&migrations).unwrap(), ["0002_orphans"]);
    }
}
