//! A server in this process over a test's own database, with a clock to turn and people to talk to it.
//!
//! Dropping the harness stops the server and then drops the database.

mod mails;

use crate::clock::TestClock;
use crate::database::{TestDatabase, Way};
use crate::desk::Desk;
use crate::http::Client;
use crate::ids;
use crate::server::Running;
use auth::{
    AuthRepository, BcryptCost, CreateAdmin, NewPassword, PasswordHash, Session, SigningKey, TokenSigner,
};
use chrono::TimeDelta;
use kernel::{
    Actor, AttendeeId, Clock, Ctx, EmailAddress, EventId, IdSource, PermissionSet, RegistrationId, RequestId,
    ServerKeys, SessionId, SignedIn, StoreError, TypedId, UserId,
};
use serde_json::{Value, json};
use server::config::Config;
use server::instance::{Instance, Surroundings};
use std::sync::Arc;
use storage::invariants::Violation;
use storage::{DeskOptions, OutboxEntry, SeatGuard, Store};
use user::{NewUser, Preferences, User, UserRepository, UserStatus};

/// The password of everybody in the tests.
pub const PASSWORD: &str = "a password for tests";

/// The key that the server under test signs with.
pub const SIGNING_KEY: [u8; 32] = *b"a signing key of the tests alone";
/// The same in base64.
const SIGNING_KEY_TEXT: &str = "YSBzaWduaW5nIGtleSBvZiB0aGUgdGVzdHMgYWxvbmU=";

/// A person with an account, signed in.
#[derive(Clone)]
pub struct Person {
    /// The account.
    pub id: UserId,
    /// Where mail goes.
    pub email: String,
    /// Speaks for the person.
    pub client: Client,
    /// The session behind the client's token.
    pub session_id: SessionId,
}

/// How a server under test differs from the usual.
#[derive(Debug, Clone, Default)]
pub struct HarnessOptions {
    /// Configuration as in the environment: `("PODIUM_AUTH__REQUIRE_VERIFIED_EMAIL", "true")`.
    pub environment: Vec<(&'static str, String)>,
    /// Whether the guards against overselling stand.
    pub guard: SeatGuard,
    /// The desks where operations are written together; none: as the database is to be tested.
    pub desk: Option<Desk>,
}

/// The server under test.
pub struct Harness {
    first: Started,
    clock: Arc<TestClock>,
    ids: Arc<dyn IdSource>,
    signer: TokenSigner,
    surroundings: Surroundings,
    environment: Vec<(&'static str, String)>,
    // The last field, so that the server is told to stop before its database goes.
    database: TestDatabase,
}

/// A second instance over the database of a harness. It stops when this is dropped.
pub struct AnotherServer {
    started: Started,
}

impl AnotherServer {
    /// The server as clients reach it.
    pub fn running(&self) -> &Running {
        &self.started.running
    }
}

/// One instance that serves.
struct Started {
    running: Running,
    store: Store,
    config: Config,
    handle: actix_web::dev::ServerHandle,
    _data: tempfile::TempDir,
}

impl Started {
    fn over(
        database: &TestDatabase,
        environment: Vec<(&'static str, String)>,
        surroundings: &Surroundings,
    ) -> Self {
        let data = tempfile::tempdir().expect("a folder for the server's data");
        let usual = [
            ("PODIUM_HTTP__ADDRESS", "127.0.0.1:0".to_owned()),
            ("PODIUM_HTTP__WORKERS", "2".to_owned()),
            ("PODIUM_DATA__DIR", data.path().display().to_string()),
            ("PODIUM_DATABASE__URL", database.url().to_owned()),
            ("PODIUM_AUTH__BCRYPT_COST", "4".to_owned()),
            ("PODIUM_AUTH__SIGNING_KEY", SIGNING_KEY_TEXT.to_owned()),
            ("PODIUM_LOG__REQUESTS", "none".to_owned()),
            // Tests ask as fast as they can, all from one address; those of the limits turn them on.
            ("PODIUM_LIMITS__ENABLED", "false".to_owned()),
            // What is written to the queue stays there, to be looked at; tests of the sending turn it on.
            ("PODIUM_WORKER__ENABLED", "false".to_owned()),
            ("PODIUM_LIMITS__INVITES_PER_DAY", "1000000".to_owned()),
        ];
        let environment = usual
            .into_iter()
            .chain(environment)
            .map(|(name, value)| (name.to_owned(), value));
        let config = Config::load(data.path(), environment).expect("a configuration that fits");
        let instance = Instance::start(&config, surroundings).expect("a server that starts");
        let running = Running::at(format!("http://{}", instance.address));
        let (store, handle) = (instance.store.clone(), instance.handle());
        tokio::spawn(instance.serve());
        Self {
            running,
            store,
            config,
            handle,
            _data: data,
        }
    }

    fn signer(&self) -> TokenSigner {
        let key = SigningKey::new(SIGNING_KEY.to_vec()).expect("a key of 32 bytes");
        let auth = &self.config.auth;
        let lifetime = i64::try_from(auth.access_token_lifetime.as_secs()).expect("minutes");
        TokenSigner::new(&key, &[], auth.issuer.clone(), auth.audience.clone(), lifetime)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Without waiting: connections that are still open are closed with the runtime.
        drop(self.handle.stop(false));
    }
}

impl Harness {
    /// A server over that database, with the least bcrypt cost.
    pub async fn start(database: TestDatabase) -> Self {
        Self::start_with(database, HarnessOptions::default()).await
    }

