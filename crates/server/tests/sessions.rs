//! One's own sessions: seen, and ended.

use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, TestDatabase, on_both_databases};

on_both_databases! {
    a_person_sees_their_open_sessions_and_nobody_elses,
    the_list_of_sessions_has_pages,
    a_session_is_ended_here_at_once_and_by_a_second_server_within_five_seconds,
    sessions_of_others_and_those_that_are_over_are_not_found,
    all_sessions_end_together_and_the_cookies_go,
    a_refused_refresh_clears_the_cookies_that_it_came_with,
    signing_out_ends_the_session_of_the_refresh_cookie_too,
}

async fn sign_in(client: &Client, email: &str) -> Answer {
    let form = json!({"email": email, "password": PASSWORD});
    client.post("/auth/login").json(form).await.expect(200)
}

async fn refresh(client: &Client, token: &str) -> Answer {
    let form = json!({"refresh_token": token});
    client.post("/auth/refresh").json(form).await
}

async fn sessions(client: &Client) -> Vec<Value> {
    client.get("/auth/sessions").await.expect(200).items()
}

fn ids(sessions: &[Value]) -> Vec<String> {
    let texts = sessions.iter().filter_map(|session| session["id"].as_str());
    texts.map(str::to_owned).collect()
}

fn cookies_set(answer: &Answer) -> Vec<String> {
    let values = answer.headers().get_all("set-cookie").iter();
    values
        .filter_map(|value| value.to_str().ok().map(str::to_owned))
        .collect()
}

/// Both cookies, each as one that is to be forgotten.
fn clears_the_cookies(answer: &Answer) -> bool {
    let set = cookies_set(answer);
    let clears = |name: &str, path: &str| {
        set.iter().any(|cookie| {
            cookie.starts_with(&format!("{name}=;"))
                && cookie.contains("Max-Age=0")
                && cookie.split("; ").any(|part| part == format!("Path={path}"))
        })
    };
    set.len() == 2 && clears("podium_access", "/") && clears("podium_refresh", "/api/v1/auth")
}

async fn a_person_sees_their_open_sessions_and_nobody_elses(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, _other) = (harness.attendee("asha").await, harness.attendee("bela").await);
    harness.clock().advance(TimeDelta::minutes(1));
    let phone = harness.client().with_header("user-agent", "Phone/1.0");
    let tokens = sign_in(&phone, &asha.email).await;
    let on_phone = harness.running().person(tokens.text_at("/access_token"));
    let answer = on_phone.get("/auth/sessions").await.expect(200);
    assert_eq!(answer.json()["next_cursor"], Value::Null);
    let seen = answer.items();
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (&seen[0]["device"], &seen[0]["address"], &seen[0]["current"]),
        (&json!("Phone/1.0"), &json!("127.0.0.1"), &json!(true))
    );
    assert_eq!(seen[0]["created_at"], "2030-01-15T09:01:00Z");
    assert_eq!(
        (&seen[1]["id"], &seen[1]["current"]),
        (&json!(asha.session_id.to_string()), &json!(false))
    );
    // The other device asks for new tokens: it was seen last, and is the one that asks there.
    harness.clock().advance(TimeDelta::minutes(1));
    refresh(&harness.client(), &tokens.text_at("/refresh_token"))
        .await
        .expect(200);
    let seen = sessions(&asha.client).await;
    assert_eq!(seen[0]["last_seen_at"], "2030-01-15T09:02:00Z");
    assert_eq!(
        (&seen[0]["current"], &seen[1]["current"]),
        (&json!(false), &json!(true))
    );
    // Of what is over nothing is shown, nor anything secret of what is open.
    on_phone.post("/auth/logout").await.expect(204);
    assert_eq!(ids(&sessions(&asha.client).await), [asha.session_id.to_string()]);
    harness.clock().advance(TimeDelta::days(29));
    let later = harness.log_in(&asha.email).await;
    harness.clock().advance(TimeDelta::days(1));
    let later_only = harness.running().person(
        harness
            .signer()
            .issue(kernel::Clock::now(harness.clock()), later.id, later.session_id)
            .expect("a token"),
    );
    assert_eq!(ids(&sessions(&later_only).await), [later.session_id.to_string()]);
}

