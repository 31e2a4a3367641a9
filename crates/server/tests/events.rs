//! Events: made, read, changed, announced, called off and deleted.

use chrono::TimeDelta;
use kernel::{Clock, EventId};
use serde_json::{Value, json};
use testkit::{Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    a_made_event_is_read_back_as_it_was_sent,
    an_edit_needs_the_version_that_the_organizer_read,
    registrations_do_not_break_an_edit_but_change_the_tag,
    a_read_of_a_known_version_is_not_sent_again,
    null_clears_a_field_and_an_absent_one_stays,
    a_fee_is_refused_when_an_event_is_published,
    a_cancelled_event_is_read_only,
    a_draft_that_is_called_off_stays_private,
    an_event_that_ended_is_completed_without_a_sweep,
    a_raised_capacity_moves_the_waitlist,
    a_capacity_below_the_seats_taken_is_refused,
    a_moved_start_is_told_to_seat_holders,
    a_cancelled_event_is_told_to_everybody_who_took_part,
    a_deleted_event_is_gone_and_told,
    a_draft_whose_start_went_by_is_not_published,
    a_user_without_the_role_makes_no_event,
}

/// A draft of these fields.
pub async fn draft(organizer: &Person, fields: Value) -> EventId {
    let answer = organizer.client.post("/events").json(fields).await.expect(201);
    answer.text_at("/id").parse().expect("an id")
}

async fn etag_of(person: &Person, event: EventId) -> String {
    let answer = person.client.get(&format!("/events/{event}")).await.expect(200);
    answer.header("etag").expect("an ETag").to_owned()
}

/// Who was told what, as rows of the outbox.
async fn told(harness: &Harness, kind: &str) -> Vec<String> {
    let mut people: Vec<String> = harness
        .outbox()
        .await
        .into_iter()
        .filter(|entry| entry.kind == kind)
        .filter_map(|entry| entry.recipient_key)
        .collect();
    people.sort();
    people
}

fn sorted<const N: usize>(mut people: [&Person; N]) -> Vec<String> {
    people.sort_by(|a, b| a.email.cmp(&b.email));
    people.iter().map(|person| person.email.clone()).collect()
}

async fn a_made_event_is_read_back_as_it_was_sent(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let start = harness.clock().now() + TimeDelta::days(20);
    let at = |hours: i64| {
        (start + TimeDelta::hours(hours))
            .format("%Y-%m-%dT%H:%M:%SZ")
            .to_string()
    };
    let fields = json!({
        "title": "Rust in the hall", "description": "All of it", "agenda": "1. Talk\n2. Tea",
        "format": "hybrid", "location": "Hall 1", "stream_url": "https://stream.example.org/1",
        "starts_at": at(0), "ends_at": at(2), "time_zone": "Asia/Kolkata", "capacity": 250,
        "registration_opens_at": at(-200), "registration_closes_at": at(-1),
        "voting_opens_at": at(-100), "voting_closes_at": at(-2),
        "waitlist_enabled": false, "live_results": true, "refund_until_hours": 48,
        "fee": {"amount": 130_000, "currency": "INR"},
    });
    let made = organizer
        .client
        .post("/events")
        .json(fields.clone())
        .await
        .expect(201);
    let id = made.text_at("/id");
    assert_eq!(
        made.header("location"),
        Some(format!("/api/v1/events/{id}").as_str())
    );
    let read = organizer.client.get(&format!("/events/{id}")).await.expect(200);
    assert_eq!(read.header("etag"), made.header("etag"));
    let read = read.json();
    assert_eq!(read, made.json());
    for (name, sent) in fields.as_object().expect("an object") {
        if name == "stream_url" {
            assert!(
                read.get(name).is_none(),
                "the stream's URL is shown to nobody here"
            );
        } else {
            assert_eq!(&read[name], sent, "{name}");
        }
    }
    assert_eq!(read["status"], "draft");
    assert_eq!(read["organizer"]["id"], organizer.id.to_string());
    assert_eq!(
        (&read["seats_taken"], &read["seats_available"]),
        (&json!(0), &json!(250))
    );
}

