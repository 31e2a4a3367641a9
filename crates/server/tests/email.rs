//! An address is confirmed by what was mailed there.

use crate::support::{confirm_email, seen, suspend};
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::{Answer, Harness, HarnessOptions, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    of_fifty_who_show_one_link_at_once_one_is_told_that_it_is_confirmed,
    of_fifty_who_show_one_code_at_once_one_is_told_that_it_is_confirmed,
    five_wrong_tries_void_a_code_and_not_its_link,
    tries_that_are_made_at_once_are_all_counted,
    links_and_codes_are_good_for_a_day,
    a_new_mail_voids_earlier_codes_and_a_confirmation_everything,
    nothing_that_was_mailed_is_kept_plain,
    five_mails_an_hour_are_sent_and_no_more,
    of_many_who_ask_for_mails_at_once_five_get_one,
    known_and_unknown_addresses_are_refused_alike,
    what_is_neither_a_link_nor_a_code_does_not_fit,
    a_suspended_account_confirms_nothing,
    with_a_confirmed_address_one_registers_and_organises_on_every_server,
}

async fn is_confirmed(person: &Person) -> bool {
    let me = person.client.get("/users/me").await.expect(200).json();
    me["email_verified_at"].is_string()
}

async fn request(person: &Person) -> Answer {
    person.client.post("/auth/email/verification").await
}

fn code_of(email: &str, otp: &str) -> Value {
    json!({"email": email, "otp": otp})
}

/// Six digits that are not these.
fn another_code(code: &str) -> String {
    let number: u32 = code.parse().expect("digits");
    format!("{:06}", (number + 1) % 1_000_000)
}

async fn refused(harness: &Harness, proof: Value) {
    confirm_email(harness, proof)
        .await
        .expect(422)
        .problem("code-refused");
}

async fn fifty_at_once(harness: &Harness, proof: &Value) {
    let answers = all_at_once(50, |_| {
        let request = harness
            .client()
            .post("/auth/email/verification/confirm")
            .json(proof.clone());
        async move { request.await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 204).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status() != 204) {
        answer.problem("code-refused");
    }
    refused(harness, proof.clone()).await;
}

async fn of_fifty_who_show_one_link_at_once_one_is_told_that_it_is_confirmed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let bela = harness.attendee("bela").await;
    // Several times: the first round finds connections that are still to be opened, and hardly meets itself.
    for _ in 0..4 {
        let asha = harness.attendee("asha").await;
        assert!(!is_confirmed(&asha).await);
        let secrets = harness.mailed_secrets(&asha.email).await;
        fifty_at_once(&harness, &json!({"token": secrets.token})).await;
        assert!(is_confirmed(&asha).await && !is_confirmed(&bela).await);
        refused(&harness, code_of(&asha.email, &secrets.code)).await;
    }
}

async fn of_fifty_who_show_one_code_at_once_one_is_told_that_it_is_confirmed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let secrets = harness.mailed_secrets(&asha.email).await;
    fifty_at_once(&harness, &code_of(&asha.email.to_uppercase(), &secrets.code)).await;
    assert!(is_confirmed(&asha).await);
    refused(&harness, json!({"token": secrets.token})).await;
}

async fn five_wrong_tries_void_a_code_and_not_its_link(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    for (person, tries) in [(&asha, 5), (&bela, 4)] {
        let code = harness.mailed_secrets(&person.email).await.code;
        for _ in 0..tries {
            refused(&harness, code_of(&person.email, &another_code(&code))).await;
        }
    }
    let hers = harness.mailed_secrets(&asha.email).await;
    refused(&harness, code_of(&asha.email, &hers.code)).await;
    // A code of one address is none of another's.
    let his = harness.mailed_secrets(&bela.email).await;
    refused(&harness, code_of(&asha.email, &his.code)).await;
    let digits: String = his.code.chars().flat_map(|digit| [digit, ' ']).collect();
    confirm_email(&harness, code_of(&bela.email, &digits))
        .await
        .expect(204);
    assert!(!is_confirmed(&asha).await && is_confirmed(&bela).await);
    confirm_email(&harness, json!({"token": hers.token}))
        .await
        .expect(204);
    assert!(is_confirmed(&asha).await);
}

