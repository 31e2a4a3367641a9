//! The queue of messages as those who run the server see it: listed without what it says, tried again, dropped.

use crate::support::{assert_waiting, give_only, sql, text_in};
use admin::retry_job;
use chrono::TimeDelta;
use kernel::{Clock, EventId, OutboxId, Permission, PermissionSet, StoreError};
use notification::{Claim, Job, Medium, MessageQueue, Verdict};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use storage::{CommitObserver, Store, StoreOptions};
use testkit::{Client, Harness, Kind, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    the_queue_is_listed_filtered_and_paged_the_newest_first,
    nothing_that_a_message_says_is_shown,
    a_message_that_is_being_sent_is_said_to_be_and_stays,
    a_dead_letter_is_tried_again_from_the_beginning,
    only_a_dead_letter_that_still_says_something_is_tried_again,
    a_retry_is_done_once_however_often_it_is_asked_for,
    a_dropped_message_is_never_sent_nor_asked_for_again,
    the_worker_is_woken_by_a_retry,
    messages_of_an_erased_person_are_gone,
    lists_are_quick_with_a_hundred_thousand_messages,
}

const WORKER: &str = "test";

fn claim(most: u32) -> Claim {
    Claim {
        worker: WORKER.into(),
        media: Medium::ALL.to_vec(),
        most,
        lease: TimeDelta::seconds(30),
    }
}

async fn claimed(harness: &Harness, most: u32) -> Vec<Job> {
    let now = harness.clock().now();
    let claimed = harness
        .store()
        .write(move |tx| tx.claim_messages(now, &claim(most)))
        .await;
    claimed.expect("a claim").jobs
}

async fn settle(harness: &Harness, id: OutboxId, verdict: Verdict) {
    let now = harness.clock().now();
    let settled = harness
        .store()
        .write(move |tx| tx.settle_messages(now, WORKER, &[(id, verdict.clone())]))
        .await;
    assert_eq!(settled.expect("a settlement"), vec![id]);
}

fn dead(why: &str) -> Verdict {
    Verdict::Dead { error: why.into() }
}

/// Somebody with a seat, and the message that says so.
async fn with_seat(harness: &Harness) -> (Person, EventId, OutboxId) {
    let organizer = harness.organizer().await;
    let asha = harness.attendee("asha").await;
    let event = harness.published_event(&organizer, 3).await;
    harness.registered(&asha, event).await;
    let list = manager(harness)
        .await
        .get("/admin/jobs?kind=seat_confirmed&limit=1");
    let id = list.await.expect(200).text_at("/items/0/id");
    (asha, event, id.parse().expect("an id"))
}

/// Makes a dead letter of the message.
async fn kill(harness: &Harness, id: OutboxId, why: &str) {
    for job in claimed(harness, 100).await {
        let verdict = if job.id == id { dead(why) } else { Verdict::Done };
        settle(harness, job.id, verdict).await;
    }
}

/// Somebody who handles jobs, just signed in.
async fn manager(harness: &Harness) -> Client {
    let admin = harness.admin().await;
    admin.client
}

async fn job(client: &Client, id: OutboxId) -> Value {
    let jobs = client.get("/admin/jobs?limit=100").await.expect(200).items();
    let found = jobs.into_iter().find(|job| job["id"] == id.to_string());
    found.expect("the message")
}

