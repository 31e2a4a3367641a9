//! Registering, for oneself and for others, cancelling, and reading.

use crate::support::set_verified;
use chrono::TimeDelta;
use kernel::{Clock, EventId};
use serde_json::{Value, json};
use testkit::{Answer, Harness, HarnessOptions, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_window_opens_and_closes_by_the_clock,
    a_full_event_without_a_waitlist_refuses,
    nobody_registers_twice,
    a_hundred_requests_of_one_person_give_one_seat,
    more_people_than_seats_fill_them_exactly,
    a_seat_is_cancelled_once_and_can_be_taken_again,
    a_seat_is_cancelled_while_others_register_and_none_is_lost,
    a_manager_registers_a_guest_and_sees_no_more_than_was_sent,
    a_manager_registers_an_attendee_of_their_own_events_only,
    an_attendee_noted_by_an_organizer_is_linked_when_the_address_is_confirmed,
    an_organizer_registers_only_so_many_others_within_a_day,
    an_unconfirmed_account_neither_registers_nor_organises_where_that_is_required,
    lists_show_ones_own_and_filters_fit,
    a_manager_finds_registrations_by_name_and_address,
    a_seat_given_back_while_the_event_runs_promotes_nobody,
}

async fn register(person: &Person, event: EventId) -> Answer {
    person
        .client
        .post(&format!("/events/{event}/registrations"))
        .await
}

async fn guest(manager: &Person, event: EventId, body: Value) -> Answer {
    manager
        .client
        .post(&format!("/events/{event}/registrations"))
        .json(body)
        .await
}

async fn event_with(harness: &Harness, organizer: &Person, change: Value) -> EventId {
    let mut fields = harness.event_fields(2);
    fields["publish"] = json!(true);
    for (name, value) in change.as_object().expect("fields") {
        fields[name] = value.clone();
    }
    let made = organizer.client.post("/events").json(fields).await.expect(201);
    made.text_at("/id").parse().expect("an id")
}

async fn a_window_opens_and_closes_by_the_clock(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let now = harness.clock().now();
    let (opens, closes) = (now + TimeDelta::minutes(1), now + TimeDelta::minutes(2));
    let window =
        json!({"registration_opens_at": opens.to_rfc3339(), "registration_closes_at": closes.to_rfc3339()});
    let event = event_with(&harness, &organizer, window).await;
    let people = harness.crowd(2).await;
    let refused = register(&people[0], event)
        .await
        .expect(409)
        .problem("registration-not-open");
    assert!(refused["opens_at"].is_string());
    harness
        .clock()
        .advance(TimeDelta::minutes(1) - TimeDelta::microseconds(1));
    register(&people[0], event)
        .await
        .expect(409)
        .problem("registration-not-open");
    harness.clock().advance(TimeDelta::microseconds(1));
    register(&people[0], event).await.expect(201);
    harness.clock().set(closes - TimeDelta::microseconds(1));
    let shown = harness
        .client()
        .get(&format!("/events/{event}"))
        .await
        .expect(200);
    assert_eq!(shown.text_at("/registration_state"), "open");
    harness.clock().set(closes);
    // Closed goes before already registered.
    for person in &people {
        register(person, event)
            .await
            .expect(409)
            .problem("registration-closed");
    }
    let shown = harness
        .client()
        .get(&format!("/events/{event}"))
        .await
        .expect(200);
    assert_eq!(shown.text_at("/registration_state"), "closed");
}

async fn a_full_event_without_a_waitlist_refuses(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = event_with(
        &harness,
        &organizer,
        json!({"capacity": 1, "waitlist_enabled": false}),
    )
    .await;
    let people = harness.crowd(3).await;
    let (first, _) = harness.registered(&people[0], event).await;
    register(&people[1], event)
        .await
        .expect(409)
        .problem("event-full");
    people[0]
        .client
        .delete(&format!("/registrations/{first}"))
        .await
        .expect(200);
    register(&people[2], event).await.expect(201);
    assert_eq!(harness.count("waitlist_entries").await, 0);
    harness.assert_invariants().await;
}

async fn nobody_registers_twice(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let (holds, waits) = (harness.attendee("holds").await, harness.attendee("waits").await);
    let (registration, _) = harness.registered(&holds, event).await;
    register(&waits, event).await.expect(202);
    let again = register(&holds, event)
        .await
        .expect(409)
        .problem("already-registered");
    assert_eq!(again["registration_id"], registration.to_string());
    register(&waits, event)
        .await
        .expect(409)
        .problem("already-waiting");
    // Nor does a manager register somebody twice.
    let body = json!({"attendee": {"name": "Other", "email": holds.email.to_uppercase()}});
    guest(&organizer, event, body)
        .await
        .expect(409)
        .problem("already-registered");
    harness.assert_invariants().await;
}

