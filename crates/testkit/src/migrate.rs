//! Brings an empty database to the present schema.
//!
//! Reads the folder `migrations/` beside the crates, in order of the ids; [`up`] is the one place to change for another
//! runner.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use storage::DbConn;

/// Applies every migration to an empty database.
pub(crate) fn up(connection: &mut DbConn) {
    let dialect = match connection {
        DbConn::Postgres(_) => "postgres",
        DbConn::Sqlite(_) => "sqlite",
    };
    for (path, sql) in texts(dialect) {
        if let Err(error) = connection.execute_batch(&sql) {
            panic!("{} cannot be applied: {error}", path.display());
        }
    }
}

/// Names the schema of PostgreSQL: another text of any migration gives another name.
pub(crate) fn checksum() -> String {
    let mut hash = Sha256::new();
    for (path, sql) in texts("postgres") {
        hash.update(path.to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update(sql.as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let start = digest.first_chunk().expect("a digest is longer than its start");
    format!("{:016x}", u64::from_be_bytes(*start))
}

fn texts(dialect: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../migrations")
        .join(dialect);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut steps: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder entry").path().join("up.sql"))
        .collect();
    steps.sort();
    assert!(!steps.is_empty(), "{} holds no migrations", folder.display());
    steps.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> (PathBuf, String) {
    let sql = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (path, sql)
}
