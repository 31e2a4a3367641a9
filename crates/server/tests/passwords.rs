//! Passwords that are changed by who knows them, and reset by who reads the account's mail.

use crate::support::{first_of, row_counts, seen, sql, suspend, text_in};
use chrono::TimeDelta;
use kernel::{EmailAddress, ServerKeys};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_password_is_changed_by_who_knows_it,
    a_change_ends_every_session_here_at_once_and_elsewhere_within_five_seconds,
    of_many_who_change_a_password_at_once_one_does,
    a_link_resets_the_password_once,
    of_many_who_use_one_link_at_once_one_sets_the_password,
    a_code_resets_the_password_once,
    of_many_who_use_one_code_at_once_one_sets_the_password,
    five_wrong_codes_void_the_code_and_the_link_lives_on,
    a_reset_voids_every_other_one,
    of_many_who_use_several_links_at_once_one_sets_the_password,
    a_change_voids_what_was_mailed,
    a_reset_lapses_after_fifteen_minutes,
    a_password_that_may_not_be_set_costs_no_try,
    what_is_no_proof_is_named,
    nothing_that_was_mailed_is_kept_in_plain,
    known_unknown_and_suspended_addresses_are_answered_alike,
    of_many_who_forgot_at_once_five_get_mails_and_one_code_is_good,
    a_suspended_account_is_mailed_nothing_and_recovers_nothing,
    no_session_of_the_old_password_outlives_it,
}

const OTHER: &str = "another password for tests";

async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    let form = json!({"email": email, "password": password});
    client.post("/auth/login").json(form).await
}

async fn change(client: &Client, current: &str, new: &str) -> Answer {
    let form = json!({"current_password": current, "new_password": new});
    client.post("/auth/password/change").json(form).await
}

async fn reset(client: &Client, proof: &Value, password: &str) -> Answer {
    let mut form = proof.clone();
    form["new_password"] = json!(password);
    client.post("/auth/password/reset").json(form).await
}

fn by_code(email: &str, code: &str) -> Value {
    json!({"email": email, "otp": code})
}

/// What was mailed to reset a password.
pub struct Mailed {
    pub link: Value,
    pub code: Value,
    pub token: String,
    pub digits: String,
}

async fn reset_mails(harness: &Harness, email: &str) -> usize {
    let mails = harness.mails_to(email).await;
    mails
        .iter()
        .filter(|mail| mail.kind() == "password_reset")
        .count()
}

/// Asks for a mail and waits until it is written: the answer comes before.
pub async fn forgot(harness: &Harness, email: &str) -> Mailed {
    let before = reset_mails(harness, email).await;
    let request = harness.client().post("/auth/password/forgot");
    let answer = request.json(json!({"email": email})).await.expect(202);
    assert_eq!(answer.bytes(), b"");
    let begun = std::time::Instant::now();
    while reset_mails(harness, email).await == before {
        assert!(begun.elapsed() < Duration::from_secs(20), "no mail to {email}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let secrets = harness.mailed_secrets(email).await;
    Mailed {
        link: json!({"token": secrets.token}),
        code: by_code(email, &secrets.code),
        token: secrets.token,
        digits: secrets.code,
    }
}

/// Six digits that are not those.
fn another_code(digits: &str) -> String {
    let last = if digits.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &digits[..5])
}

/// The notices of a changed password, by how it came about.
pub async fn notices(harness: &Harness, email: &str) -> Vec<String> {
    let mails = harness.mails_to(email).await;
    mails
        .iter()
        .filter(|mail| mail.kind() == "password_changed")
        .map(|mail| {
            let text = format!("{mail:?}");
            let by = text.split("by: ").nth(1).unwrap_or_default();
            by.split(',').next().unwrap_or_default().to_owned()
        })
        .collect()
}

fn statuses(answers: &[Answer], status: u16) -> Vec<usize> {
    let with_place = answers.iter().enumerate();
    with_place
        .filter(|(_, answer)| answer.status() == status)
        .map(|(place, _)| place)
        .collect()
}

async fn a_password_is_changed_by_who_knows_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let before = row_counts(&harness).await;
    let refused = change(&asha.client, "a wrong password", OTHER).await;
    refused.expect(403).problem("wrong-password");
    for password in ["short", "password123", &"x".repeat(73)] {
        let refused = change(&asha.client, PASSWORD, password).await;
        refused.invalid(&["/new_password"]);
    }
    assert_eq!(before, row_counts(&harness).await);
    assert_eq!(notices(&harness, &asha.email).await, Vec::<String>::new());

    let done = change(&asha.client, PASSWORD, OTHER).await.expect(204);
    let cookies = done.headers().get_all("set-cookie").iter();
    assert_eq!(
        cookies
            .filter(|cookie| cookie.to_str().is_ok_and(|text| text.contains("Max-Age=0")))
            .count(),
        2
    );
    sign_in(&harness.client(), &asha.email, PASSWORD)
        .await
        .expect(401)
        .problem("bad-credentials");
    sign_in(&harness.client(), &asha.email, OTHER).await.expect(200);
    assert_eq!(notices(&harness, &asha.email).await, ["Changed"]);

    // Who signs in elsewhere has no password to know.
    let bela = harness.attendee("bela").await;
    sql(
        &harness,
        &format!("UPDATE users SET password_hash = NULL WHERE id = '{}'", bela.id),
    );
    let refused = change(&bela.client, PASSWORD, OTHER).await;
    refused.expect(403).problem("wrong-password");
}

