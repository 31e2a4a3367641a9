//! Hashing and checking of passwords: on threads of its own, few and of low priority, so that a flood of sign-ins can
//! neither block the server nor slow down what else it does.

use crate::problem::Problem;
use auth::{Answer, BcryptCost, NewPassword, PasswordHash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// A request waits so long for its turn at the most.
const PATIENCE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// The bound, and where the work is done. The threads end with the last clone.
#[derive(Clone)]
pub struct PasswordWork {
    /// As many as threads: whoever has one finds a thread idle.
    turns: Arc<Semaphore>,
    jobs: Sender<Job>,
    cost: BcryptCost,
    /// Checked where there is no account, so that an unknown address costs the same time as a wrong password.
    nobodys: PasswordHash,
}

impl PasswordWork {
    /// Half of the cores may hash at a time.
    pub fn new(cost: BcryptCost) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (cores / 2).max(1);
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name("passwords".to_owned())
                .spawn(move || work_off(&waiting))?;
        }
        Ok(Self {
            turns: Arc::new(Semaphore::new(threads)),
            jobs,
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
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| Problem::unavailable("too many passwords to hash"))?
            .map_err(Problem::internal)?;
        let (give, result) = oneshot::channel();
        // The turn goes with the work, so that it is kept to its end even where nobody waits for it any more.
        let job = move || drop(give.send((work(), turn)));
        self.jobs.send(Box::new(job)).map_err(Problem::internal)?;
        let (result, _turn) = result.await.map_err(Problem::internal)?;
        Ok(result)
    }
}

fn work_off(waiting: &Mutex<Receiver<Job>>) {
    lower_priority();
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else {
            return;
        };
        // Who waits for it hears of a panic by its silence.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

/// Of this thread alone, which is what Linux does; elsewhere it would be that of the whole process, so it stays as it is.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "passwords are hashed at the usual priority");
    }
}

/// About a tenth of the share of a thread that serves, where both want a core. Lower still, and nobody could sign in during
/// a rush.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
