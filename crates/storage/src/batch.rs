//! PostgreSQL under a rush: people who register or cancel are written together, a few writers beside each other, each with the events
//! that fall to it. What a batch needs is read at once (`load`), each operation decides by itself as always over what lies on the
//! tray (`tray`), and what they all did is written at once (`flush`) and committed once.
//!
//! Invariants: no rule is known here; nobody is answered before the commit; nobody waits for company; an operation that asks for
//! more than was read, and every one of a batch that is not written as it was decided, is done again by itself.

mod flush;
mod line;
mod load;
pub(crate) mod tray;

pub use line::Together;

use crate::connection::{Connector, DbConn};
use crate::desk::{DeskOptions, Stage};
use crate::search_limits::SearchLimits;
use crate::store::{Attempt, Observer, StoreOptions, begin, commit, roll_back};
use crate::transaction::{Effects, SeatGuard, Tx};
use crate::waiting::Operation;
use crate::word_counts::WordCounts;
use kernel::{EventId, StoreError, TypedId};
use line::{MOST_TOGETHER, Person, by_event, is_of_one_event, put_off, take};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tray::Tray;

/// Operations that wait for one writer at the most; who comes then is told so at once.
const MOST_WAITING: usize = 16_384;
/// An event that somebody holds for longer than a statement waits is left alone for so long, and then waited for again: others have
/// their turns meanwhile.
const LEFT_ALONE_FOR: Duration = Duration::from_millis(400);
/// Whoever comes alone to an event at which somebody was in the way is written like many for so long, to find out who that is.
const SUSPECTED_FOR: Duration = Duration::from_secs(10);
/// Writers. Each event falls to one of them; more would wait for each other's commits.
const WRITERS: usize = 4;

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
                held: HashMap::new(),
                away: None,
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
        let shard = usize::from(about.event_id().uuid().as_bytes()[15]) % self.queues.len();
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
    /// Events at which somebody was in the way, and until when they are left alone.
    held: HashMap<EventId, Instant>,
    /// Why the database could not be used at all.
    away: Option<StoreError>,
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

impl Failure {
    fn error(&self) -> &StoreError {
        match self {
            Self::NotBegun(error) | Self::TakenBack(error) | Self::Unknown(error) => error,
        }
    }
}

/// What is done about an event that somebody else holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lock {
    /// One waits for it, as long as any statement waits for a lock.
    Wait,
    /// It is left.
    Skip,
}

/// What became of a batch before its commit.
#[derive(Default)]
struct Done {
    /// With what each did, where it stays.
    people: Vec<(Person, Option<Effects>)>,
    /// Who needs more than was read.
    alone: Vec<Person>,
    /// Whose event was left.
    held: Vec<Person>,
}

impl Done {
    fn undecided(batch: Vec<Person>) -> Self {
        Self {
            alone: batch,
            ..Self::default()
        }
    }
}

impl Desk {
    fn work(&mut self, queue: &Receiver<Person>) {
        let mut here = VecDeque::new();
        loop {
            if here.is_empty() {
                let Ok(first) = queue.recv() else { return };
                here.push_back(first);
            }
            self.options.tell(Stage::Taking(&self.waiting));
            here.extend(queue.try_iter().take(MOST_TOGETHER));
            let before = here.len();
            let batch = take(&mut here);
            self.waiting.fetch_sub(before - here.len(), Ordering::Relaxed);
            if batch.is_empty() {
                continue;
            }
            // Whoever is not answered then is told that it did not finish.
            let written = catch_unwind(AssertUnwindSafe(|| self.write_some(batch)));
            if written.is_err() {
                self.connection = None;
            }
            if let Some(error) = self.away.take() {
                // It would be away for each of them again.
                let all: Vec<Person> = here
                    .drain(..)
                    .chain(queue.try_iter().take(MOST_WAITING))
                    .collect();
                self.waiting.fetch_sub(all.len(), Ordering::Relaxed);
                put_off(all, &error);
            }
        }
    }