async fn the_list_of_sessions_has_pages(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    for _ in 0..4 {
        harness.log_in(&asha.email).await;
    }
    let all = ids(&sessions(&asha.client).await);
    assert_eq!(all.len(), 5);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/auth/sessions?limit=2&include_total=true{cursor}");
        let page = asha.client.get(&path).await.expect(200);
        assert_eq!(page.json()["total"], 5);
        seen.extend(ids(&page.items()));
        match page.json()["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
    asha.client
        .get("/auth/sessions?device=x")
        .await
        .expect(400)
        .problem("bad-query");
}

async fn a_session_is_ended_here_at_once_and_by_a_second_server_within_five_seconds(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let asha = harness.attendee("asha").await;
    let tokens = sign_in(&harness.client(), &asha.email).await;
    let token = tokens.text_at("/access_token");
    let (here, there) = (harness.running().person(&token), second.running().person(&token));
    for client in [&here, &there] {
        client.get("/users/me").await.expect(200);
    }
    let open = sessions(&asha.client).await;
    let other = open.iter().find(|session| session["current"] == false);
    let path = format!(
        "/auth/sessions/{}",
        other.expect("the other session")["id"].as_str().expect("an id")
    );
    asha.client.delete(&path).await.expect(204);
    here.get("/users/me").await.expect(401).problem("session-ended");
    harness.clock().advance(TimeDelta::seconds(5));
    there.get("/users/me").await.expect(401).problem("session-ended");
    refresh(&harness.client(), &tokens.text_at("/refresh_token"))
        .await
        .expect(401)
        .problem("session-ended");
    asha.client.delete(&path).await.expect(404).problem("not-found");
    // One may end the session that one is in, as by signing out.
    let own = format!("/auth/sessions/{}", asha.session_id);
    asha.client.delete(&own).await.expect(204);
    asha.client
        .delete(&own)
        .await
        .expect(401)
        .problem("session-ended");
}

async fn sessions_of_others_and_those_that_are_over_are_not_found(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, admin) = (harness.attendee("asha").await, harness.admin().await);
    let hers = format!("/auth/sessions/{}", asha.session_id);
    for id in [
        "018f0000-0000-7000-8000-000000000000",
        "nonsense",
        &asha.id.to_string(),
    ] {
        let answer = admin.client.delete(&format!("/auth/sessions/{id}")).await;
        answer.expect(404).problem("not-found");
    }
    admin.client.delete(&hers).await.expect(404).problem("not-found");
    asha.client.get("/users/me").await.expect(200);
    harness.clock().advance(TimeDelta::days(30));
    let later = harness.log_in(&asha.email).await;
    later.client.delete(&hers).await.expect(404).problem("not-found");
}

async fn all_sessions_end_together_and_the_cookies_go(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let browser = harness.running().browser();
    let tokens = sign_in(&browser, &asha.email).await;
    let there = second.running().person(tokens.text_at("/access_token"));
    for client in [&there, &asha.client, &browser] {
        client.get("/users/me").await.expect(200);
    }
    browser
        .delete("/auth/sessions")
        .await
        .expect(403)
        .problem("origin-not-allowed");
    let ended = browser
        .delete("/auth/sessions")
        .header("sec-fetch-site", "same-origin")
        .await
        .expect(204);
    assert!(clears_the_cookies(&ended), "{ended}");
    browser
        .get("/users/me")
        .await
        .expect(401)
        .problem("unauthenticated");
    asha.client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    harness.clock().advance(TimeDelta::seconds(5));
    there.get("/users/me").await.expect(401).problem("session-ended");
    refresh(&harness.client(), &tokens.text_at("/refresh_token"))
        .await
        .expect(401)
        .problem("session-ended");
    bela.client.get("/users/me").await.expect(200);
    let back = harness.log_in(&asha.email).await;
    assert_eq!(sessions(&back.client).await.len(), 1);
}

async fn a_refused_refresh_clears_the_cookies_that_it_came_with(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let browser = harness.running().browser();
    let old = sign_in(&browser, &asha.email).await.text_at("/refresh_token");
    let from_page = || {
        browser
            .post("/auth/refresh")
            .header("sec-fetch-site", "same-origin")
    };
    let next = from_page().await.expect(200);
    assert_eq!(cookies_set(&next).len(), 2);

    // Somebody else uses the old token: the session is ended for both. What came in the body is not the browser's.
    let thief = refresh(&harness.client(), &old).await.expect(401);
    thief.problem("session-ended");
    assert_eq!(cookies_set(&thief), Vec::<String>::new());
    // Where nothing vouches for the origin, another site must not be able to sign the person out.
    let elsewhere = browser.post("/auth/refresh").await.expect(403);
    elsewhere.problem("origin-not-allowed");
    assert_eq!(cookies_set(&elsewhere), Vec::<String>::new());
    let refused = from_page().await.expect(401);
    refused.problem("session-ended");
    assert!(clears_the_cookies(&refused), "{refused}");
    from_page().await.expect(401).problem("unauthenticated");
}

async fn signing_out_ends_the_session_of_the_refresh_cookie_too(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let by_cookie = sign_in(&harness.client(), &asha.email).await;
    let with_cookie = asha.client.with_header(
        "cookie",
        &format!("podium_refresh={}", by_cookie.text_at("/refresh_token")),
    );
    let gone = with_cookie.post("/auth/logout").await.expect(204);
    assert!(clears_the_cookies(&gone), "{gone}");
    for token in [
        asha.client.token().expect("a token"),
        &by_cookie.text_at("/access_token"),
    ] {
        let person = harness.running().person(token);
        person.get("/users/me").await.expect(401).problem("session-ended");
    }
    // A cookie that is no token does not stand in the way.
    let nonsense = bela.client.with_header("cookie", "podium_refresh=nonsense");
    nonsense.post("/auth/logout").await.expect(204);
    bela.client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
}