async fn an_edit_needs_the_version_that_the_organizer_read(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    let path = format!("/events/{event}");
    let first = etag_of(&organizer, event).await;
    let edit = |title: &str| organizer.client.patch(&path).json(json!({"title": title}));
    let edited = edit("Second").if_match(&first).await.expect(200);
    let second = edited.header("etag").expect("an ETag").to_owned();
    assert_ne!(first, second);
    edit("Lost")
        .if_match(&first)
        .await
        .expect(412)
        .problem("precondition-failed");
    edit("Lost")
        .if_match("\"nonsense\"")
        .await
        .expect(412)
        .problem("precondition-failed");
    assert_eq!(
        organizer.client.get(&path).await.expect(200).text_at("/title"),
        "Second"
    );
    edit("Third").if_match(&second).await.expect(200);
    edit("Fourth").if_match("*").await.expect(200);
    edit("Fifth").await.expect(200);
}

async fn registrations_do_not_break_an_edit_but_change_the_tag(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    let before = etag_of(&organizer, event).await;
    let asha = harness.attendee("asha").await;
    harness.registered(&asha, event).await;
    let after = etag_of(&organizer, event).await;
    assert_ne!(before, after, "a seat changes the tag");
    let edit = organizer.client.patch(&format!("/events/{event}"));
    edit.if_match(&before)
        .json(json!({"title": "Edited"}))
        .await
        .expect(200);
}

async fn a_read_of_a_known_version_is_not_sent_again(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    let path = format!("/events/{event}");
    let tag = etag_of(&organizer, event).await;
    let again = |tag: &str| harness.client().get(&path).header("if-none-match", tag);
    let unchanged = again(&tag).await.expect(304);
    assert!(unchanged.bytes().is_empty());
    assert_eq!(unchanged.header("etag"), Some(tag.as_str()));
    let asha = harness.attendee("asha").await;
    harness.registered(&asha, event).await;
    let changed = again(&tag).await.expect(200);
    assert_eq!(changed.json()["seats_taken"], 1);
    again(changed.header("etag").expect("an ETag")).await.expect(304);
}

async fn null_clears_a_field_and_an_absent_one_stays(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut fields = harness.event_fields(3);
    fields["description"] = json!("Words");
    fields["agenda"] = json!("Points");
    let event = draft(&organizer, fields).await;
    let edit = organizer.client.patch(&format!("/events/{event}"));
    let edited = edit.json(json!({"description": null})).await.expect(200).json();
    assert_eq!(
        (&edited["description"], &edited["agenda"]),
        (&Value::Null, &json!("Points"))
    );
    let edit = organizer.client.patch(&format!("/events/{event}"));
    edit.json(json!({"title": null, "capacity": null}))
        .await
        .invalid(&["/title", "/capacity"]);
}

async fn a_fee_is_refused_when_an_event_is_published(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut fields = harness.event_fields(3);
    fields["fee"] = json!({"amount": 500, "currency": "EUR"});
    let priced = draft(&organizer, fields.clone()).await;
    let publish = organizer.client.post(&format!("/events/{priced}/publish"));
    publish.await.expect(409).problem("payments-not-configured");
    fields["publish"] = json!(true);
    fields["location"] = json!("Elsewhere");
    let events = harness.count("events").await;
    let create = organizer.client.post("/events").json(fields);
    create.await.expect(409).problem("payments-not-configured");
    assert_eq!(harness.count("events").await, events, "nothing is written");
    let free = harness.published_event(&organizer, 3).await;
    let edit = organizer.client.patch(&format!("/events/{free}"));
    let edit = edit.json(json!({"fee": {"amount": 1, "currency": "EUR"}}));
    edit.await.expect(409).problem("payments-not-configured");
    let edit = organizer.client.patch(&format!("/events/{free}"));
    edit.json(json!({"fee": {"amount": 0, "currency": "EUR"}}))
        .await
        .expect(200);
}

async fn a_cancelled_event_is_read_only(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    let (registration, _) = harness.registered(&asha, event).await;
    let path = format!("/events/{event}");
    let cancelled = organizer.client.post(&format!("{path}/cancel"));
    let cancelled = cancelled.json(json!({"reason": "rain"})).await.expect(200).json();
    assert_eq!(
        (&cancelled["status"], &cancelled["seats_taken"]),
        (&json!("cancelled"), &json!(0))
    );
    assert_eq!(cancelled["registration_state"], "cancelled");
    let edit = organizer.client.patch(&path).json(json!({"title": "Again"}));
    edit.await.expect(409).problem("event-read-only");
    organizer
        .client
        .post(&format!("{path}/publish"))
        .await
        .expect(409)
        .problem("event-read-only");
    organizer
        .client
        .post(&format!("{path}/cancel"))
        .await
        .expect(409)
        .problem("event-read-only");
    let cancel = asha.client.delete(&format!("/registrations/{registration}"));
    cancel.await.expect(409).problem("event-read-only");
    let register = asha.client.post(&format!("{path}/registrations"));
    register.await.expect(409).problem("event-not-published");
    harness.assert_invariants().await;
}

