//! People come in from a list.

use crate::support::{row_counts, sql};
use chrono::TimeDelta;
use kernel::EventId;
use serde_json::{Value, json};
use testkit::http::Request;
use testkit::{Harness, HarnessOptions, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    everybody_on_a_list_is_registered,
    a_bad_line_undoes_all_or_is_left_out,
    a_full_event_puts_the_rest_on_its_waitlist_or_refuses_them,
    a_list_counts_against_what_an_account_may_register_a_day,
    a_list_is_taken_once_for_its_key,
    a_list_asks_what_a_registration_asks,
    lists_and_people_who_come_at_once_do_not_oversell,
    what_was_exported_can_be_imported,
}

fn list(person: &Person, event: EventId, query: &str, text: &str) -> Request {
    let path = format!("/events/{event}/registrations/import{query}");
    person.client.post(&path).text("text/csv", text)
}

fn people(numbers: std::ops::Range<usize>) -> String {
    let lines: Vec<String> = numbers
        .map(|number| format!("Guest {number},guest-{number}@example.org\n"))
        .collect();
    lines.concat()
}

/// The outcome of each line.
fn outcomes(report: &Value) -> Vec<(u64, String)> {
    let lines = report["lines"].as_array().expect("lines").iter();
    lines
        .map(|line| {
            let outcome = line["outcome"].as_str().expect("an outcome").to_owned();
            (line["line"].as_u64().expect("a number"), outcome)
        })
        .collect()
}

fn named(outcomes: &[(u64, &str)]) -> Vec<(u64, String)> {
    outcomes
        .iter()
        .map(|(line, outcome)| (*line, (*outcome).to_owned()))
        .collect()
}

async fn everybody_on_a_list_is_registered(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10).await;
    let asha = harness.attendee("asha").await;
    let (held, _) = harness.registered(&asha, event).await;
    let text = format!(
        "\u{FEFF}Name;E-Mail;Company\r\n\"Rao; \"\"R\"\" Ravi\";Ravi@Example.org;x\r\n\r\nSomebody;{};y\r\nRavi;ravi@example.ORG;z\r\nJürgen Ä;j@example.org;\r\n",
        asha.email.to_uppercase()
    );
    let answer = list(&organizer, event, "", &text).await.expect(200);
    let report = answer.json();
    assert_eq!(
        outcomes(&report),
        named(&[
            (2, "confirmed"),
            (4, "already_registered"),
            (5, "already_registered"),
            (6, "confirmed")
        ])
    );
    let lines = &report["lines"];
    assert_eq!(lines[1]["registration_id"], held.to_string());
    assert_eq!(lines[2]["registration_id"], lines[0]["registration_id"]);
    assert_eq!(
        (&report["confirmed"], &report["unchanged"], &report["bad"]),
        (&json!(2), &json!(2), &json!(0))
    );
    // No more than was sent: neither the account's name nor that there is an account.
    assert!(
        !answer.text().contains("asha") && !answer.text().contains('@'),
        "{answer}"
    );
    let path = format!(
        "/registrations/{}",
        lines[0]["registration_id"].as_str().expect("an id")
    );
    let seat = organizer.client.get(&path).await.expect(200).json();
    assert_eq!(
        seat["attendee"],
        json!({"name": "Rao; \"R\" Ravi", "email": "Ravi@example.org"})
    );
    // Each is told, once, and noted in the log like any registration of others.
    for email in ["ravi@example.org", "j@example.org"] {
        assert_eq!(harness.mails_to(email).await.len(), 1);
    }
    let noted = format!(
        "audit_log WHERE action = 'registration.create' AND actor_id = '{}' AND object_id = '{event}'",
        organizer.id
    );
    assert_eq!(harness.count(&noted).await, 2);
    // Sent again, nothing changes.
    let before = row_counts(&harness).await;
    let again = list(&organizer, event, "", &text).await.expect(200).json();
    assert_eq!(again["unchanged"], 4);
    assert_eq!(before, row_counts(&harness).await);
    harness.assert_invariants().await;
}

