//! The door, and whatever happens at the same moment: who was let in stays let in, and who has no seat is not.

use crate::check_in::Door;
use crate::support::ticket_of;
use chrono::TimeDelta;
use serde_json::json;
use testkit::harness::PASSWORD;
use testkit::{Answer, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    of_many_scans_of_one_ticket_at_once_one_is_the_first,
    a_seat_is_given_back_or_attended_and_never_both,
    who_is_checked_in_while_the_event_is_called_off_holds_nothing_after,
    who_is_checked_in_while_being_removed_leaves_no_seat,
    who_is_checked_in_while_being_erased_leaves_no_seat,
    who_is_checked_in_while_the_event_is_deleted_leaves_no_row,
    a_guest_who_is_checked_in_while_becoming_a_person_is_there,
}

async fn of_many_scans_of_one_ticket_at_once_one_is_the_first(database: TestDatabase) {
    let door = Door::of(database, 5).await;
    let (_, _, _, code) = door.holder().await;
    let answers = all_at_once(16, |_| {
        let request = door.scanner.client.post(&door.path());
        let request = request.json(json!({"ticket_code": code}));
        async move { request.await }
    })
    .await;
    let first: Vec<_> = answers.iter().filter(|answer| answer.status() == 200).collect();
    assert_eq!(first.len(), 1, "{answers:?}");
    let at = first[0].text_at("/checked_in_at");
    for refused in answers.iter().filter(|answer| answer.status() != 200) {
        assert_eq!(refused.problem("already-checked-in")["checked_in_at"], at);
    }
    let audited = "audit_log WHERE action = 'registration.check_in'";
    assert_eq!(door.harness.count(audited).await, 1);
    door.harness.assert_invariants().await;
}

async fn a_seat_is_given_back_or_attended_and_never_both(database: TestDatabase) {
    let door = Door::of(database, 24).await;
    let crowd = door.harness.crowd(24).await;
    let mut seats = Vec::new();
    for person in &crowd {
        let (registration, _) = door.harness.registered(person, door.event).await;
        seats.push((registration, ticket_of(&door.harness, registration).await));
    }
    // Each is scanned, given back and, if it was scanned, taken back, all at once.
    let answers = all_at_once(seats.len() * 3, |index| {
        let (registration, code) = seats[index / 3].clone();
        let request = match index % 3 {
            0 => door
                .scanner
                .client
                .post(&door.path())
                .json(json!({"ticket_code": code})),
            1 => crowd[index / 3]
                .client
                .delete(&format!("/registrations/{registration}")),
            _ => door
                .organizer
                .client
                .delete(&format!("{}/{registration}", door.path())),
        };
        async move { request.await }
    })
    .await;
    for (three, (registration, _)) in answers.chunks(3).zip(&seats) {
        let statuses: Vec<u16> = three.iter().map(Answer::status).collect();
        let now = door.status_of(*registration).await;
        let expected: &[&str] = match statuses[..] {
            // Scanned, and the holder came too late.
            [200, 409, 404] => &["attended"],
            // Scanned and taken back; the holder came in between, or gave it back after.
            [200, 409, 204] => &["confirmed"],
            [200, 200, 204] | [409, 200, 404] => &["cancelled"],
            _ => panic!("{three:?}"),
        };
        assert!(expected.contains(&now.as_str()), "{statuses:?} and now {now}");
        if statuses[1] == 409 {
            three[1].problem("already-attended");
        }
    }
    door.harness.assert_invariants().await;
}

