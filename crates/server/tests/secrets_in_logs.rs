//! However much the server logs, nothing in it lets anybody in: no password, hash, token, code, cookie or key.

mod binary;

use crate::pages::walk::form;
use auth::AuthTx;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use binary::{Binary, SIGNING_KEY, SIGNING_KEY_TEXT};
use kernel::{Actor, Clock, Ctx, EmailAddress, RequestId, ServerKeys, SystemClock, TimeOrderedIds};
use notification::{MailedSecrets, SealedSecrets};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use storage::{QueuedMessage, Store, StoreOptions};
use testkit::{Client, SmtpServer, TestDatabase, on_both_databases};

on_both_databases! {
    the_most_talkative_log_holds_no_secret,
}

const PASSWORD: &str = "first-password-of-asha";
const WRONG: &str = "wrong-password-of-asha";
const SECOND: &str = "second-password-of-asha";
const THIRD: &str = "third-password-of-asha";
const ADMINS: &str = "password-of-the-admin";
const EMAIL: &str = "asha@example.org";
/// What somebody might send in the wrong place.
const MISPLACED: &str = "misplaced-secret-of-asha";

/// What must not be found, each with what it is.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 6, "{what} is too short to look for: {secret:?}");
        self.0.push((what, secret));
    }

    /// The tokens of a sign-in, and the cookies that it set.
    fn add_sign_in(&mut self, answer: &testkit::Answer) -> (String, String) {
        let (access, refresh) = (answer.text_at("/access_token"), answer.text_at("/refresh_token"));
        self.add("an access token", access.clone());
        self.add(
            "an access token's signature",
            access.rsplit('.').next().expect("a signature"),
        );
        self.add("a refresh token", refresh.clone());
        self.add("a refresh token's hash", hash_of(&refresh));
        (access, refresh)
    }

    fn add_mailed(&mut self, mailed: &MailedSecrets, sealed: &SealedSecrets) {
        self.add("the token of a link", mailed.token.clone());
        self.add("the hash of a link", hash_of(&mailed.token));
        self.add("a code", mailed.code.clone());
        let sealed = serde_json::to_value(sealed).expect("a text");
        self.add("sealed secrets", sealed.as_str().expect("a text"));
    }
}

fn hash_of(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

/// The database beside the server, and its keys.
struct Beside {
    store: Store,
    keys: ServerKeys,
}

impl Beside {
    fn open(database: &TestDatabase) -> Self {
        Self {
            store: Store::open(&StoreOptions::new(database.parsed_url())).expect("a store"),
            keys: ServerKeys::new(SIGNING_KEY.to_vec(), Vec::new()),
        }
    }

    /// What the newest message to [`EMAIL`] carries.
    async fn mailed(&self) -> (MailedSecrets, SealedSecrets) {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method is not general over the transaction"
        )]
        let outbox = self.store.read(|tx| tx.list_outbox()).await.expect("the outbox");
        let sealed = outbox.into_iter().rev().find_map(|entry| {
            let queued: QueuedMessage = serde_json::from_value(entry.payload).ok()?;
            let (sealed, _) = queued.message.secrets()?;
            (queued.to.as_str() == EMAIL).then(|| sealed.clone())
        });
        let sealed = sealed.expect("a message with secrets");
        (
            sealed.open(&self.keys).expect("secrets under the server's key"),
            sealed,
        )
    }

    async fn all_is_sent(&self) -> bool {
        let waiting = self
            .store
            .read(|tx| tx.count_rows("outbox WHERE channel = 'message' AND status = 'queued'"));
        waiting.await.expect("a count") == 0
    }

    async fn forgot(&self) {
        let ids = Arc::new(TimeOrderedIds::new());
        let ctx = Ctx::new(SystemClock.now(), Actor::Anonymous, RequestId("test".into()), ids);
        let email: EmailAddress = EMAIL.parse().expect("an address");
        let (keys, secrets) = (self.keys.clone(), auth::generate_secrets().expect("randomness"));
        let written = self
            .store
            .write(move |tx| auth::forgot_password(tx, &ctx, &keys, &email, &secrets));
        written.await.expect("a mail in the outbox");
    }

    async fn password_hash(&self) -> String {
        let email: EmailAddress = EMAIL.parse().expect("an address");
        let found = self
            .store
            .read(move |tx| auth::find_credentials(tx as &mut dyn AuthTx, &email));
        let hash = found.await.expect("a look").and_then(|known| known.password_hash);
        hash.expect("a hash").as_str().to_owned()
    }
}