async fn a_bad_line_undoes_all_or_is_left_out(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10).await;
    let text = "Asha,asha@example.org\nBen,nonsense\n,c@example.org\nDan,dan@example.org\nx\n";
    let before = row_counts(&harness).await;
    let refused = list(&organizer, event, "", text).await;
    refused.invalid(&["/2/email", "/3/name", "/5"]);
    assert_eq!(refused.problem("invalid")["bad_lines"], 3);
    assert_eq!(before, row_counts(&harness).await);
    let taken = list(&organizer, event, "?partial=true", text)
        .await
        .expect(200)
        .json();
    assert_eq!(
        outcomes(&taken),
        named(&[
            (1, "confirmed"),
            (2, "invalid"),
            (3, "invalid"),
            (4, "confirmed"),
            (5, "invalid")
        ])
    );
    assert_eq!(taken["lines"][1]["errors"][0]["pointer"], "/2/email");
    assert_eq!(harness.count("registrations").await, 2);
    // More is told than of other bodies, but not without end.
    let many = "x,y\n".repeat(1_000);
    let refused = list(&organizer, event, "?partial=false", &many)
        .await
        .expect(422)
        .json();
    assert_eq!(refused["errors"].as_array().map(Vec::len), Some(200));
    assert_eq!(refused["bad_lines"], 1_000);
    harness.assert_invariants().await;
}

async fn a_full_event_puts_the_rest_on_its_waitlist_or_refuses_them(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 2).await;
    let report = list(&organizer, event, "", &people(0..4))
        .await
        .expect(200)
        .json();
    assert_eq!(
        outcomes(&report),
        named(&[
            (1, "confirmed"),
            (2, "confirmed"),
            (3, "waitlisted"),
            (4, "waitlisted")
        ])
    );
    let positions: Vec<_> = (2..4).map(|line| &report["lines"][line]["position"]).collect();
    assert_eq!(positions, [&json!(1), &json!(2)]);
    let again = list(&organizer, event, "", &people(2..4))
        .await
        .expect(200)
        .json();
    assert_eq!(
        outcomes(&again),
        named(&[(1, "already_waiting"), (2, "already_waiting")])
    );
    assert_eq!(
        again["lines"][0]["waitlist_entry_id"],
        report["lines"][2]["waitlist_entry_id"]
    );
    // Without a waitlist the rest is refused, and with it all, unless the good ones are to count.
    let edit = json!({"capacity": 1, "waitlist_enabled": false});
    let strict = harness.published_event(&organizer, 1).await;
    let edit = organizer.client.patch(&format!("/events/{strict}")).json(edit);
    edit.await.expect(200);
    let before = row_counts(&harness).await;
    let refused = list(&organizer, strict, "", &people(0..3)).await;
    refused.invalid(&["/2", "/3"]);
    assert_eq!(refused.json()["errors"][0]["code"], "event_full");
    assert_eq!(before, row_counts(&harness).await);
    let taken = list(&organizer, strict, "?partial=true", &people(0..3))
        .await
        .expect(200)
        .json();
    assert_eq!(
        outcomes(&taken),
        named(&[(1, "confirmed"), (2, "event_full"), (3, "event_full")])
    );
    harness.assert_invariants().await;
}

async fn a_list_counts_against_what_an_account_may_register_a_day(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_LIMITS__INVITES_PER_DAY", "3".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10).await;
    let one = json!({"attendee": {"name": "One", "email": "one@example.org"}});
    let register = organizer.client.post(&format!("/events/{event}/registrations"));
    register.json(one).await.expect(201);
    let before = row_counts(&harness).await;
    let refused = list(&organizer, event, "", &people(0..3)).await;
    refused.expect(429).problem("rate-limited");
    assert_eq!(before, row_counts(&harness).await);
    let text = format!("One,one@example.org\n{}", people(0..4));
    let taken = list(&organizer, event, "?partial=true", &text)
        .await
        .expect(200)
        .json();
    assert_eq!(
        outcomes(&taken),
        named(&[
            (1, "already_registered"),
            (2, "confirmed"),
            (3, "confirmed"),
            (4, "too_many_invites"),
            (5, "too_many_invites")
        ])
    );
    // Nobody was noted who was not registered.
    assert_eq!(harness.count("attendees").await, 3);
    list(&organizer, event, "", &people(5..6)).await.expect(429);
    harness.clock().advance(TimeDelta::days(1));
    let organizer = harness.log_in(&organizer.email).await;
    list(&organizer, event, "", &people(5..6)).await.expect(200);
    harness.assert_invariants().await;
}

