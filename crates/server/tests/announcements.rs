//! What an organiser writes to all who hold a seat, and confirmations that are sent again.

use crate::reminders::fill;
use chrono::TimeDelta;
use kernel::{Clock, EventId, OutboxId, TypedId};
use notification::{Destination, Job, Message};
use serde_json::{Value, json};
use testkit::{Harness, HarnessOptions, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    everybody_who_holds_a_seat_gets_it_once_and_nobody_else,
    a_seat_that_was_given_back_gets_nothing_any_more,
    an_event_makes_so_many_announcements_a_day,
    what_does_not_fit_is_refused_and_the_log_has_no_words,
    a_large_audience_is_written_to_in_parts_that_let_others_in,
    what_was_begun_is_finished_by_whoever_looks_and_nobody_gets_it_twice,
    a_confirmation_is_sent_again_once_in_a_quarter_of_an_hour,
    a_confirmation_is_sent_again_for_a_seat_alone,
}

fn said() -> Value {
    json!({"subject": "Where to park", "body": "Behind the hall.\n\nSee https://example.org/map."})
}

async fn announcements_to(harness: &Harness, email: &str) -> Vec<Message> {
    let mut mails = harness.mails_to(email).await;
    mails.retain(|message| matches!(message, Message::Announcement { .. }));
    mails
}

async fn everybody_who_holds_a_seat_gets_it_once_and_nobody_else(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 2).await;
    let path = format!("/events/{event}");
    let people: Vec<Person> = harness.crowd(4).await;
    harness.registered(&people[0], event).await;
    let (gone, _) = harness.registered(&people[1], event).await;
    people[2]
        .client
        .post(&format!("{path}/registrations"))
        .await
        .expect(202);
    people[3]
        .client
        .post(&format!("{path}/registrations"))
        .await
        .expect(202);
    people[1]
        .client
        .delete(&format!("/registrations/{gone}"))
        .await
        .expect(200);
    let announce = |key: &'static str| {
        organizer
            .client
            .post(&format!("{path}/announcements"))
            .key(key)
            .json(said())
    };
    announce("one").await.expect(202);
    announce("one").await.expect(202);
    // The first, and who moved up; not who left, nor who waits.
    for (person, times) in [(0, 1), (1, 0), (2, 1), (3, 0)] {
        assert_eq!(
            announcements_to(&harness, &people[person].email).await.len(),
            times,
            "{person}"
        );
    }
    let Some(Message::Announcement {
        event: facts,
        subject,
        body,
        organizer: name,
        ..
    }) = announcements_to(&harness, &people[0].email).await.pop()
    else {
        panic!("an announcement");
    };
    assert_eq!(
        (facts.id, subject.as_str(), name.as_str()),
        (event, "Where to park", "organizer")
    );
    assert!(body.contains("\n\n"), "{body}");
    announce("two").await.expect(202);
    assert_eq!(announcements_to(&harness, &people[0].email).await.len(), 2);
    assert_eq!(
        harness
            .count("outbox WHERE kind = 'announcement' AND priority = 10 AND medium = 'email'")
            .await,
        4
    );
    assert_eq!(harness.count("mailings").await, 0);
    // Also afterwards, but not of what is called off.
    harness.clock().advance(TimeDelta::days(12));
    let organizer = harness.log_in(&organizer.email).await;
    let announce = |event: EventId| {
        organizer
            .client
            .post(&format!("/events/{event}/announcements"))
            .json(said())
    };
    announce(event).await.expect(202);
    let other = harness.published_event(&organizer, 2).await;
    organizer
        .client
        .post(&format!("/events/{other}/cancel"))
        .await
        .expect(200);
    announce(other).await.expect(409).problem("event-read-only");
    let draft = crate::events::draft(&organizer, harness.event_fields(2)).await;
    announce(draft).await.expect(409).problem("event-not-published");
}

async fn a_seat_that_was_given_back_gets_nothing_any_more(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 2).await;
    let person = harness.attendee("asha").await;
    let (registration, _) = harness.registered(&person, event).await;
    organizer
        .client
        .post(&format!("/events/{event}/announcements"))
        .json(said())
        .await
        .expect(202);
    let message = announcements_to(&harness, &person.email)
        .await
        .pop()
        .expect("a mail");
    let holds = async || {
        let job = Job {
            id: OutboxId::from_uuid(event.uuid()),
            name: String::new(),
            to: Destination::Email(person.email.clone()),
            message: message.clone(),
            attempts: 0,
            created_at: harness.clock().now(),
            user_id: Some(person.id),
        };
        let asked = harness.store().read(move |tx| registration::still_true(tx, &job));
        asked.await.expect("an answer")
    };
    assert!(holds().await);
    person
        .client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    assert!(!holds().await);
}

