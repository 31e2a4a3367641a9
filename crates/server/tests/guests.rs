//! A guest whom an organiser noted turns out to be somebody: when the address is proven, what the guest holds is theirs.

use crate::support::{confirm_email, hash_of};
use kernel::{EmailAddress, EventId, ServerKeys};
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    by_confirming_the_address_a_person_becomes_the_guest,
    by_a_reset_of_the_password_a_person_becomes_the_guest,
    by_changing_the_address_a_person_without_seats_becomes_the_guest,
    what_the_guest_holds_is_given_to_who_takes_part_already,
    where_both_hold_something_the_better_is_kept_and_the_other_passes_on,
    of_two_seats_the_persons_own_and_of_two_places_the_earlier_is_kept,
    an_address_that_is_refused_gives_nothing,
    nothing_is_lost_while_everybody_registers_and_cancels,
    many_who_merge_at_the_same_events_do_not_stand_in_each_others_way,
}

const GUEST: &str = "guest@example.org";

/// Registers somebody by name and address; gives the registration or the entry.
async fn noted(organizer: &Person, event: EventId, email: &str) -> String {
    let form = json!({"attendee": {"name": "Noted", "email": email}});
    let path = format!("/events/{event}/registrations");
    let answer = organizer.client.post(&path).json(form).await;
    match answer.status() {
        201 => answer.text_at("/registration/id"),
        _ => answer.expect(202).text_at("/waitlist_entry/id"),
    }
}

/// Registers oneself; gives the registration or the entry.
async fn takes_part(person: &Person, event: EventId) -> String {
    let path = format!("/events/{event}/registrations");
    let answer = person.client.post(&path).await;
    match answer.status() {
        201 => answer.text_at("/registration/id"),
        _ => answer.expect(202).text_at("/waitlist_entry/id"),
    }
}

/// Asks for that address; gives what proves it.
async fn wants(harness: &Harness, person: &Person, email: &str) -> Value {
    let form = json!({"new_email": email, "password": PASSWORD});
    person.client.post("/users/me/email").json(form).await.expect(202);
    json!({"token": harness.mailed_secrets(email).await.token})
}

async fn becomes(harness: &Harness, person: &Person, email: &str) {
    let proof = wants(harness, person, email).await;
    confirm_email(harness, proof).await.expect(204);
}

/// The ids of one's live registrations, sorted.
async fn seats_of(client: &Client) -> Vec<String> {
    let list = client
        .get("/users/me/registrations?status=confirmed&limit=100")
        .await;
    sorted_ids(&list.expect(200))
}

/// The ids of one's places in queues, sorted.
async fn places_of(client: &Client) -> Vec<String> {
    sorted_ids(&client.get("/users/me/waitlist").await.expect(200))
}

fn sorted_ids(list: &Answer) -> Vec<String> {
    let items = list.items();
    let ids = items.iter().filter_map(|item| item["id"].as_str());
    let mut ids: Vec<String> = ids.map(str::to_owned).collect();
    ids.sort();
    ids
}

fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
    ids.sort();
    ids
}

/// There is one attendee with the address, and it is the person's.
async fn assert_one_attendee(harness: &Harness, person: &Person, email: &str) {
    let own = format!("attendees WHERE user_id = '{}'", person.id);
    assert_eq!(harness.count(&own).await, 1);
    let same = format!("{own} AND email_key = '{}'", email.to_lowercase());
    assert_eq!(harness.count(&same).await, 1);
    harness.assert_invariants().await;
}

async fn by_confirming_the_address_a_person_becomes_the_guest(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    // Anybody can sign up with an address: until it is proven, the guest is somebody else.
    let seat = noted(&organizer, event, &asha.email).await;
    assert!(seats_of(&asha.client).await.is_empty());
    let token = harness.mailed_secrets(&asha.email).await.token;
    confirm_email(&harness, json!({"token": token})).await.expect(204);
    assert_eq!(seats_of(&asha.client).await, [seat]);
    let path = format!("/events/{event}/registrations");
    let seen = organizer.client.get(&path).await.expect(200).items();
    assert_eq!(seen[0]["attendee"]["name"], "asha");
    assert_one_attendee(&harness, &asha, &asha.email).await;
}

async fn by_a_reset_of_the_password_a_person_becomes_the_guest(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    let seat = noted(&organizer, event, &asha.email).await;
    let (ctx, address) = (
        harness.system(),
        asha.email.parse::<EmailAddress>().expect("an address"),
    );
    let hash = hash_of(PASSWORD);
    let reset = harness
        .store()
        .write(move |tx| {
            let keys = ServerKeys::new(vec![7; 32], Vec::new());
            let secrets = auth::generate_secrets().expect("randomness");
            auth::forgot_password(tx, &ctx, &keys, &address, &secrets)?;
            let proof = auth::OneTimeProof::Link(secrets.token);
            let proven = auth::prove_reset(tx, &ctx, &keys, &proof)?.expect("a link that is good");
            auth::reset_password(tx, &ctx, &keys, proven, &hash)
        })
        .await;
    assert!(reset.expect("an answer").is_some());
    let asha = harness.log_in(&asha.email).await;
    assert_eq!(seats_of(&asha.client).await, [seat]);
    assert_one_attendee(&harness, &asha, &asha.email).await;
}

