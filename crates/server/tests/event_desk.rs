//! Copies of events, announcements taken back, the capacity that an administrator sets, everybody's registrations.

use crate::support::{give_only, sql};
use chrono::TimeDelta;
use kernel::{Clock, EventId, Permission};
use serde_json::{Value, json};
use testkit::{Harness, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_copy_is_a_draft_of_ones_own_with_what_was_written,
    the_windows_of_a_copy_keep_to_the_clock_of_the_place,
    a_copy_moves_end_and_windows_with_its_start,
    a_copy_without_a_start_needs_one_ahead_and_a_place_of_its_own,
    who_may_not_copy_does_not,
    staff_comes_along_where_it_is_asked_for,
    an_announcement_is_taken_back_while_it_concerns_nobody,
    taking_back_and_registering_at_once_leaves_no_seat_of_a_draft,
    an_event_that_was_taken_back_and_called_off_stays_private,
    an_administrator_raises_the_capacity_and_the_queue_moves,
    all_registrations_are_found_by_who_may_read_them,
}

/// Fields of an event over the network, which no other is in the way of.
fn online(harness: &Harness) -> Value {
    let mut fields = harness.event_fields(5);
    fields["format"] = json!("virtual");
    fields["location"] = Value::Null;
    fields["stream_url"] = json!("https://stream.example.org/a");
    fields
}

async fn made(organizer: &Person, fields: Value) -> EventId {
    crate::events::draft(organizer, fields).await
}

fn text(at: kernel::Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

async fn the_windows_of_a_copy_keep_to_the_clock_of_the_place(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let year = chrono::Datelike::year(&kernel::Clock::now(harness.clock())) + 1;
    // The clock in Berlin is put forward on the last Sunday of March.
    let mut fields = online(&harness);
    fields["time_zone"] = json!("Europe/Berlin");
    fields["starts_at"] = json!(format!("{year}-04-02T16:00:00Z"));
    fields["ends_at"] = json!(format!("{year}-04-02T18:00:00Z"));
    fields["registration_opens_at"] = json!(format!("{year}-03-20T08:00:00Z"));
    let event = made(&organizer, fields).await;
    let copy = organizer
        .client
        .post(&format!("/events/{event}/copy"))
        .json(json!({"starts_at": format!("{year}-04-16T16:00:00Z")}))
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&copy["registration_opens_at"], &copy["ends_at"]),
        (
            &json!(format!("{year}-04-03T07:00:00Z")),
            &json!(format!("{year}-04-16T18:00:00Z"))
        )
    );
}

