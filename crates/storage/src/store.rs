//! The store: pools of connections, and the two ways to use one.
//!
//! A write waits for a permit without blocking a thread, runs on the blocking pool, begins, calls the operation, writes
//! the outbox, commits under the guard, and is tried again as a whole when another transaction was in the way.

use crate::batch::{self, Together};
use crate::connection::{Connector, DatabaseUrl, DbConn, on};
use crate::desk::DeskOptions;
use crate::failure::store_error;
use crate::search_limits::SearchLimits;
use crate::transaction::{Effects, SeatGuard, Tx};
use crate::word_counts::WordCounts;
use crate::writer::Writer;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{Pool, PooledConnection};
use kernel::{EventId, OutboxId, SessionId, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hears of commits, before the answer goes out.
pub trait CommitObserver: Send + Sync {
    /// More of these events than their seats is no longer as it was.
    fn events_changed(&self, _events: &[EventId]) {}
    /// The seats of these events are no longer as they were.
    fn seats_changed(&self, _events: &[EventId]) {}
    /// These sessions are over, or permit something else than before.
    fn sessions_changed(&self, _sessions: &[SessionId]) {}
    /// What roles permit is something else than before: for all sessions.
    fn roles_changed(&self) {}
    /// Messages wait to be sent.
    fn messages_queued(&self) {}
    /// These messages are gone, and nothing of them is to stay. Called on a thread that may block.
    fn messages_forgotten(&self, _messages: &[OutboxId]) {}
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Where the database is and how connections are set up.
    pub connector: Connector,
    /// Connections at the most (SQLite: readers; there is always one writer).
    pub pool_size: u32,
    /// How long a request waits for a connection that is there, or to be opened.
    pub connection_timeout: Duration,
    /// How long a write is tried again while others are in the way.
    pub contention_patience: Duration,
    /// Whether the guards against overselling stand.
    pub guard: SeatGuard,
    /// Whether operations that wait at the same time are committed together: on SQLite all that write, on PostgreSQL those of people
    /// who register or cancel.
    pub write_together: bool,
    /// How searches choose their way.
    #[doc(hidden)]
    pub search: SearchLimits,
    /// What tests do where operations are written together.
    #[doc(hidden)]
    pub desk: DeskOptions,
}

impl StoreOptions {
    /// The usual: 16 connections, 2 s for a connection, 5 s of patience.
    pub fn new(url: DatabaseUrl) -> Self {
        Self::of(Connector::new(url))
    }

    /// The usual over these connections.
    pub fn of(connector: Connector) -> Self {
        Self {
            connector,
            pool_size: 16,
            connection_timeout: Duration::from_secs(2),
            contention_patience: Duration::from_secs(5),
            guard: SeatGuard::On,
            write_together: true,
            search: SearchLimits::default(),
            desk: DeskOptions::default(),
        }
    }
}

/// The database, shared by all who use it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    readers: Lane,
    writers: Writers,
    /// Who writes together those that can be, where that is worth something.
    rush: Option<batch::Writers>,
    searches: Arc<Semaphore>,
    runtime: Handle,
    connection_timeout: Duration,
    patience: Duration,
    observer: Observer,
    guard: SeatGuard,
    search: (SearchLimits, WordCounts),
}

/// A pool and as many permits as it has connections, so that nobody blocks a thread waiting for one.
#[derive(Clone)]
struct Lane {
    pool: Pool<Connector>,
    permits: Arc<Semaphore>,
}

/// Who writes.
enum Writers {
    /// SQLite's thread.
    One(Writer),
    /// Each connection by itself.
    Pool(Lane),
}

/// Who hears of commits, once there is somebody.
#[derive(Clone, Default)]
pub(crate) struct Observer(Arc<std::sync::OnceLock<Arc<dyn CommitObserver>>>);

impl Observer {
    /// Tells what a transaction did that is committed.
    pub(crate) fn tell(&self, effects: &Effects) {
        let Some(observer) = self.0.get() else { return };
        if !effects.changed_events.is_empty() {
            observer.events_changed(&effects.changed_events);
        }
        observer.seats_changed(&effects.changed_seats);
        observer.sessions_changed(&effects.changed_sessions);
        if effects.roles_changed {
            observer.roles_changed();
        }
        if effects.messages_queued {
            observer.messages_queued();
        }
        if !effects.forgotten_messages.is_empty() {
            observer.messages_forgotten(&effects.forgotten_messages);
        }
    }
}

/// How one try of a write ended.
pub(crate) enum Attempt<T, E> {
    Done(Result<T, E>),
    Contended(E),
}