async fn a_change_ends_every_session_here_at_once_and_elsewhere_within_five_seconds(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let asha = harness.attendee("asha").await;
    let tokens = sign_in(&harness.client(), &asha.email, PASSWORD)
        .await
        .expect(200);
    let here = harness.running().person(tokens.text_at("/access_token"));
    let there = second.running().person(tokens.text_at("/access_token"));
    let bystander = harness.attendee("bela").await;
    for client in [&asha.client, &here, &there] {
        client.get("/users/me").await.expect(200);
    }
    change(&asha.client, PASSWORD, OTHER).await.expect(204);
    for client in [&asha.client, &here] {
        client.get("/users/me").await.expect(401).problem("session-ended");
    }
    let refresh = harness.client().post("/auth/refresh");
    let refresh = refresh.json(json!({"refresh_token": tokens.text_at("/refresh_token")}));
    refresh.await.expect(401).problem("session-ended");
    harness.clock().advance(TimeDelta::seconds(5));
    there.get("/users/me").await.expect(401).problem("session-ended");
    bystander.client.get("/users/me").await.expect(200);
    assert_eq!(
        harness
            .count(&format!(
                "sessions WHERE user_id = '{}' AND revoked_because = 'password-change'",
                asha.id
            ))
            .await,
        2
    );
}

async fn of_many_who_change_a_password_at_once_one_does(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let answers = all_at_once(20, |number| {
        let client = asha.client.clone();
        async move { change(&client, PASSWORD, &format!("password number {number}")).await }
    })
    .await;
    let done = statuses(&answers, 204);
    assert_eq!(done.len(), 1);
    // The others came with a password that is none any more, or with a session that is over.
    assert_eq!(
        statuses(&answers, 403).len() + statuses(&answers, 401).len(),
        answers.len() - 1
    );
    let password = format!("password number {}", done[0]);
    sign_in(&harness.client(), &asha.email, &password)
        .await
        .expect(200);
    assert_eq!(notices(&harness, &asha.email).await, ["Changed"]);
}

async fn a_link_resets_the_password_once(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let (asha, nobody) = (harness.attendee("asha").await, harness.client());
    let there = second.running().person(asha.client.token().expect("a token"));
    there.get("/users/me").await.expect(200);
    let unverified = format!("users WHERE id = '{}' AND email_verified_at IS NULL", asha.id);
    assert_eq!(harness.count(&unverified).await, 1);

    let mailed = forgot(&harness, &asha.email).await;
    // Asking alone changes nothing.
    asha.client.get("/users/me").await.expect(200);
    sign_in(&nobody, &asha.email, PASSWORD).await.expect(200);
    let done = reset(&nobody, &mailed.link, OTHER).await.expect(204);
    assert_eq!(done.header("set-cookie"), None, "a reset signs nobody in");
    sign_in(&nobody, &asha.email, PASSWORD).await.expect(401);
    sign_in(&nobody, &asha.email, OTHER).await.expect(200);
    asha.client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    harness.clock().advance(TimeDelta::seconds(5));
    there.get("/users/me").await.expect(401).problem("session-ended");
    assert_eq!(harness.count(&unverified).await, 0);
    assert_eq!(notices(&harness, &asha.email).await, ["ResetByMail"]);

    for proof in [&mailed.link, &mailed.code] {
        reset(&nobody, proof, "a third password for tests")
            .await
            .expect(422)
            .problem("code-refused");
    }
    sign_in(&nobody, &asha.email, OTHER).await.expect(200);
}

