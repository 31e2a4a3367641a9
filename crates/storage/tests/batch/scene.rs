//! An event, people who have nothing to do with it yet, and what they ask for.

use crate::rows::Rows;
use event::EventStatus;
use kernel::{
    Ctx, EventId, IdempotencyKey, IdempotencyScope, IdempotencyStore, Instant, RegistrationId, Remembered,
    StoreError, StoredAnswer, TypedId, UserId, WaitlistEntryId,
};
use registration::{CancelError, Person, Register, RegisterError, Registered, RegistrationRepository, Rules};
use std::time::Duration;
use storage::{Connector, DatabaseUrl, StoreOptions, Together, Tx};
use testkit::{Desk, Kind, TestDatabase};
use user::UserRepository;
use waitlist::WaitlistRepository;

/// A store whose desk can be held, over an event that takes registrations.
pub struct Scene {
    pub rows: Rows,
    pub desk: Desk,
    pub event: EventId,
}

/// What somebody was told who registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Seat(RegistrationId),
    Waits(u32, WaitlistEntryId),
}

impl Told {
    pub fn place(&self) -> Option<(u32, WaitlistEntryId)> {
        match self {
            Self::Seat(_) => None,
            Self::Waits(position, entry) => Some((*position, *entry)),
        }
    }

    fn to_text(self) -> String {
        match self {
            Self::Seat(id) => format!("{id}"),
            Self::Waits(position, entry) => format!("{position} {entry}"),
        }
    }

    fn from_text(text: &str) -> Self {
        match text.split_once(' ') {
            None => Self::Seat(text.parse().expect("an id")),
            Some((position, entry)) => {
                Self::Waits(position.parse().expect("a number"), entry.parse().expect("an id"))
            }
        }
    }
}

/// What the operation itself does besides registering.
pub type Besides = fn(&mut Tx<'_>, &Ctx, EventId, Told) -> Result<(), RegisterError>;

impl Scene {
    pub async fn over(database: &TestDatabase, seats: u32) -> Self {
        Self::at(database.parsed_url(), seats).await
    }

    pub async fn at(url: DatabaseUrl, seats: u32) -> Self {
        let (rows, desk) = opened(url);
        let event = published(&rows, seats).await;
        Self { rows, desk, event }
    }

    /// Another server over an event that is there.
    pub fn beside(url: DatabaseUrl, event: EventId) -> Self {
        let (rows, desk) = opened(url);
        Self { rows, desk, event }
    }

    /// Another event before the same desk: they are chosen by the last byte.
    pub async fn neighbour(&self, seats: u32) -> EventId {
        let desk_of = |id: EventId| id.uuid().as_bytes()[15] % 4;
        loop {
            let other = self.another(seats).await;
            if desk_of(other) == desk_of(self.event) {
                return other;
            }
        }
    }

    /// Another event, with as many seats.
    pub async fn another(&self, seats: u32) -> EventId {
        published(&self.rows, seats).await
    }

    pub fn now(&self) -> Instant {
        self.rows.system().now
    }

    /// People with accounts and no attendee.
    pub async fn people(&self, many: usize) -> Vec<UserId> {
        let accounts: Vec<_> = (0..many).map(|_| self.rows.user()).collect();
        let ids = accounts.iter().map(|account| account.user.id).collect();
        self.rows
            .write(move |tx| accounts.iter().try_for_each(|account| tx.insert_user(account)))
            .await;
        ids
    }

    pub fn about(&self, event: EventId, user_id: &UserId, key: Option<&str>) -> Together {
        Together::register(self.now(), event, *user_id, key.map(|key| scope(*user_id, key)))
    }

    pub fn register(
        &self,
        event: EventId,
        user_id: &UserId,
        key: Option<&str>,
    ) -> impl Future<Output = Result<Told, RegisterError>> + Send + 'static {
        self.register_and(event, user_id, key, |_, _, _, _| Ok(()))
    }

    /// The same, and something else in the same operation.
    pub fn register_and(
        &self,
        event: EventId,
        user_id: &UserId,
        key: Option<&str>,
        besides: Besides,
    ) -> impl Future<Output = Result<Told, RegisterError>> + Send + 'static {
        let (store, ctx) = (self.rows.store.clone(), self.rows.acting(*user_id));
        let about = self.about(event, user_id, key);
        let scope = key.map(|key| scope(*user_id, key));
        async move {
            store
                .write_about(Some(about), move |tx| {
                    let told = register_once(tx, &ctx, scope.as_ref(), event)?;
                    besides(tx, &ctx, event, told)?;
                    Ok(told)
                })
                .await
        }
    }

    /// Gives how many got a seat through it.
    pub fn cancel(
        &self,
        event: EventId,
        user_id: &UserId,
        id: RegistrationId,
    ) -> impl Future<Output = Result<u32, CancelError>> + Send + 'static {
        let (store, ctx) = (self.rows.store.clone(), self.rows.acting(*user_id));
        let about = Together::cancel(self.now(), event, *user_id, id);
        async move {
            store
                .write_about(Some(about), move |tx| {
                    registration::cancel(tx, &ctx, id).map(|cancelled| cancelled.promoted)
                })
                .await
        }
    }

    /// Waits until so many wait for the desks.
    pub async fn all_wait(&self, many: usize) {
        while self.rows.store.writes_waiting() < many {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Who waits, in order.
    pub async fn queue(&self, event: EventId) -> Vec<WaitlistEntryId> {
        let all = self.rows.read(move |tx| tx.list_all_waiting(event)).await;
        all.into_iter().map(|person| person.entry.id).collect()
    }

    /// The entries that led to a seat, in the order of the log.
    pub async fn promoted_in_order(&self, event: EventId) -> Vec<WaitlistEntryId> {
        self.rows
            .read(move |tx| {
                let holders = tx.list_seat_holders(event)?;
                let mut lines = Vec::new();
                for holder in holders {
                    let user_id = holder.attendee.user_id.expect("an account");
                    if let Some(entry) = tx.find_ended_entry_of_user(event, user_id)? {
                        let log = tx.list_waitlist_log(entry.id)?;
                        let last = log.last().expect("a line");
                        lines.push((last.number, entry.id));
                    }
                }
                lines.sort_unstable();
                Ok(lines.into_iter().map(|(_, entry)| entry).collect())
            })
            .await
    }

    /// Seats and queue as the event counts them; fails unless there are as many rows.
    pub async fn counts(&self, event: EventId) -> (u32, u32) {
        self.rows
            .read(move |tx| {
                let seats = event::EventRepository::find_event(tx, event)?.expect("the event");
                let holders = tx.list_seat_holders(event)?.len();
                let waiting = tx.list_all_waiting(event)?.len();
                let counted = (seats.seats_taken, seats.waitlist_length);
                let rows = (u32::try_from(holders), u32::try_from(waiting));
                assert_eq!((Ok(counted.0), Ok(counted.1)), rows, "the event counts its rows");
                Ok(counted)
            })
            .await
    }

    /// Fails unless so many were written together since the desk was held: on `SQLite` as many at once as time allows.
    pub fn assert_together(&self, database: &TestDatabase, many: usize) {
        let committed = self.desk.committed();
        match database.kind() {
            Kind::Postgres => assert_eq!(committed, [many]),
            Kind::Sqlite => {
                assert_eq!(committed.iter().sum::<usize>(), many, "{committed:?}");
                assert!(committed.len() <= many.div_ceil(4), "{committed:?}");
            }
        }
    }

    pub async fn assert_invariants(&self) {
        let now = self.now();
        let broken = self.rows.read(move |tx| tx.sweep_invariants(now)).await;
        assert!(broken.is_empty(), "the rows break rules: {broken:#?}");
    }
}

/// All at once; what each came to.
pub async fn settle<T: Send + 'static>(
    asked: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = asked.map(tokio::spawn).collect();
    let mut told = Vec::with_capacity(tasks.len());
    for task in tasks {
        told.push(task.await.expect("a task"));
    }
    told
}

