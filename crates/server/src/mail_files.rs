//! Mails that were written as files: they go with the rows of their messages.

use kernel::{Instant, OutboxId, StoreError};
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use storage::Store;

/// Messages that are asked for at once.
const BATCH: usize = 300;
/// A file that is not finished after so long never will be.
const UNFINISHED_FOR: Duration = Duration::from_hours(1);

/// The file of a message.
pub fn path_of(folder: &Path, id: OutboxId) -> PathBuf {
    folder.join(format!("{id}.eml"))
}

/// Removes the files of messages that are gone; most have none. Blocks. What fails is left to the next sweep.
pub fn forget(folder: &Path, messages: &[OutboxId]) {
    for id in messages {
        let path = path_of(folder, *id);
        if let Err(error) = remove(&path) {
            tracing::warn!(%error, path = %path.display(), "the file of a mail cannot be removed");
        }
    }
}

/// Removes files whose messages are gone (a mail may be written just while its message goes, and by another machine), and
/// what was left half-written. Leaves everything that does not bear the name of a mail. Gives how many were removed.
pub async fn sweep(store: &Store, folder: &Path, now: Instant) -> Result<usize, SweepError> {
    let path = folder.to_owned();
    let Found { mails, unfinished } = blocking(move || look(&path, now.into())).await?;
    let mut removed = remove_all(unfinished).await?;
    // Their names were read first: the row of a file is there before the file is.
    for batch in mails.chunks(BATCH) {
        let asked = batch.to_vec();
        let known = store.read(move |tx| tx.known_messages(&asked)).await;
        let known = known.map_err(SweepError::Store)?;
        let orphans = batch.iter().filter(|id| !known.contains(id));
        removed += remove_all(orphans.map(|id| path_of(folder, *id)).collect()).await?;
    }
    Ok(removed)
}

/// Why a sweep did not get through.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The folder, or a file in it.
    #[error(transparent)]
    Folder(#[from] io::Error),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

#[derive(Default)]
struct Found {
    mails: Vec<OutboxId>,
    unfinished: Vec<PathBuf>,
}

/// What is in the folder; nothing, where there is none.
fn look(folder: &Path, now: SystemTime) -> io::Result<Found> {
    let mut found = Found::default();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(id) = named(&name, "", ".eml") {
            found.mails.push(id);
        } else if named(&name, ".", ".tmp").is_some() {
            // It may have been finished meanwhile.
            let written = entry.metadata().and_then(|file| file.modified());
            let age = written.map(|written| now.duration_since(written).unwrap_or_default());
            if age.is_ok_and(|age| age > UNFINISHED_FOR) {
                found.unfinished.push(entry.path());
            }
        }
    }
    Ok(found)
}

/// The message that a file is named after.
fn named(name: &OsStr, before: &str, after: &str) -> Option<OutboxId> {
    let id = name.to_str()?.strip_prefix(before)?.strip_suffix(after)?;
    // Only in the very form in which names are made.
    id.parse()
        .ok()
        .filter(|parsed: &OutboxId| parsed.to_string() == id)
}

async fn remove_all(paths: Vec<PathBuf>) -> io::Result<usize> {
    blocking(move || {
        paths.iter().try_fold(0, |removed, path| {
            remove(path).map(|was_there| removed + usize::from(was_there))
        })
    })
    .await
}

/// Whether there was one.
fn remove(path: &Path) -> io::Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}