    /// The same with some things changed.
    #[expect(clippy::unused_async, reason = "says that it needs the test's runtime")]
    pub async fn start_with(database: TestDatabase, options: HarnessOptions) -> Self {
        let clock = Arc::new(TestClock::new());
        let ids = ids::source();
        let surroundings = Surroundings {
            clock: clock.clone(),
            ids: Arc::clone(&ids),
            guard: options.guard,
            desk: match (&options.desk, database.way()) {
                (Some(desk), _) => desk.options(),
                (None, Way::InCompany) => Desk::in_company().options(),
                (None, Way::Usual | Way::Alone) => DeskOptions::default(),
            },
        };
        let mut options = options;
        if database.way() == Way::Alone {
            let alone = ("PODIUM_DATABASE__WRITE_TOGETHER", "false".to_owned());
            options.environment.push(alone);
        }
        let started = Started::over(&database, options.environment.clone(), &surroundings);
        Self {
            clock,
            ids,
            signer: started.signer(),
            first: started,
            surroundings,
            environment: options.environment,
            database,
        }
    }

    /// Another server over the same database, by the same clock and configured alike, as a second instance beside the
    /// first.
    pub async fn another_server(&self) -> AnotherServer {
        self.another_server_with(Vec::new()).await
    }

    /// The same with some things changed.
    #[expect(clippy::unused_async, reason = "says that it needs the test's runtime")]
    pub async fn another_server_with(&self, environment: Vec<(&'static str, String)>) -> AnotherServer {
        // The later of two values of one name counts.
        let all = self.environment.iter().cloned().chain(environment).collect();
        AnotherServer {
            started: Started::over(&self.database, all, &self.surroundings),
        }
    }

    /// Stops the server as an operator does: what runs is finished first.
    pub async fn stop(&self) {
        self.first.handle.stop(true).await;
    }

    /// The clock of the server.
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The database of the server, to call operations and look at rows beside it.
    pub fn store(&self) -> &Store {
        &self.first.store
    }

    /// The database itself.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// The server as clients reach it.
    pub fn running(&self) -> &Running {
        &self.first.running
    }

    /// The keys of the server.
    pub fn server_keys(&self) -> ServerKeys {
        ServerKeys::new(SIGNING_KEY.to_vec(), Vec::new())
    }

    /// Variables with which a command of the operator's works beside the server.
    pub fn operator_environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PODIUM_DATABASE__URL", self.database.url().to_owned()),
            ("PODIUM_AUTH__SIGNING_KEY", SIGNING_KEY_TEXT.to_owned()),
            (
                "PODIUM_HTTP__PUBLIC_URL",
                self.first.running.base_url().to_owned(),
            ),
        ]
    }

