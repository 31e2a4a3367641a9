//! `podium mail`, and what becomes of messages that are not sent in time.

use crate::pages::walk::forgot;
use crate::sending::post::eventually;
use crate::support::sql;
use chrono::TimeDelta;
use notification::Message;
use server::housekeeping::tidy_up;
use std::process::{Command, Output};
use testkit::{Harness, HarnessOptions, TestDatabase, on_both_databases};

on_both_databases! {
    messages_are_listed_page_by_page_and_shown,
    a_link_is_shown_in_development_alone,
    a_ticket_is_shown_in_development_alone,
    a_mail_that_was_written_as_a_file_is_named_and_shown,
    what_was_in_the_way_is_listed,
    a_message_that_was_not_sent_in_time_loses_its_secrets,
}

fn mail(harness: &Harness, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    Command::new(env!("CARGO_BIN_EXE_podium"))
        .current_dir(folder.path())
        .env_clear()
        .envs(harness.operator_environment())
        .envs(variables.iter().copied())
        .arg("mail")
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn says(harness: &Harness, arguments: &[&str]) -> String {
    let output = mail(harness, &[], arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{arguments:?}: {errors}"
    );
    String::from_utf8(output.stdout).expect("text")
}

/// The id that the first line which holds the text begins with.
fn id_of(list: &str, text: &str) -> String {
    let line = list.lines().find(|line| line.contains(text));
    let line = line.unwrap_or_else(|| panic!("no {text} in:\n{list}"));
    line.split(' ').next().expect("an id").to_owned()
}

async fn messages_are_listed_page_by_page_and_shown(database: TestDatabase) {
    let harness = Harness::start(database).await;
    assert_eq!(says(&harness, &["list"]), "no messages\n");
    let mut people = Vec::new();
    for number in 0..5 {
        people.push(harness.attendee(&format!("person{number}")).await);
        harness.clock().advance(TimeDelta::minutes(1));
    }
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    harness.registered(&people[0], event).await;

    let all = says(&harness, &[]);
    assert_eq!(all.lines().count(), 7, "{all}");
    let newest = all.lines().next().expect("a line");
    assert!(
        newest.contains("seat_confirmed") && newest.contains(&people[0].email) && newest.ends_with("queued"),
        "{newest}"
    );
    let mut read = Vec::new();
    let mut before: Vec<String> = Vec::new();
    loop {
        let mut arguments = vec!["list", "--limit", "3"];
        arguments.extend(before.iter().map(String::as_str));
        let page = says(&harness, &arguments);
        read.extend(
            page.lines()
                .filter(|line| !line.starts_with("older"))
                .map(str::to_owned),
        );
        let Some((_, rest)) = page.split_once("podium mail list ") else {
            break;
        };
        before = rest.split_whitespace().map(str::to_owned).collect();
    }
    assert_eq!(read, all.lines().collect::<Vec<_>>(), "the pages are the list");

    let shown = says(&harness, &["show", &id_of(&all, "seat_confirmed")]);
    for part in [
        "seat_confirmed",
        "event.title",
        "A talk",
        &people[0].email,
        &event.to_string(),
    ] {
        assert!(shown.contains(part), "{part} in:\n{shown}");
    }
    let unknown = mail(&harness, &[], &["show", "018f0000-0000-7000-8000-000000000000"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no message"));
    assert_eq!(mail(&harness, &[], &["show", "nonsense"]).status.code(), Some(2));
    assert_eq!(
        mail(&harness, &[], &["list", "--limit", "101"]).status.code(),
        Some(2)
    );
}

async fn a_link_is_shown_in_development_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let person = harness.attendee("asha").await;
    forgot(&harness, &person.email).await;
    let secrets = harness.mailed_secrets(&person.email).await;
    let id = id_of(&says(&harness, &["list"]), "password_reset");
    let shown = says(&harness, &["show", &id]);
    let link = format!(
        "{}/reset-password?token={}",
        harness.running().base_url(),
        secrets.token
    );
    assert!(shown.contains(&link) && shown.contains(&secrets.code), "{shown}");
    assert!(!says(&harness, &["list"]).contains(&secrets.token));

    let production = [
        ("PODIUM_PROFILE", "production"),
        ("PODIUM_HTTP__PUBLIC_URL", "https://events.example.org"),
    ];
    let output = mail(&harness, &production, &["show", &id]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains(&person.email),
        "{output:?}"
    );
    let (sealed, _) = first_secrets(&harness, &person.email).await;
    for secret in [secrets.token.as_str(), &secrets.code, &sealed] {
        assert!(!text.contains(secret), "{text}");
    }
    // A key that sealed nothing here opens nothing.
    let other = [(
        "PODIUM_AUTH__SIGNING_KEY",
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    )];
    let output = mail(&harness, &other, &["show", &id]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && !text.contains(&secrets.token) && text.contains("wiped"),
        "{text}"
    );
}

async fn a_ticket_is_shown_in_development_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, person) = (harness.organizer().await, harness.attendee("asha").await);
    let event = harness.published_event(&organizer, 1).await;
    harness.registered(&person, event).await;
    let mails = harness.mails_to(&person.email).await;
    let (_, _, code) = mails.iter().find_map(Message::ticket).expect("a ticket");
    let list = says(&harness, &["list"]);
    assert!(!list.contains(code.as_str()));
    let id = id_of(&list, "seat_confirmed");
    let shown = says(&harness, &["show", &id]);
    let link = format!("{}/t/{code}", harness.running().base_url());
    assert!(shown.contains(&link), "{shown}");

    let production = [
        ("PODIUM_PROFILE", "production"),
        ("PODIUM_HTTP__PUBLIC_URL", "https://events.example.org"),
    ];
    let output = mail(&harness, &production, &["show", &id]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains(&person.email) && !text.contains(code.as_str()),
        "{output:?}"
    );
}