    fn write_some(&mut self, mut batch: Vec<Person>) {
        let begun = Instant::now();
        for person in &batch {
            metrics::histogram!("podium_write_wait_seconds").record(begun - person.waiting.since());
        }
        metrics::histogram!("podium_write_batch_size").record(size(batch.len()));
        self.held.retain(|_, until| begun < *until + SUSPECTED_FOR);
        let is_held = |person: &mut Person| {
            self.held
                .get(&person.about.event_id())
                .is_some_and(|until| begun < *until)
        };
        let known: Vec<Person> = batch.extract_if(.., is_held).collect();
        put_off(known, &somebody_holds_it());
        match batch.as_slice() {
            [] => {}
            [only] if !self.options.alone_too && !self.held.contains_key(&only.about.event_id()) => {
                self.write_each_alone(batch);
            }
            _ => self.write_and_answer(batch),
        }
    }

    fn write_and_answer(&mut self, batch: Vec<Person>) {
        let groups = if is_of_one_event(&batch) {
            vec![batch]
        } else {
            // Who comes to one event does not wait because somebody holds another.
            by_event(self.write_group(batch, Lock::Skip))
        };
        let mut lock = Lock::Wait;
        for group in groups {
            let Some(event_id) = group.first().map(|person| person.about.event_id()) else {
                continue;
            };
            if let Some(error) = &self.away {
                put_off(group, error);
                continue;
            }
            let before = Instant::now();
            let left = self.write_group(group, lock);
            put_off(left, &somebody_holds_it());
            match self.held.get(&event_id) {
                // One is waited for in vain at the most each time.
                Some(until) if *until > before => lock = Lock::Skip,
                Some(_) => drop(self.held.remove(&event_id)),
                None => {}
            }
        }
    }

