//! What is held on a person: all of it is given to them, and all of it goes. The database's own catalogue says where to look.

mod somebody;

use crate::support::{set_verified, sql};
use chrono::TimeDelta;
use kernel::{Clock, EmailAddress};
use notification::{Claim, Job, Medium, MessageQueue, Verdict};
use serde_json::{Value, json};
use somebody::{Somebody, VALUES, everywhere, hits, texts_of};
use std::collections::BTreeSet;
use testkit::harness::PASSWORD;
use testkit::{Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    an_export_holds_everything_that_is_held_and_no_proof,
    nothing_of_an_erased_person_stays_anywhere,
    a_seat_and_a_place_in_the_queue_pass_on_in_the_same_moment,
    what_is_over_goes_on_counting_somebody_without_a_name,
    an_address_that_is_not_proven_takes_nobody_else_along,
    nothing_is_sent_that_the_same_transaction_wanted_to_send,
    what_is_shown_of_an_event_forgets_its_organizer_at_once,
    who_is_nobody_gets_no_seat_and_no_account,
}

/// Sends one of the person's messages, and makes a dead letter of another.
async fn settle_two(harness: &Harness, person: &Person) -> (Job, Job) {
    let address: EmailAddress = person.email.parse().expect("an address");
    let now = harness.clock().now();
    let claim = Claim {
        worker: "test".into(),
        media: vec![Medium::Email],
        most: 100,
        lease: TimeDelta::seconds(30),
    };
    let claimed = harness
        .store()
        .write(move |tx| tx.claim_messages(now, &claim))
        .await
        .expect("a claim");
    let (mine, others): (Vec<Job>, Vec<Job>) = claimed
        .jobs
        .into_iter()
        .partition(|job| job.to.as_str().to_lowercase() == address.key());
    let [sent, dead, rest @ ..] = mine.as_slice() else {
        panic!("two messages: {mine:?}");
    };
    let error = "550 no such mailbox".to_owned();
    let verdicts = [(sent.id, Verdict::Done), (dead.id, Verdict::Dead { error })];
    let back: Vec<_> = rest.iter().chain(&others).map(|job| job.id).collect();
    let settled = harness
        .store()
        .write(move |tx| {
            tx.return_messages(now, "test", &back)?;
            tx.settle_messages(now, "test", &verdicts)
        })
        .await;
    assert_eq!(settled.expect("a settlement").len(), 2);
    (sent.clone(), dead.clone())
}

#[expect(clippy::too_many_lines, reason = "one export, and all that it is to hold")]
async fn an_export_holds_everything_that_is_held_and_no_proof(database: TestDatabase) {
    let (harness, somebody) = Somebody::at_home(database).await;
    let (sent, dead) = settle_two(&harness, &somebody).await;
    let found = hits(&harness);
    let places: BTreeSet<&str> = found.iter().map(|hit| hit.place.as_str()).collect();
    let expected = everywhere();
    assert!(
        expected.is_subset(&places),
        "nothing stands in {:?}",
        expected.difference(&places)
    );

    let answer = somebody.client.get("/users/me/export").await.expect(200);
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"podium-export.json\"")
    );
    let export = answer.json();
    let given = texts_of(&export);
    for hit in &found {
        assert!(
            given.iter().any(|text| text.to_lowercase().contains(hit.value)),
            "{} is not in the export, but in {}",
            hit.value,
            hit.place
        );
        // What stands in a field of its own is given as it stands there.
        // Words to search by are made of name and address.
        let is_made = hit.place.ends_with("_key") || hit.place == "attendee_words.word";
        let is_whole = !is_made && !hit.text.starts_with('{');
        assert!(
            !is_whole || given.contains(&hit.text),
            "{} is not given as it stands in {}",
            hit.text,
            hit.place
        );
    }
    for section in [
        "registrations",
        "waitlist_entries",
        "events_organized",
        "sessions",
        "security_questions",
        "external_identities",
        "links_and_codes",
        "messages",
        "live_events",
        "remembered_answers",
        "audit_log",
        "roles",
    ] {
        let rows = export[section].as_array().expect(section);
        assert!(!rows.is_empty(), "{section} is empty");
    }
    assert_eq!(export["registrations"].as_array().map(Vec::len), Some(4));
    assert!(
        export["waitlist_entries"][0]["log"]
            .as_array()
            .is_some_and(|log| !log.is_empty())
    );

    // What was sent says nothing any more, but that it was; of a dead letter it is told why.
    let messages = export["messages"].as_array().expect("messages");
    let of = |status: &str| {
        let of_status = messages.iter().find(|message| message["status"] == status);
        of_status.cloned().expect("a message")
    };
    let address: EmailAddress = somebody.email.parse().expect("an address");
    let (key, now) = (address.key(), json!(harness.clock().now()));
    for (job, status, attempts, error) in [
        (&sent, "done", 0, Value::Null),
        (&dead, "dead", 1, json!("550 no such mailbox")),
    ] {
        let message = of(status);
        let fared = [
            ("kind", json!(job.message.kind())),
            ("medium", json!("email")),
            ("recipient", json!(key)),
            ("attempts", json!(attempts)),
            ("last_error", error),
            ("finished_at", now.clone()),
        ];
        for (field, value) in fared {
            assert_eq!(message[field], value, "{field} of {message}");
        }
    }
    assert_eq!(of("done")["content"], json!({}));

    // Nothing that proves who somebody is, and nothing of anybody else's.
    let text = answer.text();
    for cell in harness.database().every_cell() {
        assert!(
            !cell.place.ends_with("_hash") || !text.contains(&cell.text),
            "{} is in the export",
            cell.place
        );
    }
    assert!(!text.contains("secrets") && !text.contains(somebody::SEALED));
    harness
        .client()
        .get("/users/me/export")
        .await
        .expect(401)
        .problem("unauthenticated");
    let other = harness
        .attendee("other")
        .await
        .client
        .get("/users/me/export")
        .await
        .expect(200);
    let other = other.text().to_lowercase();
    assert!(VALUES.iter().all(|value| !other.contains(value)));
}