async fn by_changing_the_address_a_person_without_seats_becomes_the_guest(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    let seat = noted(&organizer, event, GUEST).await;
    becomes(&harness, &asha, "Guest@Example.org").await;
    assert_eq!(seats_of(&asha.client).await, [seat]);
    let path = format!("/events/{event}/registrations");
    let seen = organizer.client.get(&path).await.expect(200).items();
    assert_eq!(
        (&seen[0]["attendee"]["name"], &seen[0]["attendee"]["email"]),
        (&json!("asha"), &json!("Guest@example.org"))
    );
    assert_one_attendee(&harness, &asha, GUEST).await;
}

async fn what_the_guest_holds_is_given_to_who_takes_part_already(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, other) = (harness.organizer().await, harness.attendee("other").await);
    let (asha, alone) = (
        harness.attendee("asha").await,
        harness.published_event(&organizer, 2).await,
    );
    let own_seat = takes_part(&asha, alone).await;
    let (seated, queued, left) = (
        harness.published_event(&organizer, 2).await,
        harness.published_event(&organizer, 1).await,
        harness.published_event(&organizer, 1).await,
    );
    takes_part(&other, queued).await;
    let seat = noted(&organizer, seated, GUEST).await;
    let place = noted(&organizer, queued, GUEST).await;
    let over = noted(&organizer, left, GUEST).await;
    let cancelled = organizer.client.delete(&format!("/registrations/{over}")).await;
    cancelled.expect(200);

    becomes(&harness, &asha, GUEST).await;
    assert_eq!(seats_of(&asha.client).await, sorted(&[&own_seat, &seat]));
    assert_eq!(places_of(&asha.client).await, [place]);
    let standing = asha
        .client
        .get(&format!("/events/{queued}/waitlist/me"))
        .await
        .expect(200);
    assert_eq!(standing.json()["position"], 1);
    // What is over is part of the person's story too.
    asha.client
        .get(&format!("/registrations/{over}"))
        .await
        .expect(200);
    assert_one_attendee(&harness, &asha, GUEST).await;
    // The person leaves the queue and cancels as if they had registered themselves.
    asha.client
        .delete(&format!("/events/{queued}/waitlist/me"))
        .await
        .expect(204);
    asha.client
        .delete(&format!("/registrations/{seat}"))
        .await
        .expect(200);
    harness.assert_invariants().await;
}

async fn where_both_hold_something_the_better_is_kept_and_the_other_passes_on(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (asha, waiter) = (harness.attendee("asha").await, harness.attendee("waiter").await);
    let (both, own_seat, guests_seat) = (
        harness.published_event(&organizer, 2).await,
        harness.published_event(&organizer, 1).await,
        harness.published_event(&organizer, 1).await,
    );
    let at_both = takes_part(&asha, both).await;
    noted(&organizer, both, GUEST).await;
    let of_asha = takes_part(&asha, own_seat).await;
    noted(&organizer, own_seat, GUEST).await;
    let of_guest = noted(&organizer, guests_seat, GUEST).await;
    takes_part(&asha, guests_seat).await;
    for event in [both, own_seat, guests_seat] {
        takes_part(&waiter, event).await;
    }

    becomes(&harness, &asha, GUEST).await;
    assert_eq!(
        seats_of(&asha.client).await,
        sorted(&[&at_both, &of_asha, &of_guest])
    );
    assert!(places_of(&asha.client).await.is_empty());
    // Whose place in the queue became a seat gets its ticket, at the address that the guest had.
    let again = harness.outbox().await.into_iter().filter(|entry| {
        entry.kind == "seat_confirmed"
            && entry.recipient_key.as_deref() == Some(GUEST)
            && entry.payload.to_string().contains("resent_at")
    });
    assert_eq!(again.count(), 1);
    // The second seat at one event goes to who waits; at the others the queue is shorter by one.
    assert_eq!(seats_of(&waiter.client).await.len(), 1);
    for event in [own_seat, guests_seat] {
        let standing = waiter
            .client
            .get(&format!("/events/{event}/waitlist/me"))
            .await
            .expect(200);
        assert_eq!(
            (&standing.json()["position"], &standing.json()["length"]),
            (&json!(1), &json!(1))
        );
    }
    assert_one_attendee(&harness, &asha, GUEST).await;
}

