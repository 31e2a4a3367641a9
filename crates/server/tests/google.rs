//! Sign-in with an account elsewhere, against a real issuer on this machine: the way there and back, everything that an
//! issuer or an attacker can do wrong, and which account it leads to.

mod linking;

use crate::support::row_counts;
use auth::{IdentityProvider, ProviderError, SignInAttempt};
use chrono::TimeDelta;
use gateway::{Google, GoogleOptions};
use kernel::Clock;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use testkit::harness::PASSWORD;
use testkit::issuer::{
    CALLBACK, CLIENT_ID, CLIENT_SECRET, Misbehaviour, PUBLIC_URL, Visitor, WENT_ELSEWHERE,
};
use testkit::{Answer, Client, Harness, HarnessOptions, Issuer, TestClock, TestDatabase, on_both_databases};

on_both_databases! {
    a_new_person_signs_in_elsewhere_and_returns_with_cookies,
    what_the_issuer_does_wrong_signs_nobody_in,
    an_address_that_is_not_verified_there_signs_nobody_in,
    only_the_browser_that_left_comes_back,
    a_code_is_good_for_its_own_browser_and_once,
    a_sign_in_elsewhere_takes_ten_minutes_at_the_most,
    people_return_to_allowed_paths_only,
    without_a_client_there_is_no_such_sign_in,
    while_the_issuer_is_away_everything_else_goes_on,
    new_keys_of_the_issuer_are_found,
}

/// What leads back to the web client in the tests, besides `/`.
const WELCOME: &str = "/welcome?from=google";

async fn with_issuer(database: TestDatabase) -> (Harness, Issuer) {
    let issuer = Issuer::start().await;
    let harness = over(database, &issuer).await;
    (harness, issuer)
}

