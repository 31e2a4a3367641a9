//! Whether a worker is the only one of an SQLite database. Then leases that are still open were left behind by a process
//! that is gone, and need not run out first. The system frees a lock with its process, however that ended.

use super::Shared;
use notification::MessageQueue;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use storage::DatabaseUrl;

/// The file, beside the database's.
pub fn lock_file(url: &DatabaseUrl) -> Option<PathBuf> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let mut name = path.as_os_str().to_owned();
            name.push("-workers");
            Some(PathBuf::from(name))
        }
        DatabaseUrl::Postgres(_) => None,
    }
}

/// Ends the leases of those who are gone, if no other worker is there. What it gives is to be kept as long as the worker
/// works.
pub async fn take_back_leases(shared: &Shared) -> Option<File> {
    let path = shared.parts.lock_file.as_deref()?;
    match open(path) {
        Ok((file, true)) => {
            end_leases(shared).await;
            share(file, path).await
        }
        Ok((file, false)) => share(file, path).await,
        Err(error) => {
            tracing::warn!(%error, file = %path.display(), "cannot be locked; leases left behind run out by themselves");
            None
        }
    }
}

/// The file, and whether nobody else has it.
fn open(path: &Path) -> std::io::Result<(File, bool)> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok((file, true)),
        Err(std::fs::TryLockError::WouldBlock) => Ok((file, false)),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

async fn end_leases(shared: &Shared) {
    let now = shared.parts.clock.now();
    match shared.parts.store.write(move |tx| tx.end_leases(now)).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "messages that a process left behind are taken back"),
        Err(error) => {
            tracing::warn!(%error, "leases left behind could not be ended; they run out by themselves");
        }
    }
}

/// Waits for who has it alone: that is short.
async fn share(file: File, path: &Path) -> Option<File> {
    let shared = tokio::task::spawn_blocking(move || file.lock_shared().map(|()| file)).await;
    match shared {
        Ok(Ok(file)) => Some(file),
        Ok(Err(error)) => {
            tracing::warn!(%error, file = %path.display(), "cannot be locked");
            None
        }
        Err(_) => None,
    }
}
