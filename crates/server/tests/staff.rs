//! The staff of events, and events that are handed over.

use crate::support::{set_verified, suspend};
use chrono::TimeDelta;
use kernel::EventId;
use serde_json::{Value, json};
use testkit::{Answer, Harness, HarnessOptions, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    somebody_is_put_on_the_staff_gets_another_role_and_leaves,
    a_manager_of_the_staff_runs_the_event_and_a_scanner_scans_and_nothing_else,
    a_draft_is_seen_and_listed_by_its_staff_managers_alone,
    who_is_nobody_or_the_organizer_is_not_staff,
    where_it_is_asked_for_nobody_runs_an_event_without_a_confirmed_address,
    staff_stays_until_nobody_is_checked_in_any_more,
    an_event_is_handed_over_by_who_manages_all_events,
    somebody_erased_while_put_on_the_staff_is_on_none,
    nobody_who_is_erased_while_an_event_is_handed_to_them_organises_it,
}

async fn put(by: &Person, event: impl std::fmt::Display, who: &Person, role: &str) -> Answer {
    let request = by.client.put(&format!("/events/{event}/staff/{}", who.id));
    request.json(json!({"role": role})).await
}

async fn draft(harness: &Harness, organizer: &Person) -> String {
    let made = organizer.client.post("/events").json(harness.event_fields(3));
    made.await.expect(201).text_at("/id")
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["id"].as_str()).collect()
}

