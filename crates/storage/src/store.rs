//! The store: pools of connections, and the two ways to use one.
//!
//! A write waits for a permit without blocking a thread, runs on the blocking pool, begins, calls the operation, writes
//! the outbox, commits under the guard, and is tried again as a whole when another transaction was in the way.

use crate::connection::{Connector, DatabaseUrl, DbConn, on};
use crate::failure::store_error;
use crate::search_limits::SearchLimits;
use crate::transaction::{SeatGuard, Tx};
use crate::word_counts::WordCounts;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{Pool, PooledConnection};
use kernel::{EventId, OutboxId, SessionId, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hears of commits, before the answer goes out.
pub trait CommitObserver: Send + Sync {
    /// These events are no longer as they were.
    fn events_changed(&self, events: &[EventId]);
    /// These sessions are over, or permit something else than before.
    fn sessions_changed(&self, sessions: &[SessionId]);
    /// What roles permit is something else than before: for all sessions.
    fn roles_changed(&self);
    /// Messages wait to be sent.
    fn messages_queued(&self);
    /// These messages are gone, and nothing of them is to stay. Called on a thread that may block.
    fn messages_forgotten(&self, messages: &[OutboxId]);
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
    /// How searches choose their way.
    #[doc(hidden)]
    pub search: SearchLimits,
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
            search: SearchLimits::default(),
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
    writers: Lane,
    searches: Arc<Semaphore>,
    runtime: Handle,
    connection_timeout: Duration,
    patience: Duration,
    observer: std::sync::OnceLock<Arc<dyn CommitObserver>>,
    guard: SeatGuard,
    search: (SearchLimits, WordCounts),
}

/// A pool and as many permits as it has connections, so that nobody blocks a thread waiting for one.
#[derive(Clone)]
struct Lane {
    pool: Pool<Connector>,
    permits: Arc<Semaphore>,
}

/// How one try of a write ended.
enum Attempt<T, E> {
    Done(Result<T, E>),
    Contended(E),
}

/// A request waits so long for its turn at the most.
const QUEUE_PATIENCE: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the pools and tries a first connection. Call inside a tokio runtime: its blocking threads do the work.
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let writers_of_its_own = matches!(options.connector.url, DatabaseUrl::Sqlite(_));
        let threads = Arc::new(scheduled_thread_pool());
        let readers = lane(options, options.pool_size, &threads)?;
        let writers = match (writers_of_its_own, options.guard) {
            (true, SeatGuard::On) => lane(options, 1, &threads)?,
            _ => readers.clone(),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                readers,
                writers,
                searches: Arc::new(Semaphore::new(searches_at_once(options.pool_size))),
                runtime: Handle::current(),
                connection_timeout: options.connection_timeout,
                patience: options.contention_patience,
                observer: std::sync::OnceLock::new(),
                guard: options.guard,
                search: (options.search, WordCounts::new()),
            }),
        })
    }

    /// Names who hears of commits; the first call counts.
    pub fn observe_commits(&self, observer: Arc<dyn CommitObserver>) {
        let _ = self.inner.observer.set(observer);
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
        let operation = Arc::new(operation);
        let begun = Instant::now();
        let mut tries = 0_u32;
        loop {
            let permit = permit(&self.inner.writers.permits).await?;
            let inner = Arc::clone(&self.inner);
            let operation = Arc::clone(&operation);
            let attempt = self
                .run_blocking(move || Ok::<_, StoreError>(try_write(&inner, permit, operation.as_ref())))
                .await?;
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

fn try_write<T, E, F>(inner: &Inner, permit: OwnedSemaphorePermit, operation: &F) -> Attempt<T, E>
where
    F: Fn(&mut Tx) -> Result<T, E>,
    E: From<StoreError>,
{
    let mut connection = match connect(&inner.writers, inner.connection_timeout) {
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
    let messages_queued = tx.has_work_for_worker();
    if answer.is_ok()
        && let Err(error) = tx.write_outbox()
    {
        answer = Err(error.into());
    }
    let contended = tx.was_contended();
    let changed: Vec<EventId> = tx.changed_events().to_vec();
    let sessions: Vec<SessionId> = tx.changed_sessions().to_vec();
    let forgotten: Vec<OutboxId> = tx.forgotten_messages().to_vec();
    let roles_changed = tx.roles_changed();
    drop(tx);
    match answer {
        Ok(value) => {
            if transactional && let Err(error) = commit(&mut connection) {
                roll_back(&mut connection);
                return contended_or_done(error);
            }
            if let Some(observer) = inner.observer.get() {
                observer.events_changed(&changed);
                observer.sessions_changed(&sessions);
                if roles_changed {
                    observer.roles_changed();
                }
                if messages_queued {
                    observer.messages_queued();
                }
                if !forgotten.is_empty() {
                    observer.messages_forgotten(&forgotten);
                }
            }
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
fn begin(connection: &mut DbConn) -> Result<(), StoreError> {
    let begun = match connection {
        DbConn::Postgres(c) => c.batch_execute("BEGIN"),
        DbConn::Sqlite(c) => c.batch_execute("BEGIN IMMEDIATE"),
    };
    begun.map_err(|error| store_error(&error))
}

/// Commits, or fails. PostgreSQL answers COMMIT of an aborted transaction with a silent ROLLBACK; the SELECT before it,
/// in the same message, makes that an error.
fn commit(connection: &mut DbConn) -> Result<(), StoreError> {
    let committed = match connection {
        DbConn::Postgres(c) => c.batch_execute("SELECT 1; COMMIT"),
        DbConn::Sqlite(c) => c.batch_execute("COMMIT"),
    };
    committed.map_err(|error| store_error(&error))
}

fn roll_back(connection: &mut DbConn) {
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
