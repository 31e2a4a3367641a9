//! Results that were counted a moment ago: a crowd that waits for the end of a vote asks the database once a second.
//!
//! Invariant: an answer is no older than [`KEPT`].

use crate::ask_once::AskOnce;
use crate::problem::Problem;
use chrono::TimeDelta;
use kernel::{EventId, Instant};
use std::future::Future;
use std::sync::Arc;
use voting::{Results, ResultsShown};

/// How long results are kept.
pub const KEPT: TimeDelta = TimeDelta::seconds(1);
/// Events whose results are kept at the most.
const CAPACITY: u64 = 1_024;

/// What is asked about results, each kept by itself: whom they are for is known before anything is counted.
#[derive(Default)]
pub struct ResultsCache {
    /// What decides about who is told.
    pub shown: Kept<ResultsShown>,
    /// How the votes stand.
    pub counted: Kept<Results>,
}

/// What was found of events a moment ago, and when it was asked.
pub struct Kept<T> {
    found: AskOnce<EventId, (Instant, Arc<T>)>,
}

impl<T: Send + Sync + 'static> Default for Kept<T> {
    fn default() -> Self {
        Self {
            found: AskOnce::new(CAPACITY),
        }
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// What was found less than [`KEPT`] before `now`, or what asking gives.
    pub async fn get<E>(
        &self,
        event_id: EventId,
        now: Instant,
        ask: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, Problem>
    where
        Problem: From<E>,
    {
        // A clock that was put back makes nothing last longer.
        let is_fresh = |(asked_at, _): &(Instant, _)| *asked_at <= now && now < *asked_at + KEPT;
        let ask = async { ask.await.map(|found| (now, Arc::new(found))) };
        let (_, found) = self.found.get(event_id, is_fresh, ask).await?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::TypedId;
    use std::sync::atomic::{AtomicU64, Ordering};

    const NOW: Instant = chrono::DateTime::UNIX_EPOCH;

    fn id() -> EventId {
        EventId::from_uuid(uuid::Uuid::from_u128(1))
    }

    #[tokio::test]
    async fn a_crowd_counts_once_and_a_second_later_again() {
        let (kept, counted) = (Kept::<u64>::default(), AtomicU64::new(0));
        let ask = async |now| {
            let count = async {
                tokio::task::yield_now().await;
                Ok::<_, Problem>(counted.fetch_add(1, Ordering::SeqCst) + 1)
            };
            *kept.get(id(), now, count).await.unwrap()
        };
        let crowd = futures_util::future::join_all((0..100).map(|_| ask(NOW))).await;
        assert!(crowd.iter().all(|one| *one == 1));
        assert_eq!(ask(NOW + TimeDelta::milliseconds(999)).await, 1);
        assert_eq!(ask(NOW + KEPT).await, 2);
        // The wall clock went back.
        assert_eq!(ask(NOW).await, 3);
    }
}