    /// Writes these together, or else one by one, and answers them; gives back those whose event was left.
    fn write_group(&mut self, mut people: Vec<Person>, lock: Lock) -> Vec<Person> {
        let mut held = Vec::new();
        for is_last in [false, true] {
            let (mut done, failure) = self.write_together(people, lock);
            held.append(&mut done.held);
            let Some(failure) = failure else {
                self.answer(done);
                return held;
            };
            tracing::debug!(error = %failure.error(), many = done.people.len(), "a batch was not written");
            metrics::counter!("podium_write_batches_broken_total").increment(1);
            if let Failure::Unknown(error) = failure {
                self.answer_unknown(done, &error);
                return held;
            }
            let decided = done.people.into_iter().map(|(person, _)| person);
            people = decided.chain(done.alone).collect();
            match failure {
                Failure::NotBegun(error) | Failure::TakenBack(error @ StoreError::Unavailable(_))
                    if matches!(error, StoreError::Contention(_) | StoreError::Unavailable(_)) =>
                {
                    if let (StoreError::Contention(_), Lock::Wait, Some(first)) =
                        (&error, lock, people.first())
                    {
                        let until = Instant::now() + LEFT_ALONE_FOR;
                        self.held.insert(first.about.event_id(), until);
                    }
                    put_off(people, &error);
                    if matches!(error, StoreError::Unavailable(_)) {
                        self.away = Some(error);
                    }
                    return held;
                }
                // Somebody was in the way between reading and writing: the next reading sees what they did.
                Failure::TakenBack(_) if !is_last => {}
                _ => {
                    self.write_each_alone(people);
                    return held;
                }
            }
        }
        held
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

    /// Nothing is done again, since who has a seat by now would be told that they have one already, and nobody is told what rests on
    /// what others of the batch may have or not. They may ask again by their key.
    fn answer_unknown(&self, done: Done, error: &StoreError) {
        for (_, effects) in &done.people {
            if let Some(effects) = effects {
                self.observer.tell(effects);
            }
        }
        for (person, _) in done.people {
            person.waiting.fail(error.clone());
        }
        // Nothing of theirs was in it.
        put_off(done.alone, error);
    }

    fn write_each_alone(&mut self, people: Vec<Person>) {
        let mut in_the_way = HashMap::new();
        for person in people {
            let event_id = person.about.event_id();
            let reason = self.away.as_ref().or_else(|| in_the_way.get(&event_id));
            if let Some(error) = reason {
                // It would be so again, while everybody waits for this desk.
                let error = error.clone();
                person.waiting.put_off(error);
            } else if !person.waiting.is_given_up() && !self.write_alone(person) {
                in_the_way.insert(event_id, somebody_holds_it());
                // Whether it is the event is not known: whoever comes next finds out.
                self.held.entry(event_id).or_insert_with(Instant::now);
            }
        }
    }

    /// All in one transaction, or, with why, nothing. Nobody is answered yet.
    fn write_together(&mut self, batch: Vec<Person>, lock: Lock) -> (Done, Option<Failure>) {
        if let Err(error) = self.begin() {
            return (Done::undecided(batch), Some(Failure::NotBegun(error)));
        }
        let mut done = Done::default();
        let written = self
            .decide_and_write(batch, lock, &mut done)
            .and_then(|()| self.commit(done.people.len()));
        let failure = written.err();
        if let Some(failure) = &failure {
            self.give_up(failure.error());
        }
        (done, failure)
    }

    fn decide_and_write(&mut self, batch: Vec<Person>, lock: Lock, done: &mut Done) -> Result<(), Failure> {
        let search = self.search.clone();
        let Some(connection) = self.connection.as_mut() else {
            *done = Done::undecided(batch);
            return Err(Failure::NotBegun(no_connection()));
        };
        let abouts: Vec<&Together> = batch.iter().map(|person| &person.about).collect();
        let now = abouts.iter().map(|about| about.now()).max().unwrap_or_default();
        let read = Tx::new(connection, SeatGuard::On, search.clone()).read_for_batch(&abouts, lock, now);
        drop(abouts);
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                *done = Done::undecided(batch);
                return Err(Failure::NotBegun(error));
            }
        };
        let mut tray = Tray::of(read);
        for mut person in batch {
            if tray.read.left.contains(&person.about.event_id()) {
                done.held.push(person);
                continue;
            }
            if tray.read.busy.contains(&person.about.user_id()) {
                let changed = "somebody changes the account".to_owned();
                person.waiting.put_off(StoreError::Contention(changed));
                continue;
            }
            let mark = tray.begin(person.about.event_id());
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

    /// As it is done where nothing is written together. False: somebody was in the way.
    fn write_alone(&mut self, mut person: Person) -> bool {
        if let Err(error) = self.begin() {
            if matches!(error, StoreError::Unavailable(_)) {
                self.away = Some(error.clone());
            }
            person.waiting.put_off(error);
            return true;
        }
        let search = self.search.clone();
        let Some(connection) = &mut self.connection else {
            person.waiting.put_off(no_connection());
            return true;
        };
        let mut tx = Tx::new(connection, SeatGuard::On, search);
        let is_kept = person.waiting.run(&mut tx);
        let was_contended = tx.was_contended();
        let effects = tx.into_effects();
        if !is_kept {
            roll_back(connection);
            person.waiting.answer(Ok(()));
            return !was_contended;
        }
        match self.commit(1) {
            Ok(()) => {
                self.observer.tell(&effects);
                person.waiting.answer(Ok(()));
            }
            Err(failure) => {
                let error = failure.error().clone();
                self.give_up(&error);
                if matches!(failure, Failure::Unknown(_)) {
                    self.observer.tell(&effects);
                }
                person.waiting.answer(Err(error));
            }
        }
        true
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

fn somebody_holds_it() -> StoreError {
    StoreError::Contention("somebody holds the event".into())
}

fn no_connection() -> StoreError {
    StoreError::Unavailable("the writer has no connection".into())
}

#[expect(clippy::cast_precision_loss, reason = "128 at the most")]
fn size(many: usize) -> f64 {
    many as f64
}
