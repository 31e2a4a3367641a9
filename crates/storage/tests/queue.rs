//! The queue of messages: who has one, and what becomes of it.

use crate::rows::{Rows, now};
use chrono::TimeDelta;
use kernel::{EventId, Instant, OutboxId, PageRequest};
use notification::{
    Claim, Claimed, EventFacts, Medium, Message, MessageQueue, Outbox, SealedSecrets, Verdict,
};
use testkit::{Kind, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_message_is_its_claimers_until_the_lease_is_over,
    a_lease_is_renewed_by_its_holder_alone,
    a_verdict_counts_for_who_holds_the_message,
    what_is_returned_is_due_at_once_and_lost_no_try,
    all_leases_end_for_a_worker_that_is_alone,
    mails_to_one_person_go_before_mails_to_many,
    no_medium_waits_behind_all_of_another,
    what_cannot_be_read_stops_nothing,
    what_was_done_with_long_ago_is_forgotten,
    workers_who_claim_at_once_get_different_messages,
    what_is_worth_nothing_is_not_claimed_and_is_wiped,
    what_is_in_hand_is_not_wiped,
    a_claim_among_many_uses_the_index,
}

fn at(seconds: i64) -> Instant {
    now() + TimeDelta::seconds(seconds)
}

fn facts(rows: &Rows) -> EventFacts {
    EventFacts {
        id: rows.id::<EventId>(),
        title: "A talk".into(),
        starts_at: at(86_400),
        ends_at: None,
        time_zone: "Asia/Kolkata".into(),
        location: None,
    }
}

async fn mails(rows: &Rows, count: usize) -> Vec<OutboxId> {
    for _ in 0..count {
        let message = Message::EmailChanged {
            one_time_id: rows.id(),
        };
        queue(rows, message).await;
    }
    ids(rows).await
}

async fn queue(rows: &Rows, message: Message) {
    let (ctx, someone) = (rows.system(), rows.attendee());
    rows.write(move |tx| {
        tx.enqueue(&ctx, someone.recipient(), message.clone());
        Ok(())
    })
    .await;
}

async fn text(rows: &Rows) {
    let (ctx, user, notice_id) = (rows.system(), rows.saved_user().await, rows.id());
    rows.write(move |tx| {
        let phone = "+915550001111".parse().expect("a number");
        let message = Message::SecurityAnswersChanged {
            notice_id,
            at: ctx.now,
        };
        tx.enqueue_text(&ctx, &phone, user.id, message);
        Ok(())
    })
    .await;
}

async fn ids(rows: &Rows) -> Vec<OutboxId> {
    let page = PageRequest {
        limit: 100,
        after: None,
        include_total: false,
    };
    let messages = rows.read(move |tx| tx.list_messages(page)).await;
    let mut ids: Vec<OutboxId> = messages.items.iter().map(|message| message.id).collect();
    ids.reverse();
    ids
}

fn claim_by(worker: &str, most: u32) -> Claim {
    Claim {
        worker: worker.to_owned(),
        media: Medium::ALL.to_vec(),
        most,
        lease: TimeDelta::seconds(30),
    }
}

async fn claim(rows: &Rows, at: Instant, worker: &str, most: u32) -> Claimed {
    let claim = claim_by(worker, most);
    rows.write(move |tx| tx.claim_messages(at, &claim)).await
}

async fn claimed_ids(rows: &Rows, at: Instant, worker: &str, most: u32) -> Vec<OutboxId> {
    let claimed = claim(rows, at, worker, most).await;
    claimed.jobs.iter().map(|job| job.id).collect()
}

async fn settle(
    rows: &Rows,
    at: Instant,
    worker: &'static str,
    id: OutboxId,
    verdict: Verdict,
) -> Vec<OutboxId> {
    rows.write(move |tx| tx.settle_messages(at, worker, &[(id, verdict.clone())]))
        .await
}

async fn a_message_is_its_claimers_until_the_lease_is_over(database: TestDatabase) {
    let rows = Rows::over(&database);
    let all = mails(&rows, 3).await;
    assert_eq!(claimed_ids(&rows, now(), "a", 2).await, all[..2]);
    assert_eq!(claimed_ids(&rows, now(), "b", 9).await, all[2..]);
    assert!(claimed_ids(&rows, at(29), "b", 9).await.is_empty());
    // Its holder is gone: another has it now, and what the first says of it is not heard.
    assert_eq!(claimed_ids(&rows, at(30), "c", 9).await, all);
    let refused = Verdict::Dead {
        error: "550".to_owned(),
    };
    assert!(settle(&rows, at(31), "a", all[0], refused).await.is_empty());
    assert_eq!(
        rows.count("outbox WHERE status = 'queued' AND leased_by = 'c'")
            .await,
        3
    );
    assert_eq!(settle(&rows, at(31), "c", all[0], Verdict::Done).await, [all[0]]);
    // But that it was sent: the other has no reason to send it once more.
    assert_eq!(settle(&rows, at(31), "a", all[1], Verdict::Done).await, [all[1]]);
    let held = [all[1]];
    let renewed = rows.write(move |tx| tx.renew_leases(at(60), "c", &held)).await;
    assert!(renewed.is_empty(), "so the other loses it");
}