/// Uses a proof with many passwords at once: one is set, and it alone signs in.
async fn raced(harness: &Harness, email: &str, proofs: Vec<Value>) {
    let count = proofs.len();
    let answers = all_at_once(count, |number| {
        let (client, proof) = (harness.client(), proofs[number].clone());
        async move { reset(&client, &proof, &format!("password number {number}")).await }
    })
    .await;
    let done = statuses(&answers, 204);
    assert_eq!(done.len(), 1, "one of {count} sets the password");
    for refused in answers.iter().filter(|answer| answer.status() != 204) {
        assert_eq!(refused.status(), 422);
        refused.problem("code-refused");
    }
    for number in [done[0], first_of(0..count, |number| *number != done[0])] {
        let expected = if number == done[0] { 200 } else { 401 };
        let password = format!("password number {number}");
        sign_in(&harness.client(), email, &password)
            .await
            .expect(expected);
    }
    assert_eq!(notices(harness, email).await, ["ResetByMail"]);
}

async fn of_many_who_use_one_link_at_once_one_sets_the_password(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let mailed = forgot(&harness, &asha.email).await;
    raced(&harness, &asha.email, vec![mailed.link; 50]).await;
}

async fn of_many_who_use_one_code_at_once_one_sets_the_password(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let mailed = forgot(&harness, &asha.email).await;
    raced(&harness, &asha.email, vec![mailed.code; 50]).await;
}

async fn of_many_who_use_several_links_at_once_one_sets_the_password(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let (first, second) = (
        forgot(&harness, &asha.email).await,
        forgot(&harness, &asha.email).await,
    );
    let proofs = (0..20).flat_map(|_| [first.link.clone(), second.link.clone()]);
    raced(&harness, &asha.email, proofs.collect()).await;
}

async fn a_code_resets_the_password_once(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (harness.attendee("asha").await, harness.client());
    let mailed = forgot(&harness, &asha.email).await;
    // Four wrong ones, and one for somebody else, leave the fifth try.
    for _ in 0..4 {
        let wrong = by_code(&asha.email, &another_code(&mailed.digits));
        reset(&nobody, &wrong, OTHER)
            .await
            .expect(422)
            .problem("code-refused");
    }
    let elsewhere = by_code("nobody@example.org", &mailed.digits);
    reset(&nobody, &elsewhere, OTHER)
        .await
        .expect(422)
        .problem("code-refused");
    // As typed from a mail, in any spelling of the address.
    let spaced = format!(" {} {} ", &mailed.digits[..3], &mailed.digits[3..]);
    let shouted = by_code(&asha.email.to_uppercase(), &spaced);
    reset(&nobody, &shouted, OTHER).await.expect(204);
    sign_in(&nobody, &asha.email, OTHER).await.expect(200);
    for proof in [&mailed.link, &mailed.code] {
        reset(&nobody, proof, PASSWORD)
            .await
            .expect(422)
            .problem("code-refused");
    }
}

async fn five_wrong_codes_void_the_code_and_the_link_lives_on(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (harness.attendee("asha").await, harness.client());
    let mailed = forgot(&harness, &asha.email).await;
    let answers = all_at_once(50, |_| {
        let client = harness.client();
        let wrong = by_code(&asha.email, &another_code(&mailed.digits));
        async move { reset(&client, &wrong, OTHER).await }
    })
    .await;
    assert_eq!(statuses(&answers, 422).len(), 50);
    let tried = format!(
        "one_time_secrets WHERE user_id = '{}' AND purpose = 'reset_password' AND code_tries = 5",
        asha.id
    );
    assert_eq!(harness.count(&tried).await, 1);
    reset(&nobody, &mailed.code, OTHER)
        .await
        .expect(422)
        .problem("code-refused");
    sign_in(&nobody, &asha.email, PASSWORD).await.expect(200);
    reset(&nobody, &mailed.link, OTHER).await.expect(204);
    sign_in(&nobody, &asha.email, OTHER).await.expect(200);
}

