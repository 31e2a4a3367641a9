//! PostgreSQL under a rush: people who register or cancel are written together, a few writers beside each other, each with the events
//! that fall to it. What a batch needs is read at once (`load`), each operation decides by itself as always over what lies on the
//! tray (`tray`), and what they all did is written at once (`flush`) and committed once.
//!
//! Invariants: no rule is known here; nobody is answered before the commit; nobody waits for company; an operation that asks for
//! more than was read, and every one of a batch that is not written as it was decided, is done again by itself.

mod flush;
mod load;
pub(crate) mod tray;

use crate::connection::{Connector, DbConn};
use crate::desk::{DeskOptions, Stage};
use crate::search_limits::SearchLimits;
use crate::store::{Attempt, Observer, StoreOptions, begin, commit, roll_back};
use crate::transaction::{Effects, SeatGuard, Tx};
use crate::waiting::{Operation, Waiting};
use crate::word_counts::WordCounts;
use kernel::{EventId, IdempotencyScope, Instant as Moment, RegistrationId, StoreError, TypedId, UserId};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Instant;
use tokio::runtime::Handle;
use tray::Tray;

/// Operations that are written together at the most.
const MOST_TOGETHER: usize = 128;
/// Operations that wait for one writer at the most; who comes then is told so at once.
const MOST_WAITING: usize = 16_384;
/// Writers. Each event falls to one of them; more would wait for each other's commits.
const WRITERS: usize = 4;

/// What an operation is about that can be written together with others.
#[derive(Debug, Clone)]
pub struct Together {
    event_id: EventId,
    user_id: UserId,
    cancels: Option<RegistrationId>,
    key: Option<IdempotencyScope>,
    now: Moment,
}

impl Together {
    /// An account registers itself for an event.
    pub fn register(now: Moment, event_id: EventId, user_id: UserId, key: Option<IdempotencyScope>) -> Self {
        Self {
            event_id,
            user_id,
            cancels: None,
            key,
            now,
        }
    }

    /// An account cancels a registration at an event.
    pub fn cancel(now: Moment, event_id: EventId, user_id: UserId, registration_id: RegistrationId) -> Self {
        Self {
            event_id,
            user_id,
            cancels: Some(registration_id),
            key: None,
            now,
        }
    }

    fn event_id(&self) -> EventId {
        self.event_id
    }

    fn registers(&self) -> Option<(EventId, UserId)> {
        self.cancels.is_none().then_some((self.event_id, self.user_id))
    }

    fn cancels(&self) -> Option<(EventId, RegistrationId)> {
        self.cancels.map(|id| (self.event_id, id))
    }

    fn key(&self) -> Option<&IdempotencyScope> {
        self.key.as_ref()
    }
}

/// One that waits.
struct Person {
    about: Together,
    waiting: Box<dyn Waiting>,
}

/// The way to the writers. Their threads end with the last of them.
pub(crate) struct Writers {
    queues: Vec<SyncSender<Person>>,
    waiting: Arc<AtomicUsize>,
}

impl Writers {
    /// Starts the threads. Operations run inside of the runtime, as on its blocking threads.
    pub(crate) fn start(
        options: &StoreOptions,
        search: &(SearchLimits, WordCounts),
        observer: &Observer,
    ) -> Result<Self, StoreError> {
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut queues = Vec::with_capacity(WRITERS);
        for number in 0..WRITERS {
            let (queue, receiver) = sync_channel(MOST_WAITING);
            let mut desk = Desk {
                waiting: Arc::clone(&waiting),
                connector: options.connector.clone(),
                connection: None,
                search: search.clone(),
                observer: observer.clone(),
                options: options.desk.clone(),
            };
            let runtime = Handle::current();
            std::thread::Builder::new()
                .name(format!("rush-writer-{number}"))
                .spawn(move || {
                    let _runtime = runtime.enter();
                    desk.work(&receiver);
                })
                .map_err(|error| StoreError::Unavailable(format!("a writer does not start: {error}")))?;
            queues.push(queue);
        }
        Ok(Self { queues, waiting })
    }

