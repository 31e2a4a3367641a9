//! Everybody looks at one event and wants a seat: what is sent without asking the database, how old it may be, and who is dropped.

use crate::support::sql;
use chrono::TimeDelta;
use kernel::EventId;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::http::Client;
use testkit::{Desk, Harness, HarnessOptions, Person, TestDatabase, on_both_databases};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_both_databases! {
    a_hot_event_and_the_first_page_are_sent_without_the_database_for_a_second,
    ones_own_seat_is_on_ones_own_page_at_once_and_on_others_within_a_second,
    what_is_changed_of_an_event_is_on_all_pages_at_once,
    what_is_private_is_on_nobody_elses_page,
    what_somebody_may_see_by_now_is_not_sent_to_those_who_may_not,
    who_hangs_up_before_their_turn_has_no_seat,
    what_was_begun_for_who_hangs_up_is_ended,
    who_comes_to_a_full_line_is_told_when_to_come_again,
}

const A_SECOND: TimeDelta = TimeDelta::seconds(1);

async fn listed(client: &Client, event: EventId) -> Option<Value> {
    let page = client.get("/events?limit=50").await.expect(200).json();
    let items = page["items"].as_array().expect("a list").clone();
    items.into_iter().find(|item| item["id"] == event.to_string())
}

async fn seats_listed(client: &Client, event: EventId) -> Value {
    listed(client, event).await.expect("the event")["seats_taken"].clone()
}

async fn seats_read(client: &Client, event: EventId) -> Value {
    let read = client.get(&format!("/events/{event}")).await.expect(200);
    read.json()["seats_taken"].clone()
}

async fn a_hot_event_and_the_first_page_are_sent_without_the_database_for_a_second(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10).await;
    let looks_on = harness.attendee("onlooker").await;
    let title_seen = async |client: &Client| {
        let listed = listed(client, event).await.expect("the event");
        let read = client.get(&format!("/events/{event}")).await.expect(200).json();
        assert_eq!(listed["title"], read["title"]);
        read["title"].as_str().expect("a title").to_owned()
    };

    let all = [&harness.client(), &looks_on.client];
    for client in all {
        assert_eq!(title_seen(client).await, "A talk");
    }
    sql(
        &harness,
        &format!("UPDATE events SET title = 'Behind its back' WHERE id = '{event}'"),
    );
    for client in all {
        assert_eq!(title_seen(client).await, "A talk");
    }
    harness.clock().advance(A_SECOND);
    for client in all {
        assert_eq!(title_seen(client).await, "Behind its back");
    }
}

async fn ones_own_seat_is_on_ones_own_page_at_once_and_on_others_within_a_second(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10).await;
    let (first, second) = (harness.attendee("first").await, harness.attendee("second").await);
    let stranger = harness.client();

    assert_eq!(seats_listed(&stranger, event).await, 0);
    harness.registered(&first, event).await;
    assert_eq!(seats_listed(&stranger, event).await, 0, "it is a moment old");
    assert_eq!(seats_listed(&first.client, event).await, 1);
    assert_eq!(seats_read(&first.client, event).await, 1);
    let (registration, _) = harness.registered(&second, event).await;
    assert_eq!(seats_listed(&first.client, event).await, 1);
    // The event itself is as it is, for everybody.
    assert_eq!(seats_read(&stranger, event).await, 2);
    harness.clock().advance(A_SECOND);
    assert_eq!(seats_listed(&stranger, event).await, 2);
    let seat = format!("/registrations/{registration}");
    second.client.delete(&seat).await.expect(200);
    assert_eq!(seats_listed(&second.client, event).await, 1);
    assert_eq!(seats_listed(&organizer.client, event).await, 1);
}

async fn what_is_changed_of_an_event_is_on_all_pages_at_once(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (stranger, looks_on) = (harness.client(), harness.attendee("onlooker").await.client);
    let all = [&stranger, &looks_on];
    for client in all {
        client.get("/events?limit=50").await.expect(200);
    }

    let event = harness.published_event(&organizer, 10).await;
    for client in all {
        assert_eq!(listed(client, event).await.expect("the event")["title"], "A talk");
    }
    let path = format!("/events/{event}");
    let etag = organizer.client.get(&path).await.expect(200);
    let etag = etag.header("etag").expect("an ETag").to_owned();
    let change = organizer.client.patch(&path).json(json!({"title": "Another"}));
    change.if_match(&etag).await.expect(200);
    for client in all {
        assert_eq!(
            listed(client, event).await.expect("the event")["title"],
            "Another"
        );
    }
    organizer.client.post(&format!("{path}/cancel")).await.expect(200);
    for client in all {
        assert_eq!(
            listed(client, event).await.expect("the event")["status"],
            "cancelled"
        );
    }
}

async fn what_is_private_is_on_nobody_elses_page(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (stranger, helper) = (harness.client(), harness.attendee("helps").await);
    let draft = crate::events::draft(&organizer, harness.event_fields(10)).await;
    let sees = async |client: &Client| listed(client, draft).await.is_some();

    // Whoever is first, nobody is sent what was read for another.
    assert!(sees(&organizer.client).await);
    assert!(!sees(&stranger).await);
    assert!(!sees(&helper.client).await);
    assert!(sees(&organizer.client).await);
    let admin: Person = harness.admin().await;
    assert!(sees(&admin.client).await);
    assert!(!sees(&stranger).await);
    let staff = format!("/events/{draft}/staff/{}", helper.id);
    let manager = json!({"role": "manager"});
    organizer.client.put(&staff).json(manager).await.expect(201);
    assert!(sees(&helper.client).await, "a manager sees it at once");
    assert!(!sees(&stranger).await);
    organizer.client.delete(&staff).await.expect(204);
    assert!(!sees(&helper.client).await, "and not when they are none any more");
    let path = format!("/events/{draft}");
    helper.client.get(&path).await.expect(404);
    organizer.client.get(&path).await.expect(200);
    stranger.get(&path).await.expect(404);
}

