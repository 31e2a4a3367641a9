//! SQLite's one writer: a thread with a connection of its own that takes all operations which wait, a savepoint each, and commits
//! them together. Syncing the disk costs the same for one as for many.
//!
//! Invariants: nobody is answered before the commit; what fails inside of one operation is that one's alone; nobody waits for
//! company.

use crate::connection::{Connector, DbConn};
use crate::desk::{DeskOptions, Stage};
use crate::search_limits::SearchLimits;
use crate::store::{Attempt, Observer, QUEUE_PATIENCE, begin, commit, roll_back};
use crate::transaction::{Effects, SeatGuard, Tx};
use crate::waiting::{Operation, Waiting};
use crate::word_counts::WordCounts;
use diesel::connection::SimpleConnection;
use kernel::StoreError;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Operations that are committed together at the most.
const MOST_TOGETHER: usize = 64;
/// Operations that wait at the most; who comes then is told so at once.
const MOST_WAITING: usize = 16_384;
/// After so long no further operation joins: those before are not to wait for it.
const LONGEST: Duration = Duration::from_millis(25);

/// The way to the writer. Its thread ends with the last of them.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: SyncSender<Box<dyn Waiting>>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Starts the thread. Operations run inside of the runtime, as on its blocking threads.
    pub(crate) fn start(
        connector: Connector,
        search: (SearchLimits, WordCounts),
        observer: Observer,
        options: DeskOptions,
    ) -> Result<Self, StoreError> {
        let (queue, receiver) = sync_channel(MOST_WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut desk = Desk {
            waiting: Arc::clone(&waiting),
            connector,
            connection: None,
            search,
            observer,
            options,
            away: None,
        };
        let runtime = Handle::current();
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                let _runtime = runtime.enter();
                desk.work(&receiver);
            })
            .map_err(|error| StoreError::Unavailable(format!("the writer does not start: {error}")))?;
        Ok(Self { queue, waiting })
    }

    /// How many wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Has an operation done with those that wait beside it.
    pub(crate) async fn write<T, E, F>(&self, operation: Arc<F>) -> Result<Attempt<T, E>, StoreError>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (waiting, answered) = Operation::new(operation);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.queue.try_send(Box::new(waiting)).map_err(|refused| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            StoreError::Unavailable(match refused {
                TrySendError::Full(_) => format!("{MOST_WAITING} operations wait already"),
                TrySendError::Disconnected(_) => "the writer is gone".to_owned(),
            })
        })?;
        answered
            .await
            .map_err(|_| StoreError::Internal("the operation did not finish: the writer is gone".into()))
    }
}

/// What the thread works with.
struct Desk {
    waiting: Arc<AtomicUsize>,
    connector: Connector,
    connection: Option<DbConn>,
    search: (SearchLimits, WordCounts),
    observer: Observer,
    options: DeskOptions,
    /// Why the database could not be used at all.
    away: Option<StoreError>,
}

/// The database took back more than one operation, or did not commit.
struct Broken(StoreError);

impl Desk {
    fn work(&mut self, queue: &Receiver<Box<dyn Waiting>>) {
        let mut batch = VecDeque::new();
        loop {
            let before = batch.len();
            if batch.is_empty() {
                let Ok(first) = queue.recv() else { return };
                batch.push_back(first);
            }
            self.options.tell(Stage::Taking(&self.waiting));
            let room = MOST_TOGETHER - batch.len();
            batch.extend(queue.try_iter().take(room));
            let taken = Instant::now();
            for waiting in batch.range(before..) {
                metrics::histogram!("podium_write_wait_seconds").record(taken - waiting.since());
            }
            self.waiting.fetch_sub(batch.len() - before, Ordering::Relaxed);
            batch.retain(|waiting| !waiting.is_given_up());
            while let Some(late) = batch.pop_front_if(|first| first.since().elapsed() > QUEUE_PATIENCE) {
                let late_for = "the turn did not come in time".to_owned();
                late.fail(StoreError::Unavailable(late_for));
            }
            if batch.is_empty() {
                continue;
            }
            // Whoever is not answered then is told that it did not finish.
            let written = catch_unwind(AssertUnwindSafe(|| self.write_some(&mut batch)));
            if written.is_err() {
                self.connection = None;
            }
            if let Some(error) = self.away.take() {
                // It would be away for each of them again.
                let all: Vec<_> = queue.try_iter().take(MOST_WAITING).collect();
                self.waiting.fetch_sub(all.len(), Ordering::Relaxed);
                for waiting in all {
                    waiting.put_off(error.clone());
                }
            }
        }
    }