async fn over(database: TestDatabase, issuer: &Issuer) -> Harness {
    let mut environment = issuer.environment();
    environment.push(("PODIUM_GOOGLE__RETURN_PATHS", format!("/,{WELCOME}")));
    let options = HarnessOptions {
        environment,
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    issuer.tell_time_by(harness.clock());
    harness
}

/// Leaves for the issuer; gives where the browser is sent.
async fn leave(browser: &Client) -> String {
    let away = browser.get("/auth/google").await.expect(302);
    away.header("location").expect("a location").to_owned()
}

/// There and back.
async fn sign_in(issuer: &Issuer, browser: &Client) -> Answer {
    let url = leave(browser).await;
    let back = issuer.sign_in(&url).await;
    browser.get(&back).await
}

fn cookies(answer: &Answer) -> Vec<&str> {
    let values = answer.headers().get_all("set-cookie").iter();
    values.filter_map(|value| value.to_str().ok()).collect()
}

/// Nobody is signed in, the cookie of the way is gone, and nothing is told that is nobody's business.
async fn assert_refused(harness: &Harness, browser: &Client, answer: Answer) {
    let answer = answer.expect(403);
    answer.problem("external-sign-in-refused");
    assert_only_cleared(&answer);
    assert_eq!(harness.count("users").await, 0);
    assert_eq!(harness.count("sessions").await, 0);
    assert_eq!(harness.count("external_identities").await, 0);
    browser.get("/users/me").await.expect(401);
}

#[track_caller]
fn assert_only_cleared(answer: &Answer) {
    let cookies = cookies(answer);
    let cleared =
        matches!(cookies[..], [one] if one.starts_with("podium_oidc=;") && one.contains("Max-Age=0"));
    assert!(cleared, "{answer}");
    assert_tells_no_secret(answer);
}

#[track_caller]
fn assert_tells_no_secret(answer: &Answer) {
    let body = answer.text();
    for secret in [CLIENT_SECRET, "4/code", "access token", "asha@example.org", "ey"] {
        assert!(!body.contains(secret), "{secret}: {answer}");
    }
}

async fn a_new_person_signs_in_elsewhere_and_returns_with_cookies(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let browser = harness.running().browser();
    let away = browser
        .get("/auth/google?return_to=%2Fwelcome%3Ffrom%3Dgoogle")
        .await
        .expect(302);
    let there = away.header("location").expect("a location").to_owned();
    let [kept] = cookies(&away)[..] else {
        panic!("one cookie: {away}")
    };
    for part in [
        "podium_oidc=",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Path=/api/v1/auth/google",
        "; Max-Age=600",
    ] {
        assert!(kept.contains(part), "{part}: {kept}");
    }
    let back = issuer.sign_in(&there).await;
    let [asked] = &issuer.asked()[..] else {
        panic!("one question")
    };
    assert!(!kept.contains(&asked["state"]) && !kept.contains(&asked["nonce"]));

    let home = browser.get(&back).await.expect(303);
    assert_eq!(home.header("location"), Some(WELCOME));
    assert!(home.bytes().is_empty());
    let names: Vec<&str> = cookies(&home)
        .iter()
        .map(|cookie| cookie.split('=').next().unwrap_or_default())
        .collect();
    assert_eq!(names, ["podium_access", "podium_refresh", "podium_oidc"]);
    assert!(
        cookies(&home)[..2]
            .iter()
            .all(|cookie| cookie.contains("; HttpOnly; SameSite=Lax"))
    );
    assert!(cookies(&home)[2].starts_with("podium_oidc=;"), "{home}");

    let me = browser.get("/users/me").await.expect(200).json();
    assert_eq!(
        (&me["email"], &me["name"]),
        (&json!("asha@example.org"), &json!("Asha Rao"))
    );
    assert_eq!(me["roles"], json!(["attendee"]));
    assert!(me["email_verified_at"].is_string() && me["last_login_at"].is_string());
    // It has no password, so none fits.
    for password in [PASSWORD, ""] {
        let form = json!({"email": "asha@example.org", "password": password});
        let refused = harness.client().post("/auth/login").json(form).await;
        refused.expect(401).problem("bad-credentials");
    }
    browser
        .post("/auth/refresh")
        .header("origin", PUBLIC_URL)
        .await
        .expect(200);

    // The next time it is the same account, and what the issuer publishes is still known.
    let elsewhere = harness.running().browser();
    let home = sign_in(&issuer, &elsewhere).await.expect(303);
    assert_eq!(home.header("location"), Some("/"));
    let again = elsewhere.get("/users/me").await.expect(200).json();
    assert_eq!(again["id"], me["id"]);
    assert_eq!(harness.count("users").await, 1);
    assert_eq!(harness.count("external_identities").await, 1);
    assert!(harness.outbox().await.is_empty());
    assert_eq!((issuer.reads().discovery, issuer.reads().keys), (1, 1));
    assert!(issuer.refusals().is_empty());
    harness.clock().advance(TimeDelta::hours(1));
    sign_in(&issuer, &elsewhere).await.expect(303);
    assert_eq!((issuer.reads().discovery, issuer.reads().keys), (2, 2));
}

async fn what_the_issuer_does_wrong_signs_nobody_in(database: TestDatabase) {
    use Misbehaviour as Wrong;
    let (harness, issuer) = with_issuer(database).await;
    for wrong in [
        Wrong::WrongNonce,
        Wrong::NoNonce,
        Wrong::WrongAudience,
        Wrong::SecondAudience,
        Wrong::WrongIssuer,
        Wrong::Expired,
        Wrong::Old,
        Wrong::FromTheFuture,
        Wrong::ForeignKey,
        Wrong::UnpublishedKey,
        Wrong::Unsigned,
        Wrong::SignedBySecret,
        Wrong::SignedByPublicKey,
        Wrong::NoToken,
        Wrong::Garbage,
        Wrong::BadSubject,
        Wrong::TokenRedirects,
    ] {
        let browser = harness.running().browser();
        let url = leave(&browser).await;
        let back = issuer.sign_in(&url).await;
        issuer.misbehave(wrong);
        let answer = browser.get(&back).await;
        assert!(answer.status() == 403, "{wrong:?}: {answer}");
        assert_refused(&harness, &browser, answer).await;
        issuer.misbehave(None);
    }
    assert!(!issuer.refusals().contains(&WENT_ELSEWHERE));
    for wrong in [Wrong::TokenFails, Wrong::TokenEndless] {
        let browser = harness.running().browser();
        let url = leave(&browser).await;
        let back = issuer.sign_in(&url).await;
        issuer.misbehave(wrong);
        let answer = browser.get(&back).await.expect(503);
        answer.problem("unavailable");
        assert!(answer.header("retry-after").is_some());
        assert_only_cleared(&answer);
        issuer.misbehave(None);
    }
    // The clocks may differ a little, and the same issuer does it right.
    sign_in(&issuer, &harness.running().browser()).await.expect(303);
}

async fn an_address_that_is_not_verified_there_signs_nobody_in(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let good = Visitor::new("1", "asha@example.org");
    for visitor in [
        Visitor {
            email_verified: Some(false),
            ..good.clone()
        },
        Visitor {
            email_verified: None,
            ..good.clone()
        },
        Visitor {
            email: None,
            ..good.clone()
        },
        Visitor {
            email: Some("no address".to_owned()),
            ..good.clone()
        },
        Visitor {
            subject: String::new(),
            ..good.clone()
        },
        Visitor {
            subject: "s".repeat(256),
            ..good.clone()
        },
    ] {
        issuer.is_visited_by(visitor);
        let browser = harness.running().browser();
        let answer = sign_in(&issuer, &browser).await;
        assert_refused(&harness, &browser, answer).await;
    }
    issuer.is_visited_by(good);
    sign_in(&issuer, &harness.running().browser()).await.expect(303);
}

async fn only_the_browser_that_left_comes_back(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let (browser, other) = (harness.running().browser(), harness.running().browser());
    let back = issuer.sign_in(&leave(&browser).await).await;
    let foreign = issuer.sign_in(&leave(&other).await).await;
    let state_of = |path: &str| {
        let query = path.split_once("state=").expect("a state").1;
        query.split('&').next().expect("its value").to_owned()
    };

    // Somebody else sends their own way back to the person, who would be signed in as them.
    let answer = browser.get(&foreign).await;
    assert_refused(&harness, &browser, answer).await;
    // The refusal took the cookie: even the right way back is none now.
    let answer = browser.get(&back).await;
    assert_refused(&harness, &browser, answer).await;

    // A code of one's own, which nothing but the state speaks against.
    for ending in [
        "",
        "&state=",
        "&state=another",
        "&state=STATEx",
        "&state=xSTATE",
        "&state=STATE&error=server_error",
        "&state=STATE&state=STATE",
    ] {
        let browser = harness.running().browser();
        let back = issuer.sign_in(&leave(&browser).await).await;
        let code = back
            .split(['?', '&'])
            .find(|part| part.starts_with("code="))
            .expect("a code");
        let ending = ending.replace("STATE", &state_of(&back));
        let answer = browser.get(&format!("{CALLBACK}?{code}{ending}")).await;
        if answer.status() == 400 {
            assert_eq!(ending.matches("state").count(), 2);
            answer.problem("bad-query");
            assert_only_cleared(&answer);
        } else {
            assert_refused(&harness, &browser, answer).await;
        }
    }
    // A refusal of the issuer's, as it comes.
    let browser = harness.running().browser();
    let url = leave(&browser).await;
    let state = state_of(&url);
    let answer = browser
        .get(&format!(
            "{CALLBACK}?error=access_denied&error_description=No&state={state}"
        ))
        .await;
    assert_refused(&harness, &browser, answer).await;

    // A cookie that nobody here made.
    let own = browser.get("/auth/google").await.expect(302);
    let sealed = cookies(&own)[0].split(';').next().expect("a cookie").to_owned();
    let state = state_of(own.header("location").expect("a location"));
    let mut spoilt = sealed.clone();
    spoilt.pop();
    for cookie in [
        "podium_oidc=nonsense".to_owned(),
        spoilt,
        "podium_oidc=".to_owned(),
    ] {
        let client = harness.client().with_header("cookie", &cookie);
        let answer = client
            .get(&format!("{CALLBACK}?code=4%2Fcode-1&state={state}"))
            .await;
        assert_refused(&harness, &client, answer).await;
    }
    assert_eq!(issuer.reads().tokens, 0);
    let client = harness.client().with_header("cookie", &sealed);
    let back = issuer.sign_in(own.header("location").expect("a location")).await;
    client.get(&back).await.expect(303);
}

async fn a_code_is_good_for_its_own_browser_and_once(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    // A code that was caught on another's way is put into one's own: the verifier is not that of its challenge.
    let (thief, victim) = (harness.running().browser(), harness.running().browser());
    let own = issuer.sign_in(&leave(&thief).await).await;
    let caught = issuer.sign_in(&leave(&victim).await).await;
    assert!(
        own.contains("4%2Fcode-1") && caught.contains("4%2Fcode-2"),
        "{own} {caught}"
    );
    let answer = thief.get(&own.replace("4%2Fcode-1", "4%2Fcode-2")).await;
    assert_refused(&harness, &thief, answer).await;
    assert_eq!(issuer.refusals(), ["the verifier is not that of the challenge"]);

    // Whoever has kept everything comes with it again.
    let browser = harness.running().browser();
    let away = browser.get("/auth/google").await.expect(302);
    let kept = cookies(&away)[0].split(';').next().expect("a cookie").to_owned();
    let back = issuer.sign_in(away.header("location").expect("a location")).await;
    browser.get(&back).await.expect(303);
    let before = row_counts(&harness).await;
    browser
        .get(&back)
        .await
        .expect(403)
        .problem("external-sign-in-refused");
    let again = harness.client().with_header("cookie", &kept).get(&back).await;
    again.expect(403).problem("external-sign-in-refused");
    assert_eq!(issuer.refusals().last(), Some(&"the code was used before"));
    assert_eq!(row_counts(&harness).await, before);
}

async fn a_sign_in_elsewhere_takes_ten_minutes_at_the_most(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let browser = harness.running().browser();
    let back = issuer.sign_in(&leave(&browser).await).await;
    harness
        .clock()
        .advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let answer = browser.get(&back).await;
    assert_refused(&harness, &browser, answer).await;
    let back = issuer.sign_in(&leave(&browser).await).await;
    harness.clock().advance(TimeDelta::minutes(10));
    browser.get(&back).await.expect(303);
}

async fn people_return_to_allowed_paths_only(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    for path in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "/welcome",
        "/welcome?from=google&x=1",
        "/welcome%3Ffrom%3Dgoogle%23x",
        "/../",
        "//",
        "javascript:alert(1)",
        "/%0d%0aset-cookie:a=b",
    ] {
        let refused = harness
            .client()
            .get(&format!("/auth/google?return_to={path}"))
            .await;
        let refused = refused.expect(400);
        refused.problem("bad-query");
        assert!(cookies(&refused).is_empty() && refused.header("location").is_none());
    }
    let unknown = harness.client().get("/auth/google?returnto=/").await.expect(400);
    assert_eq!(unknown.problem("bad-query")["errors"][0]["pointer"], "returnto");
    assert_eq!(issuer.reads().discovery, 0);
    harness.client().get("/auth/google?return_to=/").await.expect(302);
}

