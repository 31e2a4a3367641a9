//! A queue over a test's database, and somebody who takes mails as the test wants it.

use chrono::TimeDelta;
use kernel::{
    Actor, Clock, Ctx, EmailAddress, IdSource, ServerKeys, StoreError, SystemClock, TypedId, UserId,
};
use notification::{
    Delivering, Delivery, EventFacts, MailedSecrets, Mailer, Message, Outbox, OutgoingMail, Recipient,
    ReminderLead, SealedSecrets,
};
use server::background::Background;
use server::worker::{Couriers, Parts};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use storage::{CommitObserver, Store, StoreOptions};
use testkit::{TestClock, TestDatabase, ids};
use tokio::sync::{Notify, Semaphore};

/// A test waits so long for what has to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until that is so; the test fails if it does not come.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "waited for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Takes mails, each when it is let go.
pub struct Post {
    begun: AtomicUsize,
    gate: Semaphore,
    answer: Mutex<Option<Delivery>>,
    panics: AtomicBool,
    sent: Mutex<Vec<OutgoingMail>>,
}

impl Post {
    /// Lets everything go.
    pub fn open() -> Arc<Self> {
        let post = Self::closed();
        post.let_go(10_000);
        post
    }

    /// Holds every mail until [`Self::let_go`].
    pub fn closed() -> Arc<Self> {
        Arc::new(Self {
            begun: AtomicUsize::new(0),
            gate: Semaphore::new(0),
            answer: Mutex::default(),
            panics: AtomicBool::new(false),
            sent: Mutex::default(),
        })
    }

    /// Lets as many go.
    pub fn let_go(&self, count: usize) {
        self.gate.add_permits(count);
    }

    /// Answers this from now on, or takes mails again.
    pub fn answer(&self, answer: Option<Delivery>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// Panics at the next mail.
    pub fn panic_once(&self) {
        self.panics.store(true, Ordering::SeqCst);
    }

    /// How many were handed over, whatever became of them.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// What was taken.
    pub fn sent(&self) -> Vec<OutgoingMail> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn wait_for_begun(&self, count: usize) {
        eventually("mails that are begun", || async { self.begun() >= count }).await;
    }

    pub async fn wait_for(&self, count: usize) {
        eventually("mails", || async { self.sent().len() >= count }).await;
    }
}

impl Mailer for Post {
    fn deliver<'a>(&'a self, mail: &'a OutgoingMail) -> Delivering<'a> {
        Box::pin(async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            assert!(!self.panics.swap(false, Ordering::SeqCst), "as the test wants it");
            self.gate.acquire().await.expect("a gate").forget();
            let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(answer) = answer {
                return answer;
            }
            let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.push(mail.clone());
            Delivery::Sent
        })
    }
}

/// A queue to be filled and looked at.
pub struct Queue {
    pub store: Store,
    pub clock: TestClock,
    ids: Arc<dyn IdSource>,
    bell: Arc<Notify>,
}

struct Ringing(Arc<Notify>);

impl CommitObserver for Ringing {
    fn messages_queued(&self) {
        self.0.notify_one();
    }
}

impl Queue {
    pub fn over(database: &TestDatabase) -> Self {
        Self::by(database, TestClock::new())
    }

    /// For the binary, which goes by the machine's clock.
    pub fn of_today(database: &TestDatabase) -> Self {
        Self::by(database, TestClock::at(SystemClock.now()))
    }

    fn by(database: &TestDatabase, clock: TestClock) -> Self {
        let store = Store::open(&StoreOptions::new(database.parsed_url())).expect("a store");
        let bell = Arc::new(Notify::new());
        store.observe_commits(Arc::new(Ringing(Arc::clone(&bell))));
        Self {
            store,
            clock,
            ids: ids::source(),
            bell,
        }
    }

    /// Takes back the ring of what was queued, so that a worker that starts looks once.
    pub async fn silence(&self) {
        self.bell.notified().await;
    }

