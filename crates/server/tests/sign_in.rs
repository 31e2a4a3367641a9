//! Accounts and sessions: signing up, in and out, tokens, cookies.

use crate::support::{row_counts, seen, suspend};
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, HarnessOptions, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_new_account_signs_in_and_reads_itself,
    an_address_is_taken_in_every_spelling,
    an_unknown_address_and_a_wrong_password_are_answered_alike,
    a_role_that_is_not_public_is_refused,
    a_refresh_token_is_good_once_and_its_reuse_ends_the_session_for_both,
    of_many_who_use_one_refresh_token_at_once_one_gets_the_next,
    a_session_that_was_signed_out_is_over,
    tokens_expire_by_the_clock,
    a_spoilt_token_signs_nobody_in,
    cookies_sign_in_and_only_allowed_origins_change_something,
    an_authorization_header_wins_over_cookies,
    a_suspended_account_is_out_at_once_and_cannot_return,
    an_ended_session_is_honoured_by_a_second_server_within_five_seconds,
    signing_out_here_ends_the_session_here_at_once,
}

async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    client
        .post("/auth/login")
        .json(json!({"email": email, "password": password}))
        .await
}

async fn refresh(client: &Client, token: &str) -> Answer {
    client
        .post("/auth/refresh")
        .json(json!({"refresh_token": token}))
        .await
}

fn sign_up_form(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "name": "Asha"})
}

async fn a_new_account_signs_in_and_reads_itself(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let mut form = sign_up_form(" Asha@Example.org ");
    form["phone"] = json!("+919812345678");
    form["role"] = json!("organizer");
    let made = harness
        .client()
        .post("/auth/register")
        .json(form)
        .await
        .expect(201);
    assert_eq!(made.header("location"), Some("/api/v1/users/me"));
    assert!(!made.text().contains(PASSWORD) && !made.text().contains("$2"));
    let tokens = sign_in(&harness.client(), "asha@example.org", PASSWORD)
        .await
        .expect(200);
    assert_eq!(
        (tokens.text_at("/token_type"), &tokens.json()["expires_in"]),
        ("Bearer".to_owned(), &json!(900))
    );
    let me = harness.running().person(tokens.text_at("/access_token"));
    let me = me.get("/users/me").await.expect(200).json();
    assert_eq!(
        (&me["id"], &me["roles"]),
        (&made.json()["id"], &json!(["organizer"]))
    );
    assert_eq!(me["email"], "Asha@example.org");
    assert!(me["last_login_at"].is_string());
    let told = harness.outbox().await;
    assert_eq!(
        told.iter()
            .filter(|entry| entry.kind == "email_verification")
            .count(),
        1
    );
    assert_eq!(
        harness
            .count(&format!("users WHERE password_hash = '{PASSWORD}'"))
            .await,
        0
    );
}