    /// Takes from the front what is committed together, and answers it.
    fn write_some(&mut self, batch: &mut VecDeque<Box<dyn Waiting>>) {
        let mut together = Vec::with_capacity(batch.len());
        let mut effects = Vec::with_capacity(batch.len());
        let written = match self.begin() {
            Ok(()) => match self.run_some(batch, &mut together, &mut effects) {
                Ok(()) if effects.is_empty() => self.execute("ROLLBACK"),
                Ok(()) => {
                    self.options.tell(Stage::Committing(together.len()));
                    let committed = self.commit();
                    if committed.is_ok() {
                        self.options.tell(Stage::Committed(together.len()));
                    }
                    committed
                }
                Err(broken) => Err(broken),
            },
            Err(error) => {
                for waiting in batch.drain(..) {
                    waiting.put_off(error.clone());
                }
                self.away = Some(error);
                return;
            }
        };
        if let Err(Broken(error)) = written {
            self.give_up();
            if let [_] = together.as_slice() {
                for waiting in together {
                    waiting.answer(Err(error.clone()));
                }
                return;
            }
            tracing::warn!(%error, many = together.len(), "operations that were written together are written one by one");
            metrics::counter!("podium_write_batches_broken_total").increment(1);
            for waiting in together {
                match self.away.clone() {
                    None => self.write_some(&mut VecDeque::from([waiting])),
                    Some(error) => waiting.put_off(error),
                }
            }
            return;
        }
        metrics::histogram!("podium_write_batch_size").record(size(together.len()));
        for effects in effects {
            self.observer.tell(&effects);
        }
        for waiting in together {
            waiting.answer(Ok(()));
        }
    }

    /// Does them one after another, each as if it were alone.
    fn run_some(
        &mut self,
        batch: &mut VecDeque<Box<dyn Waiting>>,
        together: &mut Vec<Box<dyn Waiting>>,
        effects: &mut Vec<Effects>,
    ) -> Result<(), Broken> {
        let begun = Instant::now();
        // What is alone needs no savepoint: the transaction is its own.
        let is_alone = batch.len() == 1;
        while let Some(waiting) = batch.pop_front() {
            // Whatever breaks, it is one of those that are written one by one then.
            together.push(waiting);
            if !is_alone {
                self.execute("SAVEPOINT one")?;
            }
            let search = self.search.clone();
            let mut tx = Tx::new(self.connection()?, SeatGuard::On, search);
            let is_kept = together.last_mut().is_some_and(|waiting| waiting.run(&mut tx));
            let of_this = tx.into_effects();
            match (is_kept, is_alone) {
                (_, true) => {}
                (true, false) => self.execute("RELEASE one")?,
                (false, false) => self.execute("ROLLBACK TO one; RELEASE one")?,
            }
            if is_kept {
                effects.push(of_this);
            }
            if begun.elapsed() > LONGEST {
                break;
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        if self.connection.is_none() {
            let opened = self.connector.open();
            self.connection = Some(opened.map_err(|error| StoreError::Unavailable(error.to_string()))?);
        }
        let begun = match &mut self.connection {
            Some(connection) => begin(connection),
            None => Err(StoreError::Unavailable("the writer has no connection".into())),
        };
        // Who holds the lock may be another program; anything else is wrong with the connection.
        if let Err(StoreError::Unavailable(_) | StoreError::Internal(_)) = begun {
            self.connection = None;
        }
        begun
    }

    fn commit(&mut self) -> Result<(), Broken> {
        let begun = Instant::now();
        commit(self.connection()?).map_err(Broken)?;
        metrics::histogram!("podium_commit_seconds").record(begun.elapsed());
        Ok(())
    }

    /// Takes everything back. SQLite may have done so itself, where the disk is full or fails.
    fn give_up(&mut self) {
        if let Some(connection) = &mut self.connection {
            roll_back(connection);
        }
    }

    fn connection(&mut self) -> Result<&mut DbConn, Broken> {
        let gone = || Broken(StoreError::Unavailable("the writer has no connection".into()));
        self.connection.as_mut().ok_or_else(gone)
    }

    fn execute(&mut self, statement: &'static str) -> Result<(), Broken> {
        let connection = self.connection()?;
        let done = crate::connection::on!(connection, |c| c.batch_execute(statement));
        done.map_err(|error| Broken(crate::failure::store_error(&error)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "64 at the most")]
fn size(many: usize) -> f64 {
    many as f64
}