async fn a_copy_is_a_draft_of_ones_own_with_what_was_written(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut fields = online(&harness);
    fields["description"] = json!("Words");
    fields["agenda"] = json!("Plan");
    fields["waitlist_enabled"] = json!(false);
    fields["publish"] = json!(true);
    let event = made(&organizer, fields).await;
    harness.registered(&harness.attendee("asha").await, event).await;
    let path = format!("/events/{event}");
    let copy = organizer
        .client
        .post(&format!("{path}/copy"))
        .json(json!({"title": "The next one"}))
        .await
        .expect(201);
    let id = copy.text_at("/id");
    assert_ne!(id, event.to_string());
    assert_eq!(
        copy.header("location"),
        Some(format!("/api/v1/events/{id}").as_str())
    );
    assert_eq!(copy.header("etag"), Some("\"1-1\""));
    let original = organizer.client.get(&path).await.expect(200).json();
    let shown = organizer
        .client
        .get(&format!("/events/{id}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&shown["status"], &shown["seats_taken"], &shown["title"]),
        (&json!("draft"), &json!(0), &json!("The next one"))
    );
    for same in [
        "description",
        "agenda",
        "format",
        "starts_at",
        "ends_at",
        "time_zone",
        "capacity",
        "waitlist_enabled",
        "organizer",
    ] {
        assert_eq!(shown[same], original[same], "{same}");
    }
    // It is nobody else's to see, and the key makes one of two requests.
    harness.client().get(&format!("/events/{id}")).await.expect(404);
    let again = || organizer.client.post(&format!("{path}/copy")).key("copy-1");
    let (first, second) = (again().await.expect(201), again().await.expect(201));
    assert_eq!(first.text_at("/id"), second.text_at("/id"));
    let rows = format!("audit_log WHERE action = 'event.copy' AND CAST(changes AS TEXT) LIKE '%{event}%'");
    assert_eq!(harness.count(&rows).await, 2);
    harness.assert_invariants().await;
}

async fn a_copy_moves_end_and_windows_with_its_start(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let start = harness.clock().now() + TimeDelta::days(10);
    let mut fields = online(&harness);
    fields["starts_at"] = json!(text(start));
    fields["ends_at"] = json!(text(start + TimeDelta::hours(2)));
    fields["registration_opens_at"] = json!(text(start - TimeDelta::days(5)));
    fields["registration_closes_at"] = json!(text(start - TimeDelta::hours(1)));
    let event = made(&organizer, fields).await;
    let path = format!("/events/{event}/copy");
    let copy = |body: Value| organizer.client.post(&path).json(body);
    let later = start + TimeDelta::days(7);
    let moved = copy(json!({"starts_at": text(later)})).await.expect(201);
    for (field, at) in [
        ("/starts_at", later),
        ("/ends_at", later + TimeDelta::hours(2)),
        ("/registration_opens_at", later - TimeDelta::days(5)),
        ("/registration_closes_at", later - TimeDelta::hours(1)),
    ] {
        assert_eq!(moved.text_at(field), text(at), "{field}");
    }
    let longer = copy(json!({"starts_at": text(later), "ends_at": text(later + TimeDelta::hours(9))}));
    assert_eq!(
        longer.await.expect(201).text_at("/ends_at"),
        text(later + TimeDelta::hours(9))
    );
    for (body, pointer) in [
        (
            json!({"starts_at": text(start - TimeDelta::days(11))}),
            "/starts_at",
        ),
        (json!({"starts_at": "9999-12-31T23:59:59Z"}), "/starts_at"),
        (json!({"ends_at": text(start - TimeDelta::days(1))}), "/ends_at"),
        (json!({"location": "A hall"}), "/location"),
        (json!({"title": "x".repeat(201)}), "/title"),
    ] {
        let refused = copy(body).await.expect(422);
        assert!(refused.text().contains(pointer), "{refused}");
    }
}

async fn a_copy_without_a_start_needs_one_ahead_and_a_place_of_its_own(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let path = format!("/events/{event}/copy");
    let taken = organizer.client.post(&path).await.expect(409);
    taken.problem("place-taken");
    assert_eq!(taken.text_at("/event_id"), event.to_string());
    organizer
        .client
        .post(&path)
        .json(json!({"location": "Elsewhere"}))
        .await
        .expect(201);
    harness.clock().advance(TimeDelta::days(30));
    let organizer = harness.log_in(&organizer.email).await;
    let over = organizer.client.post(&path).await.expect(422);
    assert!(over.text().contains("/starts_at"), "{over}");
    let start = harness.clock().now() + TimeDelta::days(3);
    let copy = organizer
        .client
        .post(&path)
        .json(json!({"starts_at": text(start)}));
    assert_eq!(copy.await.expect(201).text_at("/status"), "draft");
}

async fn who_may_not_copy_does_not(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, other, person) = (
        harness.organizer().await,
        harness.organizer().await,
        harness.attendee("asha").await,
    );
    let event = harness.published_event(&organizer, 3).await;
    let path = format!("/events/{event}/copy");
    other.client.post(&path).await.expect(403).problem("forbidden");
    person.client.post(&path).await.expect(403).problem("forbidden");
    // Who helps to manage it may read all of it, but makes events only with the permission.
    sql(
        &harness,
        &format!(
            "INSERT INTO event_staff (event_id, user_id, role, added_at) SELECT id, '{}', 'manager', created_at FROM events WHERE id = '{event}'",
            person.id
        ),
    );
    person
        .client
        .post(&path)
        .json(json!({"location": "Elsewhere"}))
        .await
        .expect(403)
        .problem("forbidden");
    sql(
        &harness,
        &format!(
            "UPDATE event_staff SET user_id = '{}' WHERE event_id = '{event}'",
            other.id
        ),
    );
    let copy = other
        .client
        .post(&path)
        .json(json!({"location": "Elsewhere"}))
        .await
        .expect(201);
    assert_eq!(copy.text_at("/organizer/id"), other.id.to_string());
}