async fn tries_that_are_made_at_once_are_all_counted(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let code = harness.mailed_secrets(&asha.email).await.code;
    let wrong = code_of(&asha.email, &another_code(&code));
    let answers = all_at_once(8, |_| {
        let request = harness
            .client()
            .post("/auth/email/verification/confirm")
            .json(wrong.clone());
        async move { request.await }
    })
    .await;
    assert!(answers.iter().all(|answer| answer.status() == 422));
    refused(&harness, code_of(&asha.email, &code)).await;
    assert!(!is_confirmed(&asha).await);
}

async fn links_and_codes_are_good_for_a_day(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let people = [
        harness.attendee("asha").await,
        harness.attendee("bela").await,
        harness.attendee("carl").await,
    ];
    let secrets = [
        harness.mailed_secrets(&people[0].email).await,
        harness.mailed_secrets(&people[1].email).await,
        harness.mailed_secrets(&people[2].email).await,
    ];
    harness
        .clock()
        .advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    confirm_email(&harness, json!({"token": secrets[0].token}))
        .await
        .expect(204);
    confirm_email(&harness, code_of(&people[1].email, &secrets[1].code))
        .await
        .expect(204);
    harness.clock().advance(TimeDelta::seconds(1));
    refused(&harness, json!({"token": secrets[2].token})).await;
    refused(&harness, code_of(&people[2].email, &secrets[2].code)).await;
}

async fn a_new_mail_voids_earlier_codes_and_a_confirmation_everything(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let mut mailed = vec![harness.mailed_secrets(&asha.email).await];
    for _ in 0..3 {
        request(&asha).await.expect(202);
        mailed.push(harness.mailed_secrets(&asha.email).await);
    }
    for earlier in &mailed[..3] {
        if earlier.code != mailed[3].code {
            refused(&harness, code_of(&asha.email, &earlier.code)).await;
        }
    }
    confirm_email(&harness, json!({"token": mailed[1].token}))
        .await
        .expect(204);
    for each in &mailed {
        refused(&harness, json!({"token": each.token})).await;
        refused(&harness, code_of(&asha.email, &each.code)).await;
    }
    assert!(is_confirmed(&asha).await);
}

async fn nothing_that_was_mailed_is_kept_plain(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let secrets = harness.mailed_secrets(&asha.email).await;
    let columns = ["purpose", "email", "email_key", "link_hash", "code_hash"];
    for secret in [&secrets.token, &secrets.code] {
        for column in columns {
            let holds = format!("one_time_secrets WHERE {column} LIKE '%{secret}%'");
            assert_eq!(harness.count(&holds).await, 0, "{column}");
        }
    }
    assert_eq!(harness.count("one_time_secrets").await, 1);
    for entry in harness.outbox().await {
        let payload = entry.payload.to_string();
        assert!(!payload.contains(&secrets.token) && !payload.contains(&format!("\"{}\"", secrets.code)));
    }
}

async fn five_mails_an_hour_are_sent_and_no_more(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    // The one at sign-up is none that was asked for.
    for _ in 0..5 {
        assert_eq!(request(&asha).await.expect(202).text(), "");
    }
    let before = harness.mails_to(&asha.email).await.len();
    assert_eq!(before, 6);
    let limited = request(&asha).await.expect(429);
    limited.problem("rate-limited");
    let wait: i64 = limited
        .header("retry-after")
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    assert_eq!(harness.mails_to(&asha.email).await.len(), before);
    harness.clock().advance(TimeDelta::seconds(wait));
    let again = harness.log_in(&asha.email).await;
    request(&again).await.expect(202);
    let secrets = harness.mailed_secrets(&asha.email).await;
    confirm_email(&harness, json!({"token": secrets.token}))
        .await
        .expect(204);
    // Confirmed already: nothing is sent, and nothing is counted.
    let before = harness.mails_to(&asha.email).await.len();
    for _ in 0..7 {
        request(&again).await.expect(202);
    }
    assert_eq!(harness.mails_to(&asha.email).await.len(), before);
}

