//! Everybody at once: nobody gets a seat that is not there, nobody gets two, and nobody is told of a broken server.

use crate::crowd::{count_of, counts_of, queue_of, register_all};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use testkit::{Harness, TestDatabase, all_at_once, on_both_databases_each_way};

on_both_databases_each_way! {
    five_hundred_people_get_fifty_seats_and_a_queue_in_strict_order,
    a_hundred_requests_of_one_person_make_one_registration,
    a_hundred_requests_of_one_person_make_one_place_in_the_queue,
    repeats_under_one_key_that_run_at_once_get_the_first_answer,
    two_events_at_once_make_one_attendee_of_a_new_person,
    of_two_drafts_published_at_once_for_one_place_and_date_one_wins,
    seats_given_back_at_once_go_to_the_head_of_the_queue,
    people_removed_while_they_register_leave_no_seat_behind,
}

const SEATS: u32 = 50;
const PEOPLE: usize = 500;

async fn five_hundred_people_get_fifty_seats_and_a_queue_in_strict_order(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, SEATS).await;
    let crowd = harness.crowd(PEOPLE).await;

    let answers = register_all(&crowd, event).await;

    assert_eq!((count_of(&answers, 201), count_of(&answers, 202)), (50, 450));
    assert_eq!(counts_of(&harness, &organizer, event).await, (50, 450));
    let told: BTreeMap<u64, String> = answers
        .iter()
        .filter(|answer| answer.status() == 202)
        .map(|answer| {
            let position = answer.json()["waitlist_entry"]["position"].as_u64();
            (
                position.expect("a position"),
                answer.text_at("/waitlist_entry/id"),
            )
        })
        .collect();
    assert!(
        told.keys().copied().eq(1..=450),
        "each position was given once: {:?}",
        told.keys()
    );
    // Nobody left since: the order of the ranks is the order in which people were put there.
    assert_eq!(
        queue_of(&organizer, event).await,
        told.into_values().collect::<Vec<_>>()
    );
    let messages = harness.outbox().await;
    let sent = |kind: &str| messages.iter().filter(|entry| entry.kind == kind).count();
    assert_eq!((sent("seat_confirmed"), sent("waitlist_joined")), (50, 450));
    harness.assert_invariants().await;
}

async fn a_hundred_requests_of_one_person_make_one_registration(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, SEATS).await;
    let person = harness.attendee("eager").await;

    let answers = register_all(&vec![person; 100], event).await;

    assert_eq!((count_of(&answers, 201), count_of(&answers, 409)), (1, 99));
    for refused in answers.iter().filter(|answer| answer.status() == 409) {
        refused.problem("already-registered");
    }
    assert_eq!(counts_of(&harness, &organizer, event).await, (1, 0));
    harness.assert_invariants().await;
}

async fn a_hundred_requests_of_one_person_make_one_place_in_the_queue(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    harness.registered(&harness.attendee("first").await, event).await;
    let person = harness.attendee("eager").await;

    let answers = register_all(&vec![person; 100], event).await;

    assert_eq!((count_of(&answers, 202), count_of(&answers, 409)), (1, 99));
    for refused in answers.iter().filter(|answer| answer.status() == 409) {
        refused.problem("already-waiting");
    }
    assert_eq!(counts_of(&harness, &organizer, event).await, (1, 1));
    harness.assert_invariants().await;
}

async fn repeats_under_one_key_that_run_at_once_get_the_first_answer(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, SEATS).await;
    let person = harness.attendee("impatient").await;

    let answers = all_at_once(20, |_| {
        let client = person.client.clone();
        async move {
            let path = format!("/events/{event}/registrations");
            client.post(&path).key("the-same").await
        }
    })
    .await;

    assert_eq!(count_of(&answers, 201), 20);
    let bodies: BTreeSet<String> = answers.iter().map(testkit::Answer::text).collect();
    assert_eq!(bodies.len(), 1, "all are told of one registration");
    let replayed = answers
        .iter()
        .filter(|answer| answer.header("idempotent-replayed") == Some("true"));
    assert_eq!(replayed.count(), 19);
    assert_eq!(counts_of(&harness, &organizer, event).await, (1, 0));
    harness.assert_invariants().await;
}

