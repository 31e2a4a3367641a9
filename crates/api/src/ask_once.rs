//! What many ask for at the same moment, one of them asks the database for.
//!
//! Invariants: of each thing one asks at a time. What was found is given to nobody who came after it was begun to be asked for,
//! unless it is said to be good enough for them. A failure is told to all who waited for it, so that while the database is away
//! nobody waits for longer than one asks, and to nobody who comes later.

use crate::problem::Problem;
use moka::sync::Cache;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// What was found of things a moment ago. Bounded, and shared by all workers.
pub struct AskOnce<K, T> {
    slots: Cache<K, Arc<Slot<T>>>,
}

struct Slot<T> {
    /// How often it was begun to ask.
    begun: AtomicU64,
    /// The number of the asking that ended last.
    ended: AtomicU64,
    /// What came of that. Held by who asks.
    last: Mutex<Option<(u64, Result<T, Problem>)>>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            last: Mutex::new(None),
        }
    }
}

impl<K, T> AskOnce<K, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Of so many things at the most.
    pub fn new(capacity: u64) -> Self {
        Self {
            slots: Cache::new(capacity),
        }
    }

    /// What was found last, if it is good enough or was begun to be asked for after this call; or what asking gives.
    pub async fn get<E>(
        &self,
        key: K,
        is_enough: impl Fn(&T) -> bool,
        ask: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Problem>
    where
        Problem: From<E>,
    {
        let slot = self.slots.get_with(key, Arc::default);
        let begun_before = slot.begun.load(Ordering::SeqCst);
        let ended_before = slot.ended.load(Ordering::SeqCst);
        let mut last = slot.last.lock().await;
        match last.as_ref() {
            Some((number, Ok(found))) if *number > begun_before || is_enough(found) => {
                return Ok(found.clone());
            }
            Some((number, Err(problem))) if *number > ended_before => return Err(problem.clone()),
            _ => {}
        }
        // Who gives up in the middle leaves what was found before, with the number of then.
        let number = slot.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let found = ask.await.map_err(Problem::from);
        *last = Some((number, found.clone()));
        slot.ended.store(number, Ordering::SeqCst);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem_catalogue::ProblemType;
    use std::time::Duration;

    async fn slow(asked: &AtomicU64) -> Result<u64, Problem> {
        let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(number)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_begun_before_somebody_came_is_not_theirs() {
        let (once, asked) = (AskOnce::<u8, u64>::new(10), AtomicU64::new(0));
        let first = once.get(1, |_| false, slow(&asked));
        let late = |after| {
            let (once, asked) = (&once, &asked);
            async move {
                tokio::time::sleep(Duration::from_millis(after)).await;
                once.get(1, |_| false, slow(asked)).await.unwrap()
            }
        };
        let later = futures_util::future::join_all([late(1), late(2), late(3)]);
        let (first, later) = tokio::join!(first, later);
        // All who came while the first asked share the asking after it.
        assert_eq!((first.unwrap(), later), (1, vec![2, 2, 2]));
    }

    #[tokio::test]
    async fn what_is_good_enough_is_not_asked_for_again() {
        let (once, asked) = (AskOnce::<u8, u64>::new(10), AtomicU64::new(0));
        for (enough, wanted) in [(1, 1), (1, 1), (2, 2), (1, 2)] {
            let found = once.get(1, |found| *found >= enough, slow(&asked)).await;
            assert_eq!(found.unwrap(), wanted);
        }
        assert_eq!(once.get(2, |_| true, slow(&asked)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn who_waited_for_a_failure_is_told_of_it_and_who_comes_later_asks_anew() {
        let (once, asked) = (AskOnce::<u8, u64>::new(10), AtomicU64::new(0));
        let ask = async || {
            let fail = async {
                tokio::task::yield_now().await;
                asked.fetch_add(1, Ordering::SeqCst);
                Err::<u64, _>(Problem::new(ProblemType::Unavailable))
            };
            once.get(1, |_| true, fail).await
        };
        let crowd = futures_util::future::join_all((0..100).map(|_| ask())).await;
        assert!(crowd.iter().all(Result::is_err));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(ask().await.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert!(once.get(1, |_| true, slow(&asked)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_while_asking_leaves_the_turn_to_the_next() {
        let (once, asked) = (AskOnce::<u8, u64>::new(10), AtomicU64::new(0));
        let given_up =
            tokio::time::timeout(Duration::from_millis(5), once.get(1, |_| false, slow(&asked))).await;
        assert!(given_up.is_err());
        assert_eq!(once.get(1, |_| false, slow(&asked)).await.unwrap(), 2);
    }
}
