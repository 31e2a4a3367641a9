//! The log: lines for people or JSON for programs, on the standard error.
//!
//! Invariant: what libraries tell of their work is of use to their developers only, and may hold what a request held, so
//! below a warning it is left out however talkative the log is to be.

use crate::config::{Config, LogFormat};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Where our own lines come from: the crates, and `podium` for what has no crate.
const OURS: [&str; 19] = [
    "admin",
    "api",
    "auth",
    "calendar",
    "campaign",
    "event",
    "gateway",
    "kernel",
    "notification",
    "podium",
    "realtime",
    "registration",
    "server",
    "storage",
    "testkit",
    "ticket",
    "user",
    "voting",
    "waitlist",
];

/// Starts logging as configured; only the first call counts.
pub fn start(config: &Config) {
    let level = LevelFilter::from_level(config.log.level);
    let wanted =
        filter_fn(move |line| *line.level() <= most(line.target(), level)).with_max_level_hint(level);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match config.log.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Readable => lines.with_target(false).boxed(),
    };
    let started = tracing_subscriber::registry()
        .with(lines.with_filter(wanted))
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// The least important level that is logged of what comes from there.
fn most(target: &str, level: LevelFilter) -> LevelFilter {
    let source = target.split("::").next().unwrap_or(target);
    if OURS.contains(&source) {
        level
    } else {
        level.min(LevelFilter::WARN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_only_warn() {
        assert_eq!(most("podium::request", LevelFilter::TRACE), LevelFilter::TRACE);
        assert_eq!(most("storage", LevelFilter::DEBUG), LevelFilter::DEBUG);
        assert_eq!(
            most("actix_http::h1::decoder", LevelFilter::TRACE),
            LevelFilter::WARN
        );
        assert_eq!(
            most("event_listener::list", LevelFilter::TRACE),
            LevelFilter::WARN
        );
        assert_eq!(most("actix_http", LevelFilter::ERROR), LevelFilter::ERROR);
    }

    #[test]
    fn every_crate_is_known() {
        let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap();
        for folder in folders {
            let name = folder.unwrap().file_name().into_string().unwrap();
            assert!(
                OURS.contains(&name.as_str()),
                "{name} is in no list of those that log"
            );
        }
    }
}
