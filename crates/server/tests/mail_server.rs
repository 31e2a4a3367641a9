//! The server with a mail server: what arrives, what is tried again, and what waits while nobody takes it.

use crate::sending::post::eventually;
use chrono::TimeDelta;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use testkit::environment::scaled;
use testkit::smtp::{Reaction, Rule, SmtpServer, Stage};
use testkit::{Harness, HarnessOptions, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    what_was_sent_is_forgotten_with_its_secrets,
    a_mail_server_that_is_away_costs_no_request_and_no_try,
    what_is_refused_for_good_is_a_dead_letter_at_once,
    what_fails_is_tried_again_when_it_is_due,
    a_connection_that_breaks_in_the_middle_costs_no_mail,
    a_mail_that_comes_twice_has_the_same_name,
    the_queue_is_measured,
}

async fn with(database: TestDatabase, server: &SmtpServer) -> Harness {
    let options = HarnessOptions {
        environment: vec![
            ("PODIUM_WORKER__ENABLED", "true".to_owned()),
            ("PODIUM_MAIL__SMTP_URL", server.url()),
        ],
        ..HarnessOptions::default()
    };
    Harness::start_with(database, options).await
}

async fn wait_for(harness: &Harness, from: &str, count: i64) {
    let what = format!("{count} of {from}");
    eventually(&what, || async { harness.count(from).await == count }).await;
}

async fn what_was_sent_is_forgotten_with_its_secrets(database: TestDatabase) {
    let server = SmtpServer::start();
    let harness = with(database, &server).await;
    let person = harness.attendee("asha").await;
    let mail = server.wait_for(1).await.remove(0);
    assert_eq!(mail.to, std::slice::from_ref(&person.email));
    wait_for(&harness, "outbox WHERE status = 'done'", 1).await;
    assert_eq!(
        harness
            .count(
                "outbox WHERE CAST(payload AS TEXT) = '{}' AND finished_at IS NOT NULL AND leased_by IS NULL"
            )
            .await,
        1
    );
    let metrics = harness.client().root().get("/metrics").await.expect(200).text();
    let counted = metrics.lines().any(|line| {
        let parts = [
            "kind=\"email_verification\"",
            "medium=\"email\"",
            "outcome=\"sent\"",
        ];
        line.starts_with("podium_messages_total{") && parts.iter().all(|part| line.contains(part))
    });
    assert!(counted, "{metrics}");
    // The link that it carries is good.
    let text = mail.text();
    let token = text
        .split("token=")
        .nth(1)
        .expect("a link")
        .split_whitespace()
        .next();
    let form = json!({"token": token.expect("a token")});
    harness
        .client()
        .post("/auth/email/verification/confirm")
        .json(form)
        .await
        .expect(204);
}

async fn a_mail_server_that_is_away_costs_no_request_and_no_try(database: TestDatabase) {
    let server = SmtpServer::start();
    let harness = with(database, &server).await;
    let organizer = harness.organizer().await;
    server.wait_for(1).await;
    server.down();
    let people = harness.crowd(scaled(200)).await;
    let event = harness.published_event(&organizer, 1_000).await;
    let callers: Vec<Person> = people.clone();
    let answers = all_at_once(people.len(), |number| {
        let client = callers[number].client.clone();
        async move {
            client
                .post(&format!("/events/{event}/registrations"))
                .await
                .status()
        }
    })
    .await;
    assert!(answers.iter().all(|status| *status == 201), "{answers:?}");
    // Some were tried; all are back in the queue, and none has lost a try.
    wait_for(&harness, "outbox WHERE leased_by IS NOT NULL", 0).await;
    let waiting = i64::try_from(people.len()).expect("a count");
    let condition = "outbox WHERE kind = 'seat_confirmed' AND status = 'queued' AND attempts = 0";
    assert_eq!(harness.count(condition).await, waiting);
    server.up();
    wait_for(
        &harness,
        "outbox WHERE kind = 'seat_confirmed' AND status = 'done' AND attempts = 0",
        waiting,
    )
    .await;
    let mails = server.received();
    let to: HashSet<String> = mails.iter().flat_map(|mail| mail.to.clone()).collect();
    assert!(people.iter().all(|person| to.contains(&person.email)));
    assert_eq!(mails.len(), people.len() + 1, "each once");
    harness.assert_invariants().await;
}

