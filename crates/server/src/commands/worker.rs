//! `podium worker`: sends what waits in the queue, without serving the API, until it is told to stop.

use super::serve::{StopSignals, runtime};
use crate::config::Config;
use crate::instance::{Surroundings, check_schema, feeder, open_store};
use crate::worker::{Parts, Worker as Sending};
use crate::{campaigns, housekeeping, logging, mail_files, mailings, reminders, senders};
use clap::Args;
use kernel::{OutboxId, SystemClock, TimeOrderedIds};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use storage::{CommitObserver, DeskOptions, SeatGuard};
use tokio::sync::{Notify, oneshot};

/// The arguments of `worker`: none.
#[derive(Debug, Args)]
pub struct Worker {}

impl Worker {
    /// Runs the command.
    pub fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        logging::start(config);
        runtime(config)?.block_on(async {
            let signals = StopSignals::listen()?;
            config.prepare_folders()?;
            let keys = Arc::new(config.signing_keys()?.server_keys());
            check_schema(config)?;
            let surroundings = Surroundings {
                clock: Arc::new(SystemClock),
                ids: Arc::new(TimeOrderedIds::new()),
                guard: SeatGuard::On,
                desk: DeskOptions::default(),
            };
            let store = open_store(config, &surroundings)?;
            let bell = Arc::new(Notify::new());
            store.observe_commits(Arc::new(Ringing {
                bell: Arc::clone(&bell),
                mail_folder: senders::mail_folder(config),
            }));
            let (clock, ids) = (surroundings.clock, surroundings.ids);
            let feeder = feeder(config, store.clone(), Arc::clone(&keys));
            let parts = Parts::of(config, store.clone(), Arc::clone(&clock), keys, bell)?;
            let rounds = [
                tokio::spawn(housekeeping::run(
                    store.clone(),
                    Arc::clone(&clock),
                    Arc::clone(&ids),
                    senders::written_mails(config),
                )),
                tokio::spawn(mailings::run(store.clone(), Arc::clone(&clock), Arc::clone(&ids))),
                tokio::spawn(campaigns::run(feeder, Arc::clone(&clock), Arc::clone(&ids))),
                tokio::spawn(reminders::run(store, clock, ids)),
            ];
            let worker = Sending::start(parts);
            tracing::info!(
                database = %config.database.connector.url,
                concurrency = config.worker.concurrency,
                "podium sends what waits in the queue",
            );
            let (stop, told) = oneshot::channel();
            let stopping = tokio::spawn(signals.obey(|| {
                let _ = stop.send(());
            }));
            let _ = told.await;
            for round in rounds {
                round.abort();
            }
            worker.stop().await;
            stopping.abort();
            tracing::info!("podium has stopped");
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// What the scan for reminders writes is sent at once. Nothing is remembered here of events and sessions.
struct Ringing {
    bell: Arc<Notify>,
    mail_folder: PathBuf,
}

impl CommitObserver for Ringing {
    fn messages_queued(&self) {
        self.bell.notify_one();
    }

    fn messages_forgotten(&self, messages: &[OutboxId]) {
        mail_files::forget(&self.mail_folder, messages);
    }
}