async fn a_reset_voids_every_other_one(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let nobody = harness.client();
    let of_bela = forgot(&harness, &bela.email).await;
    let (first, second) = (
        forgot(&harness, &asha.email).await,
        forgot(&harness, &asha.email).await,
    );
    // A newer code takes the place of the older one; its link lives on.
    reset(&nobody, &first.code, OTHER).await.expect(422);
    reset(&nobody, &first.link, OTHER).await.expect(204);
    for proof in [&first.link, &second.link, &second.code] {
        reset(&nobody, proof, "a third password for tests")
            .await
            .expect(422)
            .problem("code-refused");
    }
    sign_in(&nobody, &asha.email, OTHER).await.expect(200);
    reset(&nobody, &of_bela.code, OTHER).await.expect(204);
}

async fn a_change_voids_what_was_mailed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (harness.attendee("asha").await, harness.client());
    let mailed = forgot(&harness, &asha.email).await;
    change(&asha.client, PASSWORD, OTHER).await.expect(204);
    for proof in [&mailed.link, &mailed.code] {
        reset(&nobody, proof, PASSWORD)
            .await
            .expect(422)
            .problem("code-refused");
    }
    sign_in(&nobody, &asha.email, OTHER).await.expect(200);
}

async fn a_reset_lapses_after_fifteen_minutes(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela, carl) = (
        harness.attendee("asha").await,
        harness.attendee("bela").await,
        harness.attendee("carl").await,
    );
    let nobody = harness.client();
    let (of_asha, of_bela, of_carl) = (
        forgot(&harness, &asha.email).await,
        forgot(&harness, &bela.email).await,
        forgot(&harness, &carl.email).await,
    );
    let almost = TimeDelta::minutes(15) - TimeDelta::seconds(1);
    harness.clock().advance(almost);
    reset(&nobody, &of_asha.link, OTHER).await.expect(204);
    reset(&nobody, &of_bela.code, OTHER).await.expect(204);
    harness.clock().advance(TimeDelta::seconds(1));
    for proof in [&of_carl.link, &of_carl.code] {
        reset(&nobody, proof, OTHER)
            .await
            .expect(422)
            .problem("code-refused");
    }
    sign_in(&nobody, &carl.email, PASSWORD).await.expect(200);
}

async fn a_password_that_may_not_be_set_costs_no_try(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (harness.attendee("asha").await, harness.client());
    let mailed = forgot(&harness, &asha.email).await;
    for password in ["short", "password123", "", &"ä".repeat(37)] {
        for proof in [&mailed.link, &mailed.code] {
            reset(&nobody, proof, password).await.invalid(&["/new_password"]);
        }
    }
    let untried = format!(
        "one_time_secrets WHERE user_id = '{}' AND purpose = 'reset_password' AND code_tries = 0",
        asha.id
    );
    assert_eq!(harness.count(&untried).await, 1);
    reset(&nobody, &mailed.code, OTHER).await.expect(204);
}

async fn what_is_no_proof_is_named(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let nobody = harness.client();
    let before = row_counts(&harness).await;
    let cases: [(Value, &[&str]); 9] = [
        (by_code("asha@example.org", "12"), &["/otp"]),
        (by_code("asha@example.org", "１２３４５６"), &["/otp"]),
        (json!({}), &["/token"]),
        (json!({"email": "asha@example.org"}), &["/otp"]),
        (json!({"otp": "123456"}), &["/email"]),
        (json!({"email": "no address", "otp": "123456"}), &["/email"]),
        (json!({"token": "t", "otp": "123456"}), &["/otp"]),
        (json!({"token": "t", "email": "asha@example.org"}), &["/email"]),
        (
            json!({"token": "t", "email": "asha@example.org", "otp": "1"}),
            &["/email", "/otp"],
        ),
    ];
    for (proof, pointers) in cases {
        reset(&nobody, &proof, OTHER).await.invalid(pointers);
        let both: Vec<&str> = pointers.iter().copied().chain(["/new_password"]).collect();
        reset(&nobody, &proof, "short").await.invalid(&both);
    }
    for proof in [
        json!({"token": "nonsense"}),
        json!({"token": "ä'; --"}),
        by_code("nobody@example.org", "123456"),
    ] {
        reset(&nobody, &proof, OTHER)
            .await
            .expect(422)
            .problem("code-refused");
    }
    let forgot = nobody.post("/auth/password/forgot");
    forgot
        .json(json!({"email": "no address"}))
        .await
        .invalid(&["/email"]);
    assert_eq!(before, row_counts(&harness).await);
}

