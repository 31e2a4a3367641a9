//! Tokens that somebody else made or changed, and requests that another site makes in a person's name.
//!
//! The forged tokens are made of the server's own key wherever that makes the attack stronger, and each kind has a control
//! beside it, so that a refusal is one of the claim in question and not of the forgery.

use crate::support::{Operation, operations};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kernel::Clock;
use serde_json::{Value, json};
use testkit::harness::{PASSWORD, SIGNING_KEY};
use testkit::raw::{self, RawAnswer};
use testkit::{Answer, Client, Harness, HarnessOptions, Person, TestDatabase, on_both_databases};

on_both_databases! {
    a_token_signed_otherwise_signs_nobody_in,
    a_token_with_other_claims_signs_nobody_in,
    a_token_for_another_session_or_person_signs_nobody_in,
    what_is_no_token_signs_nobody_in,
    no_operation_is_done_for_another_site,
    no_socket_is_opened_for_another_site,
    answers_name_allowed_origins_only,
    another_site_does_not_use_up_a_refresh_token,
    a_stolen_refresh_cookie_ends_the_session_of_thief_and_owner,
}

/// A token that would be good, to be spoilt.
struct Forge {
    header: Header,
    claims: Value,
}

impl Forge {
    fn of(harness: &Harness, person: &Person) -> Self {
        let token = person.client.token().expect("a token");
        let now = harness.clock().now().timestamp();
        let claims = token.split('.').nth(1).expect("claims");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
        let mut claims: Value = serde_json::from_slice(&claims).expect("JSON");
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 900);
        Self {
            header: jsonwebtoken::decode_header(token).expect("a header"),
            claims,
        }
    }

    fn with(&self, claim: &str, value: Value) -> Value {
        let mut claims = self.claims.clone();
        claims[claim] = value;
        claims
    }

    fn without(&self, claim: &str) -> Value {
        let mut claims = self.claims.clone();
        claims.as_object_mut().expect("an object").remove(claim);
        claims
    }

    /// Signed with the server's own key.
    fn sign(&self, claims: &Value) -> String {
        sign_with(&self.header, claims, &SIGNING_KEY)
    }

    /// Any header at all, with a signature over it that is right for HS256 and the server's own key.
    fn sign_under(&self, header: &Value) -> String {
        let head = URL_SAFE_NO_PAD.encode(header.to_string());
        let body = URL_SAFE_NO_PAD.encode(self.claims.to_string());
        let text = format!("{head}.{body}");
        let key = EncodingKey::from_secret(&SIGNING_KEY);
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256);
        format!("{text}.{}", signature.expect("a signature"))
    }

    fn kid(&self) -> String {
        self.header.kid.clone().expect("a key id")
    }
}

fn by_cookie(harness: &Harness, token: &str) -> Client {
    harness
        .client()
        .with_header("cookie", &format!("podium_access={token}"))
}

/// Refused as Bearer and as cookie, wherever somebody has to be signed in; a bad Bearer also where nobody has to.
async fn assert_nobody(harness: &Harness, what: &str, token: &str, problem: &str) {
    let bearer = harness.running().person(token);
    let cookie = by_cookie(harness, token);
    for (client, how) in [(&bearer, "Bearer"), (&cookie, "cookie")] {
        let answer = client.get("/users/me").await;
        assert!(answer.status() == 401, "{what} as {how}: {answer}");
        answer.problem(problem);
        let change = client.patch("/users/me").json(json!({"bio": "Mine now"}));
        let answer = change.header("sec-fetch-site", "same-origin").await;
        assert!(answer.status() == 401, "{what} as {how}: {answer}");
    }
    let public = bearer.get("/events").await;
    assert!(public.status() == 401, "{what}: {public}");
    cookie.get("/events").await.expect(200);
}

async fn assert_somebody(harness: &Harness, what: &str, token: &str) {
    for client in [harness.running().person(token), by_cookie(harness, token)] {
        let answer = client.get("/users/me").await;
        assert!(answer.status() == 200, "{what}: {answer}");
    }
}

