//! `podium serve`: the server, until it is told to stop.

use crate::config::{Config, Profile};
use crate::instance::{Instance, Surroundings};
use crate::logging;
use actix_web::dev::ServerHandle;
use clap::Args;
use kernel::{SystemClock, TimeOrderedIds};
use std::process::ExitCode;
use std::sync::Arc;
use storage::{DeskOptions, SeatGuard};
use tokio::signal::unix::{Signal, SignalKind, signal};

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
                desk: DeskOptions::default(),
            };
            let signals = StopSignals::listen()?;
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
            let stopping = tokio::spawn(stop(signals, instance.handle()));
            instance.serve().await?;
            stopping.abort();
            tracing::info!("podium has stopped");
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// The first signal lets what runs be finished.
async fn stop(signals: StopSignals, handle: ServerHandle) {
    // Not awaited: the second signal is to be heard meanwhile.
    signals.obey(|| drop(tokio::spawn(handle.stop(true)))).await;
}

/// What an operator stops a process by.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Hears them from here on; before that, they end the process at once.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// The first lets what runs be finished; the second cuts it off.
    pub async fn obey(mut self, stop: impl FnOnce()) {
        self.next().await;
        tracing::info!("podium stops when what runs is finished");
        stop();
        self.next().await;
        tracing::warn!("podium was told twice to stop; what runs is cut off");
        std::process::exit(130);
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