async fn the_queue_is_listed_filtered_and_paged_the_newest_first(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = harness.attendee("boss").await;
    give_only(&harness, &boss, Permission::JobManage);
    let boss = boss.client;
    for name in ["bela", "chen", "dana"] {
        harness.clock().advance(TimeDelta::minutes(1));
        harness.attendee(name).await;
    }
    let (_, _, seat) = with_seat(&harness).await;
    kill(&harness, seat, "550 no such mailbox").await;
    harness.clock().advance(TimeDelta::minutes(1));
    let edda = harness.attendee("edda").await;

    let whole = boss
        .get("/admin/jobs?limit=100&include_total=true")
        .await
        .expect(200);
    let jobs = whole.items();
    assert_eq!(whole.json()["total"], jobs.len());
    let created: Vec<&str> = jobs.iter().filter_map(|job| job["created_at"].as_str()).collect();
    assert!(created.is_sorted_by(|newer, older| newer >= older), "{created:?}");
    assert_eq!(
        jobs[0],
        json!({"id": jobs[0]["id"], "medium": "email", "kind": "email_verification", "recipient": edda.email,
            "user_id": edda.id.to_string(), "status": "queued", "in_progress": false, "retryable": false, "attempts": 0,
            "last_error": null, "created_at": harness.clock().now(), "due_at": harness.clock().now(),
            "finished_at": null, "not_after": harness.clock().now() + TimeDelta::hours(24)})
    );

    let only = |query: &'static str| {
        let boss = boss.clone();
        async move {
            boss.get(&format!("/admin/jobs?{query}"))
                .await
                .expect(200)
                .items()
        }
    };
    let dead = only("status=dead").await;
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(
        (
            &dead[0]["id"],
            &dead[0]["last_error"],
            &dead[0]["attempts"],
            &dead[0]["retryable"]
        ),
        (
            &json!(seat.to_string()),
            &json!("550 no such mailbox"),
            &json!(1),
            &json!(true)
        )
    );
    let queued = only("status=queued").await;
    assert_eq!(queued.len(), 1, "{queued:?}");
    assert_eq!(queued[0]["recipient"], edda.email);
    let done = only("status=done&limit=100").await;
    assert_eq!(done.len() + 2, jobs.len());
    assert!(done.iter().all(|job| job["finished_at"].is_string()));
    assert_eq!(only("kind=seat_confirmed").await, dead);
    assert_eq!(only("kind=reminder").await, Vec::<Value>::new());
    assert_eq!(
        only("kind=seat_confirmed&status=queued").await,
        Vec::<Value>::new()
    );

    let mut paged = Vec::new();
    let mut path = "/admin/jobs?limit=2".to_owned();
    loop {
        let page = boss.get(&path).await.expect(200);
        paged.extend(page.items());
        let Some(next) = page.json()["next_cursor"].as_str().map(str::to_owned) else {
            break;
        };
        path = format!("/admin/jobs?limit=2&cursor={next}");
    }
    assert_eq!(paged, jobs);

    for (query, name) in [
        ("status=sent", "status"),
        ("kind=nonsense", "kind"),
        ("kind=Reminder", "kind"),
        ("colour=red", "colour"),
        ("status=dead&status=done", "status"),
    ] {
        let problem = boss
            .get(&format!("/admin/jobs?{query}"))
            .await
            .expect(400)
            .problem("bad-query");
        assert_eq!(problem["errors"][0]["pointer"], name, "{problem}");
    }
}

async fn nothing_that_a_message_says_is_shown(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = manager(&harness).await;
    let asha = harness.attendee("asha").await;
    let secrets = harness.mailed_secrets(&asha.email).await;
    let list = boss.get("/admin/jobs?limit=100").await.expect(200).text();
    let sealed = harness.outbox().await.into_iter().find_map(|entry| {
        entry
            .payload
            .pointer("/message/email_verification/secrets")
            .cloned()
    });
    let sealed = sealed.expect("a message with secrets").to_string();
    for hidden in [
        &secrets.token,
        sealed.trim_matches('"'),
        "payload",
        "leased_by",
        WORKER,
    ] {
        assert!(!list.contains(hidden), "{hidden}: {list}");
    }
}

async fn a_message_that_is_being_sent_is_said_to_be_and_stays(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = manager(&harness).await;
    let (_, _, id) = with_seat(&harness).await;
    claimed(&harness, 100).await;
    assert_eq!(job(&boss, id).await["in_progress"], true);
    let path = format!("/admin/jobs/{id}");
    boss.delete(&path)
        .await
        .expect(409)
        .problem("message-in-progress");
    boss.post(&format!("{path}/retry"))
        .await
        .expect(409)
        .problem("wrong-state");
    settle(&harness, id, Verdict::Done).await;
    let sent = job(&boss, id).await;
    assert_eq!(
        (&sent["in_progress"], &sent["status"]),
        (&json!(false), &json!("done"))
    );
    boss.delete(&path).await.expect(409).problem("wrong-state");
    boss.post(&format!("{path}/retry"))
        .await
        .expect(409)
        .problem("wrong-state");
    assert_eq!(harness.count("audit_log WHERE object_type = 'job'").await, 0);
}