async fn who_is_checked_in_while_the_event_is_called_off_holds_nothing_after(database: TestDatabase) {
    let door = Door::of(database, 12).await;
    let mut codes = Vec::new();
    for person in door.harness.crowd(12).await {
        let (registration, _) = door.harness.registered(&person, door.event).await;
        codes.push(ticket_of(&door.harness, registration).await);
    }
    let answers = all_at_once(13, |index| {
        let request = match codes.get(index) {
            Some(code) => door
                .scanner
                .client
                .post(&door.path())
                .json(json!({"ticket_code": code})),
            None => door
                .organizer
                .client
                .post(&format!("/events/{}/cancel", door.event)),
        };
        async move { request.await }
    })
    .await;
    answers[12].clone().expect(200);
    for answer in &answers[..12] {
        match answer.status() {
            200 => {}
            409 => assert!(
                ["/problems/check-in-closed", "/problems/ticket-void"]
                    .contains(&answer.text_at("/type").as_str()),
                "{answer}"
            ),
            _ => panic!("{answer}"),
        }
    }
    let live = "registrations WHERE status <> 'cancelled'";
    assert_eq!(door.harness.count(live).await, 0);
    door.scan(&codes[0]).await.expect(409).problem("check-in-closed");
    door.harness.assert_invariants().await;
}

