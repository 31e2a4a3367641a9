//! What must answer for the server to be ready, and what it counts.

use std::future::Future;
use std::pin::Pin;

/// A check that is running; on failure the reason, for the log only.
pub type Checking<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// One part that the server needs.
pub trait Readiness: Send + Sync {
    /// What it is called in the answer, such as `database`.
    fn name(&self) -> &'static str;
    /// Asks it. Must end by itself within a few seconds.
    fn check(&self) -> Checking<'_>;
}

/// Measurements that are being gathered.
pub type Measuring<'a> = Pin<Box<dyn Future<Output = String> + Send + 'a>>;

/// What the server counts.
pub trait Metrics: Send + Sync {
    /// Everything, as it is now, in the form that Prometheus reads. Must end by itself within a few seconds.
    fn render(&self) -> Measuring<'_>;
}
