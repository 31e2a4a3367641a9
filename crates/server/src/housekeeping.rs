//! What the server does by itself from time to time.

use chrono::TimeDelta;
use kernel::{Actor, Clock, Ctx, IdSource, RequestId, StoreError};
use std::sync::Arc;
use std::time::Duration;
use storage::Store;

/// How often it looks.
const EVERY: Duration = Duration::from_mins(1);

/// Marks events that are over, forgets old answers and sessions and wipes messages that come too late, until it is aborted. A failure is logged and tried again the
/// next time.
pub async fn run(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let ctx = Ctx::new(
            clock.now(),
            Actor::System,
            RequestId(Arc::from("housekeeping")),
            Arc::clone(&ids),
        );
        if let Err(error) = tidy_up(&store, ctx).await {
            tracing::warn!(%error, "housekeeping failed; it is tried again in a minute");
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
            Ok::<_, StoreError>((event::complete_ended_events(tx, &ctx)?, lapsed))
        })
        .await?;
    if completed > 0 {
        tracing::info!(completed, "events are over");
    }
    if lapsed > 0 {
        tracing::info!(lapsed, "messages were not sent in time; their secrets are wiped");
    }
    Ok(())
}