async fn a_token_signed_otherwise_signs_nobody_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let forge = Forge::of(&harness, &asha);
    assert_somebody(&harness, "the control", &forge.sign(&forge.claims)).await;
    let kid = forge.kid();
    let control = json!({"alg": "HS256", "typ": "JWT", "kid": kid});
    assert_somebody(&harness, "the control by hand", &forge.sign_under(&control)).await;

    let body = URL_SAFE_NO_PAD.encode(forge.claims.to_string());
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let head = URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": kid}).to_string());
        assert_nobody(&harness, alg, &format!("{head}.{body}."), "unauthenticated").await;
        let signed = forge.sign_under(&json!({"alg": alg, "kid": kid}));
        assert_nobody(&harness, alg, &signed, "unauthenticated").await;
    }
    // The name of another algorithm over a signature that the server's key made.
    for alg in [
        "RS256", "RS512", "PS256", "ES256", "EdDSA", "HS384", "HS512", "hs256",
    ] {
        let confused = forge.sign_under(&json!({"alg": alg, "typ": "JWT", "kid": kid}));
        assert_nobody(&harness, alg, &confused, "unauthenticated").await;
    }
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let header = Header {
            alg: algorithm,
            ..forge.header.clone()
        };
        let other = sign_with(&header, &forge.claims, &SIGNING_KEY);
        assert_nobody(&harness, "another hash", &other, "unauthenticated").await;
    }
    // Other keys, under the server's own name for its key, another name, or none.
    let mut foreign = SIGNING_KEY;
    foreign[0] ^= 1;
    for key in [
        &foreign[..],
        b"",
        b"podium",
        SIGNING_KEY_TEXT.as_bytes(),
        kid.as_bytes(),
    ] {
        let other = sign_with(&forge.header, &forge.claims, key);
        assert_nobody(&harness, "a foreign key", &other, "unauthenticated").await;
    }
    for other in [
        None,
        Some(""),
        Some("0"),
        Some("../../dev/null"),
        Some("' OR 1=1 --"),
    ] {
        let header = Header {
            kid: other.map(str::to_owned),
            ..forge.header.clone()
        };
        let token = sign_with(&header, &forge.claims, &SIGNING_KEY);
        assert_nobody(&harness, "another kid", &token, "unauthenticated").await;
    }
    // A key that the token brings along.
    let own = json!({"kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(foreign), "kid": kid});
    let head = json!({"alg": "HS256", "kid": kid, "jwk": own, "jku": "https://evil.example/keys"});
    let text = format!("{}.{body}", URL_SAFE_NO_PAD.encode(head.to_string()));
    let key = EncodingKey::from_secret(&foreign);
    let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).expect("a signature");
    assert_nobody(
        &harness,
        "a key of its own",
        &format!("{text}.{signature}"),
        "unauthenticated",
    )
    .await;
}

/// The server's key as the operator writes it.
const SIGNING_KEY_TEXT: &str = "YSBzaWduaW5nIGtleSBvZiB0aGUgdGVzdHMgYWxvbmU=";