async fn a_dead_letter_is_tried_again_from_the_beginning(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (_, _, id) = with_seat(&harness).await;
    kill(&harness, id, "550 no such mailbox").await;
    harness.clock().advance(TimeDelta::hours(1));
    let boss = manager(&harness).await;
    let path = format!("/admin/jobs/{id}/retry");
    assert_eq!(job(&boss, id).await["due_at"], Value::Null, "it is due no more");
    let answer = boss.post(&path).await.expect(200);
    let now = json!(harness.clock().now());
    let body = answer.json();
    assert_eq!(body, job(&boss, id).await);
    assert_eq!(
        (
            &body["status"],
            &body["attempts"],
            &body["due_at"],
            &body["finished_at"],
            &body["last_error"]
        ),
        (
            &json!("queued"),
            &json!(0),
            &now,
            &Value::Null,
            &json!("550 no such mailbox")
        )
    );
    let again = claimed(&harness, 100).await;
    let ours = again
        .iter()
        .find(|job| job.id == id)
        .expect("it is claimed again");
    assert_eq!(ours.attempts, 0);
    settle(&harness, id, Verdict::Done).await;
    assert_eq!(job(&boss, id).await["last_error"], Value::Null);

    let row = boss
        .get("/admin/audit-log?limit=1")
        .await
        .expect(200)
        .items()
        .remove(0);
    assert_eq!(
        (&row["action"], &row["object_id"], &row["changes"]),
        (
            &json!("job.retry"),
            &json!(id.to_string()),
            &json!({"kind": "seat_confirmed", "attempts": "1"})
        )
    );
}

async fn only_a_dead_letter_that_still_says_something_is_tried_again(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = manager(&harness).await;
    let asha = harness.attendee("asha").await;
    let list = boss.get("/admin/jobs?kind=email_verification").await.expect(200);
    let mail = list
        .items()
        .into_iter()
        .find(|job| job["recipient"] == asha.email);
    let id: OutboxId = mail.expect("a mail")["id"]
        .as_str()
        .expect("text")
        .parse()
        .expect("an id");
    let path = format!("/admin/jobs/{id}/retry");
    boss.post(&path).await.expect(409).problem("wrong-state");
    kill(&harness, id, "refused").await;
    assert_eq!(job(&boss, id).await["retryable"], true);
    harness.clock().advance(TimeDelta::hours(24));
    let boss = manager(&harness).await;
    assert_eq!(job(&boss, id).await["retryable"], false);
    boss.post(&path).await.expect(409).problem("message-gone");
    sql(
        &harness,
        &format!("UPDATE outbox SET wiped_at = created_at, not_after = NULL WHERE id = '{id}'"),
    );
    boss.post(&path).await.expect(409).problem("message-gone");
    assert_eq!(
        harness
            .count(&format!("outbox WHERE status = 'queued' AND id = '{id}'"))
            .await,
        0
    );

    for nobody in ["018f0000-0000-7000-8000-000000000000", "not-an-id"] {
        boss.post(&format!("/admin/jobs/{nobody}/retry"))
            .await
            .expect(404);
        boss.delete(&format!("/admin/jobs/{nobody}")).await.expect(404);
    }
    // A live event is no message.
    with_seat(&harness).await;
    let live = harness.count("outbox WHERE channel = 'live'").await;
    assert!(live > 0);
    sql(
        &harness,
        "UPDATE outbox SET status = 'dead' WHERE channel = 'live'",
    );
    for (status, many) in [("dead", 0), ("lapsed", 1)] {
        let listed = boss
            .get(&format!("/admin/jobs?status={status}"))
            .await
            .expect(200);
        assert_eq!(listed.items().len(), many, "{status}");
    }
}

