//! Results that were counted a moment ago: a crowd that waits for the end of a vote asks the database once a second.
//!
//! Invariant: an answer is no older than [`KEPT`]. One request counts, and who comes meanwhile waits for it.

use chrono::TimeDelta;
use kernel::{EventId, Instant};
use moka::sync::Cache;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Mutex;
use voting::Results;

/// How long results are kept.
pub const KEPT: TimeDelta = TimeDelta::seconds(1);
/// Events whose results are kept at the most.
const CAPACITY: u64 = 1_024;

type Slot = Arc<Mutex<Option<(Instant, Arc<Results>)>>>;

/// Bounded, and shared by all workers.
pub struct ResultsCache {
    slots: Cache<EventId, Slot>,
}

impl Default for ResultsCache {
    fn default() -> Self {
        Self::new()
    }
}

impl ResultsCache {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            slots: Cache::new(CAPACITY),
        }
    }

    /// The results of an event: those that were counted less than [`KEPT`] before `now`, or what counting gives. A failure is
    /// kept for nobody.
    pub async fn get<E>(
        &self,
        event_id: EventId,
        now: Instant,
        count: impl Future<Output = Result<Results, E>>,
    ) -> Result<Arc<Results>, E> {
        let slot = self.slots.get_with(event_id, Slot::default);
        let mut kept = slot.lock().await;
        if let Some((counted_at, results)) = kept.as_ref()
            && now < *counted_at + KEPT
        {
            return Ok(Arc::clone(results));
        }
        let results = Arc::new(count.await?);
        *kept = Some((now, Arc::clone(&results)));
        Ok(results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventRef, EventStatus};
    use kernel::TypedId;
    use std::sync::atomic::{AtomicU64, Ordering};
    use voting::VotingWindow;

    const NOW: Instant = chrono::DateTime::UNIX_EPOCH;

    fn results(voters: u64) -> Results {
        Results {
            event: EventRef {
                id: EventId::from_uuid(uuid::Uuid::nil()),
                organizer_id: kernel::UserId::from_uuid(uuid::Uuid::nil()),
                status: EventStatus::Published,
                is_private: false,
            },
            window: VotingWindow {
                status: EventStatus::Published,
                opens_at: None,
                closes_at: None,
                starts_at: NOW,
            },
            is_live: false,
            candidates: Vec::new(),
            voters,
            seat_holders: 0,
        }
    }

    #[tokio::test]
    async fn a_crowd_counts_once_and_a_second_later_again() {
        let (cache, counted) = (ResultsCache::new(), AtomicU64::new(0));
        let id = EventId::from_uuid(uuid::Uuid::from_u128(1));
        let ask = |now| {
            cache.get(id, now, async {
                tokio::task::yield_now().await;
                Ok::<_, ()>(results(counted.fetch_add(1, Ordering::SeqCst) + 1))
            })
        };
        let crowd = futures_util::future::join_all((0..100).map(|_| ask(NOW))).await;
        assert!(crowd.iter().all(|one| one.as_ref().unwrap().voters == 1));
        assert_eq!(ask(NOW + TimeDelta::milliseconds(999)).await.unwrap().voters, 1);
        assert_eq!(ask(NOW + KEPT).await.unwrap().voters, 2);
        let failed = cache
            .get(id, NOW + KEPT * 2, async { Err::<Results, _>(()) })
            .await;
        assert!(failed.is_err());
        assert_eq!(ask(NOW + KEPT * 2).await.unwrap().voters, 3);
    }
}