async fn an_address_is_taken_in_every_spelling(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let register = |email: &str| harness.client().post("/auth/register").json(sign_up_form(email));
    register("asha.ö@bücher.example").await.expect(201);
    let before = row_counts(&harness).await;
    for spelling in [
        "asha.ö@bücher.example",
        "ASHA.Ö@BÜCHER.EXAMPLE",
        "asha.o\u{308}@bücher.example",
        "asha.ö@xn--bcher-kva.example",
        " asha.ö@Bücher.example ",
    ] {
        register(spelling).await.expect(409).problem("email-taken");
        sign_in(&harness.client(), spelling, "a wrong password")
            .await
            .expect(401);
    }
    assert_eq!(before, row_counts(&harness).await);
    sign_in(&harness.client(), "ASHA.Ö@xn--bcher-kva.example", PASSWORD)
        .await
        .expect(200);
    // Of many at once one gets it.
    let answers = all_at_once(8, |_| {
        let request = register("bela@example.org");
        async move { request.await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status() != 201) {
        refused.problem("email-taken");
    }
}

async fn an_unknown_address_and_a_wrong_password_are_answered_alike(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, gone) = (harness.attendee("asha").await, harness.attendee("gone").await);
    suspend(&harness, &gone);
    let wrong = sign_in(&harness.client(), &asha.email, "another password")
        .await
        .expect(401);
    wrong.problem("bad-credentials");
    for (email, password) in [
        ("nobody@example.org", PASSWORD),
        ("no address", PASSWORD),
        (gone.email.as_str(), PASSWORD),
        (gone.email.as_str(), "another password"),
    ] {
        let other = sign_in(&harness.client(), email, password).await;
        assert_eq!(seen(&wrong), seen(&other), "{email}");
    }
    // A password is compared whole, as it was written.
    for password in [format!("{PASSWORD} "), PASSWORD.to_uppercase(), "a".repeat(5_000)] {
        sign_in(&harness.client(), &asha.email, &password)
            .await
            .expect(401)
            .problem("bad-credentials");
    }
}

async fn a_role_that_is_not_public_is_refused(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let before = row_counts(&harness).await;
    for role in ["admin", "Admin", "nonsense", "organizer'; --"] {
        let mut form = sign_up_form("asha@example.org");
        form["role"] = json!(role);
        let refused = harness.client().post("/auth/register").json(form).await;
        refused.expect(403).problem("role-not-public");
    }
    assert_eq!(before, row_counts(&harness).await);
}

async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session_for_both(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (harness.attendee("asha").await, harness.client());
    let first = sign_in(&nobody, &asha.email, PASSWORD)
        .await
        .expect(200)
        .text_at("/refresh_token");
    let second = refresh(&nobody, &first).await.expect(200);
    let third = refresh(&nobody, &second.text_at("/refresh_token"))
        .await
        .expect(200);
    let person = harness.running().person(third.text_at("/access_token"));
    person.get("/users/me").await.expect(200);
    refresh(&nobody, &first)
        .await
        .expect(401)
        .problem("session-ended");
    person.get("/users/me").await.expect(401).problem("session-ended");
    refresh(&nobody, &third.text_at("/refresh_token"))
        .await
        .expect(401)
        .problem("session-ended");
    // Other sessions of the person go on.
    asha.client.get("/users/me").await.expect(200);
    refresh(&nobody, "nonsense")
        .await
        .expect(401)
        .problem("session-ended");
    nobody
        .post("/auth/refresh")
        .await
        .expect(401)
        .problem("unauthenticated");
}

async fn of_many_who_use_one_refresh_token_at_once_one_gets_the_next(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let token = sign_in(&harness.client(), &asha.email, PASSWORD)
        .await
        .expect(200)
        .text_at("/refresh_token");
    let answers = all_at_once(10, |_| {
        let (client, token) = (harness.client(), token.clone());
        async move { refresh(&client, &token).await }
    })
    .await;
    let got: Vec<_> = answers.iter().filter(|answer| answer.status() == 200).collect();
    assert_eq!(got.len(), 1);
    for refused in answers.iter().filter(|answer| answer.status() != 200) {
        refused.problem("session-ended");
    }
    // One of them is a thief: nobody can tell which.
    let next = got[0].text_at("/refresh_token");
    refresh(&harness.client(), &next)
        .await
        .expect(401)
        .problem("session-ended");
}

async fn a_session_that_was_signed_out_is_over(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let tokens = sign_in(&harness.client(), &asha.email, PASSWORD)
        .await
        .expect(200);
    let person = harness.running().person(tokens.text_at("/access_token"));
    person.post("/auth/logout").await.expect(204);
    person.get("/users/me").await.expect(401).problem("session-ended");
    person
        .post("/auth/logout")
        .await
        .expect(401)
        .problem("session-ended");
    let token = tokens.text_at("/refresh_token");
    refresh(&harness.client(), &token)
        .await
        .expect(401)
        .problem("session-ended");
    asha.client.get("/users/me").await.expect(200);
}

async fn tokens_expire_by_the_clock(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let tokens = sign_in(&harness.client(), &asha.email, PASSWORD)
        .await
        .expect(200);
    let person = harness.running().person(tokens.text_at("/access_token"));
    harness
        .clock()
        .advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
    person.get("/users/me").await.expect(200);
    harness.clock().advance(TimeDelta::seconds(1));
    person
        .get("/users/me")
        .await
        .expect(401)
        .problem("unauthenticated");
    let next = refresh(&harness.client(), &tokens.text_at("/refresh_token"))
        .await
        .expect(200);
    let person = harness.running().person(next.text_at("/access_token"));
    person.get("/users/me").await.expect(200);
    // Used or not, a session lasts thirty days.
    harness.clock().advance(TimeDelta::days(30));
    let late = refresh(&harness.client(), &next.text_at("/refresh_token")).await;
    late.expect(401).problem("session-ended");
}

async fn a_spoilt_token_signs_nobody_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let token = asha.client.token().expect("a token").to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    // {"alg":"none","typ":"JWT"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let other = harness
        .attendee("bela")
        .await
        .client
        .token()
        .expect("a token")
        .to_owned();
    let other_body = other.split('.').nth(1).expect("a body");
    for spoilt in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{other_body}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        token[..token.len() - 4].to_owned(),
        format!("{token}.x"),
    ] {
        let person = harness.running().person(spoilt);
        person
            .get("/users/me")
            .await
            .expect(401)
            .problem("unauthenticated");
        person.get("/events").await.expect(401).problem("unauthenticated");
    }
}

const ORIGIN: &str = "https://app.example.org";