async fn the_most_talkative_log_holds_no_secret(database: TestDatabase) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut binary = Binary::serve(folder.path(), database.url());
    let beside = Beside::open(&database);
    let mut secrets = Secrets::default();
    for (what, secret) in [
        ("the first password", PASSWORD),
        ("a wrong password", WRONG),
        ("the second password", SECOND),
        ("the third password", THIRD),
        ("the admin's password", ADMINS),
        ("a misplaced secret", MISPLACED),
        ("the signing key", SIGNING_KEY_TEXT),
        (
            "the signing key's bytes",
            std::str::from_utf8(&SIGNING_KEY).expect("text"),
        ),
    ] {
        secrets.add(what, secret);
    }
    binary.make_admin(ADMINS);
    let client = Client::new(binary.url());

    let access = sign_up_and_in(&client, &beside, &mut secrets).await;
    by_mail(&client, &beside, &mut secrets).await;
    ticket(&client, &mut secrets).await;
    nonsense(&client, &secrets, &access).await;
    let metrics = client.root().get("/metrics").await.expect(200).text();
    raw_nonsense(binary.address()).await;

    let mails = SmtpServer::start();
    binary.work(mails.url().as_str(), || beside.all_is_sent()).await;
    assert!(mails.count() > 3, "mails with secrets were sent");

    let log = binary.stop();
    assert!(log.lines.len() > 50, "the log is not talkative: {:#?}", log.lines);
    assert!(log.other.contains("log.level = trace"), "{}", log.other);
    assert!(
        log.finds("/reset-password") && log.finds("/api/v1/auth/login"),
        "requests are logged by their patterns"
    );
    for (what, secret) in &secrets.0 {
        let found: Vec<&Value> = log.lines_with(secret).collect();
        assert!(found.is_empty(), "{what} is in the log: {found:#?}");
        assert!(
            !log.other.contains(secret.as_str()),
            "{what} is in: {}",
            log.other
        );
        assert!(!holds(&metrics, secret), "{what} is in the metrics");
    }
}

/// Whether the text holds the secret by itself and not as a part of a longer number or word.
fn holds(text: &str, secret: &str) -> bool {
    let is_joined = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit()) && secret.len() < 10;
    text.match_indices(secret).any(|(start, _)| {
        !is_joined(text[..start].chars().next_back())
            && !is_joined(text[start + secret.len()..].chars().next())
    })
}

async fn sign_up_and_in(client: &Client, beside: &Beside, secrets: &mut Secrets) -> String {
    let form = json!({"email": EMAIL, "password": PASSWORD, "name": "Asha"});
    client.post("/auth/register").json(form.clone()).await.expect(201);
    client.post("/auth/register").json(form).await.expect(409);
    secrets.add("the first password's hash", beside.password_hash().await);
    let (mailed, sealed) = beside.mailed().await;
    secrets.add_mailed(&mailed, &sealed);
    let page = client.root().post("/verify-email");
    page.text("application/x-www-form-urlencoded", form_of_link(&mailed, ""))
        .await
        .expect(200);

    let log_in = |password: &str| {
        client
            .post("/auth/login")
            .json(json!({"email": EMAIL, "password": password}))
    };
    log_in(WRONG).await.expect(401);
    let (_, refresh) = secrets.add_sign_in(&log_in(PASSWORD).await.expect(200));
    let body = json!({"refresh_token": refresh});
    secrets.add_sign_in(&client.post("/auth/refresh").json(body.clone()).await.expect(200));
    // The second use of a token ends its session, and is warned of.
    client.post("/auth/refresh").json(body).await.expect(401);
    let (access, refresh) = secrets.add_sign_in(&log_in(PASSWORD).await.expect(200));
    client.signed_in(&access).get("/users/me").await.expect(200);
    let cookies = format!("podium_access={access}; podium_refresh={refresh}");
    let browser = client
        .with_header("cookie", &cookies)
        .with_header("sec-fetch-site", "same-origin");
    browser.get("/users/me").await.expect(200);
    browser
        .with_header("sec-fetch-site", "cross-site")
        .post("/auth/logout")
        .await
        .expect(403);
    access
}

