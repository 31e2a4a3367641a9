//! `podium serve`: the server, until it is told to stop.

use crate::config::{Config, Profile};
use crate::instance::{Instance, Surroundings};
use crate::logging;
use clap::Args;
use kernel::{SystemClock, TimeOrderedIds};
use std::process::ExitCode;
use std::sync::Arc;
use storage::SeatGuard;

/// The arguments of `serve`: none.
#[derive(Debug, Args, Default)]
pub struct Serve {}

impl Serve {
    /// Runs the command.
    pub fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        logging::start(config);
        runtime(config)?.block_on(async {
            let surroundings = Surroundings {
                clock: Arc::new(SystemClock),
                ids: Arc::new(TimeOrderedIds::new()),
                guard: SeatGuard::On,
                stops_on_signals: true,
            };
            let instance = Instance::start(config, &surroundings)?;
            tracing::info!(
                address = %instance.address,
                database = %config.database.connector.url,
                profile = %config.profile,
                "podium serves; the API is described at {}/api-docs/",
                config.http.public_url,
            );
            if config.profile == Profile::Development {
                tracing::info!("profile development: made for trying, not for real people");
            }
            instance.serve().await?;
            tracing::info!("podium has stopped");
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// The runtime that waits, and whose blocking threads do the work of the database and hash passwords: as many as there
/// are connections, a few for the hashing.
pub fn runtime(config: &Config) -> std::io::Result<tokio::runtime::Runtime> {
    let connections = config.database.pool_size as usize + 1;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(connections + cores + 2)
        .thread_name("podium")
        .enable_all()
        .build()
}