    /// What a worker needs that hands its mails to that post.
    pub fn parts(&self, post: &Arc<Post>, concurrency: usize, poll: Duration) -> Parts {
        Parts {
            store: self.store.clone(),
            clock: Arc::new(self.clock.clone()),
            couriers: Couriers {
                mailer: Arc::<Post>::clone(post),
                texts: None,
                keys: Arc::new(keys()),
                public_url: "https://events.example".into(),
            },
            background: Background::start().expect("a thread"),
            concurrency,
            lease: Duration::from_secs(30),
            bell: Arc::clone(&self.bell),
            poll,
            lock_file: None,
        }
    }

    fn context(&self) -> Ctx {
        ids::context(&self.clock, Actor::System, &self.ids)
    }

    /// Queues a mail to somebody new.
    pub async fn mail(&self) {
        let ctx = self.context();
        let message = Message::EmailChanged {
            one_time_id: ctx.new_id(),
        };
        self.queue(ctx, message).await;
    }

    /// Queues one that is good for so long.
    pub async fn short_lived(&self, time: TimeDelta) {
        let ctx = self.context();
        let secrets: SealedSecrets = serde_json::from_value("sealed".into()).expect("a text");
        let message = Message::PasswordReset {
            one_time_id: ctx.new_id(),
            secrets,
            expires_at: ctx.now + time,
        };
        self.queue(ctx, message).await;
    }

    /// Queues one with these secrets.
    pub async fn reset(&self, token: &str, code: &str) {
        let ctx = self.context();
        let secrets = MailedSecrets {
            token: token.to_owned(),
            code: code.to_owned(),
        };
        let message = Message::PasswordReset {
            one_time_id: ctx.new_id(),
            secrets: secrets.seal(&keys()).expect("sealed"),
            expires_at: ctx.now + TimeDelta::hours(1),
        };
        self.queue(ctx, message).await;
    }

    /// Queues a reminder of a seat that nobody holds.
    pub async fn reminder_of_nothing(&self) {
        let ctx = self.context();
        let message = Message::Reminder {
            event: EventFacts {
                id: ctx.new_id(),
                title: "A talk".to_owned(),
                starts_at: ctx.now + TimeDelta::hours(2),
                ends_at: None,
                time_zone: "UTC".to_owned(),
                location: None,
            },
            registration_id: ctx.new_id(),
            lead: ReminderLead::Hours,
        };
        self.queue(ctx, message).await;
    }

    async fn queue(&self, ctx: Ctx, message: Message) {
        let someone: UserId = ctx.new_id();
        let email: EmailAddress = format!("p{}@example.org", someone.uuid().simple())
            .parse()
            .expect("an address");
        self.store
            .write(move |tx| {
                let recipient = Recipient {
                    name: "Somebody".into(),
                    email: email.clone(),
                    user_id: None,
                };
                tx.enqueue(&ctx, recipient, message.clone());
                Ok::<_, StoreError>(())
            })
            .await
            .expect("a message");
    }

    /// Queues a text message.
    pub async fn text(&self) {
        let ctx = self.context();
        self.store
            .write(move |tx| {
                let phone = "+915550001111".parse().expect("a number");
                let message = Message::SecurityAnswersChanged {
                    notice_id: ctx.new_id(),
                    at: ctx.now,
                };
                tx.enqueue_text(&ctx, &phone, ctx.new_id(), message);
                Ok::<_, StoreError>(())
            })
            .await
            .expect("a message");
    }

    pub async fn count(&self, from: &str) -> i64 {
        let from = from.to_owned();
        let count = self.store.read(move |tx| tx.count_rows(&from)).await;
        count.expect("a count")
    }

    /// Waits until so many rows are as the condition says.
    pub async fn wait_for(&self, from: &str, count: i64) {
        eventually(&format!("{count} of {from}"), || async {
            self.count(from).await == count
        })
        .await;
    }
}

/// Time in the words of the database, for a condition.
pub fn instant(clock: &TestClock, later: TimeDelta) -> String {
    (clock.now() + later).to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

fn keys() -> ServerKeys {
    ServerKeys::new(vec![7; 32], Vec::new())
}
