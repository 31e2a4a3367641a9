//! Sends what the queue holds. One task claims, some send, one asks whether campaigns' mails are still to be sent, one writes down
//! what came of it, one renews the leases.
//!
//! Invariants: a message is begun only while its lease is the worker's; a sender takes the next message only when what
//! came of the last one is committed, so that a kill leaves at most one message a sender in doubt; what was claimed and
//! not begun goes back when the worker stops.

mod ask;
mod couriers;
mod dispatch;
mod gates;
mod in_hand;
mod renew;
mod send;
mod settle;
mod sole;

pub use couriers::Couriers;

use crate::background::Background;
use crate::config::Config;
use gates::Gates;
use in_hand::InHand;
use kernel::{Clock, ServerKeys};
use notification::MessageQueue;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use storage::Store;
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

/// How often an idle worker looks by itself: for what other processes wrote and for what is to be tried again.
const POLL: Duration = Duration::from_millis(500);
/// A stop waits so long for what is being sent: longer than any delivery may take, since what is cut off after it was taken
/// is sent once more.
const LAST_SENDS: Duration = Duration::from_mins(1);
/// A stop waits so long for the database.
const LAST_WRITES: Duration = Duration::from_secs(5);
/// Messages in hand for each sender: enough that none waits for a claim, few enough that little goes back at a stop.
const IN_HAND_PER_SENDER: usize = 4;

/// What a worker works with.
pub struct Parts {
    /// Where the queue is.
    pub store: Store,
    /// Tells what is due.
    pub clock: Arc<dyn Clock>,
    /// Hand messages over.
    pub couriers: Couriers,
    /// Where they do.
    pub background: Background,
    /// Messages that are sent at the same time.
    pub concurrency: usize,
    /// How long a claimed message is the worker's own, unless it is renewed.
    pub lease: Duration,
    /// Rung after a commit that wrote messages.
    pub bell: Arc<Notify>,
    /// How often it looks without being rung for.
    pub poll: Duration,
    /// SQLite: the file by which workers of one database know of each other.
    pub lock_file: Option<PathBuf>,
}

impl Parts {
    /// A worker as it is configured. Says how messages leave.
    pub fn of(
        config: &Config,
        store: Store,
        clock: Arc<dyn Clock>,
        keys: Arc<ServerKeys>,
        bell: Arc<Notify>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            store,
            clock,
            couriers: Couriers::of(config, keys)?,
            background: Background::start()?,
            concurrency: config.worker.concurrency,
            lease: config.worker.lease,
            bell,
            poll: POLL,
            lock_file: sole::lock_file(&config.database.connector.url),
        })
    }
}

/// What all tasks of a worker share.
struct Shared {
    parts: Parts,
    /// Tells this worker's claims from those of others, those of an earlier run of this process included.
    name: String,
    in_hand: InHand,
    gates: Gates,
    /// Rung when something in hand is done with.
    room: Notify,
}

/// A worker that runs. It stops, without being waited for, when this is dropped.
pub struct Worker {
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Worker {
    /// Starts it. Call inside a tokio runtime.
    pub fn start(parts: Parts) -> Self {
        let (stop, stopping) = watch::channel(false);
        let shared = Arc::new(Shared {
            name: name(),
            in_hand: InHand::default(),
            gates: Gates::over(&parts.couriers.media()),
            room: Notify::new(),
            parts,
        });
        Self {
            stop,
            running: tokio::spawn(run(shared, stopping)),
        }
    }

    /// Claims no more, lets what is being sent be finished, and gives the rest back.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.running.await {
            tracing::error!(%error, "the worker ended by a mistake");
        }
    }
}

async fn run(shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let _lock = sole::take_back_leases(&shared).await;
    let (jobs, waiting) = mpsc::unbounded_channel();
    let waiting = Arc::new(Mutex::new(waiting));
    let (questions, to_answer) = mpsc::unbounded_channel();
    let (verdicts, to_settle) = mpsc::unbounded_channel();
    let mut senders = JoinSet::new();
    for _ in 0..shared.parts.concurrency {
        senders.spawn(send::run(
            Arc::clone(&shared),
            Arc::clone(&waiting),
            questions.clone(),
            verdicts.clone(),
        ));
    }
    drop((questions, verdicts));
    let asking = tokio::spawn(ask::run(Arc::clone(&shared), to_answer));
    let mut settling = tokio::spawn(settle::run(Arc::clone(&shared), to_settle));
    let renewing = tokio::spawn(renew::run(Arc::clone(&shared)));

    dispatch::run(&shared, jobs, stop).await;

    give_back(&shared).await;
    let finished = async { while senders.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_SENDS, finished).await.is_err() {
        tracing::warn!(
            "the worker stops in the middle of sending; what was cut off is sent again when its lease is over"
        );
        senders.shutdown().await;
    }
    if tokio::time::timeout(LAST_WRITES, &mut settling).await.is_err() {
        settling.abort();
        tracing::warn!("the worker stops before all was written down; what was sent last may be sent again");
    }
    asking.abort();
    renewing.abort();
}

/// What is in hand and not begun is due again at once.
async fn give_back(shared: &Shared) {
    let ids = shared.in_hand.stop();
    if ids.is_empty() {
        return;
    }
    let (now, name) = (shared.parts.clock.now(), shared.name.clone());
    let returning = shared
        .parts
        .store
        .write(move |tx| tx.return_messages(now, &name, &ids));
    match tokio::time::timeout(LAST_WRITES, returning).await {
        Ok(Ok(count)) => tracing::info!(count, "messages that were not begun are left to others"),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("messages could not be given back; they are due again when their lease is over");
        }
    }
}

fn name() -> String {
    let mut random = [0_u8; 8];
    // Without randomness there are still the process and the time.
    let _ = getrandom::fill(&mut random);
    format!("{}-{:016x}", std::process::id(), u64::from_ne_bytes(random))
}