async fn a_token_with_other_claims_signs_nobody_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let forge = Forge::of(&harness, &asha);
    let now = harness.clock().now().timestamp();
    assert_somebody(&harness, "the control", &forge.sign(&forge.claims)).await;
    assert_somebody(
        &harness,
        "clocks may differ",
        &forge.sign(&forge.with("iat", json!(now + 60))),
    )
    .await;
    assert_somebody(
        &harness,
        "just in time",
        &forge.sign(&forge.with("exp", json!(now + 1))),
    )
    .await;
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!("")),
        ("iss", json!(["https://evil.example", forge.claims["iss"]])),
        ("aud", json!("somebody else")),
        ("aud", json!("Podium")),
        ("aud", json!(["somebody else", "podium"])),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!((now + 900).to_string())),
        ("exp", json!(u64::MAX)),
        ("exp", Value::Null),
        ("iat", json!(now + 61)),
        ("iat", json!(i64::MAX)),
        ("iat", json!("now")),
        ("sub", json!("nobody")),
        ("sub", Value::Null),
        ("sid", json!("' OR 1=1 --")),
        ("sid", Value::Null),
    ] {
        let what = format!("{claim} = {value}");
        let token = forge.sign(&forge.with(claim, value));
        assert_nobody(&harness, &what, &token, "unauthenticated").await;
    }
    for claim in ["iss", "aud", "exp", "iat", "sub", "sid"] {
        let token = forge.sign(&forge.without(claim));
        assert_nobody(&harness, &format!("no {claim}"), &token, "unauthenticated").await;
    }
    // What was good is over by the clock.
    let token = forge.sign(&forge.claims);
    harness.clock().advance(TimeDelta::minutes(15));
    assert_nobody(&harness, "over", &token, "unauthenticated").await;
}

async fn a_token_for_another_session_or_person_signs_nobody_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let admin = harness.admin().await;
    let forge = Forge::of(&harness, &asha);
    let signed = forge.sign(&forge.claims);
    let [head, _, signature] = signed.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    for (claim, value) in [
        ("sub", json!(admin.id)),
        ("sid", json!(admin.session_id)),
        ("exp", json!(4_000_000_000_u64)),
        ("role", json!("admin")),
    ] {
        // Without the key, the payload cannot be changed …
        let changed = URL_SAFE_NO_PAD.encode(forge.with(claim, value).to_string());
        let token = format!("{head}.{changed}.{signature}");
        assert_nobody(&harness, claim, &token, "unauthenticated").await;
    }
    // … and with it, a token is good for the owner of a session that is open.
    for (what, claims) in [
        ("another's session", forge.with("sid", json!(bela.session_id))),
        ("another in one's session", forge.with("sub", json!(bela.id))),
        ("no session", forge.with("sid", json!(asha.id))),
    ] {
        let token = forge.sign(&claims);
        assert_nobody(&harness, what, &token, "session-ended").await;
        // Also when the server remembers the session.
        asha.client.get("/users/me").await.expect(200);
        bela.client.get("/users/me").await.expect(200);
        assert_nobody(&harness, what, &token, "session-ended").await;
    }
    // A claim of one's own gives nothing.
    let token = forge.sign(&forge.with("permissions", json!(["event:create", "user:manage"])));
    let event = harness.event_fields(1);
    let refused = harness.running().person(token).post("/events").json(event).await;
    refused.expect(403).problem("forbidden");
}

async fn what_is_no_token_signs_nobody_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let token = asha.client.token().expect("a token").to_owned();
    let tokens = json!({"email": asha.email, "password": PASSWORD});
    let answer = harness
        .client()
        .post("/auth/login")
        .json(tokens)
        .await
        .expect(200);
    let refresh_token = answer.text_at("/refresh_token");
    for garbage in [
        ".",
        "..",
        "...",
        "a.b.c",
        "null",
        "e30.e30.e30",
        "%00",
        &token[1..],
        &token.replace('.', ""),
        &token.replace('.', ".."),
        &format!("{token}="),
        &format!("{token}{token}"),
        &token.to_uppercase(),
        &refresh_token,
        &"a".repeat(3_000),
    ] {
        assert_nobody(&harness, garbage, garbage, "unauthenticated").await;
    }
}

