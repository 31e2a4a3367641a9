//! The worker by itself: what it claims, begins, waits for and gives back.

pub mod post;

use chrono::TimeDelta;
use kernel::{Clock, OutboxId};
use notification::{Claim, Delivery, Medium, MessageQueue};
use post::{Post, Queue, instant};
use server::worker::Worker;
use std::time::Duration;
use testkit::{TestDatabase, on_both_databases};

on_both_databases! {
    a_commit_wakes_the_worker_before_it_looks_by_itself,
    a_stop_finishes_what_is_sent_and_gives_the_rest_back,
    what_another_has_meanwhile_is_not_begun,
    what_is_in_hand_is_not_sent_twice_when_the_clock_is_turned,
    while_nobody_is_there_one_message_tries_and_the_others_wait,
    text_messages_wait_where_nobody_takes_them,
    a_message_that_makes_the_sender_panic_is_one_that_failed,
    leases_are_renewed_while_a_message_is_being_sent,
    what_comes_too_late_is_not_begun,
    what_fails_too_often_is_a_dead_letter,
    what_is_no_longer_so_is_not_sent,
    a_server_that_cites_a_message_tells_no_secret,
    what_cannot_be_read_or_opened_here_is_left_for_later,
}

/// So long that a test would have failed before: what comes meanwhile was not found by looking.
const NEVER: Duration = Duration::from_hours(24);

async fn a_commit_wakes_the_worker_before_it_looks_by_itself(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::open();
    let worker = Worker::start(queue.parts(&post, 2, NEVER));
    for number in 1..=3 {
        queue.mail().await;
        post.wait_for(number).await;
        queue
            .wait_for(
                "outbox WHERE status = 'done'",
                i64::try_from(number).expect("a count"),
            )
            .await;
    }
    worker.stop().await;
}

async fn a_stop_finishes_what_is_sent_and_gives_the_rest_back(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::closed();
    for _ in 0..10 {
        queue.mail().await;
    }
    let worker = Worker::start(queue.parts(&post, 2, NEVER));
    post.wait_for_begun(2).await;
    queue.wait_for("outbox WHERE leased_by IS NOT NULL", 8).await;
    let stopping = tokio::spawn(worker.stop());
    queue.wait_for("outbox WHERE leased_by IS NOT NULL", 2).await;
    assert!(!stopping.is_finished(), "two are being sent");
    let due = queue.claim("another", 10).await;
    assert_eq!(due.len(), 8, "the others are due at once");
    post.let_go(10);
    stopping.await.expect("a stop");
    assert_eq!(post.sent().len(), 2, "nothing was begun after the stop");
    assert_eq!(queue.count("outbox WHERE status = 'done'").await, 2);
}

async fn what_another_has_meanwhile_is_not_begun(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::closed();
    for _ in 0..3 {
        queue.mail().await;
    }
    queue.silence().await;
    let worker = Worker::start(queue.parts(&post, 1, NEVER));
    post.wait_for_begun(1).await;
    queue.wait_for("outbox WHERE leased_by IS NOT NULL", 3).await;
    queue.clock.advance(TimeDelta::seconds(30));
    assert_eq!(queue.claim("another", 10).await.len(), 3, "the leases are over");
    post.let_go(10);
    post.wait_for(1).await;
    worker.stop().await;
    assert_eq!(post.sent().len(), 1, "what was begun was finished, and no more");
    let of_the_other = queue
        .count("outbox WHERE leased_by = 'another' AND status = 'queued'")
        .await;
    assert_eq!(of_the_other, 2, "what was sent is done, whoever has it by now");
}

