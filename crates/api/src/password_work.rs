//! Hashing and checking of passwords: on threads of its own, few and of low priority, so that a flood of sign-ins can
//! neither block the server nor slow down what else it does.
//!
//! What comes while too many wait is kept waiting for a few seconds and then refused: an answer at once would only invite
//! the next guess.

use crate::priority::{behind_the_others, with_what_is_left};
use crate::problem::Problem;
use auth::{Answer, BcryptCost, NewPassword, PasswordHash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// A request waits at least so long for its turn, and at most twice as long: each for another time, so that requests that
/// came together are not refused together, which would be a burst of work of its own.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds after which somebody who was refused may try again.
const COME_AGAIN: u64 = 10;
/// With more waiting for each thread some will be refused anyway: then whatever else the server does goes first.
const LONG_QUEUE: usize = 32;
/// Work that gets nothing of the cores for so long keeps nobody else waiting.
const OVERDUE: Duration = Duration::from_secs(2);
/// Refusals come in floods; one line of the log tells of so many seconds of them.
const TOLD_EVERY: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// The bound, and where the work is done. The threads end with the last clone.
#[derive(Clone)]
pub struct PasswordWork {
    /// As many as threads: whoever has one finds a thread idle.
    turns: Arc<Semaphore>,
    threads: usize,
    queue: Arc<Queue>,
    /// For the usual day.
    usual: Sender<Job>,
    /// For a flood: threads that get what the others leave. They are threads of their own because one that has gone down so
    /// far may not come up again.
    flooded: Sender<Job>,
    cost: BcryptCost,
    /// Checked where there is no account, so that an unknown address costs the same time as a wrong password.
    nobodys: PasswordHash,
}

impl PasswordWork {
    /// Half of the cores may hash at a time.
    pub fn new(cost: BcryptCost) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (cores / 2).max(1);
        Ok(Self {
            turns: Arc::new(Semaphore::new(threads)),
            threads,
            queue: Arc::default(),
            usual: start_threads("passwords", threads, behind_the_others)?,
            flooded: start_threads("passwords-idle", threads, with_what_is_left)?,
            cost,
            nobodys: PasswordHash::of_nobody(cost),
        })
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: NewPassword) -> Result<PasswordHash, Problem> {
        let cost = self.cost;
        self.run(move || password.hash(cost))
            .await?
            .map_err(Problem::internal)
    }

    /// The hash of an answer to a security question.
    pub async fn hash_answer(&self, answer: Answer) -> Result<PasswordHash, Problem> {
        let cost = self.cost;
        self.run(move || answer.hash(cost))
            .await?
            .map_err(Problem::internal)
    }

    /// Whether the password is the one behind the hash. Without a hash it is wrong, and takes as long to be found so.
    pub async fn verify(&self, password: String, hash: Option<PasswordHash>) -> Result<bool, Problem> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobodys.clone());
        let fits = self.run(move || hash.verify(&password)).await?;
        Ok(fits && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let waiting = self.queue.join();
        let turn = tokio::time::timeout(waiting.patience, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| self.queue.refuse())?
            .map_err(Problem::internal)?;
        let is_long = self.queue.length() > LONG_QUEUE * self.threads;
        drop(waiting);
        let (give, result) = oneshot::channel();
        // The turn goes with the work, so that it is kept to its end even where nobody waits for it any more.
        if is_long && let Some(stay) = self.enter_flooded() {
            let turn = Arc::new(Mutex::new(Some(turn)));
            let kept = Arc::clone(&turn);
            let job = move || {
                drop(give.send(work()));
                // The place first: whoever gets the turn looks for one.
                drop(stay);
                drop(take(&kept));
            };
            self.flooded.send(Box::new(job)).map_err(Problem::internal)?;
            // Where nothing is left for it, the turn is given to the next, who goes to the usual threads then.
            tokio::spawn(async move {
                tokio::time::sleep(OVERDUE).await;
                drop(take(&turn));
            });
        } else {
            let job = move || {
                let _turn = turn;
                drop(give.send(work()));
            };
            self.usual.send(Box::new(job)).map_err(Problem::internal)?;
        }
        result.await.map_err(Problem::internal)
    }

    /// A place at the threads for a flood, if one is idle.
    fn enter_flooded(&self) -> Option<Stay> {
        let mut present = self
            .queue
            .at_flooded
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *present >= self.threads {
            return None;
        }
        *present += 1;
        Some(Stay(Arc::clone(&self.queue)))
    }
}