fn form_of_link(mailed: &MailedSecrets, password: &str) -> String {
    form(&[("token", &mailed.token), ("new_password", password)])
}

async fn by_mail(client: &Client, beside: &Beside, secrets: &mut Secrets) {
    let root = client.root();
    let send = |fields: String| {
        root.post("/reset-password")
            .text("application/x-www-form-urlencoded", fields)
    };
    beside.forgot().await;
    let (mailed, sealed) = beside.mailed().await;
    secrets.add_mailed(&mailed, &sealed);
    root.get(&format!("/reset-password?token={}", mailed.token))
        .await
        .expect(200);
    send(form_of_link(&mailed, "short")).await.expect(422);
    send(form_of_link(&mailed, SECOND)).await.expect(200);
    send(form_of_link(&mailed, THIRD)).await.expect(422);
    secrets.add("the second password's hash", beside.password_hash().await);

    beside.forgot().await;
    let (mailed, sealed) = beside.mailed().await;
    secrets.add_mailed(&mailed, &sealed);
    let code = form(&[("email", EMAIL), ("code", &mailed.code), ("new_password", THIRD)]);
    send(code).await.expect(200);
    secrets.add("the third password's hash", beside.password_hash().await);

    // The same over JSON, whatever comes of it.
    let bodies = [
        ("/auth/password/forgot", json!({"email": EMAIL})),
        (
            "/auth/password/reset",
            json!({"token": mailed.token, "new_password": THIRD}),
        ),
        (
            "/auth/password/reset",
            json!({"email": EMAIL, "otp": mailed.code, "new_password": THIRD}),
        ),
        ("/auth/email/verification/confirm", json!({"token": mailed.token})),
    ];
    for (path, body) in bodies {
        client.post(path).json(body).await;
    }
}

/// A seat at an event of the admin's, and its ticket in every form.
async fn ticket(client: &Client, secrets: &mut Secrets) {
    let sign_in = json!({"email": "admin@example.org", "password": ADMINS});
    let admin = client.post("/auth/login").json(sign_in).await.expect(200);
    let admin = client.signed_in(admin.text_at("/access_token"));
    let event = admin.post("/events").json(json!({
        "title": "A talk", "format": "virtual", "starts_at": "2125-05-04T12:30:00Z", "ends_at": "2125-05-04T15:30:00Z",
        "time_zone": "Asia/Kolkata", "capacity": 2, "publish": true
    }));
    let event = event.await.expect(201).text_at("/id");
    let sign_in = client
        .post("/auth/login")
        .json(json!({"email": EMAIL, "password": THIRD}));
    let (access, _) = secrets.add_sign_in(&sign_in.await.expect(200));
    let holder = client.signed_in(access);
    let path = format!("/events/{event}/registrations");
    let registered = holder.post(&path).await.expect(201);
    let path = format!("/registrations/{}/ticket", registered.text_at("/registration/id"));
    let ticket = holder.get(&path).await.expect(200);
    let code: ticket::TicketCode = ticket.text_at("/code").parse().expect("a code");
    secrets.add("the code of a ticket", code.as_str());
    secrets.add("the code of a ticket as it is read", code.grouped());
    secrets.add("the signed text of a ticket", ticket.text_at("/qr"));
    for form in ["svg", "png", "pdf"] {
        holder.get(&format!("{path}.{form}")).await.expect(200);
    }
    let root = client.root();
    for shown in [code.as_str(), &code.grouped()] {
        root.get(&format!("/t/{shown}")).await.expect(200);
        root.get(&format!("/t/{shown}/")).await;
        root.post(&format!("/t/{shown}")).await;
    }
}

