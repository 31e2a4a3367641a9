//! Figures of an event and of the server, the check of the rows, and whether both stay quick where there are many rows.

use crate::support::{give_only, sql};
use chrono::TimeDelta;
use kernel::{Clock, EventId, Permission};
use serde_json::{Value, json};
use testkit::{Harness, Kind, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    an_event_is_counted_by_the_days_of_its_zone,
    an_event_without_anybody_has_figures_too,
    the_server_is_counted_and_the_figures_are_kept_for_a_moment,
    what_breaks_a_rule_is_told_by_its_id_alone,
    rules_of_tickets_staff_and_queues_see_what_breaks_them,
    figures_and_rules_are_served_by_indexes,
}

async fn reader(harness: &Harness) -> Person {
    let reader = harness.attendee("reader").await;
    give_only(harness, &reader, Permission::StatisticsRead);
    reader
}

async fn an_event_is_counted_by_the_days_of_its_zone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    // Noon in India on the first day; midnight there is at 18:30 in UTC.
    harness
        .clock()
        .set("2030-01-10T06:30:00Z".parse().expect("an instant"));
    let organizer = harness.log_in(&organizer.email).await;
    let event = harness.published_event(&organizer, 3).await;
    let path = format!("/events/{event}");
    let mut registrations = Vec::new();
    for (at, people) in [
        ("2030-01-10T18:29:59Z", 1),
        ("2030-01-10T18:30:00Z", 1),
        ("2030-01-13T06:30:00Z", 3),
    ] {
        harness.clock().set(at.parse().expect("an instant"));
        for person in harness.crowd(people).await {
            let answer = person.client.post(&format!("{path}/registrations")).await;
            registrations.push(answer);
        }
    }
    let first = registrations[0].text_at("/registration/id");
    let second = registrations[1].text_at("/registration/id");
    let organizer = harness.log_in(&organizer.email).await;
    organizer
        .client
        .delete(&format!("/registrations/{first}"))
        .await
        .expect(200);
    sql(
        &harness,
        &format!(
            "UPDATE registrations SET status = 'attended', checked_in_at = registered_at WHERE id = '{second}'"
        ),
    );
    let day = TimeDelta::days(1);
    harness.clock().advance(day);
    let organizer = harness.log_in(&organizer.email).await;
    let figures = organizer
        .client
        .get(&format!("{path}/statistics"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        figures,
        json!({
            "seats": {"capacity": 3, "taken": 3, "available": 0},
            "waitlist": {"waiting": 1, "promoted": 1},
            "attendance": {"confirmed": 2, "attended": 1, "share": 1.0 / 3.0},
            "revenue": [],
            "registrations_per_day": [
                {"date": "2030-01-10", "registrations": 1},
                {"date": "2030-01-11", "registrations": 1},
                {"date": "2030-01-12", "registrations": 0},
                {"date": "2030-01-13", "registrations": 2},
                {"date": "2030-01-14", "registrations": 0},
            ],
            "votes": {"cast": 0, "share": 0.0, "candidates": 0},
        }),
        "whoever moved up registered on the day they did, and who left still counts"
    );
}

