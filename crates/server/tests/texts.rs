//! Text messages besides mails: who gets one, of what, how many a day, and until when they are worth something.

use crate::support::sql;
use chrono::TimeDelta;
use kernel::{Clock, EventId};
use notification::{Claim, Destination, Medium, Message, MessageQueue, render_text};
use serde_json::json;
use testkit::{Harness, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    who_wants_texts_gets_one_besides_the_mail_of_what_cannot_wait,
    without_the_wish_or_a_proven_number_there_is_no_text,
    five_texts_a_day_and_the_mails_go_on,
    many_at_once_do_not_write_a_sixth,
    a_text_that_is_late_is_not_sent,
}

const NUMBER: &str = "+491701234567";

/// Says that the person wants texts, to a number that was proven.
fn wants_texts(harness: &Harness, person: &Person) {
    let set = format!("phone = '{NUMBER}', phone_verified_at = created_at, text_messages = TRUE");
    sql(
        harness,
        &format!("UPDATE users SET {set} WHERE id = '{}'", person.id),
    );
}

/// The kinds of the texts to the number, the oldest first.
async fn texts(harness: &Harness) -> Vec<String> {
    let entries = harness.outbox().await.into_iter();
    entries
        .filter(|entry| entry.recipient_key.as_deref() == Some(NUMBER))
        .map(|entry| entry.kind)
        .collect()
}

async fn move_by(harness: &Harness, organizer: &Person, event: EventId, days: i64) {
    let start = harness.clock().now() + TimeDelta::days(10) + TimeDelta::days(days);
    let fields =
        json!({"starts_at": start.to_rfc3339(), "ends_at": (start + TimeDelta::hours(3)).to_rfc3339()});
    let path = format!("/events/{event}");
    organizer.client.patch(&path).json(fields).await.expect(200);
}

async fn who_wants_texts_gets_one_besides_the_mail_of_what_cannot_wait(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let (first, next) = (harness.attendee("first").await, harness.attendee("next").await);
    wants_texts(&harness, &next);
    let (seat, _) = harness.registered(&first, event).await;
    next.client
        .post(&format!("/events/{event}/registrations"))
        .await
        .expect(202);
    assert!(
        texts(&harness).await.is_empty(),
        "a place in the queue goes by mail alone"
    );
    first
        .client
        .delete(&format!("/registrations/{seat}"))
        .await
        .expect(200);
    move_by(&harness, &organizer, event, 1).await;
    harness.clock().advance(TimeDelta::days(11) - TimeDelta::hours(2));
    let reminded = server::reminders::remind(harness.store(), harness.system()).await;
    assert_eq!(reminded.expect("a look"), 1);
    let organizer = harness.log_in(&organizer.email).await;
    organizer
        .client
        .post(&format!("/events/{event}/cancel"))
        .json(json!({"reason": "The hall is closed."}))
        .await
        .expect(200);

    let all = ["seat_from_waitlist", "event_moved", "reminder", "event_cancelled"];
    assert_eq!(texts(&harness).await, all);
    let mails: Vec<&str> = harness
        .mails_to(&next.email)
        .await
        .iter()
        .map(Message::kind)
        .collect();
    for kind in all {
        assert!(
            mails.contains(&kind),
            "the text comes besides the mail: {mails:?}"
        );
    }
    // A seat that is taken at once is confirmed by mail.
    let calm = harness.attendee("calm").await;
    wants_texts(&harness, &calm);
    let other = harness.published_event(&organizer, 1).await;
    harness.registered(&calm, other).await;
    assert_eq!(texts(&harness).await.len(), 4);
}