async fn a_lease_is_renewed_by_its_holder_alone(database: TestDatabase) {
    let rows = Rows::over(&database);
    let all = mails(&rows, 3).await;
    claim(&rows, now(), "a", 3).await;
    settle(&rows, now(), "a", all[2], Verdict::Done).await;
    let asked = all.clone();
    let of_another = rows.write(move |tx| tx.renew_leases(at(90), "b", &asked)).await;
    assert!(of_another.is_empty());
    let asked = all.clone();
    let mut own = rows.write(move |tx| tx.renew_leases(at(60), "a", &asked)).await;
    own.sort_unstable();
    assert_eq!(own, all[..2], "what is done is nobody's");
    assert!(claimed_ids(&rows, at(59), "b", 9).await.is_empty());
    assert_eq!(claimed_ids(&rows, at(60), "b", 9).await, all[..2]);
    let asked = all.clone();
    assert!(
        rows.write(move |tx| tx.renew_leases(at(120), "a", &asked))
            .await
            .is_empty(),
        "it came too late"
    );
}

async fn a_verdict_counts_for_who_holds_the_message(database: TestDatabase) {
    let rows = Rows::over(&database);
    let all = mails(&rows, 4).await;
    claim(&rows, now(), "a", 4).await;
    let verdicts = vec![
        (all[0], Verdict::Done),
        (
            all[1],
            Verdict::Again {
                due_at: at(5),
                error: "451".into(),
            },
        ),
        (all[2], Verdict::Back { error: "away".into() }),
        (
            all[3],
            Verdict::Dead {
                error: "é".repeat(600),
            },
        ),
    ];
    // But for what was sent: see the test of leases.
    let (others, own) = (verdicts[1..].to_vec(), verdicts);
    assert!(
        rows.write(move |tx| tx.settle_messages(at(1), "b", &others))
            .await
            .is_empty()
    );
    let mut settled = rows.write(move |tx| tx.settle_messages(at(1), "a", &own)).await;
    settled.sort_unstable();
    assert_eq!(settled, all);
    for (condition, what) in [
        (
            "status = 'done' AND finished_at IS NOT NULL AND CAST(payload AS TEXT) = '{}'",
            "sent, and what it said is forgotten",
        ),
        (
            "status = 'queued' AND attempts = 1 AND last_error = '451' AND leased_by IS NULL",
            "tried again",
        ),
        (
            "status = 'queued' AND attempts = 0 AND last_error = 'away' AND leased_by IS NULL",
            "no try",
        ),
        (
            "status = 'dead' AND attempts = 1 AND LENGTH(last_error) = 500 AND finished_at IS NOT NULL",
            "a dead letter",
        ),
    ] {
        let count = rows
            .read(move |tx| tx.count_rows(&format!("outbox WHERE {condition}")))
            .await;
        assert_eq!(count, 1, "{what}");
    }
    assert_eq!(claimed_ids(&rows, at(1), "a", 9).await, [all[2]]);
    assert_eq!(claimed_ids(&rows, at(5), "a", 9).await, [all[1]]);
    let figures = rows.read(|tx| tx.queue_figures()).await;
    assert_eq!(
        (figures.queued, figures.dead, figures.oldest_at),
        (2, 1, Some(now()))
    );
}

async fn what_is_returned_is_due_at_once_and_lost_no_try(database: TestDatabase) {
    let rows = Rows::over(&database);
    let all = mails(&rows, 2).await;
    claim(&rows, now(), "a", 2).await;
    let asked = all.clone();
    assert_eq!(
        rows.write(move |tx| tx.return_messages(at(1), "b", &asked)).await,
        0
    );
    let asked = all.clone();
    assert_eq!(
        rows.write(move |tx| tx.return_messages(at(1), "a", &asked)).await,
        2
    );
    let again = claim(&rows, at(1), "b", 9).await.jobs;
    assert!(again.len() == 2 && again.iter().all(|job| job.attempts == 0));
}