async fn what_somebody_may_see_by_now_is_not_sent_to_those_who_may_not(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (stranger, helper) = (harness.client(), harness.attendee("helps").await);
    let draft = crate::events::draft(&organizer, harness.event_fields(10)).await;
    // This server believes for some seconds that nothing private is theirs; it does not hear what another is told.
    assert!(listed(&helper.client, draft).await.is_none());
    let another = harness.another_server().await;
    let organizer_there = another
        .running()
        .person(organizer.client.token().expect("a token"));
    let staff = format!("/events/{draft}/staff/{}", helper.id);
    let manager = json!({"role": "manager"});
    organizer_there.put(&staff).json(manager).await.expect(201);

    harness.clock().advance(A_SECOND);
    listed(&helper.client, draft).await;
    assert!(
        listed(&stranger, draft).await.is_none(),
        "what was read for a manager was sent to everybody"
    );
}

/// Sends a request and hangs up once the server has it; returns what came when the server has hung up too.
async fn hangs_up(
    harness: &Harness,
    client: &Client,
    path: &str,
    body: &str,
    is_waiting: impl Future<Output = ()>,
) -> String {
    let mut stream = TcpStream::connect(harness.running().address())
        .await
        .expect("a connection");
    let request = format!(
        "POST /api/v1{path} HTTP/1.1\r\nHost: podium.example\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        client.token().expect("a token"),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("a request");
    is_waiting.await;
    stream.shutdown().await.expect("the end of what is sent");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .await
        .expect("the end of what is read");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn waiting(harness: &Harness, many: usize) {
    while harness.store().writes_waiting() < many {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn who_hangs_up_before_their_turn_has_no_seat(database: TestDatabase) {
    let desk = Desk::new();
    let options = HarnessOptions {
        desk: Some(desk.clone()),
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10).await;
    let people = harness.crowd(3).await;
    // What the server remembers of sessions is written once, not at the desk that is held.
    for person in &people {
        person.client.get("/users/me").await.expect(200);
    }

    desk.hold_for(3);
    let path = format!("/events/{event}/registrations");
    let answer = hangs_up(&harness, &people[0].client, &path, "{}", waiting(&harness, 1)).await;
    assert_eq!(answer, "");
    let (stays, comes) = tokio::join!(
        harness.registered(&people[1], event),
        harness.registered(&people[2], event)
    );

    assert_ne!(stays.0, comes.0);
    assert_eq!(seats_read(&harness.client(), event).await, 2);
    let seats = people[0].client.get("/registrations").await.expect(200).json();
    assert_eq!(seats["items"], json!([]));
    harness.assert_invariants().await;
}

/// Only a place in a line is given up. Nothing else ends in the middle because its client is gone.
async fn what_was_begun_for_who_hangs_up_is_ended(database: TestDatabase) {
    let desk = Desk::new();
    let options = HarnessOptions {
        desk: Some(desk.clone()),
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let organizer = harness.organizer().await;
    let fields = harness.event_fields(10).to_string();

    desk.hold_for(usize::MAX);
    // On PostgreSQL it waits before no desk.
    let is_there = async {
        while harness.store().writes_waiting() == 0 && harness.count("events").await == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    hangs_up(&harness, &organizer.client, "/events", &fields, is_there).await;
    desk.hold_for(0);

    let begun = std::time::Instant::now();
    while harness.count("events").await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it was dropped");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// So many wait for one desk at the most.
const MOST_WAITING: usize = 16_384;

async fn who_comes_to_a_full_line_is_told_when_to_come_again(database: TestDatabase) {
    let desk = Desk::new();
    let options = HarnessOptions {
        desk: Some(desk.clone()),
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10).await;
    let people = harness.crowd(2).await;
    for person in &people {
        person.client.get("/users/me").await.expect(200);
    }

    desk.hold_for(usize::MAX);
    let ctx = harness.system();
    let in_line = |number: usize| {
        let (store, nobody) = (harness.store().clone(), ctx.new_id());
        let about = storage::Together::register(ctx.now, event, nobody, None);
        tokio::spawn(async move {
            let wrote = store.write_about(Some(about), |_| Ok::<_, kernel::StoreError>(()));
            wrote.await.map(|()| number)
        })
    };
    // The desk has one in its hand, and the others wait before it.
    let line: Vec<_> = (0..=MOST_WAITING).map(in_line).collect();
    waiting(&harness, MOST_WAITING + 1).await;
    let path = format!("/events/{event}/registrations");
    let refused = people[0].client.post(&path).await.expect(503);
    refused.problem("unavailable");
    let seconds: u32 = refused
        .header("retry-after")
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    assert!((1..=60).contains(&seconds));
    desk.hold_for(0);
    for one in line {
        one.await.expect("a task").expect("a write");
    }
    people[1].client.post(&path).await.expect(201);
    assert_eq!(seats_read(&harness.client(), event).await, 1);
}
