//! Limits of the ways back into an account: mails that are asked for, codes and answers that are guessed.

use crate::limits::{at, limited, seconds_to_wait};
use crate::passwords::forgot;
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    mails_are_asked_for_five_times_an_hour_whoever_has_an_account,
    wrong_codes_and_wrong_answers_lock_known_and_unknown_alike,
    a_reset_by_mail_lifts_what_guessers_locked,
}

const OTHER: &str = "another password for tests";

/// A server with limits, whose quota of sign-ins is out of the way.
async fn server(database: TestDatabase) -> Harness {
    let wide = [
        ("PODIUM_LIMITS__SIGN_INS_PER_MINUTE", "1000"),
        ("PODIUM_LIMITS__REQUESTS", "10000"),
    ];
    limited(database, &wide).await
}

async fn post(client: &Client, path: &str, body: Value) -> Answer {
    client.post(path).json(body).await
}

async fn sign_in(client: &Client, person: &Person, password: &str) -> Answer {
    let form = json!({"email": person.email, "password": password});
    post(client, "/auth/login", form).await
}

async fn mails_are_asked_for_five_times_an_hour_whoever_has_an_account(database: TestDatabase) {
    let harness = server(database).await;
    let asha = harness.attendee("asha").await;
    let (here, there) = (at(&harness, "192.0.2.1"), at(&harness, "192.0.2.2"));
    for email in [asha.email.as_str(), "nobody@example.org"] {
        let ask =
            async |client: &Client| post(client, "/auth/password/forgot", json!({"email": email})).await;
        for _ in 0..5 {
            ask(&here).await.expect(202);
        }
        seconds_to_wait(&ask(&here).await);
        ask(&there).await.expect(202);
    }
}

async fn wrong_codes_and_wrong_answers_lock_known_and_unknown_alike(database: TestDatabase) {
    let harness = server(database).await;
    let asha = harness.attendee("asha").await;
    let here = at(&harness, "192.0.2.1");
    let answers = json!([
        {"question_id": "toy_name", "answer": "Fluffy"},
        {"question_id": "first_dish", "answer": "Soup"},
    ]);
    let mut seconds = Vec::new();
    for email in [asha.email.as_str(), "nobody@example.org"] {
        for (path, guess) in [
            (
                "/auth/password/reset",
                json!({"email": email, "otp": "123456", "new_password": OTHER}),
            ),
            (
                "/auth/password/reset-with-answers",
                json!({"email": email, "answers": answers, "new_password": OTHER}),
            ),
        ] {
            for _ in 0..5 {
                let refused = post(&here, path, guess.clone()).await.expect(422);
                refused.problem("code-refused");
            }
            seconds.push(seconds_to_wait(&post(&here, path, guess).await));
        }
    }
    assert_eq!(seconds, [30; 4]);
    // Each is counted by itself.
    sign_in(&here, &asha, PASSWORD).await.expect(200);
}

async fn a_reset_by_mail_lifts_what_guessers_locked(database: TestDatabase) {
    let harness = server(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    for person in [&asha, &bela] {
        for host in 0..20 {
            let guesser = at(&harness, &format!("192.0.2.{host}"));
            sign_in(&guesser, person, "a wrong password").await.expect(401);
        }
        seconds_to_wait(&sign_in(&at(&harness, "198.51.100.1"), person, PASSWORD).await);
    }
    let owner = at(&harness, "198.51.100.1");
    let mailed = forgot(&harness, &asha.email).await;
    for (person, mut proof) in [
        (&asha, mailed.link),
        (&bela, forgot(&harness, &bela.email).await.code),
    ] {
        proof["new_password"] = json!(OTHER);
        post(&owner, "/auth/password/reset", proof).await.expect(204);
        sign_in(&owner, person, OTHER).await.expect(200);
        sign_in(&at(&harness, "203.0.113.1"), person, OTHER)
            .await
            .expect(200);
    }
}