async fn without_a_client_there_is_no_such_sign_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    for path in [
        "/auth/google",
        "/auth/google?return_to=/",
        "/auth/google?nonsense=1",
        "/auth/google/callback",
        "/auth/google/callback?code=1&state=2",
    ] {
        let absent = harness.client().get(path).await.expect(404);
        absent.problem("google-not-configured");
        assert!(cookies(&absent).is_empty());
    }
}

async fn while_the_issuer_is_away_everything_else_goes_on(database: TestDatabase) {
    let issuer = Issuer::start().await;
    issuer.misbehave(Misbehaviour::AllFails);
    let harness = over(database, &issuer).await;
    let away = |answer: Answer| {
        let answer = answer.expect(503);
        answer.problem("unavailable");
        assert!(answer.header("retry-after").is_some());
        assert_tells_no_secret(&answer);
    };
    let browser = harness.running().browser();
    away(browser.get("/auth/google").await);
    issuer.misbehave(Misbehaviour::OtherDiscovery);
    away(browser.get("/auth/google").await);
    harness.client().root().get("/health/ready").await.expect(200);
    let asha = harness.attendee("asha").await;
    asha.client.get("/users/me").await.expect(200);

    // It comes back, and goes while somebody is on the way.
    issuer.misbehave(None);
    let back = issuer.sign_in(&leave(&browser).await).await;
    issuer.stop().await;
    let answer = browser.get(&back).await;
    assert_only_cleared(&answer);
    away(answer);
    asha.client.get("/users/me").await.expect(200);

    // A server that starts meanwhile starts.
    let late = harness.another_server_with(issuer.environment()).await;
    late.running()
        .client()
        .root()
        .get("/health/ready")
        .await
        .expect(200);
    away(late.running().client().get("/auth/google").await);
}