async fn an_event_without_anybody_has_figures_too(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let draft = crate::events::draft(&organizer, harness.event_fields(7)).await;
    let figures = organizer
        .client
        .get(&format!("/events/{draft}/statistics"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        figures["seats"],
        json!({"capacity": 7, "taken": 0, "available": 7})
    );
    assert_eq!(
        figures["attendance"],
        json!({"confirmed": 0, "attended": 0, "share": null})
    );
    assert_eq!(figures["registrations_per_day"], json!([]));
    harness
        .organizer()
        .await
        .client
        .get(&format!("/events/{draft}/statistics"))
        .await
        .expect(404);
}

async fn the_server_is_counted_and_the_figures_are_kept_for_a_moment(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, reader) = (harness.organizer().await, reader(&harness).await);
    let event = harness.published_event(&organizer, 2).await;
    crate::events::draft(&organizer, harness.event_fields(7)).await;
    let people = harness.crowd(4).await;
    let (registration, _) = harness.registered(&people[0], event).await;
    harness.registered(&people[1], event).await;
    for person in &people[2..] {
        person
            .client
            .post(&format!("/events/{event}/registrations"))
            .await
            .expect(202);
    }
    people[0]
        .client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    let read = || reader.client.get("/admin/statistics");
    let figures = read().await.expect(200).json();
    assert_eq!(figures["users"], json!({"active": 6, "suspended": 0}));
    assert_eq!(figures["attendees"], 4);
    assert_eq!(
        figures["events"],
        json!({"draft": 1, "published": 1, "cancelled": 0, "completed": 0})
    );
    assert_eq!(
        figures["registrations"],
        json!({"pending_payment": 0, "confirmed": 2, "attended": 0, "cancelled": 1, "expired": 0})
    );
    assert_eq!(figures["waiting"], 1);
    let messages = figures["messages"].as_object().expect("statuses");
    let queued = harness.count("outbox WHERE channel = 'message'").await;
    assert_eq!(
        (&messages["queued"], &messages["lapsed"], messages.len()),
        (&json!(queued), &json!(0), 4)
    );
    let days = figures["days"].as_array().expect("days");
    let today = harness.clock().now().date_naive();
    assert_eq!((days.len(), &days[29]["date"]), (30, &json!(today.to_string())));
    assert_eq!(
        (
            &days[29]["sign_ups"],
            &days[29]["registrations"],
            &days[29]["check_ins"]
        ),
        (&json!(6), &json!(3), &json!(0))
    );
    assert_eq!(
        days[0],
        json!({"date": (today - TimeDelta::days(29)).to_string(), "sign_ups": 0, "registrations": 0, "check_ins": 0})
    );

    // What is new shows when the moment is over; an event that ended is completed before anybody writes it.
    let status = |number: usize| {
        format!(
            "UPDATE users SET status = 'suspended' WHERE id = '{}'",
            people[number].id
        )
    };
    sql(&harness, &status(3));
    harness.clock().advance(TimeDelta::seconds(14));
    assert_eq!(read().await.expect(200).json(), figures);
    harness.clock().advance(TimeDelta::seconds(1));
    let now = read().await.expect(200).json();
    assert_eq!(now["users"], json!({"active": 5, "suspended": 1}));
    harness.clock().advance(TimeDelta::days(12));
    let reader = harness.log_in(&reader.email).await;
    let now = reader.client.get("/admin/statistics").await.expect(200).json();
    assert_eq!(
        now["events"],
        json!({"draft": 1, "published": 0, "cancelled": 0, "completed": 1})
    );
    organizer.client.get("/admin/statistics").await.expect(401);
    harness
        .log_in(&organizer.email)
        .await
        .client
        .get("/admin/statistics")
        .await
        .expect(403);
}

async fn what_breaks_a_rule_is_told_by_its_id_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, reader) = (harness.organizer().await, reader(&harness).await);
    let event = harness.published_event(&organizer, 5).await;
    harness.registered(&harness.attendee("asha").await, event).await;
    let check = || reader.client.get("/admin/invariants");
    let fine = check().await.expect(200).json();
    assert_eq!(
        fine,
        json!({"checked": storage::invariants::RULES.len(), "violations": []})
    );
    sql(
        &harness,
        &format!("UPDATE events SET seats_taken = 2, waitlist_length = 1 WHERE id = '{event}'"),
    );
    let broken = check().await.expect(200).json();
    let rows: Vec<&Value> = broken["violations"]
        .as_array()
        .expect("violations")
        .iter()
        .collect();
    assert_eq!(rows.len(), 3, "{broken}");
    assert!(
        rows.iter().all(|row| row["row"] == json!(event.to_string())),
        "{broken}"
    );
    // Of one that everything breaks not all is told.
    fill_with_events(&harness, organizer.id.to_string().as_str(), 150);
    let broken = check().await.expect(200).json();
    let of_seats = broken["violations"].as_array().expect("violations").iter();
    let of_seats = of_seats.filter(|row| {
        row["rule"]
            .as_str()
            .is_some_and(|rule| rule.starts_with("seats_taken is the number"))
    });
    assert_eq!(of_seats.count(), storage::invariants::MOST_ROWS);
    checks_are_made_one_at_a_time(&reader).await;
    check().await.expect(200);
}