async fn somebody_is_put_on_the_staff_gets_another_role_and_leaves(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let (asha, ben) = (harness.attendee("asha").await, harness.attendee("ben").await);
    let first = put(&organizer, event, &asha, "scanner").await.expect(201);
    let location = format!("/api/v1/events/{event}/staff/{}", asha.id);
    assert_eq!(first.header("location"), Some(location.as_str()));
    harness.clock().advance(TimeDelta::seconds(1));
    put(&organizer, event, &ben, "manager").await.expect(201);
    let changed = put(&organizer, event, &asha, "manager").await.expect(200).json();
    assert_eq!(
        (&changed["name"], &changed["role"]),
        (&json!("asha"), &json!("manager"))
    );
    put(&organizer, event, &asha, "manager").await.expect(200);
    let path = format!("/events/{event}/staff");
    let listed = organizer.client.get(&path).await.expect(200).items();
    let names: Vec<_> = listed.iter().map(|one| (&one["name"], &one["role"])).collect();
    let manager = json!("manager");
    assert_eq!(names, [(&json!("asha"), &manager), (&json!("ben"), &manager)]);
    let page = organizer
        .client
        .get(&format!("{path}?limit=1&include_total=true"))
        .await;
    let page = page.expect(200).json();
    assert_eq!(
        (&page["total"], page["items"].as_array().map(Vec::len)),
        (&json!(2), Some(1))
    );
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let next = organizer
        .client
        .get(&format!("{path}?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(next.expect(200).items()[0]["name"], "ben");
    let member = format!("{path}/{}", asha.id);
    assert_eq!(organizer.client.get(&member).await.expect(200).json(), changed);
    organizer.client.delete(&member).await.expect(204);
    organizer.client.delete(&member).await.expect(404);
    organizer.client.get(&member).await.expect(404);
    // What changes nothing is not noted.
    for (action, times) in [("event.put_staff", 3), ("event.remove_staff", 1)] {
        let noted = format!("audit_log WHERE action = '{action}' AND object_id = '{event}'");
        assert_eq!(harness.count(&noted).await, times, "{action}");
    }
}

async fn a_manager_of_the_staff_runs_the_event_and_a_scanner_scans_and_nothing_else(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let other = harness.published_event(&organizer, 3).await;
    let (manager, scanner) = (harness.attendee("m").await, harness.attendee("s").await);
    let path = format!("/events/{event}");
    let title = |name: &str| json!({"title": name});
    // In force at once, both ways.
    manager.client.patch(&path).json(title("A")).await.expect(403);
    put(&organizer, event, &manager, "manager").await.expect(201);
    manager.client.patch(&path).json(title("A")).await.expect(200);
    manager
        .client
        .patch(&format!("/events/{other}"))
        .json(title("B"))
        .await
        .expect(403);
    put(&manager, event, &scanner, "scanner").await.expect(201);
    scanner
        .client
        .get(&format!("{path}/tickets/revoked"))
        .await
        .expect(200);
    scanner.client.patch(&path).json(title("C")).await.expect(403);
    scanner
        .client
        .get(&format!("{path}/registrations"))
        .await
        .expect(403);
    put(&scanner, event, &scanner, "manager").await.expect(403);
    put(&manager, event, &manager, "scanner").await.expect(200);
    manager.client.patch(&path).json(title("D")).await.expect(403);
    put(&organizer, event, &scanner, "manager").await.expect(200);
    scanner
        .client
        .get(&format!("{path}/registrations"))
        .await
        .expect(200);
    suspend(&harness, &scanner);
    harness.clock().advance(TimeDelta::seconds(6));
    scanner
        .client
        .get(&format!("{path}/registrations"))
        .await
        .expect(401);
}

async fn a_draft_is_seen_and_listed_by_its_staff_managers_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let other = harness.organizer().await;
    let draft = draft(&harness, &organizer).await;
    let public = harness.published_event(&organizer, 3).await.to_string();
    let (manager, scanner) = (harness.attendee("m").await, harness.attendee("s").await);
    put(&organizer, &draft, &manager, "manager").await.expect(201);
    put(&organizer, &draft, &other, "manager").await.expect(201);
    put(&organizer, &draft, &scanner, "scanner").await.expect(201);
    let path = format!("/events/{draft}");
    for (person, sees) in [(&manager, true), (&other, true), (&scanner, false)] {
        let status = if sees { 200 } else { 404 };
        person.client.get(&path).await.expect(status);
        let listed = person.client.get("/events").await.expect(200).items();
        assert!(ids(&listed).contains(&public.as_str()));
        assert_eq!(ids(&listed).contains(&draft.as_str()), sees);
        let own = person.client.get("/users/me/events").await.expect(200).items();
        let expected = if sees { vec![draft.as_str()] } else { Vec::new() };
        assert_eq!(ids(&own), expected);
        let edit = person.client.patch(&path).json(json!({"title": "Edited"}));
        edit.await.expect(status);
        person
            .client
            .get(&format!("{path}/tickets/revoked"))
            .await
            .expect(status);
    }
    let listed = harness.client().get("/events").await.expect(200).items();
    assert_eq!(ids(&listed), [public.as_str()]);
    // Called off without having been announced, it is as private as before: whatever is asked for.
    let cancelled = organizer.client.post(&format!("{path}/cancel"));
    cancelled.await.expect(200);
    let stranger = harness.organizer().await;
    for (person, status) in [(&manager, 200), (&scanner, 404), (&stranger, 404)] {
        for of_managers in [
            "statistics",
            "registrations",
            "waitlist",
            "staff",
            "tickets/revoked",
        ] {
            let answer = person.client.get(&format!("{path}/{of_managers}")).await;
            assert_eq!(answer.status(), status, "{of_managers}: {answer}");
        }
        person.client.get(&path).await.expect(status);
    }
    let scan = scanner.client.post(&format!("{path}/check-ins"));
    scan.json(json!({"ticket_code": "000000000000"}))
        .await
        .expect(404)
        .problem("not-found");
    let export = manager.client.get("/users/me/export").await.expect(200).json();
    assert_eq!(export["staff_roles"][0]["event_id"], draft);
    assert_eq!(export["staff_roles"][0]["role"], "manager");
}

async fn who_is_nobody_or_the_organizer_is_not_staff(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let (asha, suspended) = (harness.attendee("asha").await, harness.attendee("gone").await);
    suspend(&harness, &suspended);
    put(&organizer, event, &suspended, "scanner").await.expect(404);
    let nobody = format!("/events/{event}/staff/{event}");
    let put_nobody = organizer.client.put(&nobody).json(json!({"role": "scanner"}));
    put_nobody.await.expect(404).problem("not-found");
    put(&organizer, event, &organizer, "manager")
        .await
        .expect(409)
        .problem("wrong-state");
    put(&organizer, event, &asha, "owner").await.expect(422);
    assert_eq!(harness.count("event_staff").await, 0);
}

async fn where_it_is_asked_for_nobody_runs_an_event_without_a_confirmed_address(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_AUTH__REQUIRE_VERIFIED_EMAIL", "true".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let (organizer, other) = (harness.organizer().await, harness.organizer().await);
    set_verified(&harness, &organizer, true);
    let admin = harness.admin().await;
    harness.clock().advance(TimeDelta::seconds(6));
    let event = draft(&harness, &organizer).await;
    let hand_over = || {
        let to = json!({"organizer_id": other.id.to_string()});
        admin.client.patch(&format!("/events/{event}")).json(to)
    };
    put(&organizer, &event, &other, "manager")
        .await
        .expect(409)
        .problem("wrong-state");
    put(&organizer, &event, &other, "scanner").await.expect(201);
    put(&organizer, &event, &other, "manager").await.expect(409);
    hand_over().await.invalid(&["/organizer_id"]);
    set_verified(&harness, &other, true);
    put(&organizer, &event, &other, "manager").await.expect(200);
    hand_over().await.expect(200);
}

async fn staff_stays_until_nobody_is_checked_in_any_more(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let (asha, ben) = (harness.attendee("asha").await, harness.attendee("ben").await);
    let shown = harness
        .client()
        .get(&format!("/events/{event}"))
        .await
        .expect(200);
    let ends_at: chrono::DateTime<chrono::Utc> = shown.text_at("/ends_at").parse().expect("an instant");
    harness.clock().set(ends_at + TimeDelta::hours(1));
    let organizer = harness.log_in(&organizer.email).await;
    put(&organizer, event, &asha, "scanner").await.expect(201);
    harness.clock().set(ends_at + TimeDelta::hours(24));
    let organizer = harness.log_in(&organizer.email).await;
    put(&organizer, event, &ben, "scanner")
        .await
        .expect(409)
        .problem("event-read-only");
    let member = format!("/events/{event}/staff/{}", asha.id);
    organizer.client.delete(&member).await.expect(204);
}

async fn an_event_is_handed_over_by_who_manages_all_events(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, next, admin) = (
        harness.organizer().await,
        harness.organizer().await,
        harness.admin().await,
    );
    let attendee = harness.attendee("asha").await;
    let event = harness.published_event(&organizer, 3).await;
    let path = format!("/events/{event}");
    let to = |person: &Person| json!({"organizer_id": person.id.to_string()});
    put(&organizer, event, &next, "scanner").await.expect(201);
    organizer.client.patch(&path).json(to(&next)).await.expect(403);
    for bad in [
        to(&attendee),
        json!({"organizer_id": event.to_string()}),
        json!({"organizer_id": null}),
    ] {
        admin
            .client
            .patch(&path)
            .json(bad)
            .await
            .invalid(&["/organizer_id"]);
    }
    let shown = admin.client.patch(&path).json(to(&next)).await.expect(200).json();
    assert_eq!(shown["organizer"]["id"], next.id.to_string());
    let read = harness.client().get(&path).await.expect(200).json();
    assert_eq!(read["organizer"]["id"], next.id.to_string());
    assert_eq!(
        harness.count("event_staff").await,
        0,
        "the organiser is not staff"
    );
    organizer
        .client
        .patch(&path)
        .json(json!({"title": "Mine"}))
        .await
        .expect(403);
    next.client
        .patch(&path)
        .json(json!({"title": "Mine"}))
        .await
        .expect(200);
    let noted = format!(
        "audit_log WHERE action = 'event.edit' AND actor_id = '{}'",
        admin.id
    );
    assert_eq!(harness.count(&noted).await, 1);
    // The same again changes nothing.
    let before = harness
        .client()
        .get(&path)
        .await
        .expect(200)
        .header("etag")
        .map(str::to_owned);
    let again = admin.client.patch(&path).json(to(&next)).await.expect(200);
    assert_eq!(again.header("etag").map(str::to_owned), before);
    // Who handed over their events may go.
    let erase = organizer.client.delete("/users/me");
    erase
        .json(json!({"password": testkit::harness::PASSWORD}))
        .await
        .expect(204);
    harness.assert_invariants().await;
}