async fn of_two_seats_the_persons_own_and_of_two_places_the_earlier_is_kept(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, other) = (harness.organizer().await, harness.attendee("other").await);
    let asha = harness.attendee("asha").await;
    let (seated, queued, own_first) = (
        harness.published_event(&organizer, 5).await,
        harness.published_event(&organizer, 1).await,
        harness.published_event(&organizer, 1).await,
    );
    for event in [queued, own_first] {
        takes_part(&other, event).await;
    }
    noted(&organizer, seated, GUEST).await;
    let guests_place = noted(&organizer, queued, GUEST).await;
    let own_place = takes_part(&asha, own_first).await;
    harness.clock().advance(chrono::TimeDelta::minutes(1));
    let own_seat = takes_part(&asha, seated).await;
    takes_part(&asha, queued).await;
    noted(&organizer, own_first, GUEST).await;

    becomes(&harness, &asha, GUEST).await;
    assert_eq!(seats_of(&asha.client).await, [own_seat]);
    assert_eq!(
        places_of(&asha.client).await,
        sorted(&[&guests_place, &own_place])
    );
    let event = asha.client.get(&format!("/events/{seated}")).await.expect(200);
    assert_eq!(event.json()["seats_taken"], 1);
    for event in [queued, own_first] {
        let queue = organizer.client.get(&format!("/events/{event}/waitlist")).await;
        assert_eq!(queue.expect(200).items().len(), 1);
    }
    assert_one_attendee(&harness, &asha, GUEST).await;
}

async fn an_address_that_is_refused_gives_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    takes_part(&asha, event).await;
    noted(&organizer, event, GUEST).await;
    let proof = wants(&harness, &asha, GUEST).await;
    let form = json!({"email": GUEST, "password": PASSWORD, "name": "Quick"});
    let quick = harness.client().post("/auth/register").json(form);
    quick.await.expect(201);
    let token = harness.mailed_secrets(GUEST).await.token;
    confirm_email(&harness, proof)
        .await
        .expect(422)
        .problem("code-refused");
    assert_eq!(harness.count("registrations WHERE status = 'confirmed'").await, 2);
    confirm_email(&harness, json!({"token": token})).await.expect(204);
    assert_eq!(seats_of(&harness.log_in(GUEST).await.client).await.len(), 1);
    harness.assert_invariants().await;
}

async fn nothing_is_lost_while_everybody_registers_and_cancels(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let crowd = harness.crowd(12).await;
    let mut events = Vec::new();
    for _ in 0..6 {
        events.push(harness.published_event(&organizer, 6).await);
    }
    for round in 0..4 {
        let (asha, email) = (
            harness.attendee("asha").await,
            format!("guest-{round}@example.org"),
        );
        // The guest takes part at the first four, the person at the last four, so that both do at two.
        for event in &events[..4] {
            noted(&organizer, *event, &email).await;
        }
        for event in &events[2..] {
            takes_part(&asha, *event).await;
        }
        let proof = wants(&harness, &asha, &email).await;
        let form = json!({"attendee": {"name": "Noted", "email": email}});
        let answers = all_at_once(1 + events.len() + crowd.len(), |index| {
            let event = events[index % events.len()];
            let path = format!("/events/{event}/registrations");
            let request = match index {
                0 => harness
                    .client()
                    .post("/auth/email/verification/confirm")
                    .json(proof.clone()),
                // The organiser notes the guest at all events meanwhile.
                1..=6 => organizer.client.post(&path).json(form.clone()),
                _ => crowd[index - 7].client.post(&path),
            };
            async move { request.await }
        })
        .await;
        for answer in &answers {
            assert!([201, 202, 204, 409].contains(&answer.status()), "{answer}");
        }
        assert_eq!(answers[0].status(), 204);
        // At every event there is one seat or place, and it is the person's.
        let held = seats_of(&asha.client).await.len() + places_of(&asha.client).await.len();
        assert_eq!(held, events.len());
        assert_one_attendee(&harness, &asha, &email).await;
        // Everybody cancels, the person too, while the next guest is noted.
        for person in crowd.iter().chain([&asha]) {
            for seat in seats_of(&person.client).await.into_iter().take(4) {
                person
                    .client
                    .delete(&format!("/registrations/{seat}"))
                    .await
                    .expect(200);
            }
        }
        harness.assert_invariants().await;
    }
}

async fn many_who_merge_at_the_same_events_do_not_stand_in_each_others_way(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut events = Vec::new();
    for _ in 0..4 {
        events.push(harness.published_event(&organizer, 6).await);
    }
    let mut people = Vec::new();
    for number in 0..6 {
        let (person, email) = (
            harness.attendee("person").await,
            format!("guest-{number}@example.org"),
        );
        for event in &events {
            noted(&organizer, *event, &email).await;
            takes_part(&person, *event).await;
        }
        let proof = wants(&harness, &person, &email).await;
        people.push((person, email, proof));
    }
    let answers = all_at_once(people.len(), |index| {
        let proof = people[index].2.clone();
        let request = harness
            .client()
            .post("/auth/email/verification/confirm")
            .json(proof);
        async move { request.await }
    })
    .await;
    for answer in answers {
        answer.expect(204);
    }
    for (person, email, _) in &people {
        assert_eq!(seats_of(&person.client).await.len(), events.len());
        assert_one_attendee(&harness, person, email).await;
    }
}