async fn staff_comes_along_where_it_is_asked_for(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, person) = (harness.organizer().await, harness.attendee("asha").await);
    let event = harness.published_event(&organizer, 3).await;
    for (user, role) in [(person.id, "scanner"), (organizer.id, "manager")] {
        sql(
            &harness,
            &format!(
                "INSERT INTO event_staff (event_id, user_id, role, added_at) SELECT id, '{user}', '{role}', created_at FROM events WHERE id = '{event}'"
            ),
        );
    }
    let copy = |body: Value| organizer.client.post(&format!("/events/{event}/copy")).json(body);
    let without = copy(json!({"location": "Elsewhere"}))
        .await
        .expect(201)
        .text_at("/id");
    let with = copy(json!({"location": "Elsewhere", "with_staff": true}))
        .await
        .expect(201)
        .text_at("/id");
    assert_eq!(
        harness
            .count(&format!("event_staff WHERE event_id = '{without}'"))
            .await,
        0
    );
    let staff = format!(
        "event_staff WHERE event_id = '{with}' AND user_id = '{}' AND role = 'scanner'",
        person.id
    );
    assert_eq!(harness.count(&staff).await, 1);
    assert_eq!(
        harness
            .count(&format!("event_staff WHERE event_id = '{with}'"))
            .await,
        1
    );
}

async fn an_announcement_is_taken_back_while_it_concerns_nobody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let path = format!("/events/{event}");
    let unpublish = || organizer.client.post(&format!("{path}/unpublish"));
    let asha = harness.attendee("asha").await;
    let (registration, _) = harness.registered(&asha, event).await;
    let waits = harness.attendee("bela").await;
    waits
        .client
        .post(&format!("{path}/registrations"))
        .await
        .expect(202);
    let refused = unpublish().await.expect(409);
    refused.problem("event-has-registrations");
    assert_eq!(
        (
            refused.json()["seats_taken"].clone(),
            refused.json()["waitlist_length"].clone()
        ),
        (json!(1), json!(1))
    );
    waits
        .client
        .delete(&format!("{path}/waitlist/me"))
        .await
        .expect(204);
    unpublish().await.expect(409);
    asha.client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);

    // The server remembers the event as everybody saw it until the very commit.
    let before = harness.client().get(&path).await.expect(200);
    let draft = unpublish().await.expect(200);
    assert_eq!(draft.text_at("/status"), "draft");
    assert_ne!(draft.header("etag"), before.header("etag"));
    harness.client().get(&path).await.expect(404);
    asha.client.get(&path).await.expect(404);
    assert!(
        harness
            .client()
            .get("/events")
            .await
            .expect(200)
            .items()
            .is_empty()
    );
    let refused = asha.client.post(&format!("{path}/registrations")).await;
    refused.expect(404);
    unpublish().await.expect(409).problem("wrong-state");
    // Its place is free meanwhile, and it can be announced again.
    let mut same = harness.event_fields(1);
    same["location"] = before.json()["location"].clone();
    same["publish"] = json!(true);
    let other = organizer
        .client
        .post("/events")
        .json(same)
        .await
        .expect(201)
        .text_at("/id");
    organizer
        .client
        .post(&format!("{path}/publish"))
        .await
        .expect(409)
        .problem("place-taken");
    organizer
        .client
        .post(&format!("/events/{other}/unpublish"))
        .await
        .expect(200);
    organizer
        .client
        .post(&format!("{path}/publish"))
        .await
        .expect(200);
    harness.registered(&asha, event).await;
    harness.clock().advance(TimeDelta::days(11));
    let organizer = harness.log_in(&organizer.email).await;
    let over = organizer
        .client
        .post(&format!("{path}/unpublish"))
        .await
        .expect(409);
    over.problem("event-read-only");
    harness.assert_invariants().await;
}

async fn taking_back_and_registering_at_once_leaves_no_seat_of_a_draft(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let crowd = harness.crowd(6).await;
    let (mut kept, mut taken_back) = (0, 0);
    for _ in 0..6 {
        let event = harness.published_event(&organizer, 3).await;
        let answers = all_at_once(7, |number| {
            let organizer = organizer.client.clone();
            let person = crowd.get(number).map(|person| person.client.clone());
            async move {
                match person {
                    Some(person) => person
                        .post(&format!("/events/{event}/registrations"))
                        .await
                        .status(),
                    None => organizer
                        .post(&format!("/events/{event}/unpublish"))
                        .await
                        .status(),
                }
            }
        })
        .await;
        match answers[6] {
            200 => {
                taken_back += 1;
                assert!(answers[..6].iter().all(|status| *status == 404), "{answers:?}");
            }
            409 => {
                kept += 1;
                assert!(answers[..6].contains(&201), "{answers:?}");
            }
            other => panic!("{other}"),
        }
        harness.assert_invariants().await;
    }
    assert_eq!(kept + taken_back, 6);
}

async fn an_event_that_was_taken_back_and_called_off_stays_private(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    organizer
        .client
        .post(&format!("/events/{event}/unpublish"))
        .await
        .expect(200);
    organizer
        .client
        .post(&format!("/events/{event}/cancel"))
        .await
        .expect(200);
    harness
        .client()
        .get(&format!("/events/{event}"))
        .await
        .expect(404);
    organizer
        .client
        .get(&format!("/events/{event}"))
        .await
        .expect(200);
}