fn opened(url: DatabaseUrl) -> (Rows, Desk) {
    let desk = Desk::new();
    let options = StoreOptions {
        desk: desk.options(),
        ..StoreOptions::of(Connector::new(url))
    };
    (Rows::with(&options), desk)
}

async fn published(rows: &Rows, seats: u32) -> EventId {
    let organizer = rows.saved_user().await;
    let mut event = rows.event(&organizer);
    event.status = EventStatus::Published;
    event.published_at = Some(event.created_at);
    event.details.capacity = seats;
    let id = event.id;
    rows.write(move |tx| event::EventRepository::insert_event(tx, &event))
        .await;
    id
}

fn scope(user_id: UserId, key: &str) -> IdempotencyScope {
    IdempotencyScope {
        user_id,
        route: "POST /events/registrations".to_owned(),
        key: IdempotencyKey::parse(key).expect("a key"),
        fingerprint: "of the same request".to_owned(),
    }
}

pub fn register_once(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    scope: Option<&IdempotencyScope>,
    event_id: EventId,
) -> Result<Told, RegisterError> {
    if let Some(scope) = scope {
        match tx.claim_idempotency_key(ctx.now, scope)? {
            Remembered::New => {}
            Remembered::Answered(stored) => return Ok(Told::from_text(&stored.body)),
            Remembered::OtherRequest => {
                return Err(StoreError::Internal("it is the same request".into()).into());
            }
        }
    }
    let command = Register {
        event_id,
        person: Person::Oneself,
        rules: Rules {
            require_verified_email: false,
            invites_per_day: 0,
        },
    };
    let told = match registration::register(tx, ctx, command)? {
        Registered::Confirmed { registration, .. } => Told::Seat(registration.id),
        Registered::Waitlisted { entry, position, .. } => Told::Waits(position, entry.id),
    };
    if let Some(scope) = scope {
        let answer = StoredAnswer {
            status: 201,
            location: None,
            etag: None,
            body: told.to_text(),
        };
        tx.store_answer(scope, &answer)?;
    }
    Ok(told)
}