/// One at a time: all are answered, and who is not alone is asked to come again.
async fn checks_are_made_one_at_a_time(reader: &Person) {
    let mut refused = 0;
    // Whether two come together is a matter of luck; in so many rounds they do.
    for _ in 0..20 {
        let answers = all_at_once(12, |_| {
            let client = reader.client.clone();
            async move { client.get("/admin/invariants").await }
        })
        .await;
        for answer in answers.iter().filter(|answer| answer.status() != 200) {
            assert_eq!(answer.status(), 503, "{answer}");
            assert!(answer.header("retry-after").is_some(), "{answer}");
            refused += 1;
        }
        assert!(answers.iter().any(|answer| answer.status() == 200));
        if refused > 0 {
            return;
        }
    }
    panic!("nobody was refused: they were not one at a time");
}

/// Events that say of a seat what no registration does.
async fn rules_of_tickets_staff_and_queues_see_what_breaks_them(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, other) = (harness.organizer().await, harness.organizer().await);
    let event = harness.published_event(&organizer, 1).await;
    harness.registered(&harness.attendee("asha").await, event).await;
    let waits = harness.attendee("bela").await;
    let waits = waits.client.post(&format!("/events/{event}/registrations"));
    waits.await.expect(202);
    let erase = json!({"password": testkit::harness::PASSWORD});
    other.client.delete("/users/me").json(erase).await.expect(204);
    let later = "2036-01-01T00:00:00.000000Z";
    let (erased, runs) = (other.id, organizer.id);
    assert!(harness.violations().await.is_empty());
    for (broken, rule) in [
        (
            format!(
                "INSERT INTO audit_log (id, at, action, object_type, object_id, changes, request_id) VALUES ('{event}', '{later}', \
                 'event.edit', 'event', '{event}', '{{\"organizer_id\":\"{erased}\"}}', 'x'); \
                 UPDATE events SET organizer_id = '{erased}'"
            ),
            "an erased account holds nothing",
        ),
        (
            format!(
                "UPDATE events SET organizer_id = '{runs}'; INSERT INTO event_staff (event_id, user_id, role, added_at) \
                 VALUES ('{event}', '{runs}', 'scanner', '{later}')"
            ),
            "an organiser is not staff of the event",
        ),
        (
            "INSERT INTO revoked_tickets (ticket_code, event_id) SELECT ticket_code, event_id FROM registrations".into(),
            "a revoked code lets nobody in",
        ),
        (
            "DELETE FROM waitlist_log".into(),
            "a line is of its entry's event, and every entry begins with joining",
        ),
        (
            "UPDATE events SET status = 'cancelled'".into(),
            "nobody holds a seat of an event that was called off",
        ),
    ] {
        let sees = async || {
            let violations = harness.violations().await;
            violations.iter().any(|violation| violation.rule == rule)
        };
        assert!(!sees().await, "{rule}");
        sql(&harness, &broken);
        assert!(sees().await, "{rule}");
    }
}

fn fill_with_events(harness: &Harness, organizer: &str, count: usize) {
    let at = "2031-01-01T00:00:00.000000Z";
    for number in 0..count {
        let id = format!("018f0000-0000-7000-8000-{number:012}");
        sql(
            harness,
            &format!(
                "INSERT INTO events (id, organizer_id, status, title, search_key, format, stream_status, starts_at, ends_at, time_zone, local_date, \
               capacity, seats_taken, waitlist_enabled, waitlist_length, next_rank, fee_amount, refund_until_hours, live_results, edit_version, \
               seats_version, created_at, updated_at) \
             VALUES ('{id}', '{organizer}', 'draft', 'x', 'x', 'virtual', 'idle', '{at}', '2031-01-02T00:00:00.000000Z', 'UTC', '2031-01-01', \
               5, 1, {no}, 0, 1, 0, 24, {no}, 1, 1, '{at}', '{at}')",
                no = match harness.database().kind() {
                    Kind::Sqlite => "0",
                    Kind::Postgres => "false",
                },
            ),
        );
    }
}

