//! Drawing of tickets, what takes milliseconds of it (PDF and PNG): on threads on which nobody else waits, and few at a time, so
//! that a flood of them leaves the cores to the rest. What is written in less (JSON, SVG, the page) waits for nobody.

use crate::problem::Problem;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// So long a request waits for its turn; a ticket takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds after which somebody who was refused may try again.
const COME_AGAIN: u64 = 5;

/// The bound.
#[derive(Clone)]
pub struct TicketWork {
    turns: Arc<Semaphore>,
}

impl Default for TicketWork {
    fn default() -> Self {
        Self::new()
    }
}

impl TicketWork {
    /// Half of the cores may draw at a time, one at the least.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new((cores / 2).max(1))),
        }
    }

    /// Reads the fonts in the background, so that the first ticket does not wait for them.
    pub fn warm_up(&self) {
        std::thread::spawn(ticket::read_fonts);
    }

    /// Does it when its turn comes.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn
            .map_err(|_| Problem::busy(COME_AGAIN))?
            .map_err(Problem::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.unwrap_or_else(|error| Err(Problem::internal(error)))
    }
}
