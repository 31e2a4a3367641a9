//! The recorder behind `/metrics`: one for the process.

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Arc, Mutex, OnceLock};
use storage::Store;

/// Upper bounds of the buckets of a latency, in seconds.
const LATENCY: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
static INSTALLING: Mutex<()> = Mutex::new(());

/// Gives what `/metrics` shows; installs the recorder at the first call.
pub fn renderer(store: Store) -> anyhow::Result<Arc<dyn Fn() -> String + Send + Sync>> {
    let handle = handle()?;
    Ok(Arc::new(move || {
        let (used, idle) = store.connections();
        metrics::gauge!("podium_database_connections", "state" => "used").set(f64::from(used));
        metrics::gauge!("podium_database_connections", "state" => "idle").set(f64::from(idle));
        handle.run_upkeep();
        handle.render()
    }))
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
        .context("the buckets are not empty")?
        .install_recorder()
        .context("another recorder is installed")?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}