async fn an_administrator_raises_the_capacity_and_the_queue_moves(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (admin, organizer) = (harness.admin().await, harness.organizer().await);
    let event = harness.published_event(&organizer, 1).await;
    for person in harness.crowd(4).await {
        person
            .client
            .post(&format!("/events/{event}/registrations"))
            .await;
    }
    let path = format!("/admin/events/{event}/capacity");
    organizer
        .client
        .patch(&path)
        .json(json!({"capacity": 3}))
        .await
        .expect(403);
    let raised = admin
        .client
        .patch(&path)
        .json(json!({"capacity": 3}))
        .await
        .expect(200);
    assert_eq!(
        (
            raised.json()["seats_taken"].clone(),
            raised.json()["waitlist_length"].clone()
        ),
        (json!(3), json!(1))
    );
    let row = admin
        .client
        .get("/admin/audit-log?limit=1")
        .await
        .expect(200)
        .items()
        .remove(0);
    assert_eq!(
        (&row["action"], &row["changes"], &row["actor_id"]),
        (
            &json!("event.edit"),
            &json!({"fields": "capacity"}),
            &json!(admin.id.to_string())
        )
    );
    let below = admin
        .client
        .patch(&path)
        .json(json!({"capacity": 2}))
        .await
        .expect(409);
    below.problem("capacity-below-taken");
    assert_eq!(below.json()["seats_taken"], 3);
    for body in [
        json!({}),
        json!({"capacity": null}),
        json!({"capacity": 0}),
        json!({"capacity": 1_000_001}),
        json!({"capacity": 4, "title": "x"}),
    ] {
        admin
            .client
            .patch(&path)
            .json(body)
            .await
            .expect(422)
            .problem("invalid");
    }
    let none = organizer.client.patch(&path).json(json!({"capacity": 0}));
    none.await.expect(403);
    let nowhere = format!("/admin/events/{}/capacity", admin.id);
    admin
        .client
        .patch(&nowhere)
        .json(json!({"capacity": 3}))
        .await
        .expect(404);
    organizer
        .client
        .post(&format!("/events/{event}/cancel"))
        .await
        .expect(200);
    admin
        .client
        .patch(&path)
        .json(json!({"capacity": 9}))
        .await
        .expect(409)
        .problem("event-read-only");
    harness.assert_invariants().await;
}

async fn all_registrations_are_found_by_who_may_read_them(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let reader = harness.attendee("reader").await;
    give_only(&harness, &reader, Permission::RegistrationReadAny);
    let (one, two) = (
        harness.published_event(&organizer, 5).await,
        harness.published_event(&organizer, 5).await,
    );
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let (registration, attendee) = harness.registered(&asha, one).await;
    harness.registered(&asha, two).await;
    harness.registered(&bela, two).await;
    asha.client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    let found = async |query: &str| {
        reader
            .client
            .get(&format!("/admin/registrations?{query}"))
            .await
            .expect(200)
            .items()
            .len()
    };
    assert_eq!(found("").await, 3);
    assert_eq!(found(&format!("event_id={two}")).await, 2);
    assert_eq!(found(&format!("attendee_id={attendee}")).await, 2);
    assert_eq!(found("status=cancelled").await, 1);
    assert_eq!(found("q=ASHA").await, 2);
    assert_eq!(found(&format!("q=asha&event_id={two}&status=confirmed")).await, 1);
    let page = reader
        .client
        .get("/admin/registrations?limit=2&include_total=true")
        .await
        .expect(200);
    assert_eq!(page.json()["total"], 3);
    let next = page.text_at("/next_cursor");
    assert_eq!(found(&format!("limit=2&cursor={next}")).await, 1);
    for query in ["status=x", "event_id=x", "user_id=x"] {
        reader
            .client
            .get(&format!("/admin/registrations?{query}"))
            .await
            .expect(400)
            .problem("bad-query");
    }
    asha.client.get("/admin/registrations").await.expect(403);
    // What is wrong with the request is for who may ask at all.
    asha.client.get("/admin/registrations?status=x").await.expect(403);
    let many = reader
        .client
        .get("/admin/registrations?q=asha&limit=1&include_total=true")
        .await
        .expect(200);
    assert_eq!(many.json()["total"], 2);
    let next = many.text_at("/next_cursor");
    assert_eq!(found(&format!("q=asha&limit=1&cursor={next}")).await, 1);
}