/// A request waits so long for its turn at the most.
pub(crate) const QUEUE_PATIENCE: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the pools and tries a first connection. Call inside a tokio runtime: its blocking threads do the work.
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let writers_of_its_own = matches!(options.connector.url, DatabaseUrl::Sqlite(_));
        let threads = Arc::new(scheduled_thread_pool());
        let readers = lane(options, options.pool_size, &threads)?;
        let search = (options.search, WordCounts::new());
        let observer = Observer::default();
        let writers = match (writers_of_its_own, options.guard) {
            (true, SeatGuard::On) if !options.write_together => Writers::Pool(lane(options, 1, &threads)?),
            (true, SeatGuard::On) => Writers::One(Writer::start(
                options.connector.clone(),
                search.clone(),
                observer.clone(),
                options.desk.clone(),
            )?),
            _ => Writers::Pool(readers.clone()),
        };
        let rush = match (&options.connector.url, options.guard) {
            (DatabaseUrl::Postgres(_), SeatGuard::On) if options.write_together => {
                Some(batch::Writers::start(options, &search, &observer)?)
            }
            _ => None,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                readers,
                rush,
                writers,
                searches: Arc::new(Semaphore::new(searches_at_once(options.pool_size))),
                runtime: Handle::current(),
                connection_timeout: options.connection_timeout,
                patience: options.contention_patience,
                observer,
                guard: options.guard,
                search,
            }),
        })
    }

    /// Whether it is of use to say what an operation is about.
    pub fn asks_what_it_is_about(&self) -> bool {
        self.inner.rush.is_some()
    }

    /// Names who hears of commits; the first call counts.
    pub fn observe_commits(&self, observer: Arc<dyn CommitObserver>) {
        let _ = self.inner.observer.0.set(observer);
    }

    /// Reads. Each statement sees what is committed when it runs.
    pub async fn read<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let permit = permit(&self.inner.readers.permits).await?;
        let inner = Arc::clone(&self.inner);
        let work = move || {
            let _permit = permit;
            let begun = Instant::now();
            loop {
                let mut connection = connect(&inner.readers, inner.connection_timeout)?;
                let mut tx = Tx::new(&mut connection, inner.guard, inner.search.clone());
                let answer = operation(&mut tx);
                // A connection that died at rest is found out by its first use; the next may be alive.
                if answer.is_ok() || !tx.lost_connection() || begun.elapsed() > inner.connection_timeout {
                    return answer;
                }
            }
        };
        self.run_blocking(work).await
    }

    /// Reads what may take a while, as lists of people by their names do. A quarter of the connections is for those who search, who
    /// wait for each other in order: begun all at once they would all end late, and would keep everybody else from a connection.
    pub async fn search<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let turn = permit(&self.inner.searches).await?;
        // It goes with the work, which goes on when whoever asked for it is gone.
        self.read(move |tx| {
            let _turn = &turn;
            operation(tx)
        })
        .await
    }

    /// Writes: the whole operation in one transaction, or nothing of it. The operation may run more than once.
    pub async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_about(None, operation).await
    }

    /// The same, together with others who come at the same time, if it is said what the operation is about.
    pub async fn write_about<T, E, F>(&self, about: Option<Together>, operation: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let operation = Arc::new(operation);
        let begun = Instant::now();
        let mut tries = 0_u32;
        loop {
            let operation = Arc::clone(&operation);
            let attempt = match (&self.inner.writers, &self.inner.rush, &about) {
                (_, Some(rush), Some(about)) => rush.write(about.clone(), operation).await?,
                (Writers::One(writer), ..) => writer.write(operation).await?,
                (Writers::Pool(lane), ..) => {
                    let (permit, lane) = (permit(&lane.permits).await?, lane.clone());
                    let inner = Arc::clone(&self.inner);
                    let work =
                        move || Ok::<_, StoreError>(try_write(&inner, &lane, permit, operation.as_ref()));
                    self.run_blocking(work).await?
                }
            };
            match attempt {
                Attempt::Done(answer) => return answer,
                Attempt::Contended(error) if begun.elapsed() > self.inner.patience => return Err(error),
                Attempt::Contended(_) => {
                    tries += 1;
                    metrics::counter!("podium_store_retries_total").increment(1);
                    tokio::time::sleep(backoff(tries)).await;
                }
            }
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(|tx| tx.run(|connection| connection.execute_batch("SELECT 1")))
            .await
    }

    /// Connections in use and at rest, for the metrics.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.inner.readers.pool.state();
        (state.connections - state.idle_connections, state.idle_connections)
    }

    /// How many operations wait to be written together with others.
    pub fn writes_waiting(&self) -> usize {
        match (&self.inner.writers, &self.inner.rush) {
            (Writers::One(writer), _) => writer.waiting(),
            (Writers::Pool(_), Some(rush)) => rush.waiting(),
            (Writers::Pool(_), None) => 0,
        }
    }

    async fn run_blocking<T, E>(&self, work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self.inner.runtime.spawn_blocking(work).await {
            Ok(answer) => answer,
            Err(error) => Err(StoreError::Internal(format!("the operation did not finish: {error}")).into()),
        }
    }
}

fn scheduled_thread_pool() -> scheduled_thread_pool::ScheduledThreadPool {
    scheduled_thread_pool::ScheduledThreadPool::builder()
        .num_threads(1)
        .thread_name_pattern("pool-{}")
        .build()
}

