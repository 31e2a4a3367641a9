//! Requests that are repeated under one key.

use crate::support::sql;
use chrono::TimeDelta;
use serde_json::json;
use testkit::{Harness, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_repeat_is_answered_as_the_first_was_and_does_nothing,
    another_request_under_the_same_key_is_refused,
    a_key_is_good_for_one_person_and_one_path,
    repeats_at_the_same_moment_have_one_effect,
    a_refusal_is_not_remembered,
    what_was_right_once_is_not_replayed_to_who_lost_the_right,
    an_answer_is_forgotten_after_a_day,
}

async fn a_repeat_is_answered_as_the_first_was_and_does_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let fields = harness.event_fields(1);
    let create = || {
        organizer
            .client
            .post("/events")
            .key("create-1")
            .json(fields.clone())
    };
    let first = create().await.expect(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    let again = create().await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.bytes(), first.bytes());
    for header in ["location", "etag", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!(harness.count("events").await, 1);

    let path = format!("/events/{}", first.text_at("/id"));
    for step in ["publish", "cancel"] {
        let request = || organizer.client.post(&format!("{path}/{step}")).key("step");
        let (first, again) = (request().await.expect(200), request().await.expect(200));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(again.bytes(), first.bytes());
    }
    let event = harness.published_event(&organizer, 1).await;
    for (person, status) in harness.crowd(2).await.iter().zip([201, 202]) {
        let request = || {
            person
                .client
                .post(&format!("/events/{event}/registrations"))
                .key("seat")
        };
        let (first, again) = (request().await.expect(status), request().await.expect(status));
        assert_eq!(again.bytes(), first.bytes());
    }
    let messages = harness
        .count("outbox WHERE kind IN ('seat_confirmed', 'waitlist_joined')")
        .await;
    assert_eq!(messages, 2, "what is repeated is not told again");
    harness.assert_invariants().await;
}

async fn another_request_under_the_same_key_is_refused(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut fields = harness.event_fields(1);
    organizer
        .client
        .post("/events")
        .key("k")
        .json(fields.clone())
        .await
        .expect(201);
    fields["capacity"] = json!(2);
    let other = organizer.client.post("/events").key("k").json(fields.clone());
    other.await.expect(422).problem("idempotency-key-reused");
    organizer
        .client
        .post("/events")
        .key("l")
        .json(fields)
        .await
        .expect(201);
    assert_eq!(harness.count("events").await, 2);
}

async fn a_key_is_good_for_one_person_and_one_path(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (first, second) = (
        harness.published_event(&organizer, 5).await,
        harness.published_event(&organizer, 5).await,
    );
    for person in harness.crowd(2).await {
        for event in [first, second] {
            let seat = person
                .client
                .post(&format!("/events/{event}/registrations"))
                .key("same")
                .await;
            assert_eq!(seat.expect(201).header("idempotent-replayed"), None);
        }
    }
    assert_eq!(harness.count("registrations").await, 4);
}

async fn repeats_at_the_same_moment_have_one_effect(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let fields = harness.event_fields(1);
    let answers = all_at_once(20, |_| {
        let (client, fields) = (organizer.client.clone(), fields.clone());
        async move { client.post("/events").key("at-once").json(fields).await }
    })
    .await;
    let mut fresh = 0;
    let mut bodies = Vec::new();
    for answer in &answers {
        if answer.status() == 409 {
            answer.problem("idempotency-in-progress");
            continue;
        }
        assert_eq!(answer.status(), 201, "{answer}");
        fresh += usize::from(answer.header("idempotent-replayed").is_none());
        bodies.push(answer.bytes());
    }
    assert_eq!(fresh, 1);
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(harness.count("events").await, 1);
    assert_eq!(harness.count("audit_log WHERE action = 'event.create'").await, 1);
}

async fn a_refusal_is_not_remembered(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut fields = harness.event_fields(1);
    fields["waitlist_enabled"] = json!(false);
    fields["publish"] = json!(true);
    let event = organizer
        .client
        .post("/events")
        .json(fields)
        .await
        .expect(201)
        .text_at("/id");
    let people = harness.crowd(2).await;
    let path = format!("/events/{event}/registrations");
    let seat = people[0]
        .client
        .post(&path)
        .await
        .expect(201)
        .text_at("/registration/id");
    let register = || people[1].client.post(&path).key("again");
    register().await.expect(409).problem("event-full");
    assert_eq!(harness.count("idempotency_keys").await, 0);
    people[0]
        .client
        .delete(&format!("/registrations/{seat}"))
        .await
        .expect(200);
    let given = register().await.expect(201);
    assert_eq!(given.header("idempotent-replayed"), None);
    assert_eq!(register().await.expect(201).bytes(), given.bytes());
}

async fn what_was_right_once_is_not_replayed_to_who_lost_the_right(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    let guest = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
    let register = || {
        organizer
            .client
            .post(&format!("/events/{event}/registrations"))
            .key("k")
            .json(guest.clone())
    };
    let cancel = || organizer.client.post(&format!("/events/{event}/cancel")).key("k");
    let create = || {
        organizer
            .client
            .post("/events")
            .key("k")
            .json(harness.event_fields(1))
    };
    register().await.expect(201);
    create().await.expect(201);
    cancel().await.expect(200);
    sql(
        &harness,
        &format!("DELETE FROM user_roles WHERE user_id = '{}'", organizer.id),
    );
    harness.clock().advance(TimeDelta::seconds(5));
    register().await.expect(403).problem("forbidden");
    create().await.expect(403).problem("forbidden");
    cancel().await.expect(403).problem("forbidden");
}

async fn an_answer_is_forgotten_after_a_day(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let fields = harness.event_fields(1);
    let create = async || {
        let organizer = harness.log_in(&organizer.email).await;
        organizer
            .client
            .post("/events")
            .key("k")
            .json(fields.clone())
            .await
            .expect(201)
    };
    let first = create().await;
    harness
        .clock()
        .advance(TimeDelta::days(1) - TimeDelta::microseconds(1));
    assert_eq!(create().await.bytes(), first.bytes());
    harness.clock().advance(TimeDelta::microseconds(1));
    let anew = create().await;
    assert_eq!(anew.header("idempotent-replayed"), None);
    assert_ne!(anew.text_at("/id"), first.text_at("/id"));
    assert_eq!(create().await.bytes(), anew.bytes());
}
