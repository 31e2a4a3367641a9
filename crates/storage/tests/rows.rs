//! Rows to write: everything that a repository keeps, with as much in it as fits, and with as little.

use event::EventRepository;
use event::{Event, EventDetails, EventFields, EventFormat, EventStatus, Organizer, StreamStatus};
use kernel::{
    Actor, Clock, Ctx, EventId, IdSource, Instant, SessionId, SignedIn, StoreError, TypedId, UserId,
};
use registration::{Registration, RegistrationStatus};
use std::sync::Arc;
use storage::{Store, StoreOptions, Tx};
use testkit::{TestClock, TestDatabase, ids};
use user::{Attendee, AttendeeRepository, NewUser, Preferences, User, UserRepository, UserStatus};
use waitlist::{EntryStatus, WaitlistEntry};

/// A text of so many characters, none of them of one byte.
pub fn long(characters: usize) -> String {
    "🎟ßé漢".chars().cycle().take(characters).collect()
}

pub fn now() -> Instant {
    TestClock::new().now()
}

/// A store over a test's database, and what makes rows for it.
pub struct Rows {
    pub store: Store,
    ids: Arc<dyn IdSource>,
}

impl Rows {
    pub fn over(database: &TestDatabase) -> Self {
        Self::with(&StoreOptions::new(database.parsed_url()))
    }

    /// Nothing is tried again.
    pub fn impatient(database: &TestDatabase) -> Self {
        let mut options = StoreOptions::new(database.parsed_url());
        options.contention_patience = std::time::Duration::ZERO;
        Self::with(&options)
    }

    pub fn with(options: &StoreOptions) -> Self {
        Self {
            store: Store::open(options).expect("a store"),
            ids: ids::source(),
        }
    }

    pub fn system(&self) -> Ctx {
        ids::context(&TestClock::new(), Actor::System, &self.ids)
    }

    pub fn acting(&self, user_id: UserId) -> Ctx {
        let actor = Actor::User(SignedIn {
            user_id,
            session_id: SessionId::from_uuid(user_id.uuid()),
            permissions: kernel::PermissionSet::all(),
            email_verified: true,
        });
        ids::context(&TestClock::new(), actor, &self.ids)
    }

    /// A new id.
    pub fn id<I: TypedId>(&self) -> I {
        self.system().new_id()
    }

    /// Writes, or fails the test.
    pub async fn write<T: Send + 'static>(
        &self,
        operation: impl Fn(&mut Tx) -> Result<T, StoreError> + Send + Sync + 'static,
    ) -> T {
        let written = self.store.write(operation).await;
        written.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Reads, or fails the test.
    pub async fn read<T: Send + 'static>(
        &self,
        operation: impl Fn(&mut Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        let read = self.store.read(operation).await;
        read.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn count(&self, from: &'static str) -> i64 {
        self.read(move |tx| tx.count_rows(from)).await
    }

    /// An account with nothing in it that need not be.
    pub fn user(&self) -> NewUser {
        let id: UserId = self.id();
        NewUser {
            user: User {
                id,
                email: format!("Person.{}@Example.org", id.uuid().simple())
                    .parse()
                    .expect("an address"),
                name: "Person".parse().expect("a name"),
                phone: None,
                phone_verified_at: None,
                profession: None,
                bio: None,
                avatar_url: None,
                time_zone: None,
                listed: false,
                status: UserStatus::Active,
                roles: vec!["attendee".into()],
                email_verified_at: None,
                last_login_at: None,
                preferences: Preferences::default(),
                created_at: now(),
                updated_at: now(),
            },
            password_hash: None,
        }
    }

    pub async fn saved_user(&self) -> User {
        let new = self.user();
        let row = new.clone();
        self.write(move |tx| tx.insert_user(&row)).await;
        new.user
    }

    /// Of nobody with an account.
    pub fn attendee(&self) -> Attendee {
        let user = self.user().user;
        Attendee {
            id: self.id(),
            user_id: None,
            name: user.name,
            email: user.email,
            phone: None,
            created_by: None,
            created_at: now(),
        }
    }

    pub fn attendee_of(&self, user: &User) -> Attendee {
        Attendee {
            user_id: Some(user.id),
            name: user.name.clone(),
            email: user.email.clone(),
            ..self.attendee()
        }
    }

    pub async fn saved(&self, attendee: &Attendee) {
        let row = attendee.clone();
        self.write(move |tx| tx.insert_attendee(&row)).await;
    }

    /// A draft with nothing in it that need not be.
    pub fn event(&self, organizer: &User) -> Event {
        let id: EventId = self.id();
        let fields = EventFields {
            title: Some("A talk".into()),
            format: Some(EventFormat::InPerson),
            location: Some(format!("Hall {id}")),
            starts_at: Some(now() + chrono::TimeDelta::days(10)),
            ends_at: Some(now() + chrono::TimeDelta::days(11)),
            time_zone: Some("Asia/Kolkata".into()),
            capacity: Some(10),
            ..EventFields::default()
        };
        Event {
            id,
            organizer: Organizer {
                id: organizer.id,
                name: organizer.name.as_str().to_owned(),
            },
            speaker: None,
            status: EventStatus::Draft,
            details: EventDetails::parse(fields, now(), None).expect("details"),
            seats_taken: 0,
            waitlist_length: 0,
            next_rank: 1,
            stream_status: StreamStatus::Idle,
            edit_version: 1,
            seats_version: 1,
            published_at: None,
            created_at: now(),
            updated_at: now(),
        }
    }

    pub async fn saved_event(&self) -> Event {
        let organizer = self.saved_user().await;
        let event = self.event(&organizer);
        let row = event.clone();
        self.write(move |tx| tx.insert_event(&row)).await;
        event
    }

    pub fn registration(&self, event: &Event, attendee: &Attendee) -> Registration {
        Registration {
            id: self.id(),
            event_id: event.id,
            attendee_id: attendee.id,
            status: RegistrationStatus::Confirmed,
            registered_by: None,
            registered_at: now(),
            checked_in_at: None,
            hold_expires_at: None,
            ended_at: None,
            ticket_code: ticket::TicketCode::random().expect("randomness"),
        }
    }

    pub fn entry(&self, event: &Event, attendee: &Attendee, rank: i64) -> WaitlistEntry {
        WaitlistEntry {
            id: self.id(),
            event_id: event.id,
            attendee_id: attendee.id,
            status: EntryStatus::Waiting,
            rank,
            joined_at: now(),
        }
    }
}