async fn two_events_at_once_make_one_attendee_of_a_new_person(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let events = [
        harness.published_event(&organizer, SEATS).await,
        harness.published_event(&organizer, SEATS).await,
    ];
    let crowd = harness.crowd(30).await;

    let answers = all_at_once(60, |index| {
        let (client, event) = (crowd[index / 2].client.clone(), events[index % 2]);
        async move { client.post(&format!("/events/{event}/registrations")).await }
    })
    .await;

    assert_eq!(count_of(&answers, 201), 60);
    assert_eq!(harness.count("attendees").await, 30);
    for pair in answers.chunks(2) {
        let attendee = |answer: &testkit::Answer| answer.text_at("/registration/attendee_id");
        assert_eq!(attendee(&pair[0]), attendee(&pair[1]));
    }
    harness.assert_invariants().await;
}

async fn of_two_drafts_published_at_once_for_one_place_and_date_one_wins(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut drafts = Vec::new();
    for _ in 0..10 {
        let fields = harness.event_fields(SEATS);
        for _ in 0..2 {
            let made = organizer.client.post("/events").json(fields.clone()).await;
            drafts.push(made.expect(201).text_at("/id"));
        }
    }

    let answers = all_at_once(drafts.len(), |index| {
        let (client, id) = (organizer.client.clone(), drafts[index].clone());
        async move { client.post(&format!("/events/{id}/publish")).await }
    })
    .await;

    for pair in answers.chunks(2) {
        assert_eq!((count_of(pair, 200), count_of(pair, 409)), (1, 1), "{pair:?}");
        for refused in pair.iter().filter(|answer| answer.status() == 409) {
            refused.problem("place-taken");
        }
    }
    assert_eq!(harness.count("events WHERE status = 'published'").await, 10);
    harness.assert_invariants().await;
}

async fn seats_given_back_at_once_go_to_the_head_of_the_queue(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 20).await;
    let crowd = harness.crowd(60).await;
    let answers = register_all(&crowd, event).await;
    let seats: Vec<(usize, String)> = answers
        .iter()
        .enumerate()
        .filter(|(_, answer)| answer.status() == 201)
        .map(|(index, answer)| (index, answer.text_at("/registration/id")))
        .collect();
    let queue = queue_of(&organizer, event).await;

    let given_back = all_at_once(seats.len(), |number| {
        let (index, id) = seats[number].clone();
        let client = crowd[index].client.clone();
        async move { client.delete(&format!("/registrations/{id}")).await }
    })
    .await;

    for answer in given_back {
        assert_eq!(answer.expect(200).json()["promoted"], json!(1));
    }
    assert_eq!(counts_of(&harness, &organizer, event).await, (20, 20));
    assert_eq!(queue_of(&organizer, event).await, queue[20..]);
    harness.assert_invariants().await;
}

async fn people_removed_while_they_register_leave_no_seat_behind(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (first, second) = (
        harness.published_event(&organizer, 30).await,
        harness.published_event(&organizer, 5).await,
    );
    let crowd = harness.crowd(30).await;
    let attendees: Vec<String> = register_all(&crowd, first)
        .await
        .iter()
        .map(|answer| answer.text_at("/registration/attendee_id"))
        .collect();

    let statuses = all_at_once(60, |index| {
        let (client, store, ctx) = (
            crowd[index / 2].client.clone(),
            harness.store().clone(),
            harness.system(),
        );
        let attendee = attendees[index / 2].parse().expect("an id");
        async move {
            if index % 2 == 0 {
                return client
                    .post(&format!("/events/{second}/registrations"))
                    .await
                    .status();
            }
            let removed = store
                .write(move |tx| user::remove_attendee(tx, &ctx, attendee))
                .await;
            removed.map_or_else(|error| panic!("{error:?}"), |_| 200)
        }
    })
    .await;

    assert!(
        statuses.iter().all(|status| *status < 300),
        "each was registered and each was removed: {statuses:?}"
    );
    assert_eq!(counts_of(&harness, &organizer, first).await, (0, 0));
    counts_of(&harness, &organizer, second).await;
    harness.assert_invariants().await;
}