    /// How many wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Has an operation done with those that wait beside it.
    pub(crate) async fn write<T, E, F>(
        &self,
        about: Together,
        operation: Arc<F>,
    ) -> Result<Attempt<T, E>, StoreError>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (waiting, answered) = Operation::new(operation);
        // The last byte of an id is random.
        let shard = usize::from(about.event_id.uuid().as_bytes()[15]) % self.queues.len();
        let person = Person {
            about,
            waiting: Box::new(waiting),
        };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.queues[shard].try_send(person).map_err(|refused| {
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

/// What a thread works with.
struct Desk {
    waiting: Arc<AtomicUsize>,
    connector: Connector,
    connection: Option<DbConn>,
    search: (SearchLimits, WordCounts),
    observer: Observer,
    options: DeskOptions,
}

/// Why a batch is not answered as it was decided.
enum Failure {
    /// Nobody was decided about.
    NotBegun(StoreError),
    /// Nothing of it is written.
    TakenBack(StoreError),
    /// The connection was lost under the commit.
    Unknown(StoreError),
}

/// What became of a batch before its commit.
struct Done {
    /// With what each did, where it stays.
    people: Vec<(Person, Option<Effects>)>,
    /// Who needs more than was read.
    alone: Vec<Person>,
}

impl Desk {
    fn work(&mut self, queue: &Receiver<Person>) {
        let mut here = VecDeque::new();
        loop {
            let before = here.len();
            if here.is_empty() {
                let Ok(first) = queue.recv() else { return };
                here.push_back(first);
            }
            self.options.tell(Stage::Taking(&self.waiting));
            let room = MOST_TOGETHER.saturating_sub(here.len());
            here.extend(queue.try_iter().take(room));
            self.waiting.fetch_sub(here.len() - before, Ordering::Relaxed);
            here.retain(|person| !person.waiting.is_given_up());
            let batch = take_different(&mut here);
            if batch.is_empty() {
                continue;
            }
            // Whoever is not answered then is told that it did not finish.
            let written = catch_unwind(AssertUnwindSafe(|| self.write_some(batch)));
            if written.is_err() {
                self.connection = None;
            }
        }
    }

    fn write_some(&mut self, batch: Vec<Person>) {
        let begun = Instant::now();
        for person in &batch {
            metrics::histogram!("podium_write_wait_seconds").record(begun - person.waiting.since());
        }
        metrics::histogram!("podium_write_batch_size").record(size(batch.len()));
        if batch.len() == 1 && !self.options.alone_too {
            self.write_each_alone(batch);
        } else {
            self.write_and_answer(batch);
        }
    }

    fn write_and_answer(&mut self, batch: Vec<Person>) {
        let (people, failure) = match self.write_together(batch) {
            Ok(done) => return self.answer(done),
            Err(failed) => failed,
        };
        let error = match &failure {
            Failure::NotBegun(error) | Failure::TakenBack(error) | Failure::Unknown(error) => error,
        };
        tracing::debug!(%error, many = people.len(), "a batch was not written");
        metrics::counter!("podium_write_batches_broken_total").increment(1);
        match failure {
            // Somebody holds one of the events: who comes to another is not to wait for that.
            Failure::NotBegun(error @ StoreError::Contention(_)) => match by_event(people) {
                Ok(several) => several.into_iter().for_each(|batch| self.write_and_answer(batch)),
                Err(people) => put_off(people, &error),
            },
            Failure::NotBegun(error @ StoreError::Unavailable(_))
            | Failure::TakenBack(error @ StoreError::Unavailable(_)) => put_off(people, &error),
            Failure::NotBegun(_) | Failure::TakenBack(_) => self.write_each_alone(people),
            // Done again, who has a seat by now would be told that they have one already. They may ask again by their key.
            Failure::Unknown(error) => {
                for person in people {
                    person.waiting.answer(Err(error.clone()));
                }
            }
        }
    }

    fn answer(&mut self, done: Done) {
        let mut people = Vec::with_capacity(done.people.len());
        for (person, effects) in done.people {
            if let Some(effects) = effects {
                self.observer.tell(&effects);
            }
            people.push(person);
        }
        for person in people {
            person.waiting.answer(Ok(()));
        }
        self.write_each_alone(done.alone);
    }

    fn write_each_alone(&mut self, people: Vec<Person>) {
        for person in people {
            self.write_alone(person);
        }
    }

    /// All in one transaction, or nothing: then all are given back.
    fn write_together(&mut self, batch: Vec<Person>) -> Result<Done, (Vec<Person>, Failure)> {
        if let Err(error) = self.begin() {
            return Err((batch, Failure::NotBegun(error)));
        }
        let mut done = Done {
            people: Vec::with_capacity(batch.len()),
            alone: Vec::new(),
        };
        let written = self
            .decide_and_write(batch, &mut done)
            .and_then(|()| self.commit(done.people.len()));
        match written {
            Ok(()) => Ok(done),
            Err(failure) => {
                let (Failure::NotBegun(error) | Failure::TakenBack(error) | Failure::Unknown(error)) =
                    &failure;
                self.give_up(error);
                let people = done.people.into_iter().map(|(person, _)| person);
                Err((people.chain(done.alone).collect(), failure))
            }
        }
    }

    fn decide_and_write(&mut self, batch: Vec<Person>, done: &mut Done) -> Result<(), Failure> {
        let search = self.search.clone();
        let Some(connection) = self.connection.as_mut() else {
            done.alone.extend(batch);
            return Err(Failure::NotBegun(no_connection()));
        };
        let abouts: Vec<&Together> = batch.iter().map(|person| &person.about).collect();
        let now = abouts.iter().map(|about| about.now).max().unwrap_or_default();
        let read = Tx::new(connection, SeatGuard::On, search.clone()).read_for_batch(&abouts, now);
        drop(abouts);
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                done.alone.extend(batch);
                return Err(Failure::NotBegun(error));
            }
        };
        let mut tray = Tray::of(read);
        for mut person in batch {
            let mark = tray.begin(person.about.event_id);
            let mut tx = Tx::new(connection, SeatGuard::On, search.clone());
            tx.tray = Some(tray);
            let is_kept = person.waiting.run(&mut tx);
            let left = tx.left_batch;
            tray = tx.tray.take().unwrap_or_default();
            let effects = tx.into_effects();
            if left || !is_kept {
                tray.take_back(mark);
            }
            if left {
                done.alone.push(person);
            } else {
                done.people.push((person, is_kept.then_some(effects)));
            }
        }
        let Tray { read, to_write, .. } = tray;
        let written = Tx::new(connection, SeatGuard::On, search).write_batch(&read, to_write);
        written.map_err(Failure::TakenBack)
    }

    /// As it is done where nothing is written together.
    fn write_alone(&mut self, mut person: Person) {
        if let Err(error) = self.begin() {
            person.waiting.put_off(error);
            return;
        }
        let search = self.search.clone();
        let Some(connection) = &mut self.connection else {
            person.waiting.put_off(no_connection());
            return;
        };
        let mut tx = Tx::new(connection, SeatGuard::On, search);
        let is_kept = person.waiting.run(&mut tx);
        let effects = tx.into_effects();
        if !is_kept {
            roll_back(connection);
            person.waiting.answer(Ok(()));
            return;
        }
        match self.commit(1) {
            Ok(()) => {
                self.observer.tell(&effects);
                person.waiting.answer(Ok(()));
            }
            Err(Failure::NotBegun(error) | Failure::TakenBack(error) | Failure::Unknown(error)) => {
                self.give_up(&error);
                person.waiting.answer(Err(error));
            }
        }
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        for is_last in [false, true] {
            if self.connection.is_none() {
                let opened = self.connector.open();
                self.connection = Some(opened.map_err(|error| StoreError::Unavailable(error.to_string()))?);
            }
            let Some(connection) = &mut self.connection else {
                return Err(no_connection());
            };
            match begin(connection) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    // It died at rest; the next may be alive.
                    self.connection = None;
                    if is_last {
                        return Err(error);
                    }
                }
            }
        }
        Err(no_connection())
    }

    fn commit(&mut self, many: usize) -> Result<(), Failure> {
        let Some(connection) = &mut self.connection else {
            return Err(Failure::TakenBack(no_connection()));
        };
        self.options.tell(Stage::Committing(many));
        let begun = Instant::now();
        commit(connection).map_err(|error| match error {
            StoreError::Unavailable(_) => Failure::Unknown(error),
            refused => Failure::TakenBack(refused),
        })?;
        metrics::histogram!("podium_commit_seconds").record(begun.elapsed());
        self.options.tell(Stage::Committed(many));
        Ok(())
    }

    fn give_up(&mut self, error: &StoreError) {
        if let Some(connection) = &mut self.connection {
            roll_back(connection);
        }
        if matches!(error, StoreError::Unavailable(_)) {
            self.connection = None;
        }
    }
}