async fn all_leases_end_for_a_worker_that_is_alone(database: TestDatabase) {
    let rows = Rows::over(&database);
    let all = mails(&rows, 3).await;
    claim(&rows, now(), "a", 2).await;
    assert_eq!(rows.write(|tx| tx.end_leases(at(1))).await, 2);
    assert_eq!(claimed_ids(&rows, at(1), "b", 9).await, all);
}

async fn mails_to_one_person_go_before_mails_to_many(database: TestDatabase) {
    let rows = Rows::over(&database);
    for _ in 0..3 {
        let event = facts(&rows);
        queue(&rows, Message::EventCancelled { event, reason: None }).await;
    }
    let bulk = ids(&rows).await;
    let all = mails(&rows, 2).await;
    assert_eq!(claimed_ids(&rows, now(), "a", 1).await, all[3..4]);
    assert_eq!(
        claimed_ids(&rows, now(), "a", 3).await,
        [all[4], bulk[0], bulk[1]]
    );
    assert_eq!(claimed_ids(&rows, now(), "a", 3).await, bulk[2..]);
}

async fn no_medium_waits_behind_all_of_another(database: TestDatabase) {
    let rows = Rows::over(&database);
    mails(&rows, 2).await;
    text(&rows).await;
    mails(&rows, 3).await;
    let found = claim(&rows, now(), "a", 3).await.jobs;
    let media: Vec<Medium> = found.iter().map(|job| job.to.medium()).collect();
    assert_eq!(media, [Medium::Email, Medium::Email, Medium::Sms]);
    text(&rows).await;
    let only_mails = Claim {
        media: vec![Medium::Email],
        ..claim_by("a", 9)
    };
    let mails = rows.write(move |tx| tx.claim_messages(now(), &only_mails)).await;
    assert!(mails.jobs.len() == 3 && mails.jobs.iter().all(|job| job.to.medium() == Medium::Email));
    let none = Claim {
        media: Vec::new(),
        ..claim_by("a", 9)
    };
    assert_eq!(
        rows.write(move |tx| tx.claim_messages(now(), &none)).await,
        Claimed::default()
    );
}

async fn what_cannot_be_read_stops_nothing(database: TestDatabase) {
    let rows = Rows::over(&database);
    let all = mails(&rows, 4).await;
    let mut broken = vec![
        (
            all[0],
            "{\"name\": \"x\", \"email\": \"x@example.org\", \"message\": {\"of_tomorrow\": {}}}",
        ),
        (all[1], "\"a secret\""),
    ];
    if database.kind() == Kind::Sqlite {
        // PostgreSQL keeps it from being written.
        broken.push((all[2], "no document"));
    }
    for (id, payload) in &broken {
        let update = format!("UPDATE outbox SET payload = '{payload}' WHERE id = '{id}'");
        database.connect().execute_batch(&update).expect("a broken row");
    }
    let found = claim(&rows, now(), "a", 9).await;
    let unreadable: Vec<OutboxId> = found.unreadable.iter().map(|message| message.id).collect();
    assert_eq!(unreadable, all[..broken.len()]);
    let read: Vec<OutboxId> = found.jobs.iter().map(|job| job.id).collect();
    assert_eq!(read, all[broken.len()..]);
    // They are the claimer's, to say what becomes of them.
    let held = rows
        .count("outbox WHERE status = 'queued' AND leased_by = 'a'")
        .await;
    assert_eq!(usize::try_from(held).expect("a count"), all.len());
}

async fn what_was_done_with_long_ago_is_forgotten(database: TestDatabase) {
    let rows = Rows::over(&database);
    let all = mails(&rows, 4).await;
    claim(&rows, now(), "a", 3).await;
    let dead = Verdict::Dead {
        error: "550".to_owned(),
    };
    settle(&rows, at(1), "a", all[0], Verdict::Done).await;
    settle(&rows, at(1), "a", all[1], dead).await;
    settle(&rows, at(99), "a", all[2], Verdict::Done).await;
    let forget = |before| rows.write(move |tx| tx.forget_finished_messages(before));
    assert_eq!(forget(now()).await, 0);
    assert_eq!(forget(at(50)).await, 2, "the third was done with later");
    assert_eq!(forget(at(100)).await, 1);
    assert_eq!(ids(&rows).await, [all[3]], "what waits stays, however old");
}

async fn workers_who_claim_at_once_get_different_messages(database: TestDatabase) {
    let rows = std::sync::Arc::new(Rows::over(&database));
    let all = mails(&rows, 40).await;
    let claims = all_at_once(8, |number| {
        let rows = std::sync::Arc::clone(&rows);
        async move {
            let mut mine = Vec::new();
            loop {
                let found = claimed_ids(&rows, now(), &format!("worker {number}"), 3).await;
                if found.is_empty() {
                    return mine;
                }
                mine.extend(found);
            }
        }
    })
    .await;
    let mut claimed: Vec<OutboxId> = claims.into_iter().flatten().collect();
    claimed.sort_unstable();
    // Whoever finds all that is left locked by others goes home: nothing is claimed twice, and all of it once.
    assert_eq!(claimed, all);
}