async fn nothing_that_was_mailed_is_kept_in_plain(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let mailed = forgot(&harness, &asha.email).await;
    let columns = ["purpose", "email", "email_key", "link_hash", "code_hash"];
    for secret in [&mailed.token, &mailed.digits] {
        assert_eq!(text_in(&harness, "one_time_secrets", &columns, secret).await, 0);
        assert_eq!(
            text_in(&harness, "outbox", &["payload", "occasion"], secret).await,
            0
        );
    }
    // The look itself finds what is there.
    assert_eq!(
        text_in(&harness, "outbox", &["payload"], "password_reset").await,
        1
    );
}

async fn known_unknown_and_suspended_addresses_are_answered_alike(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, gone) = (harness.attendee("asha").await, harness.attendee("gone").await);
    let wrong = another_code(&forgot(&harness, &asha.email).await.digits);
    forgot(&harness, &gone.email).await;
    suspend(&harness, &gone);
    // The name of the request is in the answer.
    let client = harness.client().with_header("x-request-id", "the-same-for-all");
    let mut all = Vec::new();
    for email in [asha.email.as_str(), "nobody@example.org", gone.email.as_str()] {
        let forgot = client.post("/auth/password/forgot").json(json!({"email": email}));
        all.push([
            seen(&forgot.await.expect(202)),
            seen(&reset(&client, &by_code(email, &wrong), OTHER).await.expect(422)),
            seen(&sign_in(&client, email, "a wrong password").await.expect(401)),
        ]);
    }
    assert_eq!(all[0], all[1], "an unknown address is told from a known one");
    assert_eq!(all[0], all[2], "a suspended account is told from another");
}

/// Runs the operation behind the route, to be there when it is done.
async fn ask_directly(harness: &Harness, email: &str) {
    let (ctx, keys) = (harness.system(), ServerKeys::new(vec![1; 32], Vec::new()));
    let email: EmailAddress = email.parse().expect("an address");
    let secrets = auth::generate_secrets().expect("randomness");
    harness
        .store()
        .clone()
        .write(move |tx| auth::forgot_password(tx, &ctx, &keys, &email, &secrets))
        .await
        .expect("a request for a mail");
}

async fn of_many_who_forgot_at_once_five_get_mails_and_one_code_is_good(database: TestDatabase) {
    let harness = std::sync::Arc::new(Harness::start(database).await);
    let asha = harness.attendee("asha").await;
    all_at_once(20, |_| {
        let (harness, email) = (std::sync::Arc::clone(&harness), asha.email.clone());
        async move { ask_directly(&harness, &email).await }
    })
    .await;
    assert_eq!(reset_mails(&harness, &asha.email).await, 5);
    let good = "one_time_secrets WHERE purpose = 'reset_password' AND code_tries < 5";
    assert_eq!(harness.count(good).await, 1);
    harness.clock().advance(TimeDelta::hours(1));
    ask_directly(&harness, &asha.email).await;
    assert_eq!(reset_mails(&harness, &asha.email).await, 6);
}

async fn a_suspended_account_is_mailed_nothing_and_recovers_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (gone, nobody) = (harness.attendee("gone").await, harness.client());
    let mailed = forgot(&harness, &gone.email).await;
    suspend(&harness, &gone);
    let before = row_counts(&harness).await;
    ask_directly(&harness, &gone.email).await;
    ask_directly(&harness, "nobody@example.org").await;
    for proof in [&mailed.link, &mailed.code] {
        reset(&nobody, proof, OTHER)
            .await
            .expect(422)
            .problem("code-refused");
    }
    assert_eq!(before, row_counts(&harness).await);
    sql(
        &harness,
        &format!("UPDATE users SET status = 'active' WHERE id = '{}'", gone.id),
    );
    sign_in(&nobody, &gone.email, PASSWORD).await.expect(200);
}

async fn no_session_of_the_old_password_outlives_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    for round in 0..5 {
        let asha = harness.attendee("asha").await;
        let answers = all_at_once(16, |number| {
            let (nobody, asha) = (harness.client(), asha.clone());
            async move {
                if number == 8 {
                    change(&asha.client, PASSWORD, OTHER).await
                } else {
                    sign_in(&nobody, &asha.email, PASSWORD).await
                }
            }
        })
        .await;
        assert_eq!(statuses(&answers, 204), [8]);
        let open = format!("sessions WHERE user_id = '{}' AND revoked_at IS NULL", asha.id);
        assert_eq!(harness.count(&open).await, 0, "round {round}");
    }
}