async fn what_is_refused_for_good_is_a_dead_letter_at_once(database: TestDatabase) {
    let server = SmtpServer::start();
    server.obey(Rule::answer(Stage::Recipient, 550, "no such person here").times(1));
    let harness = with(database, &server).await;
    harness.attendee("nobody").await;
    wait_for(&harness, "outbox WHERE status = 'dead'", 1).await;
    assert_eq!(
        harness
            .count("outbox WHERE attempts = 1 AND last_error LIKE '%550%' AND finished_at IS NOT NULL")
            .await,
        1
    );
    harness.clock().advance(TimeDelta::hours(1));
    harness.attendee("asha").await;
    wait_for(&harness, "outbox WHERE status = 'done'", 1).await;
    assert_eq!(server.count(), 1, "the dead letter is left alone");
}

async fn what_fails_is_tried_again_when_it_is_due(database: TestDatabase) {
    let server = SmtpServer::start();
    server.obey(Rule::answer(Stage::Recipient, 451, "not now").times(2));
    let harness = with(database, &server).await;
    let first = harness.attendee("asha").await;
    wait_for(&harness, "outbox WHERE attempts = 1 AND status = 'queued'", 1).await;
    assert_eq!(harness.count("outbox WHERE last_error LIKE '%451%'").await, 1);
    // Before its time others are sent, it is not: the mail of the second person shows that the worker has looked.
    harness.clock().advance(TimeDelta::milliseconds(4_999));
    server.behave();
    let second = harness.attendee("ravi").await;
    assert_eq!(server.wait_for(1).await[0].to, [second.email]);
    server.obey(Rule::answer(Stage::Recipient, 451, "not now").times(1));
    harness.clock().advance(TimeDelta::milliseconds(1_001));
    wait_for(&harness, "outbox WHERE attempts = 2 AND status = 'queued'", 1).await;
    harness.clock().advance(TimeDelta::seconds(36));
    wait_for(&harness, "outbox WHERE status = 'done' AND last_error IS NULL", 2).await;
    assert_eq!(server.received()[1].to, [first.email]);
}

async fn a_connection_that_breaks_in_the_middle_costs_no_mail(database: TestDatabase) {
    let server = SmtpServer::start();
    server.obey(Rule::at(Stage::Content, Reaction::HangUp).times(1));
    let harness = with(database, &server).await;
    let person = harness.attendee("asha").await;
    eventually("an end", || async {
        harness.clock().advance(TimeDelta::seconds(2));
        harness.count("outbox WHERE status = 'done'").await == 1
    })
    .await;
    let mails = server.received();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, [person.email]);
}

async fn a_mail_that_comes_twice_has_the_same_name(database: TestDatabase) {
    let server = SmtpServer::start();
    server.obey(Rule::at(Stage::EndOfContent, Reaction::TakeAndHangUp).times(1));
    let harness = with(database, &server).await;
    harness.attendee("asha").await;
    eventually("an end", || async {
        harness.clock().advance(TimeDelta::seconds(2));
        harness.count("outbox WHERE status = 'done'").await == 1
    })
    .await;
    let mails = server.received();
    assert_eq!(mails.len(), 2, "whether it was taken cannot be known");
    assert_eq!(mails[0].message_id(), mails[1].message_id());
    assert_eq!(mails[0].raw_header("Date"), mails[1].raw_header("Date"));
}

async fn the_queue_is_measured(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let root = harness.client().root();
    let read = || async {
        let text = root.get("/metrics").await.expect(200).text();
        let values: HashMap<String, f64> = text
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
            .collect();
        values
    };
    let empty = read().await;
    assert_eq!(empty["podium_queue_oldest_seconds"].to_bits(), 0.0_f64.to_bits());
    harness.attendee("asha").await;
    harness.clock().advance(TimeDelta::seconds(90));
    harness.attendee("ravi").await;
    harness.attendee("mira").await;
    harness
        .database()
        .connect()
        .execute_batch(
            "UPDATE outbox SET status = 'dead' WHERE CAST(id AS TEXT) = (SELECT MAX(CAST(id AS TEXT)) FROM outbox)",
        )
        .expect("a dead letter");
    let full = read().await;
    let close = |name: &str, value: f64| {
        let found = full.get(name).copied();
        assert!(
            found.is_some_and(|found| (found - value).abs() < 0.5),
            "{name}: {found:?}"
        );
    };
    close("podium_queue_messages{status=\"queued\"}", 2.0);
    close("podium_queue_messages{status=\"dead\"}", 1.0);
    close("podium_queue_oldest_seconds", 90.0);
}
