//! A manager moves people within the queue: the order is what was asked for, however often, and the logs say so.

use kernel::{EventId, Permission};
use serde_json::json;
use testkit::{Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    a_hundred_moves_into_one_gap_keep_the_order,
    some_hundred_moves_to_one_place_spread_the_nearest_alone,
    a_move_is_in_the_log_of_the_person_with_its_reason,
    only_a_manager_moves_and_only_within_the_queue,
}

/// A full event and so many people who wait, in the order of their joining.
async fn full_event(harness: &Harness, waiting: usize) -> (Person, EventId, Vec<Person>, Vec<String>) {
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let mut crowd = harness.crowd(waiting + 1).await;
    harness.registered(&crowd.remove(0), event).await;
    let mut entries = Vec::new();
    for person in &crowd {
        let answer = person
            .client
            .post(&format!("/events/{event}/registrations"))
            .await;
        entries.push(answer.expect(202).text_at("/waitlist_entry/id"));
    }
    (organizer, event, crowd, entries)
}

async fn queue(organizer: &Person, event: EventId) -> Vec<String> {
    let list = organizer
        .client
        .get(&format!("/events/{event}/waitlist"))
        .await
        .expect(200);
    list.items()
        .iter()
        .map(|entry| entry["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// The room between two ranks is used up after twenty moves; the queue is numbered anew then, and nobody notices.
async fn a_hundred_moves_into_one_gap_keep_the_order(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, event, _, mut expected) = full_event(&harness, 6).await;
    for number in 0..100 {
        // Mostly the last one behind the first, now and then another way.
        let (from, to) = match number % 10 {
            8 => (5, 0),
            9 => (0, 5),
            _ => (5, 1),
        };
        let entry = expected.remove(from);
        expected.insert(to, entry.clone());
        let moved = organizer
            .client
            .patch(&format!("/events/{event}/waitlist/{entry}"))
            .json(json!({"position": to + 1, "reason": "asked for"}))
            .await
            .expect(200);
        assert_eq!(moved.json()["position"], to + 1);
        assert_eq!(queue(&organizer, event).await, expected, "after move {number}");
    }
    harness.assert_invariants().await;
}

/// More moves than what the counter has bits for are the matter of a test of the ranks alone; here the database keeps each
/// rank once, while those nearest to the place are spread again and again, and the rest of the queue is left alone.
async fn some_hundred_moves_to_one_place_spread_the_nearest_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, event, crowd, mut expected) = full_event(&harness, 40).await;
    let untouched = expected[38].clone();
    let actor = harness.acting(&organizer, [Permission::EventCreate].into_iter().collect());
    for number in 0..300 {
        // Three of them take turns.
        let from = 3;
        let entry = expected.remove(from);
        expected.insert(1, entry.clone());
        let (ctx, id) = (actor.clone(), entry.parse().expect("an id"));
        let moved = harness.store().write(move |tx| {
            let command = waitlist::MoveEntry {
                event_id: event,
                entry_id: id,
                position: 2,
                reason: "asked for".into(),
            };
            waitlist::move_entry(tx, &ctx, command)
        });
        moved.await.expect("a move");
        if number % 10 == 0 {
            assert_eq!(
                queue(&organizer, event).await[..25],
                expected[..25],
                "after move {number}"
            );
        }
    }
    assert_eq!(queue(&organizer, event).await[..25], expected[..25]);
    harness.assert_invariants().await;
    let lines = format!("waitlist_log WHERE entry_id = '{untouched}'");
    assert_eq!(harness.count(&lines).await, 1);
    // A person is shown the newest lines, and none about room for others.
    let moved_often = crowd[1]
        .client
        .get(&format!("/events/{event}/waitlist/me"))
        .await
        .expect(200)
        .json();
    let log = moved_often["log"].as_array().expect("a log");
    assert_eq!(log.len(), 100);
    assert!(log.iter().all(|line| line["action"] == "moved"));
}

async fn a_move_is_in_the_log_of_the_person_with_its_reason(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, event, crowd, entries) = full_event(&harness, 3).await;
    organizer
        .client
        .patch(&format!("/events/{event}/waitlist/{}", entries[2]))
        .json(json!({"position": 1, "reason": "speaks that day"}))
        .await
        .expect(200);
    let own = crowd[2]
        .client
        .get(&format!("/events/{event}/waitlist/me"))
        .await
        .expect(200)
        .json();
    assert_eq!((&own["position"], &own["length"]), (&json!(1), &json!(3)));
    let log = own["log"].as_array().expect("a log");
    let told: Vec<_> = log
        .iter()
        .map(|line| (&line["action"], &line["reason"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("joined"), &json!(null)),
            (&json!("moved"), &json!("speaks that day"))
        ]
    );
    // Whom the move passed over was not moved.
    let passed = crowd[0]
        .client
        .get(&format!("/events/{event}/waitlist/me"))
        .await
        .expect(200)
        .json();
    assert_eq!(passed["position"], 2);
    assert_eq!(passed["log"].as_array().map(Vec::len), Some(1));
}

async fn only_a_manager_moves_and_only_within_the_queue(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, event, crowd, entries) = full_event(&harness, 2).await;
    let path = format!("/events/{event}/waitlist/{}", entries[1]);
    let first = json!({"position": 1, "reason": "please"});
    crowd[1]
        .client
        .patch(&path)
        .json(first)
        .await
        .expect(403)
        .problem("forbidden");
    for position in [0, 3] {
        let body = json!({"position": position, "reason": "asked for"});
        organizer
            .client
            .patch(&path)
            .json(body)
            .await
            .invalid(&["/position"]);
    }
    let body = json!({"position": 1, "reason": " "});
    organizer.client.patch(&path).json(body).await.expect(422);
    assert_eq!(queue(&organizer, event).await, entries);
}