#[expect(
    clippy::too_many_lines,
    reason = "one person, all that is held on them, and the look for it"
)]
async fn nothing_of_an_erased_person_stays_anywhere(database: TestDatabase) {
    let (harness, somebody) = Somebody::at_home(database).await;
    let second = harness.another_server().await;
    let there = second.running().person(somebody.client.token().expect("a token"));
    there.get("/users/me").await.expect(200);
    let before = harness.count("audit_log").await;

    let browser = harness.running().browser();
    let signed_in = browser
        .post("/auth/login")
        .json(json!({"email": somebody.email, "password": PASSWORD}));
    let refresh_token = signed_in.await.expect(200).text_at("/refresh_token");
    let gone = browser
        .delete("/users/me")
        .header("sec-fetch-site", "same-origin")
        .json(json!({"password": PASSWORD}))
        .await
        .expect(204);
    assert_eq!(gone.headers().get_all("set-cookie").iter().count(), 2);

    let left = hits(&harness);
    assert!(left.is_empty(), "{left:#?}");
    for table in [
        "one_time_secrets",
        "phone_codes",
        "security_answers",
        "security_answer_tries",
        "external_identities",
    ] {
        assert_eq!(
            harness
                .count(&format!("{table} WHERE user_id = '{}'", somebody.id))
                .await,
            0,
            "{table}"
        );
    }
    let row = format!(
        "users WHERE id = '{id}' AND name = 'Erased' AND name_key = 'erased' AND status = 'suspended' \
         AND email = 'erased-{id}@erased.invalid' AND email_key = email AND password_hash IS NULL \
         AND email_verified_at IS NULL AND last_login_at IS NULL AND erased_at IS NOT NULL \
         AND phone_verified_at IS NULL AND NOT text_messages AND email_reminders",
        id = somebody.id
    );
    assert_eq!(harness.count(&row).await, 1);
    assert_eq!(
        harness.count("audit_log").await,
        before + 1,
        "what was noted stays, and this was noted"
    );
    harness.assert_invariants().await;

    // Nobody is let in by what the person had: here at once, elsewhere within five seconds.
    // Nothing of the account is looked up for this list: the session itself is over.
    somebody
        .client
        .get("/registrations")
        .await
        .expect(401)
        .problem("session-ended");
    somebody
        .client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    let token = json!({"refresh_token": refresh_token});
    harness
        .client()
        .post("/auth/refresh")
        .json(token)
        .await
        .expect(401);
    harness.clock().advance(TimeDelta::seconds(5));
    there
        .get("/registrations")
        .await
        .expect(401)
        .problem("session-ended");
    let form = json!({"email": somebody.email, "password": PASSWORD});
    harness
        .client()
        .post("/auth/login")
        .json(form.clone())
        .await
        .expect(401)
        .problem("bad-credentials");
    let profile = format!("/users/{}", somebody.id);
    let other = harness.attendee("other").await;
    other.client.get(&profile).await.expect(404).problem("not-found");

    // The address is free again, and brings nothing back.
    let mut again = form;
    again["name"] = json!("Another");
    harness
        .client()
        .post("/auth/register")
        .json(again)
        .await
        .expect(201);
    let new = harness.log_in(&somebody.email).await;
    assert_ne!(new.id, somebody.id);
    assert_eq!(
        new.client
            .get("/users/me/registrations")
            .await
            .expect(200)
            .items(),
        Vec::<Value>::new()
    );
}

