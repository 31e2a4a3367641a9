//! Limits: how often an address may ask, and how often somebody may guess at an account.

use chrono::TimeDelta;
use serde_json::json;
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, HarnessOptions, TestDatabase, all_at_once, on_both_databases, raw};

on_both_databases! {
    a_quota_refills_by_the_clock_and_says_when,
    the_trusted_proxy_says_whose_requests_are_counted,
    a_peer_that_is_no_trusted_proxy_is_not_believed,
    many_at_once_never_pass_more_than_the_quota,
    a_refusal_comes_before_sign_in_and_body_and_reaches_pages_of_other_origins,
    ways_to_a_sign_in_have_a_tighter_limit_of_their_own,
    an_address_makes_five_accounts_an_hour,
    wrong_passwords_lock_an_account_from_that_address_for_a_growing_time,
    a_right_password_during_a_lockout_is_refused_without_any_work,
    a_success_forgets_what_failed_from_that_address,
    a_session_in_wrong_hands_tries_few_passwords,
    many_guesses_at_once_are_no_more_than_one_after_the_other,
    many_addresses_together_are_only_slowed_down,
    an_unknown_address_is_locked_like_a_known_one,
    guesses_at_a_code_are_locked_by_themselves_and_a_reset_by_mail_ends_every_delay,
    mails_to_an_account_are_asked_for_five_times_an_hour,
    switched_off_nothing_is_limited,
}

const EVENTS: &str = "/events?limit=1";