fn take(turn: &Mutex<Option<OwnedSemaphorePermit>>) -> Option<OwnedSemaphorePermit> {
    turn.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// A place at the threads for a flood; it ends with the work.
struct Stay(Arc<Queue>);

impl Drop for Stay {
    fn drop(&mut self) {
        *self.0.at_flooded.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}

/// Who waits for a turn.
#[derive(Default)]
struct Queue {
    /// How much the threads for a flood have to do.
    at_flooded: Mutex<usize>,
    length: AtomicUsize,
    came: AtomicU64,
    refusals: Mutex<Refusals>,
}

/// Refused since it was last told.
#[derive(Default)]
struct Refusals {
    count: u64,
    told_at: Option<std::time::Instant>,
}

/// A place in the queue; it ends with the wait, whichever way that ends.
struct Waiting {
    queue: Arc<Queue>,
    patience: Duration,
}

impl Queue {
    fn join(self: &Arc<Self>) -> Waiting {
        self.length.fetch_add(1, Ordering::Relaxed);
        let number = self.came.fetch_add(1, Ordering::Relaxed);
        Waiting {
            queue: Arc::clone(self),
            patience: patience(number),
        }
    }

    fn length(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    fn refuse(&self) -> Problem {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.count += 1;
        if refusals.told_at.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
            tracing::warn!(
                refused = refusals.count,
                "more passwords come in than can be checked"
            );
            *refusals = Refusals {
                count: 0,
                told_at: Some(std::time::Instant::now()),
            };
        }
        Problem::busy(COME_AGAIN)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.queue.length.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Spread evenly over the second half of the longest wait, those that come one after the other far apart: the fractions of
/// the multiples of the golden ratio.
fn patience(number: u64) -> Duration {
    let fraction = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44;
    PATIENCE + PATIENCE * u32::try_from(fraction).unwrap_or(0) / (1 << 20)
}

fn start_threads(name: &str, count: usize, lower_priority: fn()) -> std::io::Result<Sender<Job>> {
    let (jobs, waiting) = channel();
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..count {
        let waiting = Arc::clone(&waiting);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            lower_priority();
            work_off(&waiting);
        })?;
    }
    Ok(jobs)
}

fn work_off(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else {
            return;
        };
        // Who waits for it hears of a panic by its silence.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_less_than_the_patience_nor_twice_it_and_hardly_two_the_same() {
        let mut waits: Vec<Duration> = (0..200).map(patience).collect();
        assert!(waits.iter().all(|wait| (PATIENCE..PATIENCE * 2).contains(wait)));
        waits.sort();
        let widest = waits.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max();
        // Evenly spread, 200 would be 25 ms apart.
        assert!(widest < Some(Duration::from_millis(75)), "{widest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_in_vain_is_refused_and_leaves_the_queue() {
        let work = PasswordWork::new(BcryptCost::new(4).unwrap()).unwrap();
        let held = Arc::clone(&work.turns)
            .acquire_many_owned(u32::try_from(work.threads).unwrap())
            .await
            .unwrap();
        let gone_away = tokio::time::timeout(Duration::from_secs(1), work.run(|| ()));
        assert!(gone_away.await.is_err(), "it was given up from outside");
        assert_eq!(work.queue.length(), 0);
        let refused = work.run(|| ()).await.unwrap_err();
        assert_eq!(refused.kind().status().as_u16(), 503);
        assert_eq!(refused.cause(), None, "the log is told once for many");
        assert_eq!(work.queue.length(), 0);
        drop(held);
        work.run(|| ()).await.expect("a turn is free again");
    }

    fn thread() -> String {
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn while_many_wait_only_what_is_left_of_the_cores_is_used() {
        let work = PasswordWork::new(BcryptCost::new(4).unwrap()).unwrap();
        assert_eq!(work.run(thread).await.unwrap(), "passwords");
        let crowd: Vec<Waiting> = (0..=LONG_QUEUE * work.threads)
            .map(|_| work.queue.join())
            .collect();
        for _ in 0..200 {
            assert_eq!(work.run(thread).await.unwrap(), "passwords-idle");
        }
        drop(crowd);
        assert_eq!(work.run(thread).await.unwrap(), "passwords");
    }

    #[tokio::test(start_paused = true)]
    async fn what_gets_nothing_of_the_cores_keeps_nobody_else_waiting() {
        let work = PasswordWork::new(BcryptCost::new(4).unwrap()).unwrap();
        let _crowd: Vec<Waiting> = (0..=LONG_QUEUE * work.threads)
            .map(|_| work.queue.join())
            .collect();
        let (end, ended) = channel::<()>();
        let ended = Arc::new(Mutex::new(ended));
        for _ in 0..work.threads {
            let (work, ended) = (work.clone(), Arc::clone(&ended));
            tokio::spawn(async move { work.run(move || ended.lock().unwrap().recv()).await });
        }
        tokio::task::yield_now().await;
        assert_eq!(work.run(thread).await.unwrap(), "passwords");
        drop(end);
    }
}