async fn what_is_in_hand_is_not_sent_twice_when_the_clock_is_turned(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::closed();
    for _ in 0..3 {
        queue.mail().await;
    }
    let worker = Worker::start(queue.parts(&post, 2, Duration::from_millis(20)));
    post.wait_for_begun(2).await;
    queue.clock.advance(TimeDelta::minutes(10));
    // It claims its own anew, as their leases are over.
    let renewed = format!(
        "outbox WHERE due_at > '{}'",
        instant(&queue.clock, TimeDelta::zero())
    );
    queue.wait_for(&renewed, 3).await;
    // One sender is at the third message, the other is free and looks for more.
    post.let_go(1);
    post.wait_for_begun(3).await;
    post.let_go(1);
    queue.wait_for("outbox WHERE status = 'done'", 2).await;
    post.let_go(10);
    queue.wait_for("outbox WHERE status = 'done'", 3).await;
    worker.stop().await;
    assert_eq!(post.sent().len(), 3);
}

async fn while_nobody_is_there_one_message_tries_and_the_others_wait(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::open();
    post.answer(Some(Delivery::Unreachable("nobody is there".into())));
    for _ in 0..40 {
        queue.mail().await;
    }
    let worker = Worker::start(queue.parts(&post, 4, Duration::from_millis(10)));
    post.wait_for_begun(1).await;
    queue
        .wait_for("outbox WHERE leased_by IS NULL AND last_error IS NOT NULL", 16)
        .await;
    queue.wait_for("outbox WHERE leased_by IS NOT NULL", 0).await;
    assert!(post.begun() <= 4, "{} tried", post.begun());
    for _ in 0..10 {
        queue.mail().await;
    }
    // A probe comes after 5 s, with one message.
    let before = post.begun();
    post.wait_for_begun(before + 1).await;
    queue.wait_for("outbox WHERE leased_by IS NOT NULL", 0).await;
    assert_eq!(post.begun(), before + 1);
    assert_eq!(
        queue
            .count("outbox WHERE attempts = 0 AND status = 'queued'")
            .await,
        50
    );
    post.answer(None);
    queue
        .wait_for("outbox WHERE status = 'done' AND attempts = 0", 50)
        .await;
    worker.stop().await;
    assert_eq!(post.sent().len(), 50);
}

async fn text_messages_wait_where_nobody_takes_them(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::open();
    queue.text().await;
    queue.mail().await;
    let worker = Worker::start(queue.parts(&post, 2, Duration::from_millis(10)));
    queue.wait_for("outbox WHERE status = 'done'", 1).await;
    worker.stop().await;
    let untouched =
        "outbox WHERE medium = 'sms' AND status = 'queued' AND leased_by IS NULL AND last_error IS NULL";
    assert_eq!(queue.count(untouched).await, 1);
}

async fn a_message_that_makes_the_sender_panic_is_one_that_failed(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::open();
    post.panic_once();
    queue.mail().await;
    queue.mail().await;
    let worker = Worker::start(queue.parts(&post, 1, NEVER));
    queue.wait_for("outbox WHERE status = 'done'", 1).await;
    queue
        .wait_for(
            "outbox WHERE status = 'queued' AND attempts = 1 AND leased_by IS NULL",
            1,
        )
        .await;
    worker.stop().await;
}

async fn leases_are_renewed_while_a_message_is_being_sent(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::closed();
    queue.mail().await;
    let mut parts = queue.parts(&post, 1, NEVER);
    // A third of it is the time between two renewals, in real time.
    parts.lease = Duration::from_millis(300);
    let worker = Worker::start(parts);
    post.wait_for_begun(1).await;
    queue.clock.advance(TimeDelta::milliseconds(200));
    let renewed = format!(
        "outbox WHERE leased_by IS NOT NULL AND due_at > '{}'",
        instant(&queue.clock, TimeDelta::milliseconds(200))
    );
    queue.wait_for(&renewed, 1).await;
    queue.clock.advance(TimeDelta::milliseconds(200));
    assert!(queue.claim("another", 1).await.is_empty());
    post.let_go(1);
    queue.wait_for("outbox WHERE status = 'done'", 1).await;
    worker.stop().await;
}

