//! A client of the REST interface whose every answer is held against the server's OpenAPI document.
//!
//! ```ignore
//! let answer = client.post(&format!("/events/{id}/registrations")).json(json!({})).await.expect(201);
//! assert_eq!(answer.json()["outcome"], "confirmed");
//! client.post(&path).json(json!({})).await.expect(409).problem("already-registered");
//! ```

mod answer;

pub use answer::Answer;

use crate::openapi::{Seen, Validator};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// What stands before every path but those of [`Client::root`].
const BASE_PATH: &str = "/api/v1";
/// Where the server serves its document.
const DOCUMENT_PATH: &str = "/api-docs/openapi.json";
/// How long an answer may take before the test fails.
const LIMIT: Duration = Duration::from_secs(30);

/// Somebody, or nobody, at a server. Clones share connections and the document, not the person.
#[derive(Clone)]
pub struct Client {
    server: Arc<Server>,
    prefix: &'static str,
    token: Option<String>,
    headers: HeaderMap,
}

struct Server {
    base_url: String,
    http: reqwest::Client,
    document: OnceCell<Arc<Validator>>,
}

impl Client {
    /// Nobody in particular, at the server at this URL (`http://127.0.0.1:8080`), without cookies.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self::over(base_url, reqwest::Client::builder())
    }

    /// The same, keeping the cookies that it gets, as a browser does. Each has cookies of its own.
    pub fn with_cookies(base_url: impl Into<String>) -> Self {
        Self::over(base_url, reqwest::Client::builder().cookie_store(true))
    }

    fn over(base_url: impl Into<String>, builder: reqwest::ClientBuilder) -> Self {
        let http = builder
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(LIMIT)
            .build();
        let server = Server {
            base_url: base_url.into(),
            http: http.expect("an HTTP client"),
            document: OnceCell::new(),
        };
        Self {
            server: Arc::new(server),
            prefix: BASE_PATH,
            token: None,
            headers: HeaderMap::new(),
        }
    }

    /// The same server, asked by the person whom this access token names.
    #[must_use]
    pub fn signed_in(&self, token: impl Into<String>) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    /// The same server, asked by nobody in particular.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// The same, for paths outside of `/api/v1`: health, pages, metrics. Answers there need not be documented.
    #[must_use]
    pub fn root(&self) -> Self {
        Self {
            prefix: "",
            ..self.clone()
        }
    }

    /// The same, sending one more header with every request.
    #[must_use]
    pub fn with_header(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client
            .headers
            .insert(HeaderName::from_static(name), header_value(value));
        client
    }

    /// The access token in use.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The server's URL, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.server.base_url
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// Makes or does something.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// Replaces something.
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// Changes something; a body of [`Request::json`] goes as `application/merge-patch+json`.
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
            .header("content-type", "application/merge-patch+json")
    }

    /// Takes something away.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// Any other method.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let request = Request {
            client: self.clone(),
            method,
            path: format!("{}{path}", self.prefix),
            headers: self.headers.clone(),
            body: None,
        };
        match &self.token {
            Some(token) => request.header("authorization", &format!("Bearer {token}")),
            None => request,
        }
    }
}

/// A request that is sent when it is awaited.
#[must_use = "a request is sent by awaiting it"]
pub struct Request {
    client: Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Request {
    /// Sends a JSON body.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a body is written in place: .json(json!({}))"
    )]
    pub fn json(self, body: Value) -> Self {
        let text = body.to_string();
        if self.headers.contains_key(CONTENT_TYPE) {
            self.body(text)
        } else {
            self.text("application/json", text)
        }
    }

    /// Sends a body of any media type.
    pub fn text(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", content_type).body(body)
    }

    /// Sends these bytes, with whatever content type the headers say.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets a header, named in small letters.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .insert(HeaderName::from_static(name), header_value(value));
        self
    }

    /// Sends an `Idempotency-Key`.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Asks to be done only to this version (`If-Match`).
    pub fn if_match(self, etag: &str) -> Self {
        self.header("if-match", etag)
    }

    async fn send(self) -> Answer {
        let Self {
            client,
            method,
            path,
            headers,
            body,
        } = self;
        let url = format!("{}{path}", client.server.base_url);
        let mut request = client.server.http.request(method.clone(), &url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{method} {url}: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response
            .bytes()
            .await
            .unwrap_or_else(|error| panic!("{method} {url}: {error:?}"));
        let answer = Answer::new(&method, &path, status, headers, body.to_vec());
        client.hold_against_document(&answer).await;
        answer
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Client {
    async fn hold_against_document(&self, answer: &Answer) {
        let document = self
            .server
            .document
            .get_or_init(|| self.server.load_document())
            .await;
        let path = answer.path();
        if !path.starts_with(BASE_PATH) && !document.knows(path) {
            return;
        }
        // An answer to HEAD is documented as that to GET, and has no body to look at.
        if answer.method() == "HEAD" {
            return;
        }
        let seen = Seen {
            method: answer.method(),
            path,
            status: answer.status(),
            content_type: answer.header("content-type"),
            body: answer.bytes(),
        };
        if let Err(mismatch) = document.check(&seen) {
            panic!("the answer and the OpenAPI document differ: {mismatch}");
        }
    }
}

impl Server {
    async fn load_document(&self) -> Arc<Validator> {
        let url = format!("{}{DOCUMENT_PATH}", self.base_url);
        let response = self
            .http
            .get(&url)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        let response = response.unwrap_or_else(|error| panic!("no OpenAPI document: {error:?}"));
        let document = response
            .json()
            .await
            .unwrap_or_else(|error| panic!("{url} is not JSON: {error}"));
        Arc::new(Validator::new(document))
    }
}

fn header_value(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|error| panic!("{value:?} is no header value: {error}"))
}