/// So many people with seats at each event, a statement for each.
fn fill_with_registrations(harness: &Harness, events: &[EventId], count: usize) {
    let at = "2030-01-01T00:00:00.000000Z";
    let kind = harness.database().kind();
    let id = |of: u8| match kind {
        Kind::Sqlite => format!("printf('018f0000-0000-7000-800{of}-%012x', i)"),
        Kind::Postgres => format!("('018f0000-0000-7000-800{of}-' || lpad(to_hex(i), 12, '0'))::uuid"),
    };
    let instant = match kind {
        Kind::Sqlite => format!("'{at}'"),
        Kind::Postgres => format!("TIMESTAMPTZ '{at}'"),
    };
    let (attendee, registration) = (id(1), id(2));
    for (number, event) in events.iter().enumerate() {
        let (first, last) = (number * count + 1, (number + 1) * count);
        let numbers = format!(
            "WITH RECURSIVE n(i) AS (VALUES ({first}) UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
        );
        sql(
            harness,
            &format!(
                "{numbers} INSERT INTO attendees (id, name, name_key, email, email_key, created_at, updated_at) \
                   SELECT {attendee}, 'Guest', 'guest', 'g' || i || '@example.org', 'g' || i || '@example.org', \
                          {instant}, {instant} FROM n;
                 {numbers} INSERT INTO registrations (id, event_id, attendee_id, status, registered_at) \
                   SELECT {registration}, '{event}', {attendee}, 'confirmed', {instant} FROM n;
                 UPDATE events SET seats_taken = {count} WHERE id = '{event}';"
            ),
        );
    }
    match harness.database().kind() {
        Kind::Sqlite => sql(harness, "ANALYZE"),
        Kind::Postgres => {
            for table in ["registrations", "attendees", "events", "users", "outbox"] {
                sql(harness, &format!("VACUUM ANALYZE {table}"));
            }
        }
    }
}

async fn figures_and_rules_are_served_by_indexes(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut events = Vec::new();
    for _ in 0..20 {
        events.push(harness.published_event(&organizer, 2_000).await);
    }
    fill_with_registrations(&harness, &events, 1_000);
    let event = events[7];
    let now = harness.clock().now();
    let store = harness.store();
    let plans = store
        .read(move |tx| tx.explain_statistics(event, now))
        .await
        .expect("plans");
    assert_eq!(plans.len(), 8);
    for (what, plan) in &plans {
        let by_index = match harness.database().kind() {
            Kind::Sqlite => plan.contains("COVERING INDEX"),
            // What one page holds is read as it stands.
            Kind::Postgres => {
                !plan.contains("Seq Scan on registrations") && !plan.contains("Seq Scan on attendees")
            }
        };
        let is_whole = *what == "registrations by status";
        assert!(
            by_index || (is_whole && harness.database().kind() == Kind::Postgres),
            "{what}:\n{plan}"
        );
    }
    let plans = store
        .read(move |tx| tx.explain_invariants(now))
        .await
        .expect("plans");
    for (rule, plan) in &plans {
        // A look for each row would be one for each of a million.
        assert!(
            !plan.contains("CORRELATED") && !plan.contains("SubPlan"),
            "{rule}:\n{plan}"
        );
        let nested_whole =
            plan.contains("Nested Loop") && plan.matches("Seq Scan on registrations").count() > 0;
        assert!(!nested_whole, "{rule}:\n{plan}");
    }
    harness.assert_invariants().await;
}
