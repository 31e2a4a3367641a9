//! The recorder behind `/metrics`: one for the process.

use anyhow::Context;
use api::health::{Measuring, Metrics};
use kernel::{Clock, StoreError};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use notification::{MessageQueue, QueueFigures};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use storage::Store;

/// Upper bounds of the buckets of a latency, in seconds.
const LATENCY: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Upper bounds of the buckets of how many are written together.
const TOGETHER: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// A reader waits so long for the database; what is not known then is told as not a number.
const PATIENCE: Duration = Duration::from_secs(3);

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
static INSTALLING: Mutex<()> = Mutex::new(());

/// What was counted, and what is looked up when it is read.
pub struct Measurements {
    handle: PrometheusHandle,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Measurements {
    /// Installs the recorder at the first call.
    pub fn of(store: Store, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let handle = handle()?;
        metrics::describe_gauge!("podium_queue_messages", "Messages in the queue.");
        metrics::describe_gauge!(
            "podium_queue_oldest_seconds",
            "Since when the oldest message waits."
        );
        metrics::describe_counter!(
            "podium_messages_total",
            "Tries to send a message, and how they ended."
        );
        describe_writing();
        Ok(Self { handle, store, clock })
    }

    async fn measure_queue(&self) {
        let asking = self.store.read(|tx| tx.queue_figures());
        let figures: Option<Result<QueueFigures, StoreError>> =
            tokio::time::timeout(PATIENCE, asking).await.ok();
        let (queued, dead, oldest) = match figures {
            Some(Ok(figures)) => {
                let age = figures
                    .oldest_at
                    .map_or(0.0, |at| (self.clock.now() - at).as_seconds_f64().max(0.0));
                (count(figures.queued), count(figures.dead), age)
            }
            Some(Err(_)) | None => (f64::NAN, f64::NAN, f64::NAN),
        };
        metrics::gauge!("podium_queue_messages", "status" => "queued").set(queued);
        metrics::gauge!("podium_queue_messages", "status" => "dead").set(dead);
        metrics::gauge!("podium_queue_oldest_seconds").set(oldest);
    }
}

impl Metrics for Measurements {
    fn render(&self) -> Measuring<'_> {
        Box::pin(async move {
            let (used, idle) = self.store.connections();
            metrics::gauge!("podium_database_connections", "state" => "used").set(f64::from(used));
            metrics::gauge!("podium_database_connections", "state" => "idle").set(f64::from(idle));
            let waiting = u64::try_from(self.store.writes_waiting()).unwrap_or(u64::MAX);
            metrics::gauge!("podium_writes_waiting").set(count(waiting));
            self.measure_queue().await;
            self.handle.run_upkeep();
            self.handle.render()
        })
    }
}

fn describe_writing() {
    metrics::describe_gauge!(
        "podium_writes_waiting",
        "Operations that wait to be written together."
    );
    metrics::describe_histogram!(
        "podium_write_batch_size",
        "How many operations were taken together."
    );
    metrics::describe_histogram!(
        "podium_write_wait_seconds",
        "From an operation's coming to its being taken."
    );
    metrics::describe_histogram!(
        "podium_commit_seconds",
        "What the commit takes of what is written together."
    );
    metrics::describe_counter!(
        "podium_write_batches_broken_total",
        "Batches that were not written as they were decided."
    );
}

/// A gauge is a float.
fn count(rows: u64) -> f64 {
    f64::from(u32::try_from(rows).unwrap_or(u32::MAX))
}

fn handle() -> anyhow::Result<PrometheusHandle> {
    let _installing = INSTALLING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY)
        .and_then(|builder| {
            let sizes = Matcher::Full("podium_write_batch_size".to_owned());
            builder.set_buckets_for_metric(sizes, &TOGETHER)
        })
        .context("the buckets are not empty")?
        .install_recorder()
        .context("another recorder is installed")?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}
