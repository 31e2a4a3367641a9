//! Brings an empty database to the present schema.
//!
//! The runner is the server's own. The texts are read here once more, only to name the schema.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use storage::{Connector, migrations};

/// Applies every migration to an empty database.
pub(crate) fn up(connector: &Connector) {
    if let Err(error) = migrations::up(connector) {
        panic!("{} cannot be migrated: {error}", connector.url);
    }
}

/// Names the schema of PostgreSQL: another text of any migration gives another name.
pub(crate) fn checksum() -> String {
    let mut hash = Sha256::new();
    for (path, sql) in texts() {
        hash.update(path.to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update(sql.as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let start = digest.first_chunk().expect("a digest is longer than its start");
    format!("{:016x}", u64::from_be_bytes(*start))
}

fn texts() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
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
