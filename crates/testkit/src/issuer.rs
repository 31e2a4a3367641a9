//! A local issuer of `OpenID` Connect: a real HTTP server that publishes itself, gives codes and changes them for signed ID
//! tokens. It is as strict as the protocol asks, and misbehaves when it is told to.

mod endpoints;
mod keys;

use crate::clock::TestClock;
use crate::local_http::LocalHttp;
use actix_web::dev::ServerHandle;
use actix_web::web;
use keys::IssuerKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How the server under test is reached, as far as the issuer knows. Nothing listens there: a test goes to where the server
/// really is, with the path that the issuer sends it to.
pub const PUBLIC_URL: &str = "http://podium.test";
/// Where the issuer sends people back to, below `/api/v1`.
pub const CALLBACK: &str = "/auth/google/callback";
/// The server under test, by the issuer's name for it.
pub const CLIENT_ID: &str = "podium of the tests";
/// What the issuer knows it by; RFC 6749, section 2.3.1 has it encoded before it goes into the header.
pub const CLIENT_SECRET: &str = "a secret: of%20the+tests&=";

/// What the issuer notes when a redirect was followed that ought not to be.
pub const WENT_ELSEWHERE: &str = "the question was put to somebody else";

/// Who is signed in at the issuer.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The account there.
    pub subject: String,
    /// Its address; none is told where there is none.
    pub email: Option<String>,
    /// Whether the issuer has seen that it is theirs; nothing is told where nothing is known.
    pub email_verified: Option<bool>,
    /// How the person is called.
    pub name: Option<String>,
}

impl Visitor {
    /// Somebody whose address is verified.
    pub fn new(subject: &str, email: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            email: Some(email.to_owned()),
            email_verified: Some(true),
            name: Some("Asha Rao".to_owned()),
        }
    }
}

/// What the issuer does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// The token is for another attempt.
    WrongNonce,
    /// The token is for no attempt.
    NoNonce,
    /// The token is for another client.
    WrongAudience,
    /// The token is for another client too.
    SecondAudience,
    /// The token names another issuer.
    WrongIssuer,
    /// The token is over.
    Expired,
    /// The token is good for long and was made long ago.
    Old,
    /// The token was made in the future.
    FromTheFuture,
    /// The token is signed by a key that is not published, under the name of one that is.
    ForeignKey,
    /// The token is signed by a key of a name that is not published.
    UnpublishedKey,
    /// The token is not signed, and says so.
    Unsigned,
    /// The token is signed with the client's own secret (HS256).
    SignedBySecret,
    /// The token is signed with the bytes of the public key (HS256).
    SignedByPublicKey,
    /// There is no token.
    NoToken,
    /// The token is none.
    Garbage,
    /// The subject cannot be stored.
    BadSubject,
    /// The token endpoint fails.
    TokenFails,
    /// The token endpoint does not answer.
    TokenHangs,
    /// The token endpoint sends the question on to somebody else.
    TokenRedirects,
    /// The token endpoint answers without end.
    TokenEndless,
    /// Everything fails.
    AllFails,
    /// The discovery document is that of another issuer.
    OtherDiscovery,
}

/// What was asked for at the authorisation endpoint.
pub type Parameters = BTreeMap<String, String>;

struct Grant {
    asked: Parameters,
    visitor: Visitor,
    used: bool,
}

struct State {
    clock: TestClock,
    visitor: Visitor,
    misbehaviour: Option<Misbehaviour>,
    key: IssuerKey,
    grants: BTreeMap<String, Grant>,
    asked: Vec<Parameters>,
    refusals: Vec<&'static str>,
    reads: Reads,
}

/// How often what the issuer publishes was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    /// The discovery document.
    pub discovery: usize,
    /// The keys.
    pub keys: usize,
    /// Questions to the token endpoint that were answered.
    pub tokens: usize,
}

struct Inner {
    url: String,
    state: Mutex<State>,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The issuer. It stops when this is dropped.
pub struct Issuer {
    inner: web::Data<Inner>,
    http: reqwest::Client,
    handle: ServerHandle,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl Issuer {
    /// An issuer on a free port, visited by a person with the address `asha@example.org`.
    #[expect(clippy::unused_async, reason = "says that it needs the test's runtime")]
    pub async fn start() -> Self {
        let port = LocalHttp::bind();
        let inner = web::Data::from(Arc::new(Inner {
            url: port.url(),
            state: Mutex::new(State {
                clock: TestClock::new(),
                visitor: Visitor::new("1", "asha@example.org"),
                misbehaviour: None,
                key: IssuerKey::usual(),
                grants: BTreeMap::new(),
                asked: Vec::new(),
                refusals: Vec::new(),
                reads: Reads::default(),
            }),
        }));
        let shared = inner.clone();
        let handle = port.serve(move |config| {
            config.app_data(shared.clone()).configure(endpoints::configure);
        });
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("an HTTP client");
        Self { inner, http, handle }
    }

    /// The issuer's URL.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// What a server needs to know of it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PODIUM_HTTP__PUBLIC_URL", PUBLIC_URL.to_owned()),
            ("PODIUM_GOOGLE__ISSUER", self.inner.url.clone()),
            ("PODIUM_GOOGLE__CLIENT_ID", CLIENT_ID.to_owned()),
            ("PODIUM_GOOGLE__CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ]
    }

    /// Has the same time as the server, also when that is turned.
    pub fn tell_time_by(&self, clock: &TestClock) {
        self.inner.state().clock = clock.clone();
    }

    /// From now on somebody else is signed in there.
    pub fn is_visited_by(&self, visitor: Visitor) {
        self.inner.state().visitor = visitor;
    }

    /// Does something wrong from now on, or nothing.
    pub fn misbehave(&self, how: impl Into<Option<Misbehaviour>>) {
        self.inner.state().misbehaviour = how.into();
    }

    /// Signs with a new ES256 key from now on, and publishes it alone.
    pub fn change_key(&self, id: &str) {
        self.inner.state().key = IssuerKey::elliptic(id);
    }

    /// Does not listen any more.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }

    /// What was asked for at the authorisation endpoint.
    pub fn asked(&self) -> Vec<Parameters> {
        self.inner.state().asked.clone()
    }

    /// Why the issuer refused something.
    pub fn refusals(&self) -> Vec<&'static str> {
        self.inner.state().refusals.clone()
    }

    /// How often what the issuer publishes was read.
    pub fn reads(&self) -> Reads {
        self.inner.state().reads
    }

    /// Goes to the authorisation endpoint as a browser of the visitor's; gives where it is sent back to, below `/api/v1`.
    pub async fn sign_in(&self, url: &str) -> String {
        assert!(url.starts_with(&self.inner.url), "not a URL of the issuer: {url}");
        let answer = self.http.get(url).send().await.expect("the issuer answers");
        let status = answer.status();
        let location = answer
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok());
        let base = format!("{PUBLIC_URL}/api/v1");
        location
            .and_then(|url| url.strip_prefix(&base))
            .unwrap_or_else(|| panic!("the issuer sends nobody back: {status}, {:?}", self.refusals()))
            .to_owned()
    }
}