async fn new_keys_of_the_issuer_are_found(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    sign_in(&issuer, &harness.running().browser()).await.expect(303);
    issuer.change_key("of today");
    sign_in(&issuer, &harness.running().browser()).await.expect(303);
    sign_in(&issuer, &harness.running().browser()).await.expect(303);
    assert_eq!((issuer.reads().discovery, issuer.reads().keys), (1, 2));
}

/// The provider itself, with less patience than the server has.
#[test]
fn an_issuer_that_does_not_answer_is_away() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let issuer = Issuer::start().await;
        let options = GoogleOptions {
            issuer: issuer.url().to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            callback_url: format!("{PUBLIC_URL}/api/v1{CALLBACK}"),
            time_limit: Duration::from_millis(200),
        };
        let clock: Arc<dyn Clock> = Arc::new(TestClock::new());
        assert!(!format!("{options:?}").contains(CLIENT_SECRET));
        let google = Google::new(options, clock).expect("a provider");
        let attempt = SignInAttempt::generate().expect("randomness");
        assert!(!format!("{attempt:?}").contains(&attempt.state));
        let url = google.authorization_url(&attempt).await.expect("a URL");
        issuer.sign_in(&url).await;
        issuer.misbehave(Misbehaviour::TokenHangs);
        let late = google.exchange(&attempt, "4/code-1");
        let late = tokio::time::timeout(Duration::from_secs(10), late)
            .await
            .expect("an end");
        assert!(matches!(late, Err(ProviderError::Away(_))), "{late:?}");
        issuer.misbehave(None);
        let identity = google.exchange(&attempt, "4/code-1").await.expect("an identity");
        assert_eq!((identity.subject.as_str(), identity.email_verified), ("1", true));
        let secrets = [&attempt.state, &attempt.nonce, &attempt.pkce_verifier];
        let refused = google.exchange(&attempt, "4/code-1").await.expect_err("used");
        let told = format!("{refused:?} {refused}");
        assert!(
            !secrets.iter().any(|secret| told.contains(secret.as_str())),
            "{told}"
        );
        assert!(
            !told.contains(CLIENT_SECRET) && !told.contains("4/code"),
            "{told}"
        );
    });
}
