//! The log: lines for people or JSON for programs, on the standard error.

use crate::config::{Config, LogFormat};
use tracing_subscriber::EnvFilter;

/// Starts logging as configured; only the first call counts.
pub fn start(config: &Config) {
    let level = config.log.level.to_string().to_lowercase();
    // The own chatter of the database driver, the web framework and the HTTP client is of use to their developers only.
    let filter = EnvFilter::new(format!(
        "{level},actix_server=warn,actix_http=warn,mio=warn,r2d2=warn,hyper_util=warn,reqwest=warn,rustls=warn"
    ));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match config.log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Readable => lines.with_target(false).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