async fn a_mail_that_was_written_as_a_file_is_named_and_shown(database: TestDatabase) {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().display().to_string();
    let options = HarnessOptions {
        environment: vec![
            ("PODIUM_WORKER__ENABLED", "true".to_owned()),
            ("PODIUM_DATA__DIR", folder.clone()),
        ],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let person = harness.attendee("asha").await;
    eventually("a file", || async {
        harness.count("outbox WHERE status = 'done'").await == 1
    })
    .await;
    let here = [("PODIUM_DATA__DIR", folder.as_str())];
    let list = String::from_utf8(mail(&harness, &here, &["list"]).stdout).expect("text");
    assert!(
        list.contains("email") && list.contains(&person.email) && list.trim_end().ends_with("done"),
        "{list}"
    );
    let id = id_of(&list, "email_verification");
    let shown = String::from_utf8(mail(&harness, &here, &["show", &id]).stdout).expect("text");
    let file = data.path().join("mail").join(format!("{id}.eml"));
    assert!(shown.contains(&file.display().to_string()), "{shown}");
    let token = shown
        .split("token=")
        .nth(1)
        .expect("a link")
        .split_whitespace()
        .next();
    let token = token.expect("a token").to_owned();
    let production = [
        ("PODIUM_DATA__DIR", folder.as_str()),
        ("PODIUM_PROFILE", "production"),
        ("PODIUM_HTTP__PUBLIC_URL", "https://events.example.org"),
    ];
    let output = mail(&harness, &production, &["show", &id]);
    let hidden = String::from_utf8(output.stdout).expect("text");
    assert!(
        output.status.success() && hidden.contains(&file.display().to_string()),
        "{hidden}"
    );
    assert!(!hidden.contains("token=") && !hidden.contains(&token), "{hidden}");
    // It is the link: the address is confirmed by it.
    let form = serde_json::json!({"token": token});
    harness
        .client()
        .post("/auth/email/verification/confirm")
        .json(form)
        .await
        .expect(204);
}

async fn what_was_in_the_way_is_listed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    harness.attendee("asha").await;
    sql(
        &harness,
        "UPDATE outbox SET attempts = 2, last_error = '451 not now\u{1b}[2J'",
    );
    let list = says(&harness, &["list"]);
    assert!(
        list.trim_end()
            .ends_with("queued  tries: 2  451 not now\u{fffd}[2J"),
        "{list}"
    );
    let shown = says(&harness, &["show", &id_of(&list, "email_verification")]);
    for part in ["medium     email", "tries      2", "last error 451 not now"] {
        assert!(shown.contains(part), "{part} in:\n{shown}");
    }
}

/// The sealed secrets of the newest reset, as text, and whether they are there at all.
async fn first_secrets(harness: &Harness, email: &str) -> (String, bool) {
    let mails = harness.mails_to(email).await;
    let reset = mails
        .iter()
        .rev()
        .find(|message| matches!(message, Message::PasswordReset { .. }));
    let (sealed, _) = reset.and_then(Message::secrets).expect("a reset");
    let text = serde_json::to_value(sealed).expect("a text");
    let text = text.as_str().unwrap_or_default().to_owned();
    let there = sealed.open(&harness.server_keys()).is_some();
    (text, there)
}

async fn a_message_that_was_not_sent_in_time_loses_its_secrets(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let person = harness.attendee("asha").await;
    forgot(&harness, &person.email).await;
    let (sealed, _) = first_secrets(&harness, &person.email).await;
    harness
        .clock()
        .advance(TimeDelta::minutes(15) - TimeDelta::milliseconds(1));
    tidy_up(harness.store(), harness.system()).await.expect("a round");
    assert!(first_secrets(&harness, &person.email).await.1, "it is still good");

    harness.clock().advance(TimeDelta::milliseconds(1));
    tidy_up(harness.store(), harness.system()).await.expect("a round");
    let wiped = "outbox WHERE kind = 'password_reset' AND status = 'dead' AND CAST(payload AS TEXT) = '{}'";
    assert_eq!(harness.count(wiped).await, 1);
    let row = format!("outbox WHERE CAST(payload AS TEXT) LIKE '%{sealed}%'");
    assert_eq!(harness.count(&row).await, 0);
    // The confirmation is good for a day, and its mail with it.
    assert_eq!(
        harness
            .count("outbox WHERE kind = 'email_verification' AND status = 'queued'")
            .await,
        1
    );
    let shown = says(
        &harness,
        &["show", &id_of(&says(&harness, &["list"]), "password_reset")],
    );
    assert!(
        shown.contains("dead") && shown.contains("not sent in time") && shown.contains(&person.email),
        "{shown}"
    );
    harness.assert_invariants().await;
}
