//! Work that goes on after its request was answered, so that the time of the answer tells nothing of it: whether an address
//! is known must not show, and no work that is done for some and not for others takes the same time for all.
//!
//! The work is in memory: what runs when the process dies is lost, and the person asks again. A stop in good order waits
//! for it. There is room for so much at a time; beyond that everybody is sent away alike, before anything is looked up.

use crate::problem::Problem;
use kernel::RequestId;
use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// What may wait and run at a time. Each is a transaction or two, so that no request waits long behind them.
const ROOM: u32 = 64;

/// The room, and where the work is done. Cloning it clones handles.
#[derive(Clone)]
pub struct AfterAnswer {
    room: Arc<Semaphore>,
    runtime: Handle,
}

impl AfterAnswer {
    /// All the room there is. Call inside the runtime that outlives the requests: it does the work.
    pub fn new() -> Self {
        Self {
            room: Arc::new(Semaphore::new(ROOM as usize)),
            runtime: Handle::current(),
        }
    }

    /// Begins the work and returns at once. A failure of it is logged under the name of its request.
    pub fn begin<E: Display>(
        &self,
        request_id: RequestId,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) -> Result<(), Problem> {
        let room = Arc::clone(&self.room);
        let place = room
            .try_acquire_owned()
            .map_err(|_| Problem::unavailable("too much is still being done after its answer"))?;
        self.runtime.spawn(async move {
            // Given back in the end, also by a panic.
            let _place = place;
            if let Err(error) = work.await {
                tracing::error!(%request_id, %error, "what was to be done after the answer failed");
            }
        });
        Ok(())
    }

    /// Waits until all of it is done, but no longer than that; gives whether it is. Nothing is begun afterwards.
    pub async fn finish(&self, patience: Duration) -> bool {
        let all_room = tokio::time::timeout(patience, self.room.acquire_many(ROOM)).await;
        self.room.close();
        all_room.is_ok()
    }
}

impl Default for AfterAnswer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem_catalogue::ProblemType;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn named() -> RequestId {
        RequestId("test".into())
    }

    #[tokio::test]
    async fn it_returns_before_the_work_and_a_stop_waits_for_it() {
        let (after, go, done) = (
            AfterAnswer::new(),
            Arc::new(Semaphore::new(0)),
            Arc::new(AtomicU32::new(0)),
        );
        for _ in 0..ROOM {
            let (go, done) = (Arc::clone(&go), Arc::clone(&done));
            let work = async move {
                go.acquire().await.unwrap().forget();
                done.fetch_add(1, Ordering::SeqCst);
                Ok::<(), String>(())
            };
            after.begin(named(), work).unwrap();
        }
        assert_eq!(done.load(Ordering::SeqCst), 0);
        let refused = after.begin(named(), async { Ok::<(), String>(()) }).unwrap_err();
        assert_eq!(refused.kind(), ProblemType::Unavailable);
        let stopping = tokio::spawn({
            let after = after.clone();
            async move { after.finish(Duration::from_secs(30)).await }
        });
        tokio::task::yield_now().await;
        assert!(!stopping.is_finished());
        go.add_permits(usize::try_from(ROOM).unwrap());
        assert!(stopping.await.unwrap());
        assert_eq!(done.load(Ordering::SeqCst), ROOM);
        assert!(after.begin(named(), async { Ok::<(), String>(()) }).is_err());
    }

    #[tokio::test]
    async fn room_comes_back_after_a_failure_and_after_a_panic() {
        let after = AfterAnswer::new();
        after.begin(named(), async { Err("broken") }).unwrap();
        let panics = async {
            assert!(std::hint::black_box(false), "a panic of the test");
            Ok::<(), String>(())
        };
        after.begin(named(), panics).unwrap();
        assert!(after.finish(Duration::from_secs(30)).await);
    }

    #[tokio::test]
    async fn a_stop_does_not_wait_for_ever() {
        let after = AfterAnswer::new();
        after
            .begin(named(), std::future::pending::<Result<(), String>>())
            .unwrap();
        assert!(!after.finish(Duration::from_millis(5)).await);
    }
}
