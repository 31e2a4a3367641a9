//! PostgreSQL databases, made from a template that is migrated once a cluster.
//!
//! Several test processes share the cluster: the template is made under an advisory lock, and only a finished one
//! carries the name that the others look for.

use crate::migrate;
use diesel::sql_types::{Bool, Integer, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::connection::Connector;
use storage::{DatabaseUrl, DbConn};

/// What the processes lock while one of them makes the template; a number of no meaning.
const TEMPLATE_LOCK: i64 = 7_064_839_201;
/// The first version that copies a template's files instead of writing every page to the log, if told so.
const COPIES_FILES_SINCE: i32 = 150_000;

/// One database of the cluster.
#[derive(Debug)]
pub(super) struct Database {
    admin: String,
    name: String,
}

impl Database {
    pub(super) fn from_template(admin: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let template = template(admin);
        let name = format!(
            "podium_test_{}_{}",
            run_tag(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let strategy = if template.copies_files {
            " STRATEGY file_copy"
        } else {
            ""
        };
        let sql = format!("CREATE DATABASE {name} TEMPLATE {}{strategy}", template.name);
        open(admin)
            .execute_batch(&sql)
            .expect("a database from the template");
        Self {
            admin: admin.to_owned(),
            name,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn url(&self) -> String {
        beside(&self.admin, &self.name)
    }
}

impl Drop for Database {
    /// Never panics: it also runs while a failed test unwinds.
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropped = connector(&self.admin)
            .open()
            .map_err(|error| error.to_string())
            .and_then(|mut connection| connection.execute_batch(&sql).map_err(|error| error.to_string()));
        if let Err(error) = dropped {
            eprintln!("the database {} stays behind: {error}", self.name);
        }
    }
}

struct Template {
    name: String,
    copies_files: bool,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Integer)]
    version: i32,
}

fn template(admin: &str) -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let mut connection = open(admin);
        let DbConn::Postgres(postgres) = &mut connection else {
            panic!("{admin} is no PostgreSQL")
        };
        let name = format!("podium_template_{}", migrate::checksum());
        make_template(admin, postgres, &name);
        Template {
            name,
            copies_files: server_version(postgres) >= COPIES_FILES_SINCE,
        }
    })
}

/// The lock is given back when the connection closes.
fn make_template(admin: &str, postgres: &mut PgConnection, name: &str) {
    execute(postgres, &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})"));
    if exists(postgres, name) {
        return;
    }
    let unfinished = format!("{name}_unfinished");
    execute(
        postgres,
        &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"),
    );
    execute(
        postgres,
        &format!("CREATE DATABASE {unfinished} TEMPLATE template0 ENCODING 'UTF8'"),
    );
    migrate::up(&mut open(&beside(admin, &unfinished)));
    execute(postgres, &format!("ALTER DATABASE {unfinished} RENAME TO {name}"));
}

fn exists(postgres: &mut PgConnection, name: &str) -> bool {
    sql_query("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1) AS found")
        .bind::<Text, _>(name)
        .get_result::<Found>(postgres)
        .expect("the list of databases")
        .found
}

fn server_version(postgres: &mut PgConnection) -> i32 {
    sql_query("SELECT current_setting('server_version_num')::integer AS version")
        .get_result::<Version>(postgres)
        .expect("the server's version")
        .version
}

fn execute(postgres: &mut PgConnection, sql: &str) {
    if let Err(error) = sql_query(sql).execute(postgres) {
        panic!("{sql}: {error}");
    }
}

/// Making a template, or waiting for the process that makes it, takes longer than the limits of a running server.
fn connector(url: &str) -> Connector {
    let mut connector = Connector::new(DatabaseUrl::Postgres(url.to_owned()));
    connector.lock_timeout_ms = 0;
    connector.statement_timeout_ms = 0;
    connector
}

fn open(url: &str) -> DbConn {
    connector(url)
        .open()
        .unwrap_or_else(|error| panic!("the tests' PostgreSQL does not answer: {error}"))
}

/// The URL of another database of the same server.
fn beside(admin: &str, database: &str) -> String {
    let (server, parameters) = match admin.split_once('?') {
        Some((server, parameters)) => (server, format!("?{parameters}")),
        None => (admin, String::new()),
    };
    let authority = server.find("://").map_or(0, |at| at + "://".len());
    let end = server[authority..]
        .find('/')
        .map_or(server.len(), |at| authority + at);
    format!("{}/{database}{parameters}", &server[..end])
}

/// Tells this process's databases from those of others, also of earlier ones that a ready server still holds.
fn run_tag() -> &'static str {
    static TAG: OnceLock<String> = OnceLock::new();
    TAG.get_or_init(|| {
        format!(
            "{:016x}",
            std::collections::hash_map::RandomState::new()
                .build_hasher()
                .finish()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server() {
        assert_eq!(beside("postgres://u:p@h:1/postgres", "x"), "postgres://u:p@h:1/x");
        assert_eq!(beside("postgres://h", "x"), "postgres://h/x");
        assert_eq!(
            beside("postgresql://h/postgres?sslmode=disable", "x"),
            "postgresql://h/x?sslmode=disable"
        );
    }
}