async fn a_seat_and_a_place_in_the_queue_pass_on_in_the_same_moment(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let [holder, first, second] = harness
        .crowd(3)
        .await
        .try_into()
        .unwrap_or_else(|_| panic!("three"));
    let event = harness.published_event(&organizer, 1).await;
    harness.registered(&holder, event).await;
    for person in [&first, &second] {
        person
            .client
            .post(&format!("/events/{event}/registrations"))
            .await
            .expect(202);
    }
    holder.client.delete("/users/me").await.expect(204);
    let mine = first
        .client
        .get("/users/me/registrations")
        .await
        .expect(200)
        .items();
    assert_eq!(mine[0]["status"], "confirmed");
    let shown = harness
        .client()
        .get(&format!("/events/{event}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&shown["seats_taken"], &shown["waitlist_length"]),
        (&json!(1), &json!(1))
    );
    harness.assert_invariants().await;
    // The next is the first in the queue, and goes too.
    second.client.delete("/users/me").await.expect(204);
    let shown = harness
        .client()
        .get(&format!("/events/{event}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&shown["seats_taken"], &shown["waitlist_length"]),
        (&json!(1), &json!(0))
    );
    harness.assert_invariants().await;
    let told = harness.outbox().await;
    let to_first = |kind: &str| {
        let mails = told
            .iter()
            .filter(|one| one.recipient_key.as_deref() == Some(first.email.as_str()));
        mails.filter(|one| one.kind == kind).count()
    };
    assert_eq!(to_first("seat_from_waitlist"), 1);
    assert!(told.iter().all(|one| {
        one.recipient_key.as_deref() != Some(holder.email.as_str())
            && one.recipient_key.as_deref() != Some(second.email.as_str())
    }));
    let history = organizer
        .client
        .get(&format!("/events/{event}/registrations"))
        .await
        .expect(200)
        .items();
    let nobody: Vec<_> = history
        .iter()
        .filter(|one| one["attendee"]["name"] == "Erased")
        .collect();
    assert_eq!(nobody.len(), 1);
    assert_eq!(nobody[0]["status"], "cancelled");
}

async fn what_is_over_goes_on_counting_somebody_without_a_name(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (person, other) = (harness.attendee("person").await, harness.attendee("other").await);
    let event = harness.published_event(&organizer, 2).await;
    harness.registered(&person, event).await;
    harness.registered(&other, event).await;
    harness.clock().advance(TimeDelta::days(11));
    let person = harness.log_in(&person.email).await;
    person.client.delete("/users/me").await.expect(204);

    let shown = harness
        .client()
        .get(&format!("/events/{event}"))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["seats_taken"], 2);
    let organizer = harness.log_in(&organizer.email).await;
    let path = format!("/events/{event}/registrations?status=confirmed");
    let holders = organizer.client.get(&path).await.expect(200).items();
    assert_eq!(holders.len(), 2);
    let nobody = holders
        .iter()
        .find(|one| one["attendee"]["name"] == "Erased")
        .expect("nobody");
    let email = nobody["attendee"]["email"].as_str().expect("an address");
    assert_eq!(
        email,
        format!(
            "erased-{}@erased.invalid",
            nobody["attendee_id"].as_str().expect("an id")
        )
    );
    let row = "attendees WHERE name = 'Erased' AND user_id IS NULL AND phone IS NULL AND email_key = email";
    assert_eq!(harness.count(row).await, 1);
    harness.assert_invariants().await;
}

async fn an_address_that_is_not_proven_takes_nobody_else_along(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    for (name, proven) in [("impostor", false), ("owner", true)] {
        let person = harness.attendee(name).await;
        set_verified(&harness, &person, false);
        let guest = json!({"attendee": {"name": "Guest", "email": person.email}});
        let path = format!("/events/{event}/registrations");
        organizer
            .client
            .post(&path)
            .key(name)
            .json(guest)
            .await
            .expect(201);
        set_verified(&harness, &person, proven);
        person.client.delete("/users/me").await.expect(204);
        let left = i64::from(!proven);
        for rows in [
            format!("attendees WHERE email_key = '{}'", person.email),
            format!(
                "outbox WHERE recipient_key = '{}' AND kind = 'seat_confirmed'",
                person.email
            ),
            format!("idempotency_keys WHERE key = '{name}'"),
        ] {
            assert_eq!(harness.count(&rows).await, left, "{rows}");
        }
        let verification = format!("outbox WHERE user_id = '{}'", person.id);
        assert_eq!(harness.count(&verification).await, 0);
    }
    let live = format!("registrations WHERE event_id = '{event}' AND status = 'confirmed'");
    assert_eq!(harness.count(&live).await, 1);
    harness.assert_invariants().await;
}

async fn nothing_is_sent_that_the_same_transaction_wanted_to_send(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let person = harness.attendee("person").await;
    let ctx = harness.acting(&person, kernel::PermissionSet::NONE);
    let keys = kernel::ServerKeys::new(vec![7; 32], Vec::new());
    let email: kernel::EmailAddress = person.email.parse().expect("an address");
    let secrets = auth::generate_secrets().expect("secrets");
    harness
        .store()
        .write(move |tx| {
            auth::forgot_password(tx, &ctx, &keys, &email, &secrets)?;
            auth::erase_person(tx, &ctx, &auth::ErasePerson::Oneself { checked_hash: None })
        })
        .await
        .expect("an erased person");
    assert_eq!(harness.count("outbox").await, 0);
    harness.assert_invariants().await;
}

async fn what_is_shown_of_an_event_forgets_its_organizer_at_once(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    harness.clock().advance(TimeDelta::days(11));
    let path = format!("/events/{event}");
    let seen = harness.client().get(&path).await.expect(200);
    assert_eq!(seen.text_at("/organizer/name"), "organizer");
    let organizer = harness.log_in(&organizer.email).await;
    organizer.client.delete("/users/me").await.expect(204);
    let shown = harness.client().get(&path).await.expect(200);
    assert_eq!(shown.text_at("/organizer/name"), "Erased");
    // Who has kept the old one is told that it is old.
    let etag = seen.header("etag").expect("a tag");
    harness
        .client()
        .get(&path)
        .header("if-none-match", etag)
        .await
        .expect(200);
    let listed = harness
        .client()
        .get("/events?status=completed")
        .await
        .expect(200)
        .items();
    assert_eq!(listed[0]["organizer"]["name"], "Erased");
}

async fn who_is_nobody_gets_no_seat_and_no_account(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let person = harness.attendee("person").await;
    // An address that somebody's row will have one day cannot be taken before.
    let email = format!("Erased-{}@ERASED.invalid", person.id);
    let form = json!({"email": email, "password": PASSWORD, "name": "Thief"});
    harness
        .client()
        .post("/auth/register")
        .json(form)
        .await
        .invalid(&["/email"]);
    let event = harness.published_event(&organizer, 1).await;
    let path = format!("/events/{event}/registrations");
    let guest = json!({"attendee": {"name": "Guest", "email": email}});
    organizer
        .client
        .post(&path)
        .json(guest)
        .await
        .invalid(&["/attendee/email"]);

    let (registration, _) = harness.registered(&person, event).await;
    person.client.delete("/users/me").await.expect(204);
    let view = organizer
        .client
        .get(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    let nobody = json!({"attendee_id": view.text_at("/attendee_id")});
    organizer
        .client
        .post(&path)
        .json(nobody)
        .await
        .expect(404)
        .problem("not-found");
    sql(
        &harness,
        &format!("DELETE FROM registrations WHERE event_id = '{event}'"),
    );
    let nobody = json!({"attendee_id": view.text_at("/attendee_id")});
    let admin = harness.admin().await;
    admin
        .client
        .post(&path)
        .json(nobody)
        .await
        .expect(404)
        .problem("not-found");
}