const ORIGIN: &str = "https://app.example.org";
const FOREIGN: &[(&str, &str)] = &[
    ("origin", "https://evil.example"),
    ("origin", "null"),
    ("origin", ""),
    ("origin", "https://app.example.org.evil.example"),
    ("origin", "https://evil.example/https://app.example.org"),
    ("origin", "https://app.example.org@evil.example"),
    ("origin", "https://app.example.org:444"),
    ("origin", "http://app.example.org"),
    ("origin", "https://xapp.example.org"),
    ("origin", "https://example.org"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
    ("sec-fetch-site", "Same-Origin, none"),
];

async fn with_origin(database: TestDatabase) -> Harness {
    let options = HarnessOptions {
        environment: vec![("PODIUM_HTTP__ALLOWED_ORIGINS", ORIGIN.to_owned())],
        ..HarnessOptions::default()
    };
    Harness::start_with(database, options).await
}

/// A browser in which the person is signed in.
async fn browser_of(harness: &Harness, person: &Person) -> (Client, Answer) {
    let browser = harness.running().browser();
    let form = json!({"email": person.email, "password": PASSWORD});
    let answer = browser.post("/auth/login").json(form).await.expect(200);
    (browser, answer)
}

async fn no_operation_is_done_for_another_site(database: TestDatabase) {
    let harness = with_origin(database).await;
    let admin = harness.admin().await;
    let (browser, _) = browser_of(&harness, &admin).await;
    let changes: Vec<Operation> = operations(&harness)
        .await
        .into_iter()
        .filter(|operation| operation.method != "GET" && operation.who != ["public"])
        .collect();
    assert!(changes.len() > 10, "{changes:?}");
    for operation in &changes {
        let path = operation.path_with("018f0000-0000-7000-8000-000000000000");
        let ask = || {
            let method = operation.method.parse().expect("a method");
            browser.request(method, &path)
        };
        // Whatever a page of another site can send without asking first.
        ask()
            .text("text/plain", "{}")
            .await
            .expect(403)
            .problem("origin-not-allowed");
        for (name, value) in FOREIGN {
            let answer = ask().header(name, value).text("text/plain", "{}").await;
            assert!(answer.status() == 403, "{name}: {value}: {answer}");
            answer.problem("origin-not-allowed");
        }
    }
    // The session has come through all of it, signing out included.
    let change = browser.patch("/users/me").json(json!({"bio": "Words"}));
    change.header("origin", ORIGIN).await.expect(200);
}

fn sign_with(header: &Header, claims: &Value, key: &[u8]) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(key)).expect("a token")
}

/// A request that the document does not speak of: an opening of a socket, a preflight.
async fn send_raw(harness: &Harness, method: &str, path: &str, headers: &[(&str, &str)]) -> RawAnswer {
    let address = harness.running().address();
    let mut text = format!("{method} /api/v1{path} HTTP/1.1\r\nhost: {address}\r\n");
    for (name, value) in headers {
        for part in [*name, ": ", *value, "\r\n"] {
            text.push_str(part);
        }
    }
    text.push_str("\r\n");
    raw::send(address, text.as_bytes()).await
}

async fn no_socket_is_opened_for_another_site(database: TestDatabase) {
    let harness = with_origin(database).await;
    let asha = harness.attendee("asha").await;
    let token = asha.client.token().expect("a token");
    let cookie = format!("podium_access={token}");
    let bearer = format!("Bearer {token}");
    for path in ["/users/me", "/events"] {
        let open = async |more: &[(&str, &str)]| {
            let mut headers = vec![
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ];
            headers.extend_from_slice(more);
            send_raw(&harness, "GET", path, &headers).await
        };
        let by_cookie = ("cookie", cookie.as_str());
        let silent = open(&[by_cookie]).await;
        assert!(
            silent.status == Some(403) && silent.text.contains("origin-not-allowed"),
            "{silent:?}"
        );
        for foreign in FOREIGN {
            let answer = open(&[by_cookie, *foreign]).await;
            assert!(answer.status == Some(403), "{foreign:?}: {answer:?}");
            assert!(answer.text.contains("origin-not-allowed"), "{answer:?}");
        }
        // No socket is served there; the request is let in.
        let allowed = open(&[by_cookie, ("origin", ORIGIN)]).await;
        assert_eq!(allowed.status, Some(200), "{allowed:?}");
        let with_token = open(&[("authorization", &bearer), ("origin", "https://evil.example")]).await;
        assert_eq!(with_token.status, Some(200), "{with_token:?}");
    }
}