/// Secrets where they do not belong.
async fn nonsense(client: &Client, secrets: &Secrets, access: &str) {
    let login = |body: &str| {
        client
            .post("/auth/login")
            .text("application/json", body.to_owned())
    };
    for body in [
        json!({"email": MISPLACED, "password": 5}),
        json!({"email": EMAIL, "pasword": MISPLACED, "password": THIRD}),
        json!({MISPLACED: MISPLACED}),
        json!([MISPLACED]),
        json!({"refresh_token": MISPLACED, "email": {"password": MISPLACED}}),
    ] {
        login(&body.to_string()).await.expect(422);
    }
    for body in [
        format!("{{\"password\": \"{MISPLACED}"),
        MISPLACED.to_owned(),
        format!("\"{MISPLACED}\""),
    ] {
        let status = login(&body).await.status();
        assert!((400..500).contains(&status), "{status}");
    }
    client
        .post("/auth/login")
        .text("text/plain", MISPLACED)
        .await
        .expect(415);
    client
        .post("/auth/login")
        .text("application/json", MISPLACED.repeat(20_000))
        .await
        .expect(413);
    for value in [
        format!("Basic {MISPLACED}"),
        format!("Bearer {MISPLACED}"),
        MISPLACED.to_owned(),
    ] {
        client
            .get("/users/me")
            .header("authorization", &value)
            .await
            .expect(401);
    }
    let cookies = format!("podium_access={MISPLACED}; {MISPLACED}={MISPLACED}");
    client
        .with_header("cookie", &cookies)
        .get("/users/me")
        .await
        .expect(401);
    let signed_in = client.signed_in(access);
    for secret in [MISPLACED, PASSWORD] {
        for path in [
            format!("/events?token={secret}"),
            format!("/events?limit={secret}"),
            format!("/events?q={secret}"),
            format!("/events/{secret}"),
            format!("/{secret}"),
        ] {
            signed_in.get(&path).await;
        }
        signed_in
            .get("/events")
            .header("if-none-match", secret)
            .header("x-forwarded-for", secret)
            .await;
        signed_in
            .post("/events")
            .key(secret)
            .header("origin", secret)
            .await;
    }
    for (_, secret) in &secrets.0 {
        let link = form(&[("token", secret)]);
        client.root().get(&format!("/verify-email?{link}")).await;
        let encoded = &link["token=".len()..];
        client.root().get(&format!("/t/{encoded}")).await;
        // The links of campaigns have all that they are worth in their path.
        for page in ["/vote", "/unsubscribe"] {
            client.root().get(&format!("{page}/{encoded}")).await;
            client.root().post(&format!("{page}/{encoded}")).await;
        }
        for route in ["/vote-links", "/unsubscribe"] {
            client.get(&format!("{route}/{encoded}")).await;
            client.post(&format!("{route}/{encoded}")).await;
        }
    }
}

/// What no HTTP client would send.
async fn raw_nonsense(address: &str) {
    for request in [
        format!("GET /reset-password?token={MISPLACED} HTTP/9.9\r\n\r\n"),
        format!("GET /reset-password?token={MISPLACED} \u{1} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: {MISPLACED}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: x\r\ncookie podium_refresh={MISPLACED}\r\n\r\n"),
        format!("{MISPLACED}\r\n\r\n"),
    ] {
        testkit::raw::send(address, request.as_bytes()).await;
    }
}
