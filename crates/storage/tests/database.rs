//! A fresh, empty database per test, not even migrated: for the runners of migrations and seeds.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use std::sync::atomic::{AtomicU32, Ordering};
use storage::connection::{Connector, DatabaseUrl, DbConn};

/// A database that goes with its test.
pub struct Database {
    pub connector: Connector,
    folder: Option<tempfile::TempDir>,
    server: Option<(DatabaseUrl, String)>,
}

/// Turns each function over a [`Database`] into one test per database.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&$crate::database::Database::sqlite()); })+
        }
        mod postgres {
            $(#[test] fn $name() {
                // Says so, or fails, where PostgreSQL is missing.
                if testkit::TestDatabase::unless_left_out(testkit::Kind::Postgres).is_some() {
                    super::$name(&$crate::database::Database::postgres());
                }
            })+
        }
    };
}
pub(crate) use on_both_databases;

impl Database {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connector = Connector::new(DatabaseUrl::Sqlite(folder.path().join("podium.db")));
        Self {
            connector,
            folder: Some(folder),
            server: None,
        }
    }

    /// Beside the other databases of the tests' server.
    pub fn postgres() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = testkit::cluster::shared().expect("asked for before");
        let name = format!(
            "podium_storage_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let (base, _) = server
            .rsplit_once('/')
            .expect("a URL with the name of a database");
        let url = format!("{base}/{name}").parse().unwrap();
        let server: DatabaseUrl = server.parse().unwrap();
        open(&server)
            .execute_batch(&format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
            ))
            .unwrap();
        Self {
            connector: Connector::new(url),
            folder: None,
            server: Some((server, name)),
        }
    }

    pub fn connect(&self) -> DbConn {
        self.connector.open().unwrap()
    }

    pub fn execute(&self, sql: &str) {
        self.connect().execute_batch(sql).unwrap();
    }

    /// The one number that the query gives.
    pub fn number(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            value: i64,
        }
        self.rows::<Row>(&format!("SELECT CAST(({sql}) AS bigint) AS value"))[0].value
    }

    /// The texts that a query of one column named `value` gives.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            value: String,
        }
        self.rows::<Row>(sql).into_iter().map(|row| row.value).collect()
    }

    pub fn rows<R>(&self, sql: &str) -> Vec<R>
    where
        R: QueryableByName<diesel::pg::Pg> + QueryableByName<diesel::sqlite::Sqlite> + 'static,
    {
        match &mut self.connect() {
            DbConn::Postgres(c) => diesel::sql_query(sql).load(c).unwrap(),
            DbConn::Sqlite(c) => diesel::sql_query(sql).load(c).unwrap(),
        }
    }

    /// The names of all tables that are ours.
    pub fn tables(&self) -> Vec<String> {
        let sql = match self.connector.url {
            DatabaseUrl::Postgres(_) => {
                "SELECT tablename::text AS value FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            }
            DatabaseUrl::Sqlite(_) => {
                "SELECT name AS value FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1"
            }
        };
        self.texts(sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.server {
            let _ = open(server).execute_batch(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
        drop(self.folder.take());
    }
}

fn open(server: &DatabaseUrl) -> DbConn {
    Connector::new(server.clone())
        .open()
        .expect("the PostgreSQL of the tests")
}
