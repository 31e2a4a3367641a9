//! Results that were counted a moment ago: a crowd that waits for the end of a vote asks the database once a second.
//!
//! Invariants: an answer is no older than [`KEPT`]. One request asks the database, and what comes of it, be it a failure, is the
//! answer to all who waited for it: while the database is away nobody waits for longer than one asks.

use crate::problem::Problem;
use chrono::TimeDelta;
use kernel::{EventId, Instant};
use moka::sync::Cache;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;
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

/// What was found of events a moment ago. Bounded, and shared by all workers.
pub struct Kept<T> {
    slots: Cache<EventId, Arc<Slot<T>>>,
}

/// What came of asking, and when it was asked.
type Answered<T> = (Instant, Result<Arc<T>, Problem>);

struct Slot<T> {
    /// How many have asked the database so far.
    asked: AtomicU64,
    /// What came of it the last time. Held by who asks.
    last: Mutex<Option<Answered<T>>>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            asked: AtomicU64::new(0),
            last: Mutex::new(None),
        }
    }
}

impl<T: Send + Sync + 'static> Default for Kept<T> {
    fn default() -> Self {
        Self {
            slots: Cache::new(CAPACITY),
        }
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// What was found less than [`KEPT`] before `now`, or what asking gives. A failure is kept for nobody who comes later.
    pub async fn get<E>(
        &self,
        event_id: EventId,
        now: Instant,
        ask: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, Problem>
    where
        Problem: From<E>,
    {
        let slot = self.slots.get_with(event_id, Arc::default);
        let asked_before = slot.asked.load(Ordering::Acquire);
        let mut last = slot.last.lock().await;
        if let Some((asked_at, found)) = last.as_ref() {
            let waited_for_it = slot.asked.load(Ordering::Acquire) != asked_before;
            // A clock that was put back makes nothing last longer.
            let is_fresh = found.is_ok() && *asked_at <= now && now < *asked_at + KEPT;
            if waited_for_it || is_fresh {
                return found.clone();
            }
        }
        let found = ask.await.map(Arc::new).map_err(Problem::from);
        *last = Some((now, found.clone()));
        slot.asked.fetch_add(1, Ordering::Release);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem_catalogue::ProblemType;
    use kernel::TypedId;

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

    #[tokio::test]
    async fn who_waited_for_a_failure_is_told_of_it_and_who_comes_later_asks_anew() {
        let (kept, asked) = (Kept::<u64>::default(), AtomicU64::new(0));
        let ask = async |now| {
            let count = async {
                tokio::task::yield_now().await;
                asked.fetch_add(1, Ordering::SeqCst);
                Err::<u64, _>(Problem::new(ProblemType::Unavailable))
            };
            kept.get(id(), now, count).await
        };
        let crowd = futures_util::future::join_all((0..100).map(|_| ask(NOW))).await;
        assert!(crowd.iter().all(Result::is_err));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(ask(NOW).await.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        let found = kept.get(id(), NOW, async { Ok::<_, Problem>(7) }).await;
        assert_eq!(*found.unwrap(), 7);
    }
}