async fn an_event_makes_so_many_announcements_a_day(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_LIMITS__ANNOUNCEMENTS_PER_DAY", "3".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let (admin, organizer) = (harness.admin().await, harness.organizer().await);
    let (event, other) = (
        harness.published_event(&organizer, 2).await,
        harness.published_event(&organizer, 2).await,
    );
    // Whoever asks, and however many ask at once.
    let answers = all_at_once(6, |number| {
        let client = if number % 2 == 0 {
            admin.client.clone()
        } else {
            organizer.client.clone()
        };
        async move {
            client
                .post(&format!("/events/{event}/announcements"))
                .json(said())
                .await
                .status()
        }
    })
    .await;
    assert_eq!(
        answers.iter().filter(|status| **status == 202).count(),
        3,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|status| **status == 429).count(),
        3,
        "{answers:?}"
    );
    let announce = |client: &testkit::Client, event: EventId| {
        client
            .post(&format!("/events/{event}/announcements"))
            .json(said())
    };
    let refused = announce(&organizer.client, event).await.expect(429);
    refused.problem("rate-limited");
    assert!(refused.header("retry-after").is_some());
    announce(&organizer.client, other).await.expect(202);
    harness.clock().advance(TimeDelta::hours(24));
    let organizer = harness.log_in(&organizer.email).await;
    announce(&organizer.client, event).await.expect(202);
}

async fn what_does_not_fit_is_refused_and_the_log_has_no_words(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (admin, organizer) = (harness.admin().await, harness.organizer().await);
    let event = harness.published_event(&organizer, 2).await;
    let path = format!("/events/{event}/announcements");
    for (body, pointer) in [
        (
            json!({"subject": "a\r\nBcc: all@example.org", "body": "x"}),
            "/subject",
        ),
        (json!({"subject": "x".repeat(121), "body": "x"}), "/subject"),
        (json!({"subject": "x", "body": "x".repeat(5_001)}), "/body"),
        (json!({"subject": "x", "body": "a\u{7}b"}), "/body"),
        (json!({"subject": "  ", "body": "x"}), "/subject"),
        (json!({"subject": "x", "body": "\n \n"}), "/body"),
        (json!({"subject": "x"}), "/body"),
    ] {
        let refused = organizer.client.post(&path).json(body).await.expect(422);
        assert!(refused.text().contains(pointer), "{refused}");
    }
    organizer.client.post(&path).json(said()).await.expect(202);
    let log = admin.client.get("/admin/audit-log?limit=1").await.expect(200);
    assert_eq!(log.items()[0]["action"], "event.announce");
    assert_eq!(log.items()[0]["object_id"], json!(event.to_string()));
    for word in ["park", "hall", "example"] {
        assert!(!log.text().contains(word), "{word}: {log}");
    }
}

/// As many as stand in several parts.
const MANY: usize = 2_050;

async fn a_large_audience_is_written_to_in_parts_that_let_others_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10_000).await;
    fill(&harness, event, MANY);
    harness.clock().advance(TimeDelta::seconds(1));
    organizer
        .client
        .post(&format!("/events/{event}/announcements"))
        .json(said())
        .await
        .expect(202);
    let first = i64::from(registration::PEOPLE_AT_ONCE);
    assert_eq!(harness.count("outbox WHERE kind = 'announcement'").await, first);
    assert_eq!(harness.count("mailings").await, 1);
    // Who registers now is not written to.
    let late = harness.attendee("late").await;
    harness.clock().advance(TimeDelta::seconds(1));
    harness.registered(&late, event).await;
    let rest = server::mailings::go_on(harness.store(), harness.system())
        .await
        .expect("a look");
    assert_eq!(i64::from(rest) + first, i64::try_from(MANY).expect("a count"));
    assert_eq!(
        harness.count("outbox WHERE kind = 'announcement'").await,
        i64::try_from(MANY).expect("a count")
    );
    assert_eq!(harness.count("mailings").await, 0);
    assert!(announcements_to(&harness, &late.email).await.is_empty());
}