fn reset(rows: &Rows, expires_at: Instant) -> Message {
    let secrets: SealedSecrets = serde_json::from_value("sealed".into()).expect("a text");
    Message::PasswordReset {
        one_time_id: rows.id(),
        secrets,
        expires_at,
    }
}

async fn wipe(rows: &Rows, at: Instant) -> u64 {
    rows.write(move |tx| tx.wipe_lapsed_messages(at)).await
}

async fn what_is_worth_nothing_is_not_claimed_and_is_wiped(database: TestDatabase) {
    let rows = Rows::over(&database);
    for _ in 0..3 {
        queue(&rows, reset(&rows, at(60))).await;
    }
    let all = ids(&rows).await;
    claim(&rows, now(), "a", 2).await;
    let dead = Verdict::Dead {
        error: "550 no such person".into(),
    };
    settle(&rows, now(), "a", all[0], dead).await;
    let again = Verdict::Back { error: "away".into() };
    settle(&rows, now(), "a", all[1], again).await;
    assert_eq!(claimed_ids(&rows, at(59), "b", 1).await.len(), 1);
    let returned = all.clone();
    rows.write(move |tx| tx.return_messages(at(59), "b", &returned))
        .await;
    assert!(claimed_ids(&rows, at(60), "b", 9).await.is_empty());
    assert_eq!(wipe(&rows, at(59)).await, 0);
    assert_eq!(wipe(&rows, at(60)).await, 3, "dead letters too");
    assert_eq!(wipe(&rows, at(61)).await, 0, "once");
    assert_eq!(
        rows.count("outbox WHERE CAST(payload AS TEXT) LIKE '%sealed%'")
            .await,
        0
    );
    assert_eq!(
        rows.count("outbox WHERE status = 'dead' AND wiped_at IS NOT NULL AND finished_at IS NOT NULL")
            .await,
        3
    );
    for (error, count) in [
        ("550 no such person", 1),
        ("not sent in time: away", 1),
        ("not sent in time", 1),
    ] {
        let found = rows
            .read(move |tx| tx.count_rows(&format!("outbox WHERE last_error = '{error}'")))
            .await;
        assert_eq!(found, count, "{error}");
    }
}

async fn what_is_in_hand_is_not_wiped(database: TestDatabase) {
    let rows = Rows::over(&database);
    queue(&rows, reset(&rows, at(10))).await;
    let all = ids(&rows).await;
    claim(&rows, now(), "a", 1).await;
    assert_eq!(wipe(&rows, at(11)).await, 0, "it may be on its way");
    assert_eq!(settle(&rows, at(12), "a", all[0], Verdict::Done).await, all);
    assert_eq!(rows.count("outbox WHERE status = 'done'").await, 1);

    queue(&rows, reset(&rows, at(10))).await;
    claim(&rows, now(), "a", 1).await;
    assert_eq!(wipe(&rows, at(30)).await, 1, "its holder is gone");
    assert_eq!(
        rows.count("outbox WHERE status = 'dead' AND leased_by IS NULL")
            .await,
        1
    );
}

async fn a_claim_among_many_uses_the_index(database: TestDatabase) {
    let rows = Rows::over(&database);
    let fill = match database.kind() {
        Kind::Postgres => {
            "INSERT INTO outbox (id, channel, kind, recipient_key, occasion, payload, priority, status, due_at, \
             created_at, medium) SELECT gen_random_uuid(), 'message', 'email_changed', 'p' || n, 'o', '{}', \
             n % 2 * 10, 'queued', now(), now(), 'email' FROM generate_series(1, 20000) AS n; ANALYZE outbox"
        }
        Kind::Sqlite => {
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000) \
             INSERT INTO outbox (id, channel, kind, recipient_key, occasion, payload, priority, status, due_at, \
             created_at, medium) SELECT printf('01900000-0000-7000-8000-%012x', n), 'message', 'email_changed', \
             'p' || n, 'o', '{}', n % 2 * 10, 'queued', '2026-01-01T00:00:00.000000Z', \
             '2026-01-01T00:00:00.000000Z', 'email' FROM numbers"
        }
    };
    database.connect().execute_batch(fill).expect("many messages");
    let plan = rows.read(|tx| tx.plan_of_claim(now())).await;
    assert!(plan.contains("outbox_queue"), "{plan}");
    assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{plan}");
}