async fn who_is_checked_in_while_being_removed_leaves_no_seat(database: TestDatabase) {
    let door = Door::of(database, 12).await;
    let mut seats = Vec::new();
    for person in door.harness.crowd(12).await {
        let (registration, attendee) = door.harness.registered(&person, door.event).await;
        seats.push((attendee, ticket_of(&door.harness, registration).await));
    }
    let statuses = all_at_once(24, |index| {
        let (attendee, code) = seats[index / 2].clone();
        let request = door
            .scanner
            .client
            .post(&door.path())
            .json(json!({"ticket_code": code}));
        let (store, ctx) = (door.harness.store().clone(), door.harness.system());
        async move {
            if index % 2 == 0 {
                return request.await.status();
            }
            let removed = store
                .write(move |tx| user::remove_attendee(tx, &ctx, attendee))
                .await;
            removed.map_or_else(|error| panic!("{error:?}"), |_| 204)
        }
    })
    .await;
    assert!(
        statuses.iter().all(|status| [200, 204, 404].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(door.harness.count("registrations").await, 0);
    let revoked = format!("/events/{}/tickets/revoked", door.event);
    let codes = door.scanner.client.get(&revoked).await.expect(200).json();
    assert_eq!(codes["codes"].as_array().map(Vec::len), Some(12));
    door.harness.assert_invariants().await;
}

async fn who_is_checked_in_while_being_erased_leaves_no_seat(database: TestDatabase) {
    let door = Door::of(database, 12).await;
    let mut seats = Vec::new();
    for person in door.harness.crowd(12).await {
        let (registration, _) = door.harness.registered(&person, door.event).await;
        seats.push((person, ticket_of(&door.harness, registration).await));
    }
    let answers = all_at_once(24, |index| {
        let (person, code) = &seats[index / 2];
        let request = if index % 2 == 0 {
            let scan = door.scanner.client.post(&door.path());
            scan.json(json!({"ticket_code": code}))
        } else {
            let erase = person.client.delete("/users/me");
            erase.json(json!({"password": PASSWORD}))
        };
        async move { request.await }
    })
    .await;
    for pair in answers.chunks(2) {
        pair[1].clone().expect(204);
        match pair[0].status() {
            200 => {}
            409 => assert_eq!(pair[0].problem("ticket-void")["registration_status"], "cancelled"),
            _ => panic!("{}", pair[0]),
        }
    }
    let seats_left = "registrations WHERE status <> 'cancelled'";
    assert_eq!(door.harness.count(seats_left).await, 0);
    for (_, code) in &seats {
        door.scan(code).await.expect(409).problem("ticket-void");
    }
    door.harness.assert_invariants().await;
}

async fn who_is_checked_in_while_the_event_is_deleted_leaves_no_row(database: TestDatabase) {
    let door = Door::of(database, 12).await;
    let mut codes = Vec::new();
    for person in door.harness.crowd(12).await {
        let (registration, _) = door.harness.registered(&person, door.event).await;
        codes.push(ticket_of(&door.harness, registration).await);
    }
    let answers = all_at_once(13, |index| {
        let request = match codes.get(index) {
            Some(code) => {
                let scan = door.scanner.client.post(&door.path());
                scan.json(json!({"ticket_code": code}))
            }
            None => door.organizer.client.delete(&format!("/events/{}", door.event)),
        };
        async move { request.await }
    })
    .await;
    answers[12].clone().expect(204);
    for answer in &answers[..12] {
        // 403 where the staff went between the look at the event and the look at its staff.
        assert!([200, 403, 404].contains(&answer.status()), "{answer}");
    }
    for table in ["registrations", "revoked_tickets", "event_staff"] {
        assert_eq!(door.harness.count(table).await, 0, "{table}");
    }
    door.scan(&codes[0]).await.expect(404);
    door.harness.assert_invariants().await;
}

async fn a_guest_who_is_checked_in_while_becoming_a_person_is_there(database: TestDatabase) {
    let door = Door::of(database, 40).await;
    let email_of = |number: usize| format!("guest-{number}@example.org");
    let mut guests = Vec::new();
    for number in 0..12 {
        let register = door
            .organizer
            .client
            .post(&format!("/events/{}/registrations", door.event));
        let guest = json!({"attendee": {"name": "Guest", "email": email_of(number)}});
        let registered = register.json(guest).await.expect(201);
        let registration = registered.text_at("/registration/id").parse().expect("an id");
        let code = ticket_of(&door.harness, registration).await;
        door.harness.clock().advance(TimeDelta::seconds(1));
        // The person has a seat of their own, later, under another address.
        let person = door.harness.attendee("person").await;
        let (own, _) = door.harness.registered(&person, door.event).await;
        let own_code = ticket_of(&door.harness, own).await;
        let change = json!({"new_email": email_of(number), "password": PASSWORD});
        person
            .client
            .post("/users/me/email")
            .json(change)
            .await
            .expect(202);
        let secrets = door.harness.mailed_secrets(&email_of(number)).await;
        guests.push((code, own_code, secrets.token, person));
    }
    // One of the tickets is scanned while the two become one person's: the guest's, which wins if it was scanned before and
    // ends otherwise, or the person's own, which stays.
    let answers = all_at_once(24, |index| {
        let (code, own_code, token, _) = &guests[index / 2];
        let request = if index % 2 == 0 {
            let shown = if index / 2 % 2 == 0 { code } else { own_code };
            door.scanner
                .client
                .post(&door.path())
                .json(json!({"ticket_code": shown}))
        } else {
            let confirm = door.harness.client().post("/auth/email/verification/confirm");
            confirm.json(json!({"token": token}))
        };
        async move { request.await }
    })
    .await;
    let told = door.harness.outbox().await;
    for (number, (pair, (.., person))) in answers.chunks(2).zip(&guests).enumerate() {
        pair[1].clone().expect(204);
        let own = person
            .client
            .get("/users/me/registrations")
            .await
            .expect(200)
            .items();
        let live: Vec<_> = own.iter().filter(|one| one["status"] != "cancelled").collect();
        assert_eq!(live.len(), 1);
        // Who was let in stays; who was not has the other seat, with which they can be.
        let let_in = pair[0].status() == 200;
        assert!(
            let_in || number % 2 == 0,
            "the person's own ticket is good all the time: {pair:?}"
        );
        let expected = if let_in { "attended" } else { "confirmed" };
        assert_eq!(live[0]["status"], expected, "{pair:?}");
        // The person is told, whoever had the ticket when it was shown.
        let topic = format!("user:{}", person.id);
        let is_told = told.iter().any(|entry| {
            entry.topic.as_deref() == Some(topic.as_str())
                && entry.payload["registration_id"] == live[0]["id"]
                && entry.payload["status"] == expected
        });
        assert!(is_told, "{pair:?}");
    }
    door.harness.assert_invariants().await;
}