    /// Nobody.
    pub fn client(&self) -> Client {
        self.first.running.client()
    }

    /// Makes access tokens as the server does.
    pub fn signer(&self) -> &TokenSigner {
        &self.signer
    }

    /// The circumstances of an operation on behalf of Podium itself.
    pub fn system(&self) -> Ctx {
        self.context(Actor::System)
    }

    /// The circumstances of an operation on behalf of a person with these permissions.
    pub fn acting(&self, person: &Person, permissions: PermissionSet) -> Ctx {
        self.context(Actor::User(SignedIn {
            user_id: person.id,
            session_id: person.session_id,
            permissions,
            email_verified: true,
        }))
    }

    fn context(&self, actor: Actor) -> Ctx {
        Ctx::new(
            self.clock.now(),
            actor,
            RequestId("test".into()),
            Arc::clone(&self.ids),
        )
    }

    /// A person with the role admin.
    pub async fn admin(&self) -> Person {
        let email = format!(
            "admin-{}@example.org",
            self.ids.next_id(self.clock.now()).simple()
        );
        let ctx = self.system();
        let address: EmailAddress = email.parse().expect("an address");
        let hash = test_hash();
        self.first
            .store
            .write(move |tx| {
                let command = CreateAdmin {
                    email: address.clone(),
                    name: "Admin".parse().expect("a name"),
                };
                auth::create_admin(tx, &ctx, command, &hash)
            })
            .await
            .expect("an admin");
        self.log_in(&email).await
    }

    /// A person with the role organizer.
    pub async fn organizer(&self) -> Person {
        self.sign_up("organizer", "organizer").await
    }

    /// A person with the role attendee.
    pub async fn attendee(&self, name: &str) -> Person {
        self.sign_up(name, "attendee").await
    }

    /// Signs a new person up through the API and in.
    pub async fn sign_up(&self, name: &str, role: &str) -> Person {
        let email = format!(
            "{name}-{}@example.org",
            self.ids.next_id(self.clock.now()).simple()
        );
        let form = json!({"email": email, "password": PASSWORD, "name": name, "role": role});
        self.client().post("/auth/register").json(form).await.expect(201);
        self.log_in(&email).await
    }

    /// Signs a person in through the API.
    pub async fn log_in(&self, email: &str) -> Person {
        let form = json!({"email": email, "password": PASSWORD});
        let answer = self.client().post("/auth/login").json(form).await.expect(200);
        let token = answer.text_at("/access_token");
        let claims = self
            .signer
            .verify(self.clock.now(), &token)
            .expect("a token of the server's");
        let client = self.first.running.person(token);
        Person {
            id: claims.sub,
            email: email.to_owned(),
            client,
            session_id: claims.sid,
        }
    }