fn lane(
    options: &StoreOptions,
    size: u32,
    threads: &Arc<scheduled_thread_pool::ScheduledThreadPool>,
) -> Result<Lane, StoreError> {
    let pool = Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .connection_timeout(options.connection_timeout)
        .thread_pool(Arc::clone(threads))
        .error_handler(Box::new(LogPoolErrors))
        .build(options.connector.clone())
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Lane {
        pool,
        permits: Arc::new(Semaphore::new(size as usize)),
    })
}

/// A quarter of the connections, and one at least.
const fn searches_at_once(connections: u32) -> usize {
    if connections < 8 {
        1
    } else {
        connections as usize / 4
    }
}

#[derive(Debug)]
struct LogPoolErrors;

impl diesel::r2d2::HandleError<diesel::r2d2::Error> for LogPoolErrors {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        tracing::warn!(%error, "a database connection could not be opened");
    }
}

/// One of these permits, in the order of those who ask.
async fn permit(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
    let waiting = tokio::time::timeout(QUEUE_PATIENCE, Arc::clone(permits).acquire_owned());
    match waiting.await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(StoreError::Unavailable("no connection came free in time".into())),
    }
}

fn connect(lane: &Lane, timeout: Duration) -> Result<PooledConnection<Connector>, StoreError> {
    lane.pool
        .get_timeout(timeout)
        .map_err(|error| StoreError::Unavailable(error.to_string()))
}

fn try_write<T, E, F>(
    inner: &Inner,
    lane: &Lane,
    permit: OwnedSemaphorePermit,
    operation: &F,
) -> Attempt<T, E>
where
    F: Fn(&mut Tx) -> Result<T, E>,
    E: From<StoreError>,
{
    let mut connection = match connect(lane, inner.connection_timeout) {
        Ok(connection) => connection,
        Err(error) => return Attempt::Done(Err(error.into())),
    };
    let transactional = inner.guard == SeatGuard::On;
    if transactional && let Err(error) = begin(&mut connection) {
        // Nothing was done yet: a connection that died at rest is no reason to give up.
        return match error {
            StoreError::Contention(_) | StoreError::Unavailable(_) => Attempt::Contended(error.into()),
            other => Attempt::Done(Err(other.into())),
        };
    }
    let mut tx = Tx::new(&mut connection, inner.guard, inner.search.clone());
    let mut answer = operation(&mut tx);
    if answer.is_ok()
        && let Err(error) = tx.write_outbox()
    {
        answer = Err(error.into());
    }
    let contended = tx.was_contended();
    let effects = tx.into_effects();
    match answer {
        Ok(value) => {
            if transactional && let Err(error) = commit(&mut connection) {
                roll_back(&mut connection);
                return contended_or_done(error);
            }
            inner.observer.tell(&effects);
            drop(connection);
            drop(permit);
            Attempt::Done(Ok(value))
        }
        Err(error) => {
            if transactional {
                roll_back(&mut connection);
            }
            drop(connection);
            drop(permit);
            if contended {
                Attempt::Contended(error)
            } else {
                Attempt::Done(Err(error))
            }
        }
    }
}

fn contended_or_done<T, E: From<StoreError>>(error: StoreError) -> Attempt<T, E> {
    if matches!(error, StoreError::Contention(_)) {
        Attempt::Contended(error.into())
    } else {
        Attempt::Done(Err(error.into()))
    }
}

/// BEGIN IMMEDIATE on SQLite: a transaction that begins by reading and writes later fails at the change, however long
/// the busy timeout is.
pub(crate) fn begin(connection: &mut DbConn) -> Result<(), StoreError> {
    let begun = match connection {
        DbConn::Postgres(c) => c.batch_execute("BEGIN"),
        DbConn::Sqlite(c) => c.batch_execute("BEGIN IMMEDIATE"),
    };
    begun.map_err(|error| failed(connection, &error))
}

/// Commits, or fails. PostgreSQL answers COMMIT of an aborted transaction with a silent ROLLBACK; the SELECT before it,
/// in the same message, makes that an error.
pub(crate) fn commit(connection: &mut DbConn) -> Result<(), StoreError> {
    let committed = match connection {
        DbConn::Postgres(c) => c.batch_execute("SELECT 1; COMMIT"),
        DbConn::Sqlite(c) => c.batch_execute("COMMIT"),
    };
    committed.map_err(|error| failed(connection, &error))
}

fn failed(connection: &mut DbConn, error: &diesel::result::Error) -> StoreError {
    let error = store_error(error);
    if matches!(error, StoreError::Unavailable(_)) {
        connection.give_up();
    }
    error
}

pub(crate) fn roll_back(connection: &mut DbConn) {
    if let Err(error) = on!(connection, |c| c.batch_execute("ROLLBACK")) {
        tracing::debug!(%error, "a rollback failed; the connection is given up if it is broken");
    }
}

/// Up to 2, 4, 8, … 64 ms, spread so that those who met do not meet again.
fn backoff(tries: u32) -> Duration {
    let longest = 2_000_u64 << tries.min(6);
    let mut random = [0_u8; 8];
    // Without randomness the wait is only less spread.
    let _ = getrandom::fill(&mut random);
    Duration::from_micros(longest / 2 + u64::from_ne_bytes(random) % (longest / 2))
}