async fn a_draft_that_is_called_off_stays_private(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = draft(&organizer, harness.event_fields(3)).await;
    organizer
        .client
        .post(&format!("/events/{event}/cancel"))
        .json(json!({}))
        .await
        .expect(200);
    let path = format!("/events/{event}");
    organizer.client.get(&path).await.expect(200);
    harness.client().get(&path).await.expect(404);
    let listed = organizer.client.get("/events").await.expect(200);
    assert_eq!(listed.items().len(), 1);
    let listed = harness.client().get("/events").await.expect(200);
    assert!(listed.items().is_empty());
}

async fn an_event_that_ended_is_completed_without_a_sweep(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let path = format!("/events/{event}");
    harness.client().get(&path).await.expect(200);
    harness.clock().advance(TimeDelta::days(10) + TimeDelta::hours(3));
    assert_eq!(
        harness.count("events WHERE status = 'published'").await,
        1,
        "no sweep ran"
    );
    let shown = harness.client().get(&path).await.expect(200).json();
    assert_eq!(
        (&shown["status"], &shown["registration_state"]),
        (&json!("completed"), &json!("closed"))
    );
    let completed = harness
        .client()
        .get("/events?status=completed")
        .await
        .expect(200)
        .items();
    assert_eq!(completed.len(), 1);
    assert_eq!(
        harness
            .client()
            .get("/events?status=published")
            .await
            .expect(200)
            .items()
            .len(),
        0
    );
    let organizer = harness.log_in(&organizer.email).await;
    let edit = organizer.client.patch(&path).json(json!({"title": "Again"}));
    edit.await.expect(409).problem("event-read-only");
    organizer
        .client
        .post(&format!("{path}/cancel"))
        .await
        .expect(409)
        .problem("event-read-only");
}

async fn a_raised_capacity_moves_the_waitlist(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let people = harness.crowd(5).await;
    for person in &people {
        person
            .client
            .post(&format!("/events/{event}/registrations"))
            .await;
    }
    let edit = organizer
        .client
        .patch(&format!("/events/{event}"))
        .json(json!({"capacity": 3}));
    let edited = edit.await.expect(200);
    let shown = edited.json();
    assert_eq!(
        (&shown["seats_taken"], &shown["waitlist_length"]),
        (&json!(3), &json!(2))
    );
    let read = harness
        .client()
        .get(&format!("/events/{event}"))
        .await
        .expect(200);
    assert_eq!(read.json(), shown);
    assert_eq!(read.header("etag"), edited.header("etag"));
    assert_eq!(
        told(&harness, "seat_from_waitlist").await,
        sorted([&people[1], &people[2]])
    );
    assert_eq!(
        told_seats(&harness).await,
        [0],
        "two still wait: nobody else can have a seat"
    );
    let wider = json!({"capacity": 12});
    organizer
        .client
        .patch(&format!("/events/{event}"))
        .json(wider)
        .await
        .expect(200);
    assert_eq!(told_seats(&harness).await, [0, 7]);
    harness.assert_invariants().await;
}

/// The numbers of seats that were told to those who watch, in order.
async fn told_seats(harness: &Harness) -> Vec<u64> {
    let entries = harness.outbox().await.into_iter();
    entries
        .filter(|entry| entry.kind == "event-availability")
        .filter_map(|entry| entry.payload["seats_available"].as_u64())
        .collect()
}

async fn a_capacity_below_the_seats_taken_is_refused(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    for person in harness.crowd(3).await {
        harness.registered(&person, event).await;
    }
    let lower = |capacity: u32| {
        organizer
            .client
            .patch(&format!("/events/{event}"))
            .json(json!({"capacity": capacity}))
    };
    let refused = lower(2).await.expect(409).problem("capacity-below-taken");
    assert_eq!(refused["seats_taken"], 3);
    assert_eq!(
        lower(3).await.expect(200).json()["registration_state"],
        "waitlist"
    );
}

