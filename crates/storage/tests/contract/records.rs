//! What is written beside an effect: messages, remembered answers, the audit log.

use crate::rows::{Rows, long, now};
use chrono::TimeDelta;
use kernel::{
    AuditEntry, AuditLog, IdempotencyKey, IdempotencyScope, IdempotencyStore, Remembered, StoreError,
    StoredAnswer, TypedId,
};
use notification::{Message, Outbox};
use realtime::{LiveEvent, LiveEvents};
use storage::OutboxEntry;
use testkit::{TestDatabase, on_both_databases};

on_both_databases! {
    a_message_is_written_once_for_its_occasion,
    live_events_are_written_each_time,
    what_was_to_be_told_goes_with_a_refused_operation,
    a_key_is_claimed_once_and_answers_for_a_day,
    a_key_of_a_refused_operation_is_free_again,
    an_action_leaves_a_row_in_the_audit_log,
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method's path does not stand for every lifetime"
)]
async fn outbox_of(rows: &Rows) -> Vec<OutboxEntry> {
    rows.read(|tx| tx.list_outbox()).await
}

async fn a_message_is_written_once_for_its_occasion(database: TestDatabase) {
    let rows = Rows::over(&database);
    let (someone, other) = (rows.attendee(), rows.attendee());
    let (ctx, one_time_id) = (rows.system(), rows.id());
    for _ in 0..2 {
        let (ctx, someone, other) = (ctx.clone(), someone.clone(), other.clone());
        rows.write(move |tx| {
            let message = || Message::EmailChanged { one_time_id };
            // Twice in one transaction, and in a second one.
            tx.enqueue(&ctx, someone.recipient(), message());
            tx.enqueue(&ctx, someone.recipient(), message());
            tx.enqueue(&ctx, other.recipient(), message());
            Ok::<_, StoreError>(())
        })
        .await;
    }
    let entries = outbox_of(&rows).await;
    let keys: Vec<_> = entries
        .iter()
        .map(|entry| entry.recipient_key.as_deref())
        .collect();
    assert_eq!(keys, [Some(someone.email.key()), Some(other.email.key())]);
    assert_eq!(entries[0].payload["email"], someone.email.as_str());
}

async fn live_events_are_written_each_time(database: TestDatabase) {
    let rows = Rows::over(&database);
    let (ctx, event_id) = (rows.system(), rows.id());
    rows.write(move |tx| {
        for seats_available in [2, 1, 1] {
            let live = LiveEvent::EventAvailability {
                event_id,
                seats_available,
            };
            tx.publish(&ctx, live);
        }
        Ok::<_, StoreError>(())
    })
    .await;
    let entries = outbox_of(&rows).await;
    let seats: Vec<_> = entries
        .iter()
        .map(|entry| entry.payload["seats_available"].as_u64())
        .collect();
    assert_eq!(seats, [Some(2), Some(1), Some(1)]);
    assert!(
        entries
            .iter()
            .all(|entry| entry.topic == Some(format!("event:{event_id}")))
    );
}