    /// So many people with accounts and sessions, made in one transaction; the slow way would take all the test's time.
    pub async fn crowd(&self, size: usize) -> Vec<Person> {
        let ctx = self.system();
        let people: Vec<(User, Session)> = (0..size).map(|number| new_person(&ctx, number)).collect();
        let rows = people.clone();
        let hash = test_hash();
        self.first
            .store
            .write(move |tx| {
                for (user, session) in &rows {
                    let new = NewUser {
                        user: user.clone(),
                        password_hash: Some(hash.as_str().to_owned()),
                    };
                    tx.insert_user(&new)?;
                    tx.insert_session(session)?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .expect("a crowd");
        people
            .into_iter()
            .map(|(user, session)| {
                let token = self
                    .signer
                    .issue(self.clock.now(), user.id, session.id)
                    .expect("a token");
                Person {
                    id: user.id,
                    email: user.email.as_str().to_owned(),
                    client: self.first.running.person(token),
                    session_id: session.id,
                }
            })
            .collect()
    }

    /// The fields of an event in ten days that fits all rules; no two are at the same place.
    pub fn event_fields(&self, capacity: u32) -> Value {
        let start = self.clock.now() + TimeDelta::days(10);
        json!({
            "title": "A talk",
            "format": "in_person",
            "location": format!("Hall {}", self.ids.next_id(self.clock.now()).simple()),
            "starts_at": start.to_rfc3339(),
            "ends_at": (start + TimeDelta::hours(3)).to_rfc3339(),
            "time_zone": "Asia/Kolkata",
            "capacity": capacity,
        })
    }

    /// A published event of that organiser.
    pub async fn published_event(&self, organizer: &Person, capacity: u32) -> EventId {
        let mut fields = self.event_fields(capacity);
        fields["publish"] = json!(true);
        let answer = organizer.client.post("/events").json(fields).await.expect(201);
        answer.text_at("/id").parse().expect("an id")
    }

    /// Registers the person; gives the registration and its attendee.
    pub async fn registered(&self, person: &Person, event: EventId) -> (RegistrationId, AttendeeId) {
        let answer = person
            .client
            .post(&format!("/events/{event}/registrations"))
            .await
            .expect(201);
        let registration = answer.text_at("/registration/id").parse().expect("an id");
        (
            registration,
            answer
                .text_at("/registration/attendee_id")
                .parse()
                .expect("an id"),
        )
    }

    /// What was written to be told.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method itself is not general over the lifetime of the transaction"
    )]
    pub async fn outbox(&self) -> Vec<OutboxEntry> {
        self.first
            .store
            .read(|tx| tx.list_outbox())
            .await
            .expect("the outbox")
    }

    /// Checks every rule over the rows; gives what breaks one.
    pub async fn violations(&self) -> Vec<Violation> {
        let now = self.clock.now();
        self.first
            .store
            .read(move |tx| tx.sweep_invariants(now))
            .await
            .expect("a sweep")
    }

    /// Fails if the rows break a rule.
    pub async fn assert_invariants(&self) {
        let violations = self.violations().await;
        assert!(violations.is_empty(), "the rows break rules: {violations:#?}");
    }

    /// How many rows a table has under a condition: `count("registrations WHERE status = 'confirmed'")`.
    pub async fn count(&self, from: &str) -> i64 {
        let from = from.to_owned();
        self.first
            .store
            .read(move |tx| tx.count_rows(&from))
            .await
            .expect("a count")
    }
}

fn test_hash() -> PasswordHash {
    static HASH: std::sync::OnceLock<PasswordHash> = std::sync::OnceLock::new();
    HASH.get_or_init(|| {
        let cost = BcryptCost::new(4).expect("a cost");
        NewPassword::parse(PASSWORD)
            .expect("a password")
            .hash(cost)
            .expect("a hash")
    })
    .clone()
}

fn new_person(ctx: &Ctx, number: usize) -> (User, Session) {
    let id: UserId = ctx.new_id();
    let user = User {
        id,
        email: format!("person-{number}-{}@example.org", id.uuid().simple())
            .parse()
            .expect("an address"),
        name: format!("Person {number}").parse().expect("a name"),
        phone: None,
        phone_verified_at: None,
        profession: None,
        bio: None,
        avatar_url: None,
        time_zone: None,
        listed: false,
        status: UserStatus::Active,
        roles: vec!["attendee".to_owned()],
        email_verified_at: Some(ctx.now),
        last_login_at: None,
        preferences: Preferences::default(),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let session = Session {
        id: ctx.new_id(),
        user_id: id,
        device: None,
        address: None,
        created_at: ctx.now,
        expires_at: ctx.now + TimeDelta::days(30),
    };
    (user, session)
}