async fn answers_name_allowed_origins_only(database: TestDatabase) {
    let harness = with_origin(database).await;
    let nobody = harness.client();
    let named = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    for path in [
        "/events",
        "/users/me",
        "/auth/refresh",
        "/auth/google",
        "/nothing",
    ] {
        let preflight = async |origin: &str| {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "content-type"),
            ];
            let answer = send_raw(&harness, "OPTIONS", path, &headers).await.text;
            let (head, _) = answer.split_once("\r\n\r\n").expect("a head");
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines
                .find(|(name, _)| name.eq_ignore_ascii_case("access-control-allow-origin"))
                .map(|(_, value)| value.to_owned())
        };
        assert_eq!(preflight(ORIGIN).await.as_deref(), Some(ORIGIN), "{path}");
        let seen = nobody.get(path).header("origin", ORIGIN).await;
        assert_eq!(named(&seen).as_deref(), Some(ORIGIN), "{seen}");
        assert_eq!(seen.header("access-control-allow-credentials"), Some("true"));
        let vary = seen.header("vary").unwrap_or_default().to_ascii_lowercase();
        assert!(vary.contains("origin"), "a cache would give it to others: {seen}");
        let foreign = FOREIGN.iter().filter(|(name, _)| *name == "origin");
        for (_, origin) in foreign.chain([&("origin", "*")]) {
            assert_eq!(preflight(origin).await, None, "{path} {origin}");
            let answer = nobody.get(path).header("origin", origin).await;
            assert_eq!(named(&answer), None, "{origin}: {answer}");
        }
    }
    // Where none is allowed, none is named.
    let none = vec![("PODIUM_HTTP__ALLOWED_ORIGINS", String::new())];
    let alone = harness.another_server_with(none).await;
    let seen = alone
        .running()
        .client()
        .get("/events")
        .header("origin", ORIGIN)
        .await;
    assert_eq!(named(&seen.expect(200)), None);
}

async fn another_site_does_not_use_up_a_refresh_token(database: TestDatabase) {
    let harness = with_origin(database).await;
    let asha = harness.attendee("asha").await;
    let (browser, _) = browser_of(&harness, &asha).await;
    for path in ["/auth/refresh", "/auth/logout"] {
        for (name, value) in FOREIGN {
            let answer = browser.post(path).header(name, value).await;
            assert!(answer.status() == 403, "{name}: {value}: {answer}");
            answer.problem("origin-not-allowed");
        }
    }
    for _ in 0..2 {
        browser
            .post("/auth/refresh")
            .header("origin", ORIGIN)
            .await
            .expect(200);
    }
    browser.get("/users/me").await.expect(200);
}

async fn a_stolen_refresh_cookie_ends_the_session_of_thief_and_owner(database: TestDatabase) {
    let harness = with_origin(database).await;
    let asha = harness.attendee("asha").await;
    let (browser, answer) = browser_of(&harness, &asha).await;
    let stolen = answer.text_at("/refresh_token");
    let taken = harness
        .client()
        .post("/auth/refresh")
        .json(json!({"refresh_token": stolen}))
        .await
        .expect(200);
    let thief = harness.running().person(taken.text_at("/access_token"));
    thief.get("/users/me").await.expect(200);
    // The owner's browser comes with the cookie that the thief has used up.
    let refused = browser.post("/auth/refresh").header("origin", ORIGIN).await;
    refused.expect(401).problem("session-ended");
    thief.get("/users/me").await.expect(401).problem("session-ended");
    // With the refusal the browser's cookies were taken back.
    browser
        .get("/users/me")
        .await
        .expect(401)
        .problem("unauthenticated");
    let next = json!({"refresh_token": taken.text_at("/refresh_token")});
    let refused = harness.client().post("/auth/refresh").json(next).await;
    refused.expect(401).problem("session-ended");
    // Another sign-in of the person's is another session.
    asha.client.get("/users/me").await.expect(200);
}