async fn a_list_is_taken_once_for_its_key(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10).await;
    let send = |query: &'static str, text: String| list(&organizer, event, query, &text).key("k");
    let first = send("", people(0..3)).await.expect(200);
    let again = send("", people(0..3)).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.json(), again.json());
    assert_eq!(again.json()["confirmed"], 3);
    for other in [send("", people(0..2)), send("?partial=true", people(0..3))] {
        other.await.expect(422).problem("idempotency-key-reused");
    }
    // Who has lost the right is not told what they once did.
    let other = harness.organizer().await;
    sql(
        &harness,
        &format!(
            "UPDATE events SET organizer_id = '{}' WHERE id = '{event}'",
            other.id
        ),
    );
    send("", people(0..3)).await.expect(403).problem("forbidden");
}

async fn a_list_asks_what_a_registration_asks(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let draft = organizer.client.post("/events").json(harness.event_fields(5));
    let draft: EventId = draft.await.expect(201).text_at("/id").parse().expect("an id");
    for query in ["", "?partial=true"] {
        let refused = list(&organizer, draft, query, &people(0..2)).await;
        refused.expect(409).problem("event-not-published");
    }
    let event = harness.published_event(&organizer, 5).await;
    let closed = json!({"registration_closes_at": (harness.system().now + TimeDelta::hours(1)).to_rfc3339()});
    let edit = organizer.client.patch(&format!("/events/{event}")).json(closed);
    edit.await.expect(200);
    harness.clock().advance(TimeDelta::hours(2));
    let organizer = harness.log_in(&organizer.email).await;
    for query in ["", "?partial=true"] {
        let refused = list(&organizer, event, query, &people(0..2)).await;
        refused.expect(409).problem("registration-closed");
    }
    assert_eq!(harness.count("attendees").await, 0);
    // What is wrong with the list is said before what is wrong with the event.
    list(&organizer, event, "", "x,y").await.invalid(&["/1/email"]);
    let scanner = harness.attendee("scanner").await;
    sql(
        &harness,
        &format!(
            "INSERT INTO event_staff (event_id, user_id, role, added_by, added_at)
             SELECT '{event}', '{}', 'scanner', id, created_at FROM users WHERE id = '{}'",
            scanner.id, organizer.id
        ),
    );
    list(&scanner, event, "", "x,y")
        .await
        .expect(403)
        .problem("forbidden");
}

async fn lists_and_people_who_come_at_once_do_not_oversell(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 20).await;
    let crowd = harness.crowd(12).await;
    let answers = all_at_once(crowd.len() + 4, |index| {
        let request = match index.checked_sub(4) {
            // Each list has people of the one before.
            None => list(&organizer, event, "", &people(index * 4..index * 4 + 8)),
            Some(person) => crowd[person]
                .client
                .post(&format!("/events/{event}/registrations")),
        };
        async move { request.await }
    })
    .await;
    for answer in &answers {
        assert!([200, 201, 202].contains(&answer.status()), "{answer}");
    }
    assert_eq!(
        harness.count("registrations WHERE status = 'confirmed'").await,
        20
    );
    let waiting = harness.count("waitlist_entries WHERE status = 'waiting'").await;
    assert_eq!(waiting, 20 + 12 - 20);
    harness.assert_invariants().await;
}

async fn what_was_exported_can_be_imported(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (first, second) = (
        harness.published_event(&organizer, 10).await,
        harness.published_event(&organizer, 10).await,
    );
    let text = "=Sum(1),sum@example.org\n-,dash@example.org\n\"Rao, R\",rao@example.org\n";
    list(&organizer, first, "", text).await.expect(200);
    let path = format!("/events/{first}/attendees.csv?bom=true");
    let exported = organizer.client.get(&path).await.expect(200).text();
    let report = list(&organizer, second, "", &exported).await.expect(200).json();
    assert_eq!(report["confirmed"], 3);
    assert_eq!(harness.count("attendees").await, 3);
    assert_eq!(harness.count("attendees WHERE name = '=Sum(1)'").await, 1);
}