async fn a_retry_is_done_once_however_often_it_is_asked_for(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = manager(&harness).await;
    let (_, _, id) = with_seat(&harness).await;
    kill(&harness, id, "refused").await;
    let path = format!("/admin/jobs/{id}/retry");
    let answers = all_at_once(8, |_| {
        let (boss, path) = (boss.clone(), path.clone());
        async move { boss.post(&path).await.status() }
    })
    .await;
    assert_eq!(
        answers.iter().filter(|status| **status == 200).count(),
        1,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|status| **status == 409).count(),
        7,
        "{answers:?}"
    );
    assert_eq!(harness.count("audit_log WHERE action = 'job.retry'").await, 1);

    // Both have looked before either writes, if looking does not wait.
    if harness.database().kind() == Kind::Postgres {
        kill(&harness, id, "refused").await;
        let mut gate = harness.database().connect();
        let hold = format!("BEGIN; SELECT id FROM outbox WHERE id = '{id}' FOR UPDATE");
        gate.execute_batch(&hold).expect("the row");
        let (one, other, ()) = tokio::join!(
            boss.post(&path).into_future(),
            boss.post(&path).into_future(),
            async {
                assert_waiting(&harness, 2).await;
                gate.execute_batch("COMMIT").expect("a commit");
            }
        );
        let mut both = [one.status(), other.status()];
        both.sort_unstable();
        assert_eq!(both, [200, 409]);
        assert_eq!(harness.count("audit_log WHERE action = 'job.retry'").await, 2);
    }

    let retried = harness.count("audit_log WHERE action = 'job.retry'").await;
    kill(&harness, id, "refused").await;
    let first = boss.post(&path).key("again").await.expect(200);
    kill(&harness, id, "refused").await;
    let second = boss.post(&path).key("again").await.expect(200);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.json(), second.json());
    assert_eq!(
        job(&boss, id).await["status"],
        "dead",
        "what is replayed has no effect"
    );
    assert_eq!(
        harness.count("audit_log WHERE action = 'job.retry'").await,
        retried + 1
    );
}

async fn a_dropped_message_is_never_sent_nor_asked_for_again(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = manager(&harness).await;
    let (asha, event, id) = with_seat(&harness).await;
    let path = format!("/admin/jobs/{id}");
    boss.delete(&path).await.expect(204);
    let dropped = job(&boss, id).await;
    assert_eq!(
        (&dropped["status"], &dropped["retryable"], &dropped["last_error"]),
        (&json!("lapsed"), &json!(false), &json!("dropped by an admin"))
    );
    let listed = |status: &str| boss.get(&format!("/admin/jobs?status={status}&include_total=true"));
    let lapsed = listed("lapsed").await.expect(200);
    assert_eq!(
        (lapsed.items(), &lapsed.json()["total"]),
        (vec![dropped], &json!(1))
    );
    let dead = listed("dead").await.expect(200);
    assert_eq!((dead.items(), &dead.json()["total"]), (Vec::new(), &json!(0)));
    assert_eq!(
        text_in(&harness, "outbox", &["payload"], "seat_confirmed").await,
        0
    );
    assert!(claimed(&harness, 100).await.iter().all(|job| job.id != id));
    boss.post(&format!("{path}/retry"))
        .await
        .expect(409)
        .problem("message-gone");
    boss.delete(&path).await.expect(204);
    assert_eq!(
        harness.count("audit_log WHERE action = 'job.drop'").await,
        1,
        "once is enough"
    );
    let row = boss
        .get("/admin/audit-log?action=job.drop")
        .await
        .expect(200)
        .items()
        .remove(0);
    assert_eq!(
        row["changes"],
        json!({"kind": "seat_confirmed", "status": "queued"})
    );

    // The same occasion is not told again.
    let before = harness.count("outbox WHERE channel = 'message'").await;
    let ctx = harness.system();
    let registration = asha
        .client
        .get("/users/me/registrations")
        .await
        .expect(200)
        .text_at("/items/0/id");
    let facts =
        json!({"id": event, "title": "Again", "starts_at": ctx.now, "time_zone": "UTC", "location": null});
    let message = json!({"seat_confirmed": {"event": facts, "registration_id": registration}});
    let message: notification::Message = serde_json::from_value(message).expect("a message");
    let recipient = notification::Recipient {
        name: "Asha".into(),
        email: asha.email.parse().expect("an address"),
        user_id: Some(asha.id),
    };
    let written = harness
        .store()
        .write(move |tx| {
            notification::Outbox::enqueue(tx, &ctx, recipient.clone(), message.clone());
            Ok::<_, StoreError>(())
        })
        .await;
    written.expect("a write");
    assert_eq!(harness.count("outbox WHERE channel = 'message'").await, before);

    // So is a dead letter, and a message whose sender is gone.
    let bela = harness.attendee("bela").await;
    harness.registered(&bela, event).await;
    let jobs = boss
        .get("/admin/jobs?kind=seat_confirmed&status=queued")
        .await
        .expect(200);
    let second: OutboxId = jobs.text_at("/items/0/id").parse().expect("an id");
    kill(&harness, second, "refused").await;
    boss.delete(&format!("/admin/jobs/{second}")).await.expect(204);
    let chen = harness.attendee("chen").await;
    let left: OutboxId = {
        let mine = claimed(&harness, 100).await;
        let mine = mine.into_iter().find(|job| job.to.as_str() == chen.email);
        mine.expect("a mail").id
    };
    boss.delete(&format!("/admin/jobs/{left}")).await.expect(409);
    harness.clock().advance(TimeDelta::seconds(30));
    boss.delete(&format!("/admin/jobs/{left}")).await.expect(204);
    assert_eq!(job(&boss, left).await["retryable"], false);
}

