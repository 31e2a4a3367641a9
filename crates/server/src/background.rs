//! A thread for making mails and handing them over, which nobody waits for: it gives way to those that answer requests.
//!
//! Invariant: nothing there asks the database. Others wait for its locks, and a thread that is begun from there for their work would
//! give way as well, for ever.

use anyhow::Context;
use std::future::Future;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// A runtime of its own for it. What runs there ends with it.
pub struct Background(Option<Runtime>);

impl Background {
    /// Starts the thread.
    pub fn start() -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("background")
            .on_thread_start(api::priority::behind_the_others)
            .enable_all()
            .build()
            .context("no thread for handing over mails")?;
        Ok(Self(Some(runtime)))
    }

    /// Begins it there.
    pub fn spawn<T: Send + 'static>(
        &self,
        tasks: &mut JoinSet<T>,
        task: impl Future<Output = T> + Send + 'static,
    ) {
        if let Some(runtime) = &self.0 {
            tasks.spawn_on(task, runtime.handle());
        }
    }
}

impl Drop for Background {
    /// A runtime that waits for its threads may not be dropped where others are served.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