async fn what_was_begun_is_finished_by_whoever_looks_and_nobody_gets_it_twice(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10_000).await;
    fill(&harness, event, 900);
    organizer
        .client
        .post(&format!("/events/{event}/announcements"))
        .json(said())
        .await
        .expect(202);
    let start = harness.clock().now() + TimeDelta::days(20);
    let change =
        json!({"starts_at": start.to_rfc3339(), "ends_at": (start + TimeDelta::hours(1)).to_rfc3339()});
    organizer
        .client
        .patch(&format!("/events/{event}"))
        .json(change)
        .await
        .expect(200);
    assert_eq!(harness.count("mailings").await, 2);
    let asked = all_at_once(3, |_| {
        let (store, ctx) = (harness.store().clone(), harness.system());
        async move { server::mailings::go_on(&store, ctx).await.expect("a look") }
    })
    .await;
    assert_eq!(
        asked.iter().sum::<u32>(),
        2 * (900 - registration::PEOPLE_AT_ONCE),
        "{asked:?}"
    );
    for kind in ["announcement", "event_moved"] {
        assert_eq!(
            harness.count(&format!("outbox WHERE kind = '{kind}'")).await,
            900,
            "{kind}"
        );
    }
    // What belongs to an event goes with it.
    organizer
        .client
        .post(&format!("/events/{event}/announcements"))
        .json(said())
        .await
        .expect(202);
    assert_eq!(harness.count("mailings").await, 1);
    organizer
        .client
        .delete(&format!("/events/{event}"))
        .await
        .expect(204);
    assert_eq!(harness.count("mailings").await, 0);
}

async fn confirmations_to(harness: &Harness, email: &str) -> usize {
    let mails = harness.mails_to(email).await;
    mails
        .iter()
        .filter(|message| matches!(message, Message::SeatConfirmed { .. }))
        .count()
}

async fn a_confirmation_is_sent_again_once_in_a_quarter_of_an_hour(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, person) = (harness.organizer().await, harness.attendee("asha").await);
    let event = harness.published_event(&organizer, 2).await;
    let (registration, _) = harness.registered(&person, event).await;
    let path = format!("/registrations/{registration}/resend");
    assert_eq!(confirmations_to(&harness, &person.email).await, 1);
    let answers = all_at_once(6, |number| {
        let client = if number % 2 == 0 {
            person.client.clone()
        } else {
            organizer.client.clone()
        };
        let path = path.clone();
        async move { client.post(&path).await.status() }
    })
    .await;
    assert_eq!(answers, [202; 6]);
    assert_eq!(confirmations_to(&harness, &person.email).await, 2);
    harness
        .clock()
        .advance(TimeDelta::minutes(14) + TimeDelta::seconds(59));
    person.client.post(&path).await.expect(202);
    assert_eq!(confirmations_to(&harness, &person.email).await, 2);
    harness.clock().advance(TimeDelta::seconds(1));
    let person = harness.log_in(&person.email).await;
    person.client.post(&path).await.expect(202);
    assert_eq!(confirmations_to(&harness, &person.email).await, 3);
    // Another seat of the same person is another matter.
    let other = harness
        .published_event(&harness.log_in(&organizer.email).await, 2)
        .await;
    let (registration, _) = harness.registered(&person, other).await;
    person
        .client
        .post(&format!("/registrations/{registration}/resend"))
        .await
        .expect(202);
    assert_eq!(confirmations_to(&harness, &person.email).await, 5);
}

async fn a_confirmation_is_sent_again_for_a_seat_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, person) = (harness.organizer().await, harness.attendee("asha").await);
    let event = harness.published_event(&organizer, 2).await;
    let (registration, _) = harness.registered(&person, event).await;
    let path = format!("/registrations/{registration}/resend");
    harness
        .attendee("bela")
        .await
        .client
        .post(&path)
        .await
        .expect(404);
    harness.organizer().await.client.post(&path).await.expect(404);
    person
        .client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    for client in [&person.client, &organizer.client] {
        client.post(&path).await.expect(409).problem("wrong-state");
    }
    assert_eq!(confirmations_to(&harness, &person.email).await, 1);
    assert_eq!(
        harness
            .count("audit_log WHERE action = 'registration.resend'")
            .await,
        0
    );
}