/// A server behind a proxy on this machine, with limits in force and what else is set.
pub async fn limited(database: TestDatabase, more: &[(&'static str, &str)]) -> Harness {
    let usual = [
        ("PODIUM_LIMITS__ENABLED", "true"),
        ("PODIUM_HTTP__TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let environment = usual
        .iter()
        .chain(more)
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    let options = HarnessOptions {
        environment,
        ..HarnessOptions::default()
    };
    Harness::start_with(database, options).await
}

/// Somebody at that address.
pub fn at(harness: &Harness, address: &str) -> Client {
    harness.client().with_header("x-forwarded-for", address)
}

async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    client
        .post("/auth/login")
        .json(json!({"email": email, "password": password}))
        .await
}

async fn sign_up(client: &Client, email: &str) -> Answer {
    client
        .post("/auth/register")
        .json(json!({"email": email, "password": PASSWORD, "name": "Asha"}))
        .await
}

/// Asserts that it was too much; gives the seconds to wait.
#[track_caller]
pub fn seconds_to_wait(answer: &Answer) -> i64 {
    assert_eq!(answer.status(), 429, "{answer}");
    answer.problem("rate-limited");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let seconds = answer.header("retry-after").expect("Retry-After");
    seconds.parse().expect("whole seconds")
}

/// The answer is what it says: a second before its time the same request is refused, and then it is not.
async fn wait_out(harness: &Harness, refused: &Answer, again: impl AsyncFn() -> Answer) -> Answer {
    let seconds = seconds_to_wait(refused);
    harness.clock().advance(TimeDelta::seconds(seconds - 1));
    assert_eq!(seconds_to_wait(&again().await), 1);
    harness.clock().advance(TimeDelta::seconds(1));
    let answer = again().await;
    assert_ne!(answer.status(), 429, "{answer}");
    answer
}

async fn a_quota_refills_by_the_clock_and_says_when(database: TestDatabase) {
    let few = [
        ("PODIUM_LIMITS__REQUESTS", "10"),
        ("PODIUM_LIMITS__PER_SECONDS", "100"),
    ];
    let harness = limited(database, &few).await;
    let (asha, bela) = (at(&harness, "203.0.113.1"), at(&harness, "203.0.113.2"));
    for _ in 0..8 {
        asha.get(EVENTS).await.expect(200);
    }
    // What is not there counts as well.
    asha.root().get("/nothing").await.expect(404);
    asha.put("/events").await.expect(405);
    let refused = asha.get(EVENTS).await;
    assert_eq!(seconds_to_wait(&refused), 10);
    seconds_to_wait(&asha.root().get("/nothing").await);
    seconds_to_wait(&asha.root().get("/api-docs/").await);
    bela.get(EVENTS).await.expect(200);
    for _ in 0..20 {
        asha.root().get("/health/live").await.expect(200);
        asha.root().get("/health/ready").await.expect(200);
        asha.root().get("/metrics").await.expect(404);
    }
    wait_out(&harness, &refused, async || asha.get(EVENTS).await)
        .await
        .expect(200);
    seconds_to_wait(&asha.get(EVENTS).await);
    harness.clock().advance(TimeDelta::hours(1));
    for _ in 0..10 {
        asha.get(EVENTS).await.expect(200);
    }
    seconds_to_wait(&asha.get(EVENTS).await);
    let metrics = harness.client().root().get("/metrics").await.expect(200).text();
    assert!(
        metrics.contains("podium_rate_limited_total{limit=\"requests\"}"),
        "{metrics}"
    );
}

async fn the_trusted_proxy_says_whose_requests_are_counted(database: TestDatabase) {
    let few = [
        ("PODIUM_LIMITS__REQUESTS", "5"),
        ("PODIUM_LIMITS__PER_SECONDS", "100"),
    ];
    let harness = limited(database, &few).await;
    // The address that the proxy saw is the last one; what stands before it the client wrote itself.
    for number in 0..5 {
        at(&harness, &format!("198.51.100.{number}, 203.0.113.1"))
            .get(EVENTS)
            .await
            .expect(200);
    }
    seconds_to_wait(&at(&harness, "198.51.100.99, 203.0.113.1").get(EVENTS).await);
    // The addresses of one customer's IPv6 network count together, those of another's apart.
    for number in 0..5 {
        at(&harness, &format!("2001:db8:1:2:{number}::7"))
            .get(EVENTS)
            .await
            .expect(200);
    }
    seconds_to_wait(&at(&harness, "2001:db8:1:2:ffff::1").get(EVENTS).await);
    at(&harness, "2001:db8:1:3::1").get(EVENTS).await.expect(200);
}

async fn a_peer_that_is_no_trusted_proxy_is_not_believed(database: TestDatabase) {
    let few = [
        ("PODIUM_LIMITS__REQUESTS", "5"),
        ("PODIUM_LIMITS__PER_SECONDS", "100"),
        ("PODIUM_HTTP__TRUSTED_PROXIES", "192.0.2.0/24"),
    ];
    let harness = limited(database, &few).await;
    // The test's client reads the document once as well.
    for number in 0..4 {
        at(&harness, &format!("198.51.100.{number}"))
            .get(EVENTS)
            .await
            .expect(200);
    }
    seconds_to_wait(&at(&harness, "198.51.100.99").get(EVENTS).await);
}

async fn many_at_once_never_pass_more_than_the_quota(database: TestDatabase) {
    let harness = limited(database, &[]).await;
    for address in ["203.0.113.1", "203.0.113.2"] {
        let client = at(&harness, address);
        let answers = all_at_once(120, |_| {
            let request = client.get(EVENTS);
            async move { request.await }
        })
        .await;
        let passed = answers.iter().filter(|answer| answer.status() == 200).count();
        assert_eq!(passed, 60, "the default is 60 within 6 s");
        for refused in answers.iter().filter(|answer| answer.status() != 200) {
            assert_eq!(seconds_to_wait(refused), 1);
        }
        harness.clock().advance(TimeDelta::seconds(6));
    }
}

async fn a_refusal_comes_before_sign_in_and_body_and_reaches_pages_of_other_origins(database: TestDatabase) {
    let origin = "https://app.example";
    let harness = limited(
        database,
        &[
            ("PODIUM_LIMITS__REQUESTS", "5"),
            ("PODIUM_LIMITS__PER_SECONDS", "100"),
            ("PODIUM_HTTP__ALLOWED_ORIGINS", origin),
        ],
    )
    .await;
    let page = at(&harness, "203.0.113.1").with_header("origin", origin);
    let preflight = format!(
        "OPTIONS /api/v1/events HTTP/1.1\r\nHost: podium\r\nX-Forwarded-For: 203.0.113.1\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: POST\r\n\r\n"
    );
    let preflight = async || {
        raw::send(harness.running().address(), preflight.as_bytes())
            .await
            .status
    };
    for _ in 0..10 {
        assert_eq!(preflight().await, Some(200));
    }
    for _ in 0..5 {
        page.post("/events").json(json!({})).await.expect(401);
    }
    let refused = page
        .signed_in("nonsense")
        .post("/events")
        .text("application/json", "{")
        .await;
    seconds_to_wait(&refused);
    assert_eq!(refused.header("access-control-allow-origin"), Some(origin));
    let exposed = refused
        .header("access-control-expose-headers")
        .expect("exposed headers")
        .to_ascii_lowercase();
    assert!(exposed.contains("retry-after"), "{exposed}");
    assert_eq!(preflight().await, Some(200));
}

async fn ways_to_a_sign_in_have_a_tighter_limit_of_their_own(database: TestDatabase) {
    let harness = limited(database, &[]).await;
    let client = at(&harness, "203.0.113.1");
    let ask = async || {
        client
            .post("/auth/refresh")
            .json(json!({"refresh_token": "nonsense"}))
            .await
    };
    for number in 0..10 {
        ask().await.expect(401);
        sign_in(&client, &format!("nobody-{number}@example.org"), PASSWORD)
            .await
            .expect(401);
    }
    let refused = ask().await;
    assert_eq!(seconds_to_wait(&refused), 3);
    seconds_to_wait(&sign_in(&client, "nobody@example.org", PASSWORD).await);
    // What is no way to a sign-in is open, also from there; and others may sign in.
    client.get(EVENTS).await.expect(200);
    sign_up(&client, "asha@example.org").await.expect(201);
    sign_in(&at(&harness, "203.0.113.2"), "asha@example.org", PASSWORD)
        .await
        .expect(200);
    wait_out(&harness, &refused, ask).await.expect(401);
}

async fn an_address_makes_five_accounts_an_hour(database: TestDatabase) {
    let harness = limited(database, &[]).await;
    let client = at(&harness, "203.0.113.1");
    for number in 0..4 {
        sign_up(&client, &format!("asha-{number}@example.org"))
            .await
            .expect(201);
    }
    sign_up(&client, "asha-0@example.org").await.expect(409);
    let again = async || sign_up(&client, "bela@example.org").await;
    let refused = again().await;
    assert_eq!(seconds_to_wait(&refused), 720);
    assert_eq!(harness.count("users").await, 4);
    sign_up(&at(&harness, "203.0.113.2"), "carl@example.org")
        .await
        .expect(201);
    wait_out(&harness, &refused, again).await.expect(201);
}

async fn wrong_passwords_lock_an_account_from_that_address_for_a_growing_time(database: TestDatabase) {
    let harness = limited(database, &[]).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let here = at(&harness, "203.0.113.1");
    let wrong = async || sign_in(&here, &asha.email, "another password").await;
    for _ in 0..5 {
        wrong().await.expect(401).problem("bad-credentials");
    }
    for seconds in [30, 60, 120, 240, 480, 900, 900] {
        let refused = wrong().await;
        assert_eq!(seconds_to_wait(&refused), seconds);
        // In any spelling; but neither from elsewhere, nor another account.
        let shouted = asha.email.to_uppercase();
        seconds_to_wait(&sign_in(&here, &shouted, "another password").await);
        sign_in(&at(&harness, "203.0.113.2"), &asha.email, PASSWORD)
            .await
            .expect(200);
        sign_in(&here, &bela.email, PASSWORD).await.expect(200);
        wait_out(&harness, &refused, wrong).await.expect(401);
    }
}

async fn a_right_password_during_a_lockout_is_refused_without_any_work(database: TestDatabase) {
    let harness = limited(database, &[("PODIUM_AUTH__BCRYPT_COST", "10")]).await;
    let asha = harness.attendee("asha").await;
    let here = at(&harness, "203.0.113.1");
    for _ in 0..5 {
        sign_in(&here, &asha.email, "another password").await.expect(401);
    }
    // While passwords of others are queued for their turns, a refusal that took one would come after them.
    let crowd = all_at_once(12, |number| {
        let (client, email) = (
            at(&harness, &format!("198.51.100.{number}")),
            format!("nobody-{number}@example.org"),
        );
        async move {
            sign_in(&client, &email, PASSWORD).await.expect(401);
            std::time::Instant::now()
        }
    });
    let refused = async {
        let mut at = Vec::new();
        for _ in 0..3 {
            assert_eq!(seconds_to_wait(&sign_in(&here, &asha.email, PASSWORD).await), 30);
            at.push(std::time::Instant::now());
        }
        at
    };
    let (worked, refused) = tokio::join!(crowd, refused);
    assert!(
        refused.iter().max() < worked.iter().max(),
        "a refusal waited for the work of others"
    );
    assert_eq!(
        harness
            .count(&format!("sessions WHERE user_id = '{}'", asha.id))
            .await,
        1
    );
    harness.clock().advance(TimeDelta::seconds(30));
    sign_in(&here, &asha.email, PASSWORD).await.expect(200);
}

async fn a_session_in_wrong_hands_tries_few_passwords(database: TestDatabase) {
    let harness = limited(database, &[]).await;
    let asha = harness.attendee("asha").await;
    let wrong = json!({"password": "another password"});
    for _ in 0..5 {
        let erase = asha.client.delete("/users/me").json(wrong.clone()).await;
        erase.expect(403).problem("wrong-password");
    }
    // Wherever the password is asked for, it is the same guess.
    let change = json!({"current_password": PASSWORD, "new_password": "a password of the thief"});
    let refused = asha.client.post("/auth/password/change").json(change).await;
    assert_eq!(seconds_to_wait(&refused), 30);
    assert_eq!(harness.count("users WHERE erased_at IS NOT NULL").await, 0);
}

async fn a_success_forgets_what_failed_from_that_address(database: TestDatabase) {
    let harness = limited(database, &[]).await;
    let asha = harness.attendee("asha").await;
    let here = at(&harness, "203.0.113.1");
    for _ in 0..3 {
        for _ in 0..4 {
            sign_in(&here, &asha.email, "another password").await.expect(401);
        }
        sign_in(&here, &asha.email, PASSWORD).await.expect(200);
        harness.clock().advance(TimeDelta::minutes(1));
    }
    // A password that fits a suspended account is no success.
    crate::support::suspend(&harness, &asha);
    for _ in 0..5 {
        sign_in(&here, &asha.email, PASSWORD).await.expect(401);
    }
    seconds_to_wait(&sign_in(&here, &asha.email, PASSWORD).await);
}

async fn many_guesses_at_once_are_no_more_than_one_after_the_other(database: TestDatabase) {
    let many = [("PODIUM_LIMITS__SIGN_INS_PER_MINUTE", "1000")];
    let harness = limited(database, &many).await;
    let asha = harness.attendee("asha").await;
    let here = at(&harness, "203.0.113.1");
    let answers = all_at_once(40, |number| {
        let (client, email) = (here.clone(), asha.email.clone());
        async move { sign_in(&client, &email, &format!("guess {number}")).await }
    })
    .await;
    let looked_at = answers.iter().filter(|answer| answer.status() == 401).count();
    assert_eq!(looked_at, 5);
    for refused in answers.iter().filter(|answer| answer.status() != 401) {
        assert_eq!(seconds_to_wait(refused), 30);
    }
    // From everywhere at once, too.
    let bela = harness.attendee("bela").await;
    let answers = all_at_once(40, |number| {
        let (client, email) = (at(&harness, &format!("198.51.100.{number}")), bela.email.clone());
        async move { sign_in(&client, &email, "another password").await }
    })
    .await;
    let looked_at = answers.iter().filter(|answer| answer.status() == 401).count();
    assert_eq!(looked_at, 20);
}

async fn many_addresses_together_are_only_slowed_down(database: TestDatabase) {
    let harness = limited(database, &[]).await;
    let asha = harness.attendee("asha").await;
    let mut next = 0;
    let mut elsewhere = || {
        next += 1;
        at(&harness, &format!("198.51.100.{next}"))
    };
    // The owner's own sign-ins, here and there, give a guesser no new tries.
    for turn in 0..10 {
        for _ in 0..2 {
            sign_in(&elsewhere(), &asha.email, "another password")
                .await
                .expect(401);
        }
        if turn < 9 {
            sign_in(&at(&harness, "203.0.113.1"), &asha.email, PASSWORD)
                .await
                .expect(200);
        }
    }
    let mut waited = Vec::new();
    for _ in 0..8 {
        let client = elsewhere();
        let wrong = async || sign_in(&client, &asha.email, "another password").await;
        let refused = wrong().await;
        waited.push(seconds_to_wait(&refused));
        wait_out(&harness, &refused, wrong).await.expect(401);
    }
    assert_eq!(waited, [30, 60, 120, 240, 480, 900, 900, 900]);
    // The owner waits no longer than the guesser, gets in, and the delay does not begin anew by that.
    let owner = at(&harness, "203.0.113.9");
    let right = async || sign_in(&owner, &asha.email, PASSWORD).await;
    let refused = right().await;
    assert_eq!(seconds_to_wait(&refused), 900);
    wait_out(&harness, &refused, right).await.expect(200);
    right().await.expect(200);
    // Where nobody guesses any more it is forgotten by and by.
    harness.clock().advance(TimeDelta::hours(26));
    for _ in 0..20 {
        sign_in(&elsewhere(), &asha.email, "another password")
            .await
            .expect(401);
    }
    seconds_to_wait(&right().await);
}

async fn an_unknown_address_is_locked_like_a_known_one(database: TestDatabase) {
    let harness = limited(database, &[]).await;
    let asha = harness.attendee("asha").await;
    let mut told = Vec::new();
    for (number, email) in [asha.email.as_str(), "nobody@example.org", "no address"]
        .into_iter()
        .enumerate()
    {
        let mut seen = Vec::new();
        for turn in 0..30 {
            // Twelve from one address, then each from another.
            let host = if turn < 12 { 0 } else { turn };
            let client = at(&harness, &format!("198.51.{number}.{host}"));
            let answer = sign_in(&client, email, "another password").await;
            let mut body = answer.json();
            body["request_id"] = json!(null);
            let mut names: Vec<String> = answer.headers().keys().map(ToString::to_string).collect();
            names.sort();
            let wait = answer.header("retry-after").map(str::to_owned);
            seen.push((answer.status(), wait, body, names));
        }
        assert!(seen.iter().filter(|(status, ..)| *status == 429).count() >= 10);
        assert!(seen.iter().filter(|(status, ..)| *status == 401).count() >= 20);
        told.push(seen);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
}

async fn guesses_at_a_code_are_locked_by_themselves_and_a_reset_by_mail_ends_every_delay(
    database: TestDatabase,
) {
    let harness = limited(database, &[]).await;
    let asha = harness.attendee("asha").await;
    for number in 0..20 {
        let somewhere = at(&harness, &format!("198.51.100.{}", number / 5));
        sign_in(&somewhere, &asha.email, "another password")
            .await
            .expect(401);
    }
    let owner = at(&harness, "203.0.113.1");
    seconds_to_wait(&sign_in(&owner, &asha.email, PASSWORD).await);
    crate::passwords::forgot(&harness, &asha.email).await;
    let token = harness.mailed_secrets(&asha.email).await.token;
    for email in [asha.email.as_str(), "nobody@example.org"] {
        let reset = async || {
            let form = json!({"email": email, "otp": "000000", "new_password": PASSWORD});
            owner.post("/auth/password/reset").json(form).await
        };
        let confirm = async || {
            let form = json!({"email": email, "otp": "000000"});
            owner.post("/auth/email/verification/confirm").json(form).await
        };
        for _ in 0..2 {
            reset().await.expect(422).problem("code-refused");
            confirm().await.expect(422).problem("code-refused");
        }
        reset().await.expect(422).problem("code-refused");
        assert_eq!(seconds_to_wait(&reset().await), 30);
        assert_eq!(seconds_to_wait(&confirm().await), 30);
    }
    // A link is not guessed.
    let form = json!({"token": token, "new_password": "quite another one"});
    owner.post("/auth/password/reset").json(form).await.expect(204);
    sign_in(&owner, &asha.email, "quite another one")
        .await
        .expect(200);
    let anywhere = at(&harness, "203.0.113.2");
    sign_in(&anywhere, &asha.email, "quite another one")
        .await
        .expect(200);
    // Whoever guessed from one address is still locked there.
    seconds_to_wait(&sign_in(&at(&harness, "198.51.100.0"), &asha.email, PASSWORD).await);
}

async fn mails_to_an_account_are_asked_for_five_times_an_hour(database: TestDatabase) {
    let harness = limited(database, &[]).await;
    let asha = harness.attendee("asha").await;
    for email in [asha.email.as_str(), "nobody@example.org"] {
        let client = at(&harness, "203.0.113.1");
        let ask = async || {
            client
                .post("/auth/password/forgot")
                .json(json!({"email": email}))
                .await
        };
        for _ in 0..5 {
            ask().await.expect(202);
        }
        let refused = ask().await;
        assert_eq!(seconds_to_wait(&refused), 720);
        let elsewhere = at(&harness, "203.0.113.2");
        let form = json!({"email": email});
        elsewhere
            .post("/auth/password/forgot")
            .json(form)
            .await
            .expect(202);
        wait_out(&harness, &refused, ask).await.expect(202);
    }
}

async fn switched_off_nothing_is_limited(database: TestDatabase) {
    let off = [
        ("PODIUM_LIMITS__ENABLED", "false"),
        ("PODIUM_LIMITS__REQUESTS", "1"),
        ("PODIUM_LIMITS__SIGN_UPS_PER_HOUR", "1"),
    ];
    let harness = limited(database, &off).await;
    let asha = harness.attendee("asha").await;
    harness.attendee("bela").await;
    for _ in 0..30 {
        harness.client().get(EVENTS).await.expect(200);
        sign_in(&harness.client(), &asha.email, "another password")
            .await
            .expect(401);
    }
    sign_in(&harness.client(), &asha.email, PASSWORD)
        .await
        .expect(200);
}