async fn of_many_who_ask_for_mails_at_once_five_get_one(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let answers = all_at_once(20, |_| {
        let request = asha.client.post("/auth/email/verification");
        async move { request.await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 202).count(), 5);
    for answer in answers.iter().filter(|answer| answer.status() != 202) {
        answer.problem("rate-limited");
    }
    assert_eq!(harness.mails_to(&asha.email).await.len(), 6);
}

async fn known_and_unknown_addresses_are_refused_alike(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, confirmed) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let secrets = harness.mailed_secrets(&confirmed.email).await;
    let proof = json!({"token": secrets.token});
    confirm_email(&harness, proof.clone()).await.expect(204);
    let code = another_code(&harness.mailed_secrets(&asha.email).await.code);
    let expected = confirm_email(&harness, code_of(&asha.email, &code)).await;
    expected.problem("code-refused");
    for proof in [
        code_of("nobody@example.org", &code),
        code_of(&confirmed.email, &code),
        code_of(&confirmed.email, &secrets.code),
        proof,
        json!({"token": "nonsense"}),
    ] {
        let other = confirm_email(&harness, proof.clone()).await;
        assert_eq!(seen(&expected), seen(&other), "{proof}");
    }
}

async fn what_is_neither_a_link_nor_a_code_does_not_fit(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let secrets = harness.mailed_secrets(&asha.email).await;
    let (token, email, code) = (&secrets.token, &asha.email, &secrets.code);
    for (body, pointers) in [
        (json!({}), &["/token"][..]),
        (json!({"token": " "}), &["/token"]),
        (json!({"email": email}), &["/otp"]),
        (json!({"otp": code}), &["/email"]),
        (
            json!({"token": token, "email": email, "otp": code}),
            &["/email", "/otp"],
        ),
        (json!({"token": token, "otp": code}), &["/otp"]),
        (json!({"email": "no address", "otp": code}), &["/email"]),
        (json!({"email": email, "otp": "12345"}), &["/otp"]),
        (json!({"email": email, "otp": "１２３４５６"}), &["/otp"]),
        (json!({"email": email, "otp": 123_456}), &["/otp"]),
    ] {
        let answer = confirm_email(&harness, body).await;
        answer.problem("invalid");
        answer.invalid(pointers);
    }
    confirm_email(&harness, code_of(email, code)).await.expect(204);
}

async fn a_suspended_account_confirms_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let secrets = harness.mailed_secrets(&asha.email).await;
    suspend(&harness, &asha);
    refused(&harness, json!({"token": secrets.token})).await;
    let confirmed = harness.count("users WHERE email_verified_at IS NOT NULL").await;
    assert_eq!(confirmed, 0);
}

async fn with_a_confirmed_address_one_registers_and_organises_on_every_server(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_AUTH__REQUIRE_VERIFIED_EMAIL", "true".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let second = harness.another_server().await;
    let (organizer, asha) = (harness.organizer().await, harness.attendee("asha").await);
    let there = second
        .running()
        .person(organizer.client.token().expect("a token"));
    let mut event = harness.event_fields(3);
    event["publish"] = json!(true);
    for client in [&organizer.client, &there] {
        let organise = client.post("/events").json(event.clone());
        organise.await.expect(403).problem("verify-email-first");
    }
    let token = harness.mailed_secrets(&organizer.email).await.token;
    confirm_email(&harness, json!({"token": token})).await.expect(204);
    let made = organizer.client.post("/events").json(event).await.expect(201);
    harness.clock().advance(TimeDelta::seconds(5));
    there
        .post("/events")
        .json(harness.event_fields(3))
        .await
        .expect(201);

    let path = format!("/events/{}/registrations", made.text_at("/id"));
    let register = || asha.client.post(&path);
    register().await.expect(403).problem("verify-email-first");
    let secrets = harness.mailed_secrets(&asha.email).await;
    confirm_email(&harness, code_of(&asha.email, &secrets.code))
        .await
        .expect(204);
    register().await.expect(201);
    harness.assert_invariants().await;
}
