//! An answer, with asserts that say what was asked, what was expected and what came.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::fmt;

/// What a server answered. Asserts panic with the whole answer, and give it back so that they can be chained.
#[derive(Debug, Clone)]
pub struct Answer {
    method: String,
    path: String,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(method: &Method, path: &str, status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self {
            method: method.to_string(),
            path: path.to_owned(),
            status,
            headers,
            body,
        }
    }

    /// Asserts the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert!(self.status == status, "expected {status}, got {self}");
        self
    }

    /// Asserts a problem of this type: `event-full` for `/problems/event-full`, by RFC 9457, with everything that the
    /// interface promises of a problem. Gives its members.
    #[track_caller]
    pub fn problem(&self, slug: &str) -> Value {
        assert!(
            self.media_type() == "application/problem+json",
            "expected the problem {slug:?}, got {self}"
        );
        let problem = self.json();
        let expected = format!("/problems/{slug}");
        let given = problem["type"].as_str().unwrap_or_default();
        assert!(
            given.ends_with(&expected),
            "expected a problem of type {expected:?}, got {self}"
        );
        assert!(
            problem["status"] == self.status,
            "the member status is not the answer's: {self}"
        );
        for member in ["title", "request_id"] {
            let filled = problem[member].as_str().is_some_and(|text| !text.is_empty());
            assert!(filled, "the problem has no {member}: {self}");
        }
        problem
    }

    /// Asserts a 422 whose errors point at exactly these members, in any order.
    #[track_caller]
    pub fn invalid(&self, pointers: &[&str]) {
        assert!(self.status == 422, "expected 422, got {self}");
        let problem = self.json();
        let errors = problem["errors"]
            .as_array()
            .unwrap_or_else(|| panic!("the problem has no errors: {self}"));
        let mut given: Vec<&str> = errors
            .iter()
            .filter_map(|error| error["pointer"].as_str())
            .collect();
        let mut expected = pointers.to_vec();
        given.sort_unstable();
        given.dedup();
        expected.sort_unstable();
        assert!(
            given == expected,
            "expected errors at {expected:?}, got them at {given:?}: {self}"
        );
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the body is not JSON ({error}): {self}"))
    }

    /// A text of the JSON body, by its pointer: `answer.text_at("/registration/id")`.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        let body = self.json();
        let text = body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no text at {pointer}: {self}"))
            .to_owned()
    }

    /// The `items` of a list.
    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        let mut body = self.json();
        match body["items"].take() {
            Value::Array(items) => items,
            _ => panic!("the body is no list: {self}"),
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header, if it came and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Every header.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The method of the request.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path of the request, with its query.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn media_type(&self) -> &str {
        self.header("content-type")
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} from {} {}", self.status, self.method, self.path)?;
        for (name, value) in &self.headers {
            writeln!(f, "  {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(json) => write!(f, "{json:#}"),
            Err(_) => f.write_str(&self.text()),
        }
    }
}
