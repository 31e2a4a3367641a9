//! One step of the runners of migrations and seeds: a transaction of its own on a connection of its own.
//!
//! Invariants: a step is there with its record or not at all; two runners at once do not do a step twice.

use crate::connection::{Connector, DbConn, on};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use std::time::Duration;

/// How long a runner waits for another one, or for the locks of what runs beside it, in milliseconds.
const LOCK_TIMEOUT_MS: u32 = 60_000;

/// How often, and with which pause, opening is tried anew while another runner makes the SQLite file.
const OPENING_TRIES: u32 = 250;
const OPENING_PAUSE: Duration = Duration::from_millis(20);

/// Opens a connection with the limits of a runner: building an index may take as long as it takes, and is not to
/// be cut by the limits of a request.
pub(crate) fn open(connector: &Connector) -> Result<DbConn, String> {
    let patient = Connector {
        lock_timeout_ms: LOCK_TIMEOUT_MS,
        statement_timeout_ms: 0,
        ..connector.clone()
    };
    // A new SQLite file is switched to its write-ahead log once, by whoever opens it first; SQLite refuses those who
    // come in that moment without waiting, whatever the busy timeout says.
    let mut refusals = 0;
    loop {
        match patient.open().map_err(|error| error.to_string()) {
            Err(refused) if refused.contains("database is locked") && refusals < OPENING_TRIES => {
                refusals += 1;
                std::thread::sleep(OPENING_PAUSE);
            }
            opened => return opened.and_then(be_patient),
        }
    }
}

/// PostgreSQL has its limit already.
fn be_patient(mut connection: DbConn) -> Result<DbConn, String> {
    if matches!(connection, DbConn::Sqlite(_)) {
        connection
            .execute_batch(&format!("PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}"))
            .map_err(|error| error.to_string())?;
    }
    Ok(connection)
}

/// Runs the work in a transaction that holds off every other writer on SQLite from its first statement.
pub(crate) fn in_transaction<T, E: From<diesel::result::Error>>(
    connection: &mut DbConn,
    work: impl FnOnce(&mut DbConn) -> Result<T, E>,
) -> Result<T, E> {
    match connection {
        DbConn::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN")?,
        DbConn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?,
    }
    match work(connection) {
        Ok(value) => {
            on!(connection, |c| AnsiTransactionManager::commit_transaction(c))?;
            Ok(value)
        }
        Err(error) => {
            // Where taking back fails too, the connection is gone and the database takes back by itself; the
            // first error tells more.
            let _ = on!(connection, |c| AnsiTransactionManager::rollback_transaction(c));
            Err(error)
        }
    }
}

/// Whether the database has a table of that name.
pub(crate) fn table_exists(connection: &mut DbConn, name: &str) -> diesel::QueryResult<bool> {
    use diesel::prelude::*;
    use diesel::sql_types::{BigInt, Text};

    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }

    let query = match connection {
        DbConn::Postgres(_) => {
            "SELECT count(*) AS count FROM pg_catalog.pg_tables \
             WHERE schemaname = ANY (current_schemas(false)) AND tablename = $1"
        }
        DbConn::Sqlite(_) => "SELECT count(*) AS count FROM sqlite_master WHERE type = 'table' AND name = $1",
    };
    let found = on!(connection, |c| diesel::sql_query(query)
        .bind::<Text, _>(name)
        .get_result::<Found>(c))?;
    Ok(found.count > 0)
}
