//! What the server does by itself from time to time.

use crate::mail_files;
use crate::rounds::Rounds;
use chrono::TimeDelta;
use kernel::{Clock, Ctx, IdSource, Instant, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use storage::Store;

/// How often it looks.
const EVERY: Duration = Duration::from_mins(1);
/// So long the operator can see what became of a message.
const MESSAGES_KEPT: TimeDelta = TimeDelta::days(90);

/// Attendees whose words are kept in one transaction.
const WORDS_AT_ONCE: u32 = 500;

/// Of so many rounds one sweeps the folder with mails: once an hour.
const ROUNDS_PER_SWEEP: u32 = 60;

/// Marks events that are over, forgets old answers and sessions and wipes messages that come too late, until it is aborted;
/// where mails are written to a folder, it sweeps that now and then. A failure is logged and tried again the next time.
pub async fn run(
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    written_mails: Option<PathBuf>,
) {
    let mut until_sweep = (0..ROUNDS_PER_SWEEP).cycle();
    let mut rounds = Rounds::new(EVERY, "housekeeping", clock, ids);
    loop {
        let ctx = rounds.next().await;
        let now = ctx.now;
        if let Err(error) = tidy_up(&store, ctx).await {
            tracing::warn!(%error, "housekeeping failed; it is tried again in a minute");
        }
        if until_sweep.next() == Some(0)
            && let Some(folder) = &written_mails
        {
            sweep(&store, folder, now).await;
        }
    }
}

/// One round.
pub async fn tidy_up(store: &Store, ctx: Ctx) -> Result<(), StoreError> {
    let (completed, lapsed) = store
        .write(move |tx| {
            tx.forget_old_answers(ctx.now)?;
            tx.forget_old_sessions(ctx.now)?;
            // A day longer than they are good: how many were asked for is counted by them.
            tx.forget_old_one_times(ctx.now - TimeDelta::days(1))?;
            tx.forget_old_phone_codes(ctx.now)?;
            tx.forget_old_phone_code_sends(ctx.now - TimeDelta::days(1))?;
            let lapsed = tx.wipe_lapsed_messages(ctx.now)?;
            tx.forget_finished_messages(ctx.now - MESSAGES_KEPT)?;
            Ok::<_, StoreError>((event::complete_ended_events(tx, &ctx)?, lapsed))
        })
        .await?;
    // Bit by bit, so that nobody waits for long: most are there once, when a server of this version first runs.
    let mut kept = 0;
    loop {
        let some = store.write(|tx| tx.keep_missing_words(WORDS_AT_ONCE)).await?;
        if some == 0 {
            break;
        }
        kept += some;
    }
    if kept > 0 {
        tracing::info!(kept, "attendees can be found by their words now");
    }
    if completed > 0 {
        tracing::info!(completed, "events are over");
    }
    if lapsed > 0 {
        tracing::info!(lapsed, "messages were not sent in time; their secrets are wiped");
    }
    Ok(())
}

async fn sweep(store: &Store, folder: &Path, now: Instant) {
    match mail_files::sweep(store, folder, now).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "files of mails are removed whose messages are gone"),
        Err(error) => {
            tracing::warn!(%error, folder = %folder.display(), "the folder with mails cannot be swept");
        }
    }
}
