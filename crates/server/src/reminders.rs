//! Looks from time to time for reminders that are due.

use crate::rounds::Rounds;
use kernel::{Clock, Ctx, IdSource, StoreError};
use std::sync::Arc;
use std::time::Duration;
use storage::Store;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(20);

/// Asks for reminders as they become due, until it is aborted. A failure is logged and tried again the next time.
pub async fn run(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) {
    let mut rounds = Rounds::new(EVERY, "reminders", clock, ids);
    loop {
        match remind(&store, rounds.next().await).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "reminders are to be sent"),
            Err(error) => tracing::warn!(%error, "reminders could not be looked for; it is tried again soon"),
        }
    }
}

/// One look: every event in a transaction of its own, so that a large one holds none of the others up. Gives how many
/// reminders were asked for; where some events failed, the others were done nevertheless.
pub async fn remind(store: &Store, ctx: Ctx) -> Result<u32, StoreError> {
    let look = ctx.clone();
    let events = store
        .read(move |tx| registration::list_events_to_remind(tx, &look))
        .await?;
    let mut asked = 0;
    let mut failed = None;
    for event_id in events {
        let ctx = ctx.clone();
        match store
            .write(move |tx| registration::remind(tx, &ctx, event_id))
            .await
        {
            Ok(count) => asked += count,
            Err(error) => {
                tracing::warn!(%event_id, %error, "the reminders of an event could not be written");
                failed.get_or_insert(error);
            }
        }
    }
    failed.map_or(Ok(asked), Err)
}