async fn what_was_to_be_told_goes_with_a_refused_operation(database: TestDatabase) {
    let rows = Rows::over(&database);
    let (ctx, someone, one_time_id) = (rows.system(), rows.attendee(), rows.id());
    let refused = rows
        .store
        .write(move |tx| {
            tx.enqueue(&ctx, someone.recipient(), Message::EmailChanged { one_time_id });
            Err::<(), _>(StoreError::Internal("no".into()))
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(rows.count("outbox").await, 0);
}

fn scope(user_id: kernel::UserId, fingerprint: &str) -> IdempotencyScope {
    IdempotencyScope {
        user_id,
        route: "POST /api/v1/events".into(),
        key: IdempotencyKey::parse(&"k".repeat(255)).expect("a key"),
        fingerprint: fingerprint.into(),
    }
}

async fn a_key_is_claimed_once_and_answers_for_a_day(database: TestDatabase) {
    let rows = Rows::over(&database);
    let (user, other) = (rows.saved_user().await.id, rows.saved_user().await.id);
    let claim = |at, scope: IdempotencyScope| rows.write(move |tx| tx.claim_idempotency_key(at, &scope));
    let answer = StoredAnswer {
        status: 201,
        location: Some("/api/v1/events/1".into()),
        etag: None,
        body: long(10_000),
    };
    let stored = answer.clone();
    let claimed = rows
        .write(move |tx| {
            let claimed = tx.claim_idempotency_key(now(), &scope(user, "a"))?;
            tx.store_answer(&scope(user, "a"), &stored)?;
            Ok::<_, StoreError>(claimed)
        })
        .await;
    assert_eq!(claimed, Remembered::New);
    let last = now() + TimeDelta::hours(24) - TimeDelta::microseconds(1);
    assert_eq!(
        claim(last, scope(user, "a")).await,
        Remembered::Answered(answer.clone())
    );
    assert_eq!(claim(last, scope(user, "b")).await, Remembered::OtherRequest);
    // Another person's key of the same name is another key; what is claimed in a write is answered there.
    let taken = rows
        .write(move |tx| {
            let claimed = tx.claim_idempotency_key(now(), &scope(other, "b"))?;
            let answer = StoredAnswer {
                status: 200,
                location: None,
                etag: Some("\"1-1\"".into()),
                body: "{}".into(),
            };
            tx.store_answer(&scope(other, "b"), &answer)?;
            Ok::<_, StoreError>(claimed)
        })
        .await;
    assert_eq!(taken, Remembered::New);
    let over = now() + TimeDelta::hours(24);
    let stored = StoredAnswer {
        location: None,
        ..answer
    };
    let anew = stored.clone();
    let claimed = rows
        .write(move |tx| {
            let claimed = tx.claim_idempotency_key(over, &scope(user, "c"))?;
            tx.store_answer(&scope(user, "c"), &anew)?;
            Ok::<_, StoreError>(claimed)
        })
        .await;
    assert_eq!(claimed, Remembered::New, "a day later it is new");
    assert_eq!(claim(over, scope(user, "c")).await, Remembered::Answered(stored));
    assert_eq!(rows.write(move |tx| tx.forget_old_answers(over)).await, 1);
    assert_eq!(rows.count("idempotency_keys").await, 1);
}

async fn a_key_of_a_refused_operation_is_free_again(database: TestDatabase) {
    let rows = Rows::over(&database);
    let user = rows.saved_user().await.id;
    let refused = rows
        .store
        .write(move |tx| {
            tx.claim_idempotency_key(now(), &scope(user, "a"))?;
            Err::<(), _>(StoreError::Internal("no".into()))
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(rows.count("idempotency_keys").await, 0);
}

async fn an_action_leaves_a_row_in_the_audit_log(database: TestDatabase) {
    let rows = Rows::over(&database);
    let user = rows.saved_user().await;
    let (ctx, system, object) = (rows.acting(user.id), rows.system(), user.id.uuid());
    rows.write(move |tx| {
        let entry = AuditEntry::new("event.edit", "event", object)
            .with("fields", "title,agenda")
            .because(Some(long(1_000)));
        tx.record_audit(&ctx, entry)?;
        tx.record_audit(&system, AuditEntry::new("event.cancel", "event", object))
    })
    .await;
    assert_eq!(
        rows.count("audit_log WHERE action = 'event.edit' AND reason IS NOT NULL AND actor_id IS NOT NULL")
            .await,
        1
    );
    assert_eq!(
        rows.count(
            "audit_log WHERE action = 'event.cancel' AND reason IS NULL AND actor_id IS NULL \
             AND CAST(changes AS TEXT) = '{}' AND request_id = 'test'"
        )
        .await,
        1
    );
    assert_eq!(
        rows.count("audit_log WHERE CAST(changes AS TEXT) LIKE '%title,agenda%'")
            .await,
        1
    );
}
