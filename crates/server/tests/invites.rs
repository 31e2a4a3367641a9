//! How many others one account may have written to within 24 hours.

use chrono::TimeDelta;
use kernel::EventId;
use serde_json::json;
use testkit::{Harness, HarnessOptions, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    all_kinds_of_invites_count_together,
    invites_at_many_events_at_once_are_counted_one_after_the_other,
    notes_and_other_addresses_are_counted_one_after_the_other,
}

const PER_DAY: usize = 3;

async fn start(database: TestDatabase) -> Harness {
    let options = HarnessOptions {
        environment: vec![("PODIUM_LIMITS__INVITES_PER_DAY", PER_DAY.to_string())],
        ..HarnessOptions::default()
    };
    Harness::start_with(database, options).await
}

async fn invite(organizer: &Person, event: EventId, name: &str) -> testkit::Answer {
    let guest = json!({"attendee": {"name": name, "email": format!("{name}@example.org")}});
    organizer
        .client
        .post(&format!("/events/{event}/registrations"))
        .json(guest)
        .await
}

async fn all_kinds_of_invites_count_together(database: TestDatabase) {
    let harness = start(database).await;
    let organizer = harness.organizer().await;
    let (full, other) = (
        harness.published_event(&organizer, 1).await,
        harness.published_event(&organizer, 9).await,
    );
    let asha = harness.attendee("asha").await;
    let (seat, _) = harness.registered(&asha, full).await;
    let resend = format!("/registrations/{seat}/resend");
    // One's own is none of them.
    asha.client.post(&resend).await.expect(202);
    harness.clock().advance(TimeDelta::minutes(15));
    let organizer = harness.log_in(&organizer.email).await;
    organizer.client.post(&resend).await.expect(202);
    let guest = invite(&organizer, other, "guest")
        .await
        .expect(201)
        .text_at("/registration/attendee_id");
    let waits = organizer
        .client
        .post(&format!("/events/{full}/waitlist"))
        .json(json!({"attendee_id": guest, "reason": "because"}));
    waits.await.expect(201);
    harness.clock().advance(TimeDelta::minutes(15));
    let organizer = harness.log_in(&organizer.email).await;
    organizer
        .client
        .post(&resend)
        .await
        .expect(429)
        .problem("rate-limited");
    invite(&organizer, other, "late")
        .await
        .expect(429)
        .problem("rate-limited");
    let asha = harness.log_in(&asha.email).await;
    asha.client.post(&resend).await.expect(202);
    harness.clock().advance(TimeDelta::hours(24));
    let organizer = harness.log_in(&organizer.email).await;
    invite(&organizer, other, "late").await.expect(201);
}

async fn invites_at_many_events_at_once_are_counted_one_after_the_other(database: TestDatabase) {
    let harness = start(database).await;
    let organizer = harness.organizer().await;
    let mut events = Vec::new();
    for _ in 0..8 {
        events.push(harness.published_event(&organizer, 9).await);
    }
    let answers = all_at_once(events.len(), |number| {
        let (organizer, event) = (organizer.clone(), events[number]);
        async move {
            invite(&organizer, event, &format!("guest{number}"))
                .await
                .status()
        }
    })
    .await;
    let given = answers.iter().filter(|status| **status == 201).count();
    assert_eq!(given, PER_DAY, "{answers:?}");
    assert_eq!(harness.count("attendees").await, 3);
    harness.assert_invariants().await;
}

async fn notes_and_other_addresses_are_counted_one_after_the_other(database: TestDatabase) {
    let harness = start(database).await;
    let organizer = harness.organizer().await;
    let answers = all_at_once(8, |number| {
        let organizer = organizer.clone();
        async move {
            let guest = json!({"name": "Guest", "email": format!("guest{number}@example.org")});
            organizer.client.post("/attendees").json(guest).await.status()
        }
    })
    .await;
    let refused = answers.iter().filter(|status| **status == 429).count();
    assert_eq!(refused, 8 - PER_DAY, "{answers:?}");
    let ids: Vec<String> = organizer
        .client
        .get("/attendees")
        .await
        .expect(200)
        .items()
        .iter()
        .filter_map(|item| item["id"].as_str().map(str::to_owned))
        .collect();
    let answers = all_at_once(9, |number| {
        let (organizer, id) = (organizer.clone(), ids[number % ids.len()].clone());
        async move {
            let change = json!({"email": format!("other{number}@example.org")});
            let path = format!("/attendees/{id}");
            organizer.client.patch(&path).json(change).await.status()
        }
    })
    .await;
    let changed = answers.iter().filter(|status| **status == 200).count();
    assert_eq!(changed, PER_DAY, "{answers:?}");
}
