//! What is done from time to time, until it is aborted.

use kernel::{Actor, Clock, Ctx, IdSource, RequestId};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};

/// Turns of a work that Podium does by itself.
pub struct Rounds {
    ticks: Interval,
    name: Arc<str>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Rounds {
    /// The first turn is at once; a turn that takes long moves the others. The name stands in the audit log and in answers to
    /// what went wrong.
    pub fn new(every: Duration, name: &str, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            name: Arc::from(name),
            clock,
            ids,
        }
    }

    /// Waits for the next turn; gives its circumstances.
    pub async fn next(&mut self) -> Ctx {
        self.ticks.tick().await;
        let request_id = RequestId(Arc::clone(&self.name));
        Ctx::new(self.clock.now(), Actor::System, request_id, Arc::clone(&self.ids))
    }
}