async fn what_comes_too_late_is_not_begun(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::closed();
    queue.mail().await;
    queue.short_lived(TimeDelta::seconds(10)).await;
    let worker = Worker::start(queue.parts(&post, 1, NEVER));
    post.wait_for_begun(1).await;
    queue.wait_for("outbox WHERE leased_by IS NOT NULL", 2).await;
    queue.clock.advance(TimeDelta::seconds(10));
    post.let_go(5);
    queue
        .wait_for(
            "outbox WHERE status = 'queued' AND leased_by IS NULL AND attempts = 0",
            1,
        )
        .await;
    worker.stop().await;
    assert_eq!(post.sent().len(), 1);
}

async fn what_fails_too_often_is_a_dead_letter(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::open();
    post.answer(Some(Delivery::Failed("451 never".into())));
    queue.mail().await;
    let worker = Worker::start(queue.parts(&post, 1, Duration::from_millis(10)));
    for attempts in 1..=8 {
        let waiting =
            format!("outbox WHERE attempts = {attempts} AND status = 'queued' AND leased_by IS NULL");
        queue.wait_for(&waiting, 1).await;
        // The longest wait with all its spread.
        queue.clock.advance(TimeDelta::hours(15));
    }
    queue
        .wait_for("outbox WHERE attempts = 9 AND status = 'dead'", 1)
        .await;
    worker.stop().await;
    assert_eq!(post.begun(), 9);
}

async fn what_is_no_longer_so_is_not_sent(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::open();
    queue.reminder_of_nothing().await;
    queue.mail().await;
    let worker = Worker::start(queue.parts(&post, 1, NEVER));
    queue.wait_for("outbox WHERE status = 'done'", 1).await;
    queue
        .wait_for(
            "outbox WHERE kind = 'reminder' AND status = 'dead' AND wiped_at IS NOT NULL AND attempts = 0",
            1,
        )
        .await;
    worker.stop().await;
    assert_eq!(post.begun(), 1);
}

async fn a_server_that_cites_a_message_tells_no_secret(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::open();
    let cited = "554 spam: https://events.example/reset-password?token=a-token, 123456".to_owned();
    post.answer(Some(Delivery::Refused(cited)));
    queue.reset("a-token", "123456").await;
    let worker = Worker::start(queue.parts(&post, 1, NEVER));
    queue
        .wait_for("outbox WHERE status = 'dead' AND last_error LIKE '554 spam%'", 1)
        .await;
    worker.stop().await;
    let told = "outbox WHERE last_error LIKE '%a-token%' OR last_error LIKE '%123456%'";
    assert_eq!(queue.count(told).await, 0);
}

async fn what_cannot_be_read_or_opened_here_is_left_for_later(database: TestDatabase) {
    let queue = Queue::over(&database);
    let post = Post::open();
    // Its secrets were sealed with another key.
    queue.short_lived(TimeDelta::hours(1)).await;
    queue.mail().await;
    let of_tomorrow = r#"{"name": "x", "email": "x@example.org", "message": {"of_tomorrow": {}}}"#;
    let update = format!("UPDATE outbox SET payload = '{of_tomorrow}' WHERE kind = 'email_changed'");
    database.connect().execute_batch(&update).expect("a row");
    let worker = Worker::start(queue.parts(&post, 1, NEVER));
    queue
        .wait_for(
            "outbox WHERE status = 'queued' AND attempts = 1 AND leased_by IS NULL",
            2,
        )
        .await;
    worker.stop().await;
    assert_eq!(post.begun(), 0);
}

impl Queue {
    /// Claims as another worker.
    async fn claim(&self, worker: &str, most: u32) -> Vec<OutboxId> {
        let claim = Claim {
            worker: worker.to_owned(),
            media: vec![Medium::Email],
            most,
            lease: TimeDelta::seconds(30),
        };
        let now = self.clock.now();
        let claimed = self.store.write(move |tx| tx.claim_messages(now, &claim)).await;
        claimed.expect("a claim").jobs.iter().map(|job| job.id).collect()
    }
}