async fn with_origin(database: TestDatabase) -> Harness {
    let options = HarnessOptions {
        environment: vec![("PODIUM_HTTP__ALLOWED_ORIGINS", ORIGIN.to_owned())],
        ..HarnessOptions::default()
    };
    Harness::start_with(database, options).await
}

async fn cookies_sign_in_and_only_allowed_origins_change_something(database: TestDatabase) {
    let harness = with_origin(database).await;
    let asha = harness.attendee("asha").await;
    let browser = harness.running().browser();
    let answer = sign_in(&browser, &asha.email, PASSWORD).await.expect(200);
    let cookies: Vec<&str> = answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    assert_eq!(cookies.len(), 2);
    for cookie in cookies {
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
            "{cookie}"
        );
    }
    browser.get("/users/me").await.expect(200);
    let change = || browser.patch("/users/me").json(json!({"bio": "Words"}));
    change().await.expect(403).problem("origin-not-allowed");
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://app.example.org"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("referer", ORIGIN),
    ] {
        change()
            .header(name, value)
            .await
            .expect(403)
            .problem("origin-not-allowed");
    }
    assert_eq!(
        browser.get("/users/me").await.expect(200).json()["bio"],
        Value::Null
    );
    change().header("origin", ORIGIN).await.expect(200);
    change().header("sec-fetch-site", "same-origin").await.expect(200);

    let refresh = || browser.post("/auth/refresh");
    refresh().await.expect(403).problem("origin-not-allowed");
    refresh().header("origin", ORIGIN).await.expect(200);
    browser
        .post("/auth/logout")
        .await
        .expect(403)
        .problem("origin-not-allowed");
    let gone = browser
        .post("/auth/logout")
        .header("origin", ORIGIN)
        .await
        .expect(204);
    assert_eq!(gone.headers().get_all("set-cookie").iter().count(), 2);
    browser
        .get("/users/me")
        .await
        .expect(401)
        .problem("unauthenticated");
    refresh().header("origin", ORIGIN).await.expect(401);
}

async fn an_authorization_header_wins_over_cookies(database: TestDatabase) {
    let harness = with_origin(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let browser = harness.running().browser();
    sign_in(&browser, &asha.email, PASSWORD).await.expect(200);
    browser
        .signed_in("nonsense")
        .get("/users/me")
        .await
        .expect(401)
        .problem("unauthenticated");
    let as_bela = browser.signed_in(bela.client.token().expect("a token"));
    assert_eq!(
        as_bela.get("/users/me").await.expect(200).text_at("/email"),
        bela.email
    );
    // No page of another origin can set the header, so its requests need none that vouches.
    as_bela
        .patch("/users/me")
        .json(json!({"bio": "Words"}))
        .await
        .expect(200);
    // A cookie that is no good is nobody where nobody may come.
    let stale = harness.client().with_header("cookie", "podium_access=nonsense");
    stale.get("/events").await.expect(200);
    stale
        .get("/users/me")
        .await
        .expect(401)
        .problem("unauthenticated");
}

async fn a_suspended_account_is_out_at_once_and_cannot_return(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let tokens = sign_in(&harness.client(), &asha.email, PASSWORD)
        .await
        .expect(200);
    suspend(&harness, &asha);
    asha.client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    let token = tokens.text_at("/refresh_token");
    refresh(&harness.client(), &token)
        .await
        .expect(401)
        .problem("session-ended");
    sign_in(&harness.client(), &asha.email, PASSWORD)
        .await
        .expect(401)
        .problem("bad-credentials");
    let stranger = harness.attendee("bela").await;
    stranger
        .client
        .get(&format!("/users/{}", asha.id))
        .await
        .expect(404)
        .problem("not-found");
}

async fn an_ended_session_is_honoured_by_a_second_server_within_five_seconds(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let asha = harness.attendee("asha").await;
    let there = second.running().person(asha.client.token().expect("a token"));
    there.get("/users/me").await.expect(200);
    asha.client.post("/auth/logout").await.expect(204);
    harness.clock().advance(TimeDelta::seconds(5));
    there.get("/users/me").await.expect(401).problem("session-ended");

    let bela = harness.attendee("bela").await;
    let there = second.running().person(bela.client.token().expect("a token"));
    there.get("/users/me").await.expect(200);
    suspend(&harness, &bela);
    harness.clock().advance(TimeDelta::seconds(5));
    there.get("/users/me").await.expect(401).problem("session-ended");
    bela.client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
}

async fn signing_out_here_ends_the_session_here_at_once(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    for _ in 0..3 {
        asha.client.get("/users/me").await.expect(200);
    }
    asha.client.post("/auth/logout").await.expect(204);
    asha.client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
}