async fn without_the_wish_or_a_proven_number_there_is_no_text(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    let (silent, none) = (harness.attendee("silent").await, harness.attendee("none").await);
    for person in [&silent, &none] {
        harness.registered(person, event).await;
    }
    let form = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
    let path = format!("/events/{event}/registrations");
    organizer.client.post(&path).json(form).await.expect(201);
    let proven = format!("phone = '{NUMBER}', phone_verified_at = created_at");
    sql(
        &harness,
        &format!("UPDATE users SET {proven} WHERE id = '{}'", silent.id),
    );
    move_by(&harness, &organizer, event, 1).await;
    assert_eq!(harness.count("outbox WHERE kind = 'event_moved'").await, 3);
    assert_eq!(harness.count("outbox WHERE medium = 'sms'").await, 0);
}

async fn five_texts_a_day_and_the_mails_go_on(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    let person = harness.attendee("asha").await;
    harness.registered(&person, event).await;
    wants_texts(&harness, &person);
    for days in 1..=7 {
        move_by(&harness, &organizer, event, days).await;
    }
    assert_eq!(texts(&harness).await.len(), 5);
    assert_eq!(
        harness
            .mails_to(&person.email)
            .await
            .iter()
            .filter(|mail| mail.kind() == "event_moved")
            .count(),
        7
    );

    harness
        .clock()
        .advance(TimeDelta::days(1) - TimeDelta::seconds(1));
    let organizer = harness.log_in(&organizer.email).await;
    move_by(&harness, &organizer, event, 8).await;
    assert_eq!(texts(&harness).await.len(), 5, "the day is not over");
    harness.clock().advance(TimeDelta::seconds(1));
    move_by(&harness, &organizer, event, 9).await;
    assert_eq!(texts(&harness).await.len(), 6);
}

async fn many_at_once_do_not_write_a_sixth(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let person = harness.attendee("asha").await;
    wants_texts(&harness, &person);
    let mut events = Vec::new();
    for _ in 0..12 {
        let event = harness.published_event(&organizer, 5).await;
        harness.registered(&person, event).await;
        events.push(event);
    }
    all_at_once(events.len(), |index| {
        let (organizer, event) = (organizer.client.clone(), events[index]);
        let path = format!("/events/{event}/cancel");
        async move { organizer.post(&path).json(json!({})).await.expect(200) }
    })
    .await;
    assert_eq!(
        harness
            .count("outbox WHERE kind = 'event_cancelled' AND medium = 'email'")
            .await,
        12
    );
    assert_eq!(texts(&harness).await.len(), 5);
    harness.assert_invariants().await;
}

async fn a_text_that_is_late_is_not_sent(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (near, far) = (
        harness.published_event(&organizer, 5).await,
        harness.published_event(&organizer, 5).await,
    );
    let person = harness.attendee("asha").await;
    wants_texts(&harness, &person);
    harness.registered(&person, near).await;
    harness.registered(&person, far).await;
    move_by(&harness, &organizer, near, -9).await;
    organizer
        .client
        .post(&format!("/events/{far}/cancel"))
        .json(json!({}))
        .await
        .expect(200);

    let claimed = async |after: TimeDelta| {
        let now = harness.clock().now() + after;
        let claim = Claim {
            worker: "a worker".to_owned(),
            media: vec![Medium::Sms],
            most: 10,
            lease: TimeDelta::seconds(0),
        };
        let claimed = harness
            .store()
            .write(move |tx| tx.claim_messages(now, &claim))
            .await;
        claimed.expect("a claim").jobs
    };
    let jobs = claimed(TimeDelta::zero()).await;
    assert_eq!(jobs.len(), 2, "{jobs:?}");
    for job in &jobs {
        assert_eq!(job.to, Destination::Phone(NUMBER.to_owned()));
        let text = render_text(job, "https://example.org", &harness.server_keys()).expect("a text");
        assert!(text.contains("A talk") && text.contains("Asia/Kolkata"), "{text}");
    }
    assert_eq!(claimed(TimeDelta::hours(23)).await.len(), 2);
    let day = TimeDelta::days(1);
    assert!(
        claimed(day).await.is_empty(),
        "both the start and the day are over"
    );
}