async fn somebody_erased_while_put_on_the_staff_is_on_none(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event: EventId = harness.published_event(&organizer, 3).await;
    let crowd = harness.crowd(8).await;
    let answers = all_at_once(16, |index| {
        let person = &crowd[index / 2];
        let request = if index % 2 == 0 {
            let request = organizer
                .client
                .put(&format!("/events/{event}/staff/{}", person.id));
            request.json(json!({"role": "scanner"}))
        } else {
            let request = person.client.delete("/users/me");
            request.json(json!({"password": testkit::harness::PASSWORD}))
        };
        async move { request.await }
    })
    .await;
    for pair in answers.chunks(2) {
        assert!([201, 404].contains(&pair[0].status()), "{}", pair[0]);
        assert_eq!(pair[1].status(), 204, "{}", pair[1]);
    }
    assert_eq!(harness.count("event_staff").await, 0);
    harness.assert_invariants().await;
}

async fn nobody_who_is_erased_while_an_event_is_handed_to_them_organises_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, admin) = (harness.organizer().await, harness.admin().await);
    let mut pairs = Vec::new();
    for _ in 0..8 {
        let event: EventId = harness.published_event(&organizer, 3).await;
        pairs.push((event, harness.organizer().await));
    }
    let answers = all_at_once(16, |index| {
        let (event, next) = &pairs[index / 2];
        let request = if index % 2 == 0 {
            let request = admin.client.patch(&format!("/events/{event}"));
            request.json(json!({"organizer_id": next.id.to_string()}))
        } else {
            let request = next.client.delete("/users/me");
            request.json(json!({"password": testkit::harness::PASSWORD}))
        };
        async move { request.await }
    })
    .await;
    for (pair, (event, next)) in answers.chunks(2).zip(&pairs) {
        let holder = match (pair[0].status(), pair[1].status()) {
            (200, 409) => {
                pair[1].problem("owns-upcoming-events");
                next
            }
            (422, 204) => &organizer,
            _ => panic!("{pair:?}"),
        };
        let shown = harness.client().get(&format!("/events/{event}")).await;
        let shown = shown.expect(200).json();
        assert_eq!(shown["organizer"]["id"], holder.id.to_string());
    }
    let of_nobody = "events e JOIN users u ON u.id = e.organizer_id WHERE u.erased_at IS NOT NULL";
    assert_eq!(harness.count(of_nobody).await, 0);
    harness.assert_invariants().await;
}