async fn a_hundred_requests_of_one_person_give_one_seat(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 50).await;
    let asha = harness.attendee("asha").await;
    let answers = all_at_once(100, |_| {
        let asha = asha.clone();
        async move { register(&asha, event).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status() != 201) {
        refused.problem("already-registered");
    }
    assert_eq!(harness.count("registrations").await, 1);
    harness.assert_invariants().await;
}

async fn more_people_than_seats_fill_them_exactly(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    let crowd = harness.crowd(40).await;
    let answers = all_at_once(crowd.len(), |index| {
        let person = crowd[index].clone();
        async move { register(&person, event).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 5);
    let mut positions: Vec<u64> = answers
        .iter()
        .filter(|answer| answer.status() == 202)
        .filter_map(|answer| answer.json()["waitlist_entry"]["position"].as_u64())
        .collect();
    positions.sort_unstable();
    assert_eq!(
        positions,
        (1..=35).collect::<Vec<_>>(),
        "everybody else waits, in a strict order"
    );
    harness.assert_invariants().await;
}

async fn a_seat_is_cancelled_once_and_can_be_taken_again(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let asha = harness.attendee("asha").await;
    let (first, attendee) = harness.registered(&asha, event).await;
    let path = format!("/registrations/{first}");
    let answers = all_at_once(8, |_| {
        let (asha, path) = (asha.clone(), path.clone());
        async move { asha.client.delete(&path).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status() != 200) {
        refused.problem("not-cancellable");
    }
    let (second, same_attendee) = harness.registered(&asha, event).await;
    assert_ne!(first, second);
    assert_eq!(attendee, same_attendee);
    let read = asha.client.get(&path).await.expect(200);
    assert_eq!(read.text_at("/status"), "cancelled");
    harness.assert_invariants().await;
}

async fn a_seat_is_cancelled_while_others_register_and_none_is_lost(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10).await;
    let crowd = harness.crowd(30).await;
    let mut held = Vec::new();
    for person in &crowd[..10] {
        held.push(harness.registered(person, event).await.0);
    }
    let answers = all_at_once(30, |index| {
        let (person, held) = (crowd[index].clone(), held.get(index).copied());
        async move {
            match held {
                Some(registration) => {
                    person
                        .client
                        .delete(&format!("/registrations/{registration}"))
                        .await
                }
                None => register(&person, event).await,
            }
        }
    })
    .await;
    for answer in &answers {
        assert!((200..300).contains(&answer.status()), "{answer}");
    }
    assert_eq!(
        harness.count("registrations WHERE status = 'confirmed'").await,
        10
    );
    assert_eq!(
        harness.count("waitlist_entries WHERE status = 'waiting'").await,
        10
    );
    harness.assert_invariants().await;
}

async fn a_manager_registers_a_guest_and_sees_no_more_than_was_sent(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let asha = harness.attendee("asha").await;
    set_verified(&harness, &asha, true);
    let event = harness.published_event(&organizer, 1).await;
    let mut sent = asha.email.clone();
    sent.make_ascii_uppercase();
    let body = json!({"attendee": {"name": "Guessed", "email": sent}});
    let given = guest(&organizer, event, body).await.expect(201).json();
    assert_eq!(given["registration"]["attendee"]["name"], "Guessed");
    // The seat is the account's all the same.
    let own = asha
        .client
        .get("/users/me/registrations")
        .await
        .expect(200)
        .items();
    assert_eq!(own[0]["id"], given["registration"]["id"]);
    assert_eq!(own[0]["attendee"], json!({"name": "asha", "email": asha.email}));
    // The next guest waits; one has no account.
    let body = json!({"attendee": {"name": "Late", "email": "late@example.org"}});
    guest(&organizer, event, body.clone()).await.expect(202);
    guest(&organizer, event, body)
        .await
        .expect(409)
        .problem("already-waiting");
    for bad in [
        json!({"attendee": {"name": "", "email": "late@example.org"}}),
        json!({"attendee": {"name": "Late", "email": "nonsense"}}),
        json!({"attendee": {"name": "Late"}}),
        json!({"attendee": {"name": "Late", "email": "a@example.org"}, "attendee_id": asha.id.to_string()}),
    ] {
        guest(&organizer, event, bad).await.expect(422).problem("invalid");
    }
    let bad = json!({"attendee": {"name": "Late", "email": "nonsense"}});
    guest(&asha, event, bad).await.expect(403).problem("forbidden");
    assert_eq!(
        harness
            .count("audit_log WHERE action = 'registration.create'")
            .await,
        2
    );
    harness.assert_invariants().await;
}

async fn a_manager_registers_an_attendee_of_their_own_events_only(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, other) = (harness.organizer().await, harness.organizer().await);
    let (first, second) = (
        harness.published_event(&organizer, 3).await,
        harness.published_event(&organizer, 3).await,
    );
    let elsewhere = harness.published_event(&other, 3).await;
    let asha = harness.attendee("asha").await;
    let (_, attendee) = harness.registered(&asha, first).await;
    let body = json!({"attendee_id": attendee.to_string()});
    guest(&other, elsewhere, body.clone())
        .await
        .expect(404)
        .problem("not-found");
    guest(&organizer, elsewhere, body.clone())
        .await
        .expect(403)
        .problem("forbidden");
    guest(&asha, second, body.clone())
        .await
        .expect(403)
        .problem("forbidden");
    guest(&organizer, second, body).await.expect(201);
    let nobody = json!({"attendee_id": asha.id.to_string()});
    guest(&organizer, second, nobody)
        .await
        .expect(404)
        .problem("not-found");
}

async fn an_attendee_noted_by_an_organizer_is_linked_when_the_address_is_confirmed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (first, second) = (
        harness.published_event(&organizer, 3).await,
        harness.published_event(&organizer, 3).await,
    );
    let email = "carl@example.org";
    let body = json!({"attendee": {"name": "Noted", "email": email}});
    let seat = guest(&organizer, first, body).await.expect(201);
    let form = json!({"email": "Carl@Example.org", "password": testkit::harness::PASSWORD, "name": "Carl"});
    harness
        .client()
        .post("/auth/register")
        .json(form)
        .await
        .expect(201);
    let carl = harness.log_in(email).await;
    // Anybody can sign up with an address that is not theirs: what was noted under it is not shown.
    for event in [first, second] {
        register(&carl, event)
            .await
            .expect(403)
            .problem("verify-email-first");
    }
    assert!(
        carl.client
            .get("/users/me/registrations")
            .await
            .expect(200)
            .items()
            .is_empty()
    );
    let registration = format!("/registrations/{}", seat.text_at("/registration/id"));
    carl.client.get(&registration).await.expect(404);

    set_verified(&harness, &carl, true);
    let carl = harness.log_in(email).await;
    register(&carl, first)
        .await
        .expect(409)
        .problem("already-registered");
    let linked = register(&carl, second).await.expect(201);
    assert_eq!(
        linked.text_at("/registration/attendee_id"),
        seat.text_at("/registration/attendee_id")
    );
    let read = carl.client.get(&registration).await.expect(200);
    assert_eq!(read.text_at("/attendee/name"), "Carl");
    assert_eq!(harness.count("attendees").await, 1);
    harness.assert_invariants().await;
}

async fn an_unconfirmed_account_neither_registers_nor_organises_where_that_is_required(
    database: TestDatabase,
) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_AUTH__REQUIRE_VERIFIED_EMAIL", "true".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let unconfirmed = harness.organizer().await;
    unconfirmed
        .client
        .post("/events")
        .json(harness.event_fields(2))
        .await
        .expect(403)
        .problem("verify-email-first");
    let organizer = harness.admin().await;
    set_verified(&harness, &organizer, true);
    let organizer = harness.log_in(&organizer.email).await;
    let event = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    register(&asha, event)
        .await
        .expect(403)
        .problem("verify-email-first");
    let fields = harness.event_fields(1);
    let newcomer = harness.organizer().await;
    let organise = newcomer.client.post("/events").json(fields);
    organise.await.expect(403).problem("verify-email-first");
    // A draft from before the address had to be confirmed again.
    let draft = organizer
        .client
        .post("/events")
        .json(harness.event_fields(1))
        .await
        .expect(201);
    set_verified(&harness, &organizer, false);
    let publisher = harness.log_in(&organizer.email).await;
    publisher
        .client
        .post(&format!("/events/{}/publish", draft.text_at("/id")))
        .await
        .expect(403)
        .problem("verify-email-first");
    assert_eq!(
        harness.count("attendees").await + harness.count("registrations").await,
        0
    );
    set_verified(&harness, &asha, true);
    register(&harness.log_in(&asha.email).await, event)
        .await
        .expect(201);
}

async fn an_organizer_registers_only_so_many_others_within_a_day(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_LIMITS__INVITES_PER_DAY", "2".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 9).await;
    let invite = |number: u32| {
        let body = json!({"attendee": {"name": "Guest", "email": format!("guest{number}@example.org")}});
        guest(&organizer, event, body)
    };
    invite(1).await.expect(201);
    invite(2).await.expect(201);
    let refused = invite(3).await.expect(429);
    refused.problem("rate-limited");
    assert!(refused.header("retry-after").is_some());
    register(&organizer, event).await.expect(201);
    harness.clock().advance(chrono::TimeDelta::days(1));
    let organizer = harness.log_in(&organizer.email).await;
    let body = json!({"attendee": {"name": "Guest", "email": "guest3@example.org"}});
    guest(&organizer, event, body).await.expect(201);
}

async fn lists_show_ones_own_and_filters_fit(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, admin) = (harness.organizer().await, harness.admin().await);
    let (first, second) = (
        harness.published_event(&organizer, 3).await,
        harness.published_event(&organizer, 3).await,
    );
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let (gone, attendee) = harness.registered(&asha, first).await;
    harness.registered(&asha, second).await;
    harness.registered(&bela, first).await;
    asha.client
        .delete(&format!("/registrations/{gone}"))
        .await
        .expect(200);
    let count = async |person: &Person, path: &str| person.client.get(path).await.expect(200).items().len();
    for list in ["/registrations", "/users/me/registrations"] {
        assert_eq!(count(&asha, list).await, 2);
        assert_eq!(count(&asha, &format!("{list}?status=confirmed")).await, 1);
        assert_eq!(count(&asha, &format!("{list}?event_id={first}")).await, 1);
        assert_eq!(count(&bela, &format!("{list}?attendee_id={attendee}")).await, 0);
        assert_eq!(count(&organizer, list).await, 0);
    }
    assert_eq!(count(&admin, "/registrations").await, 3);
    assert_eq!(count(&admin, "/users/me/registrations").await, 0);
    assert_eq!(
        count(&admin, &format!("/registrations?attendee_id={attendee}")).await,
        2
    );
    let mut seen = Vec::new();
    let mut path = "/registrations?limit=1".to_owned();
    loop {
        let page = admin.client.get(&path).await.expect(200).json();
        seen.push(page["items"][0]["id"].as_str().expect("an id").to_owned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/registrations?limit=1&cursor={cursor}"),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

async fn a_manager_finds_registrations_by_name_and_address(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 9).await;
    for (name, email) in [
        ("Zoë Öz", "zoe@example.org"),
        ("Bela", "bela_100@example.org"),
        ("Ana", "ana@example.net"),
    ] {
        let body = json!({"attendee": {"name": name, "email": email}});
        guest(&organizer, event, body).await.expect(201);
    }
    let found = async |query: &str| {
        let path = format!("/events/{event}/registrations?{query}");
        organizer.client.get(&path).await.expect(200).items().len()
    };
    assert_eq!(found("q=ZO%C3%8B").await, 1);
    assert_eq!(found("q=ZOE%40EXAMPLE.org").await, 1);
    assert_eq!(found("q=bel%20100").await, 1);
    assert_eq!(found("q=EXAMPLE.ORG").await, 0, "no word of anybody begins so");
    assert_eq!(found("q=_").await, 0);
    assert_eq!(found("q=%25").await, 0);
    assert_eq!(found("status=cancelled").await, 0);
    assert_eq!(found("").await, 3);
}

async fn a_seat_given_back_while_the_event_runs_promotes_nobody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let (registration, _) = harness.registered(&asha, event).await;
    register(&bela, event).await.expect(202);
    harness.clock().advance(TimeDelta::days(10) + TimeDelta::hours(1));
    // While it runs a seat can be given back, but nobody is promoted any more.
    let asha = harness.log_in(&asha.email).await;
    let cancelled = asha
        .client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    assert_eq!(cancelled.json()["promoted"], 0);
    harness.clock().advance(TimeDelta::hours(2));
    let asha = harness.log_in(&asha.email).await;
    let late = asha
        .client
        .delete(&format!("/registrations/{registration}"))
        .await;
    late.expect(409).problem("event-read-only");
    harness.assert_invariants().await;
}