async fn a_moved_start_is_told_to_seat_holders(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 2).await;
    let (asha, bela, waits) = (
        harness.attendee("asha").await,
        harness.attendee("bela").await,
        harness.attendee("waits").await,
    );
    harness.registered(&asha, event).await;
    harness.registered(&bela, event).await;
    waits
        .client
        .post(&format!("/events/{event}/registrations"))
        .await
        .expect(202);
    let edit = |fields: Value| organizer.client.patch(&format!("/events/{event}")).json(fields);
    edit(json!({"title": "Only the title"})).await.expect(200);
    assert!(told(&harness, "event_moved").await.is_empty());
    let start = harness.clock().now() + TimeDelta::days(12);
    let end = start + TimeDelta::hours(1);
    let moved = json!({"starts_at": start.to_rfc3339(), "ends_at": end.to_rfc3339()});
    edit(moved.clone()).await.expect(200);
    assert_eq!(told(&harness, "event_moved").await, sorted([&asha, &bela]));
    edit(moved).await.expect(200);
    assert_eq!(
        told(&harness, "event_moved").await.len(),
        2,
        "the same start again is no news"
    );
    let later = json!({"starts_at": (start + TimeDelta::days(1)).to_rfc3339(),
        "ends_at": (end + TimeDelta::days(1)).to_rfc3339()});
    edit(later).await.expect(200);
    let back = json!({"starts_at": start.to_rfc3339(), "ends_at": end.to_rfc3339()});
    edit(back).await.expect(200);
    let later_again = json!({"starts_at": (start + TimeDelta::days(1)).to_rfc3339(),
        "ends_at": (end + TimeDelta::days(1)).to_rfc3339()});
    edit(later_again).await.expect(200);
    assert_eq!(
        told(&harness, "event_moved").await.len(),
        8,
        "each move is told, also one that was made before"
    );
}

async fn a_cancelled_event_is_told_to_everybody_who_took_part(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let (holds, waits, left) = (
        harness.attendee("holds").await,
        harness.attendee("waits").await,
        harness.attendee("left").await,
    );
    let (registration, _) = harness.registered(&left, event).await;
    left.client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    harness.registered(&holds, event).await;
    waits
        .client
        .post(&format!("/events/{event}/registrations"))
        .await
        .expect(202);
    organizer
        .client
        .post(&format!("/events/{event}/cancel"))
        .await
        .expect(200);
    assert_eq!(told(&harness, "event_cancelled").await, sorted([&holds, &waits]));
    let ended = waits
        .client
        .get(&format!("/events/{event}/waitlist/me"))
        .await
        .expect(200);
    assert_eq!(ended.text_at("/status"), "cancelled");
    harness.assert_invariants().await;
}

async fn a_deleted_event_is_gone_and_told(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let (holds, waits) = (harness.attendee("holds").await, harness.attendee("waits").await);
    let (registration, _) = harness.registered(&holds, event).await;
    waits
        .client
        .post(&format!("/events/{event}/registrations"))
        .await
        .expect(202);
    let path = format!("/events/{event}");
    harness.client().get(&path).await.expect(200);
    organizer.client.delete(&path).await.expect(204);
    harness.client().get(&path).await.expect(404).problem("not-found");
    organizer
        .client
        .delete(&path)
        .await
        .expect(404)
        .problem("not-found");
    holds
        .client
        .get(&format!("/registrations/{registration}"))
        .await
        .expect(404);
    assert_eq!(told(&harness, "event_cancelled").await, sorted([&holds, &waits]));
    assert_eq!(harness.count("audit_log WHERE action = 'event.delete'").await, 1);
    assert_eq!(
        harness
            .count("audit_log WHERE action = 'event.publish' OR action = 'event.create'")
            .await,
        2
    );
    for table in ["events", "registrations", "waitlist_entries", "waitlist_log"] {
        assert_eq!(harness.count(table).await, 0, "{table}");
    }
}

async fn a_draft_whose_start_went_by_is_not_published(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = draft(&organizer, harness.event_fields(3)).await;
    harness.clock().advance(TimeDelta::days(10));
    let organizer = harness.log_in(&organizer.email).await;
    let publish = organizer.client.post(&format!("/events/{event}/publish"));
    publish.await.expect(422).invalid(&["/starts_at"]);
}

async fn a_user_without_the_role_makes_no_event(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let create = asha.client.post("/events").json(harness.event_fields(3));
    create.await.expect(403).problem("forbidden");
    assert_eq!(harness.count("events").await, 0);
}
