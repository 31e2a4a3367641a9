//! A load generator for HTTP/1.1 over kept connections, on one thread, so that on a small machine most of the time is
//! the server's.
//!
//! Closed loop but for [`run_paced`]: every connection sends its next request when it has read the whole answer to the last. Only addresses
//! of this machine are taken, and every run ends: at its time or count, or at a limit beyond it.

mod connection;
mod paced;

pub use paced::{Pace, ask, connect, run_paced};

use anyhow::{Context, Result, ensure};
use connection::Connection;
use hdrhistogram::Histogram;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

/// How long after its end a timed run may wait for the answers that are still open.
const GRACE: Duration = Duration::from_secs(20);

/// When a run ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After this time.
    Elapsed(Duration),
    /// When the sources of all connections are at their end, or after this time at the latest.
    Exhausted(Duration),
}

/// Where the load goes and how much of it at once.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The server: an address of this machine.
    pub address: SocketAddr,
    /// How many connections ask at the same time.
    pub connections: usize,
    /// When it ends.
    pub until: Until,
}

/// Writes the next request of one connection, whole, into the empty buffer; `false` ends the connection's part.
pub type Source = Box<dyn FnMut(&mut Vec<u8>) -> bool>;

/// What a run came to.
pub struct Outcome {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Connections that broke, or answers that could not be read. Each costs its connection, which is made anew.
    pub failures: u64,
    /// The first failure, in words.
    pub first_failure: Option<String>,
    /// The time from sending a request to having read its answer, in microseconds.
    pub latency: Histogram<u64>,
}

impl Outcome {
    /// Nothing yet.
    pub fn new() -> Result<Self> {
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        let elapsed = Duration::ZERO;
        Ok(Self {
            elapsed,
            statuses: BTreeMap::new(),
            failures: 0,
            first_failure: None,
            latency,
        })
    }

    /// Answers of any status.
    pub fn answers(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Answers a second.
    #[expect(clippy::cast_precision_loss, reason = "a count of answers is far below 2^52")]
    pub fn throughput(&self) -> f64 {
        self.answers() as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Adds what another run came to.
    pub fn add(&mut self, other: &Self) -> Result<()> {
        self.elapsed += other.elapsed;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.failures += other.failures;
        if self.first_failure.is_none() {
            self.first_failure.clone_from(&other.first_failure);
        }
        self.latency.add(&other.latency)?;
        Ok(())
    }

    /// Counts an answer.
    pub fn count(&mut self, status: u16, taken: Duration) {
        *self.statuses.entry(status).or_default() += 1;
        self.latency
            .saturating_record(u64::try_from(taken.as_micros()).unwrap_or(u64::MAX));
    }

    fn fail(&mut self, error: &anyhow::Error) {
        self.failures += 1;
        self.first_failure.get_or_insert_with(|| format!("{error:#}"));
    }
}

/// Runs a load to its end; `source` makes the source of each connection by its number.
pub fn run(plan: &Plan, source: impl Fn(usize) -> Source) -> Result<Outcome> {
    ensure!(
        plan.address.ip().is_loopback(),
        "load goes to this machine only, not to {}",
        plan.address
    );
    ensure!(plan.connections > 0, "a load needs a connection");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = Rc::new(RefCell::new(Outcome::new()?));
    let sources: Vec<Source> = (0..plan.connections).map(source).collect();
    LocalSet::new().block_on(&runtime, drive(plan, sources, &outcome))?;
    drop(runtime);
    Rc::into_inner(outcome)
        .map(RefCell::into_inner)
        .context("a connection is still at work")
}

async fn drive(plan: &Plan, sources: Vec<Source>, outcome: &Rc<RefCell<Outcome>>) -> Result<()> {
    let mut connections = Vec::with_capacity(sources.len());
    for source in sources {
        connections.push((Connection::open(plan.address).await?, source));
    }
    let started = Instant::now();
    let (end, limit) = match plan.until {
        Until::Elapsed(time) => (started + time, time + GRACE),
        Until::Exhausted(limit) => (started + limit, limit + GRACE),
    };
    let mut tasks = tokio::task::JoinSet::new();
    for (connection, source) in connections {
        tasks.spawn_local(serve(connection, source, end, Rc::clone(outcome)));
    }
    let all_ended = async { while tasks.join_next().await.is_some() {} };
    let in_time = tokio::time::timeout(limit, all_ended).await.is_ok();
    tasks.shutdown().await;
    outcome.borrow_mut().elapsed = started.elapsed();
    ensure!(
        in_time,
        "the server left requests open for {GRACE:?} after the end"
    );
    Ok(())
}

/// One connection's part, from its first request to the end.
async fn serve(mut connection: Connection, mut source: Source, end: Instant, outcome: Rc<RefCell<Outcome>>) {
    let mut request = Vec::new();
    while Instant::now() < end {
        request.clear();
        if !source(&mut request) {
            return;
        }
        let sent = Instant::now();
        match connection.ask(&request).await {
            Ok(status) => outcome.borrow_mut().count(status, sent.elapsed()),
            Err(error) => {
                outcome.borrow_mut().fail(&error);
                if connection.reopen().await.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
