//! Attendees with seats: nobody takes one over, loses one or finds out about one by what others note, change and remove.

use crate::attendees::{NEW, attendee, note, noted, registers, registers_attendee};
use serde_json::json;
use testkit::{Harness, HarnessOptions, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_guest_who_is_at_anothers_event_is_nobodys_to_change,
    another_address_gives_the_seat_to_nobody_who_has_one_already,
    another_address_takes_the_seat_along,
    only_so_many_addresses_are_tried_a_day,
    registering_elsewhere_while_the_address_changes_leads_to_no_other_person,
    a_removal_while_another_registers_takes_no_seat_of_theirs,
    removing_frees_seats_for_those_who_wait,
}

async fn a_guest_who_is_at_anothers_event_is_nobodys_to_change(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (one, other) = (harness.organizer().await, harness.organizer().await);
    let (mine, theirs) = (
        harness.published_event(&one, 9).await,
        harness.published_event(&other, 9).await,
    );
    // Noted before anybody needed the address, to be moved when there is a ticket.
    let id = noted(&one, "Trap", NEW).await;
    registers_attendee(&one, mine, &id).await.expect(201);
    assert_eq!(registers(&other, theirs, NEW).await, id);
    for person in [&one, &other] {
        let change = json!({"email": "thief@example.org"});
        person.client.patch(&attendee(&id)).json(change).await.expect(403);
        person
            .client
            .patch(&attendee(&id))
            .json(json!({"name": "Thief"}))
            .await
            .expect(403);
        person.client.delete(&attendee(&id)).await.expect(403);
    }
    // Not even when the seat there was given back: that it was there is theirs.
    let path = format!("/events/{theirs}/registrations");
    let registration = other.client.get(&path).await.items()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    other
        .client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    one.client
        .patch(&attendee(&id))
        .json(json!({"name": "Thief"}))
        .await
        .expect(403);
    assert_eq!(
        harness
            .count("attendees WHERE email_key = 'guest@example.org'")
            .await,
        1
    );
    harness.assert_invariants().await;
}

async fn another_address_gives_the_seat_to_nobody_who_has_one_already(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (one, other) = (harness.organizer().await, harness.organizer().await);
    let theirs = harness.published_event(&other, 9).await;
    let victim = registers(&other, theirs, "victim@example.org").await;
    let id = noted(&one, "Guest", NEW).await;
    for email in ["victim@example.org", "VICTIM@example.org"] {
        let refused = one
            .client
            .patch(&attendee(&id))
            .json(json!({"email": email}))
            .await
            .expect(409);
        refused.problem("already-exists");
    }
    assert_eq!(
        one.client.get(&attendee(&id)).await.expect(200).json()["email"],
        NEW
    );
    // Removed, it takes nothing along.
    one.client.delete(&attendee(&id)).await.expect(204);
    let seen = other.client.get(&attendee(&victim)).await.expect(200).json();
    assert_eq!(seen["email"], "victim@example.org");
}

async fn another_address_takes_the_seat_along(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 9).await;
    let [account] = harness
        .crowd(1)
        .await
        .try_into()
        .unwrap_or_else(|_| panic!("one"));
    let id = registers(&organizer, event, NEW).await;
    let mine = account.client.get("/users/me/registrations").await;
    assert!(mine.items().is_empty());
    // As if the address had been registered that was meant.
    let change = json!({"email": account.email, "name": "Meant"});
    let changed = organizer
        .client
        .patch(&attendee(&id))
        .json(change)
        .await
        .expect(200);
    assert_eq!(changed.text_at("/id"), id);
    assert_eq!(
        account.client.get("/users/me/registrations").await.items().len(),
        1
    );
    organizer
        .client
        .patch(&attendee(&id))
        .json(json!({"email": NEW}))
        .await
        .expect(403);
    harness.assert_invariants().await;
}

async fn only_so_many_addresses_are_tried_a_day(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_LIMITS__INVITES_PER_DAY", "2".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let (one, other) = (harness.organizer().await, harness.organizer().await);
    noted(&other, "Theirs", "theirs@example.org").await;
    let id = noted(&one, "Guest", NEW).await;
    for _ in 0..2 {
        let change = one
            .client
            .patch(&attendee(&id))
            .json(json!({"email": "theirs@example.org"}));
        change.await.expect(409);
    }
    let change = one
        .client
        .patch(&attendee(&id))
        .json(json!({"email": "new@example.org"}));
    change.await.expect(429).problem("rate-limited");
    // What is no address is not counted.
    one.client
        .patch(&attendee(&id))
        .json(json!({"name": "Other"}))
        .await
        .expect(200);
    noted(&one, "Second", "second@example.org").await;
    let third = one
        .client
        .post("/attendees")
        .json(note("Third", "third@example.org"));
    third.await.expect(429).problem("rate-limited");
}

async fn registering_elsewhere_while_the_address_changes_leads_to_no_other_person(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (one, other) = (harness.organizer().await, harness.organizer().await);
    let theirs = harness.published_event(&other, 1_000).await;
    for round in 0..10 {
        let meant = format!("meant{round}@example.org");
        let id = noted(&one, "Guest", &meant).await;
        let moves = async {
            let change = json!({"email": format!("thief{round}@example.org")});
            one.client.patch(&attendee(&id)).json(change).await.status()
        };
        let (status, seat) = tokio::join!(moves, registers(&other, theirs, &meant));
        // Whoever came first, the seat is that of the address that was registered.
        let held = format!("attendees WHERE id = '{seat}' AND email_key = '{meant}'");
        assert_eq!(harness.count(&held).await, 1, "round {round}: {status}");
        assert!([200, 403].contains(&status), "{status}");
        assert_eq!(status == 200, seat != id);
    }
    harness.assert_invariants().await;
}

async fn a_removal_while_another_registers_takes_no_seat_of_theirs(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (one, other) = (harness.organizer().await, harness.organizer().await);
    let (mine, theirs) = (
        harness.published_event(&one, 1_000).await,
        harness.published_event(&other, 1_000).await,
    );
    for round in 0..10 {
        let email = format!("meant{round}@example.org");
        let id = registers(&one, mine, &email).await;
        let results = all_at_once(2, |turn| {
            let (one, other, id, email) = (one.clone(), other.clone(), id.clone(), email.clone());
            async move {
                if turn == 0 {
                    one.client.delete(&attendee(&id)).await.status().to_string()
                } else {
                    registers(&other, theirs, &email).await
                }
            }
        })
        .await;
        assert!(["204", "403"].contains(&results[0].as_str()), "{results:?}");
        let held = format!(
            "registrations WHERE event_id = '{theirs}' AND attendee_id = '{}' AND status = 'confirmed'",
            results[1]
        );
        assert_eq!(harness.count(&held).await, 1, "round {round}: {results:?}");
    }
    harness.assert_invariants().await;
}

async fn removing_frees_seats_for_those_who_wait(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let id = registers(&organizer, event, NEW).await;
    let asha = harness.attendee("asha").await;
    asha.client
        .post(&format!("/events/{event}/registrations"))
        .await
        .expect(202);
    organizer.client.delete(&attendee(&id)).await.expect(204);
    let seats = asha.client.get("/users/me/registrations?status=confirmed").await;
    assert_eq!(seats.items().len(), 1);
    harness.assert_invariants().await;
}