#[derive(Default)]
struct Bell(AtomicU32);

impl CommitObserver for Bell {
    fn messages_queued(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn the_worker_is_woken_by_a_retry(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, _, id) = with_seat(&harness).await;
    kill(&harness, id, "refused").await;
    let store = Store::open(&StoreOptions::new(harness.database().parsed_url())).expect("a store");
    let bell = Arc::new(Bell::default());
    store.observe_commits(bell.clone());
    let ctx = harness.acting(&asha, PermissionSet::all());
    let again = ctx.clone();
    let first = store.write(move |tx| retry_job(tx, &ctx, id).map(drop)).await;
    assert!(first.is_ok(), "{first:?}");
    assert_eq!(bell.0.load(Ordering::SeqCst), 1);
    let refused = store.write(move |tx| retry_job(tx, &again, id).map(drop)).await;
    assert!(refused.is_err());
    assert_eq!(bell.0.load(Ordering::SeqCst), 1, "what was undone wakes nobody");
}

async fn messages_of_an_erased_person_are_gone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = manager(&harness).await;
    let (asha, _, id) = with_seat(&harness).await;
    kill(&harness, id, "refused").await;
    let path = format!("/admin/jobs/{id}");
    boss.post(&format!("{path}/retry"))
        .key("of-asha")
        .await
        .expect(200);
    boss.delete(&format!("/admin/users/{}", asha.id))
        .await
        .expect(204);
    let list = boss.get("/admin/jobs?limit=100").await.expect(200).text();
    assert!(
        !list.contains(&asha.email) && !list.contains(&asha.id.to_string()),
        "{list}"
    );
    boss.post(&format!("{path}/retry"))
        .key("of-asha")
        .await
        .expect(404);
    boss.delete(&path).await.expect(404);
}

async fn lists_are_quick_with_a_hundred_thousand_messages(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = manager(&harness).await;
    let (_, _, id) = with_seat(&harness).await;
    kill(&harness, id, "refused").await;
    let columns = "id, channel, kind, recipient_key, occasion, payload, priority, status, due_at, created_at, medium, attempts";
    let fill = match harness.database().kind() {
        Kind::Postgres => format!(
            "INSERT INTO outbox ({columns}) SELECT gen_random_uuid(), 'message', 'event_moved', 'p' || n || '@example.org', 'x', \
             '{{}}', 10, 'queued', now(), now(), 'email', 0 FROM generate_series(1, 100000) n; ANALYZE outbox"
        ),
        Kind::Sqlite => format!(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000) \
             INSERT INTO outbox ({columns}) SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-7' || \
             substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), 'message', 'event_moved', \
             'p' || n || '@example.org', 'x', '{{}}', 10, 'queued', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 'email', 0 \
             FROM numbers; ANALYZE"
        ),
    };
    sql(&harness, &fill);
    for query in [
        "",
        "status=queued",
        "status=dead",
        "status=lapsed",
        "kind=event_moved",
        "kind=reminder",
        "status=dead&kind=seat_confirmed",
        "kind=seat_confirmed",
        "include_total=true",
    ] {
        let begun = std::time::Instant::now();
        boss.get(&format!("/admin/jobs?{query}")).await.expect(200);
        // Milliseconds on a machine that does nothing else.
        assert!(begun.elapsed().as_secs() < 1, "{query}: {:?}", begun.elapsed());
    }
}
