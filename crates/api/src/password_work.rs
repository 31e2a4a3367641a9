//! Hashing and checking of passwords: off the async threads and bounded, so that a flood of sign-ins can neither block
//! the server nor take all of the machine.

use crate::problem::Problem;
use auth::{Answer, BcryptCost, NewPassword, PasswordHash};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// A request waits so long for its turn at the most.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bound, and where the work is done.
#[derive(Clone)]
pub struct PasswordWork {
    turns: Arc<Semaphore>,
    runtime: Handle,
    cost: BcryptCost,
    /// Checked where there is no account, so that an unknown address costs the same time as a wrong password.
    nobodys: PasswordHash,
}

impl PasswordWork {
    /// Half of the cores may hash at a time. Call inside a tokio runtime: its blocking threads do the work.
    pub fn new(cost: BcryptCost) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new((cores / 2).max(1))),
            runtime: Handle::current(),
            cost,
            nobodys: PasswordHash::of_nobody(cost),
        }
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
        let work = move || {
            let result = work();
            drop(turn);
            result
        };
        self.runtime.spawn_blocking(work).await.map_err(Problem::internal)
    }
}