fn no_connection() -> StoreError {
    StoreError::Unavailable("the writer has no connection".into())
}

fn put_off(people: Vec<Person>, error: &StoreError) {
    for person in people {
        person.waiting.put_off(error.clone());
    }
}

/// A batch for each event, or all of them where they come to one.
fn by_event(people: Vec<Person>) -> Result<Vec<Vec<Person>>, Vec<Person>> {
    let mut batches: BTreeMap<EventId, Vec<Person>> = BTreeMap::new();
    for person in people {
        batches.entry(person.about.event_id).or_default().push(person);
    }
    let mut batches: Vec<_> = batches.into_values().collect();
    if batches.len() > 1 {
        return Ok(batches);
    }
    Err(batches.pop().unwrap_or_default())
}

/// Those at the front of whom nothing is known that another one of them changes: the second request of one person waits for the
/// first, as does whoever is about the same registration.
fn take_different(here: &mut VecDeque<Person>) -> Vec<Person> {
    let (mut people, mut registrations) = (HashSet::new(), HashSet::new());
    let (mut batch, mut later) = (Vec::with_capacity(here.len()), VecDeque::new());
    for person in here.drain(..) {
        let is_new = people.insert(person.about.user_id)
            && person.about.cancels.is_none_or(|id| registrations.insert(id));
        if is_new {
            batch.push(person);
        } else {
            later.push_back(person);
        }
    }
    *here = later;
    batch
}

#[expect(clippy::cast_precision_loss, reason = "128 at the most")]
fn size(many: usize) -> f64 {
    many as f64
}
