//! The migrations' texts, built into the binary: one folder per migration, the same ids for both databases.

use crate::connection::DbConn;
use diesel::backend::Backend;
use diesel::connection::BoxableConnection;
use diesel::migration::{self, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use std::fmt;

static POSTGRES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations/postgres");
static SQLITE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations/sqlite");

/// One migration as this binary holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Migration {
    name: Name,
    up: String,
    down: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Name(String);

impl Migration {
    pub(super) fn new(id: &str, up: &str, down: &str) -> Self {
        Self {
            name: Name(id.to_owned()),
            up: up.to_owned(),
            down: down.to_owned(),
        }
    }

    /// The name of its folder, such as `0001_people`.
    pub(super) fn id(&self) -> &str {
        &self.name.0
    }

    /// SHA-256 of `up.sql` in hexadecimal; the kind of line ending makes no difference.
    pub(super) fn checksum(&self) -> String {
        let digest = Sha256::digest(self.up.replace("\r\n", "\n").as_bytes());
        digest
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}

/// The migrations of one database, in the order in which they are applied.
#[derive(Debug, Clone)]
pub(super) struct Migrations(pub(super) Vec<Migration>);

impl Migrations {
    /// The migrations that this binary holds for the database of the connection.
    pub(super) fn embedded(connection: &DbConn) -> Self {
        match connection {
            DbConn::Postgres(_) => Self::of(&POSTGRES),
            DbConn::Sqlite(_) => Self::of(&SQLITE),
        }
    }

    fn of(folder: &Dir<'static>) -> Self {
        let mut migrations: Vec<Migration> = folder.dirs().filter_map(migration_of).collect();
        migrations.sort_by(|one, other| one.id().cmp(other.id()));
        Self(migrations)
    }

    pub(super) fn find(&self, id: &str) -> Option<&Migration> {
        self.0.iter().find(|migration| migration.id() == id)
    }
}

/// The migration in a folder; that no folder lacks a text is checked by a test, since it is settled at build time.
fn migration_of(folder: &Dir<'static>) -> Option<Migration> {
    let id = folder.path().file_name()?.to_str()?;
    let text = |name: &str| folder.get_file(folder.path().join(name))?.contents_utf8();
    Some(Migration::new(id, text("up.sql")?, text("down.sql")?))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl MigrationName for Name {
    fn version(&self) -> MigrationVersion<'_> {
        MigrationVersion::from(&self.0)
    }
}

/// Every migration runs in a transaction, which is the default.
struct InTransaction;
impl MigrationMetadata for InTransaction {}

impl<DB: Backend> migration::Migration<DB> for Migration {
    fn run(&self, connection: &mut dyn BoxableConnection<DB>) -> migration::Result<()> {
        Ok(connection.batch_execute(&self.up)?)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<DB>) -> migration::Result<()> {
        Ok(connection.batch_execute(&self.down)?)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        &InTransaction
    }

    fn name(&self) -> &dyn MigrationName {
        &self.name
    }
}

impl<DB: Backend> MigrationSource<DB> for &Migrations {
    fn migrations(&self) -> migration::Result<Vec<Box<dyn migration::Migration<DB>>>> {
        Ok(self
            .0
            .iter()
            .map(|migration| Box::new(migration.clone()) as Box<_>)
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_ids_and_every_folder_both_texts() {
        let ids = |migrations: &Migrations| {
            migrations
                .0
                .iter()
                .map(|migration| migration.id().to_owned())
                .collect::<Vec<_>>()
        };
        let (postgres, sqlite) = (Migrations::of(&POSTGRES), Migrations::of(&SQLITE));
        assert!(!postgres.0.is_empty());
        assert_eq!(ids(&postgres), ids(&sqlite));
        assert_eq!(postgres.0.len(), POSTGRES.dirs().count());
        assert_eq!(sqlite.0.len(), SQLITE.dirs().count());
    }

    #[test]
    fn the_checksum_is_of_the_text_and_not_of_its_line_endings() {
        let unix = Migration::new("1", "SELECT 1;\nSELECT 2;\n", "");
        let other_ending = Migration::new("1", "SELECT 1;\r\nSELECT 2;\r\n", "");
        let other_text = Migration::new("1", "SELECT 1;\nSELECT 3;\n", "");
        assert_eq!(unix.checksum(), other_ending.checksum());
        assert_ne!(unix.checksum(), other_text.checksum());
        assert_eq!(unix.checksum().len(), 64);
    }
}
