//! SQLite databases, copied from a file that is migrated once a process.

use crate::guardian::Guardian;
use crate::migrate;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::DatabaseUrl;
use storage::connection::Connector;

/// The folder of this process's files; its guardian removes it after the process.
struct Folder {
    path: PathBuf,
    template: PathBuf,
    _guardian: Guardian,
}

/// One database: the file and what SQLite keeps beside it, in a folder of their own.
#[derive(Debug)]
pub(super) struct File {
    folder: PathBuf,
    path: PathBuf,
}

impl File {
    pub(super) fn copy_of_template() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let shared = folder();
        let folder = shared.path.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir(&folder).expect("a folder for the test's database");
        let path = folder.join("podium.db");
        std::fs::copy(&shared.template, &path).expect("a copy of the migrated template");
        Self { folder, path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn url(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays behind: {error}", self.folder.display());
        }
    }
}

/// Statements that take a constraint, in the words of the migration, out of a table. SQLite has no ALTER TABLE for it;
/// to edit the schema's text is what its documentation names, and safe here, since rows look the same without a CHECK.
/// Connections opened afterwards read the text anew.
pub(super) fn without_constraint(table: &str, constraint: &str) -> String {
    format!(
        "PRAGMA writable_schema = ON; \
         UPDATE sqlite_schema SET sql = replace(sql, '{constraint},', '') WHERE type = 'table' AND name = '{table}'; \
         PRAGMA writable_schema = RESET"
    )
}

fn folder() -> &'static Folder {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let prefix = format!("podium-test-{}-", std::process::id());
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir()
            .expect("a temporary folder");
        let guardian = Guardian::of_folder(folder.path()).expect("a shell to remove the folder");
        let path = folder.keep();
        let template = path.join("template.db");
        migrate::up(&Connector::new(DatabaseUrl::Sqlite(template.clone())));
        // The last connection to close folds the write-ahead log into the file: the file alone is the database.
        assert!(
            !path.join("template.db-wal").exists(),
            "the template has an open write-ahead log"
        );
        Folder {
            path,
            template,
            _guardian: guardian,
        }
    })
}
