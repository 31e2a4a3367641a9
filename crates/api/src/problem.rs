//! Errors as clients see them: `application/problem+json` (RFC 9457).
//!
//! Handlers return `Result<_, Problem>`. The middleware adds the request's path and id when it renders the answer, and
//! logs the cause of a 5xx, once. The cause never leaves the server.

use crate::problem_catalogue::ProblemType;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use kernel::{Denied, FieldError, Invalid, StoreError};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::fmt;

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// One occurrence of a problem.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    kind: ProblemType,
    detail: Cow<'static, str>,
    errors: Invalid,
    members: Map<String, Value>,
    headers: Vec<(header::HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl Problem {
    /// Seconds after which a client may try again when the database was away.
    pub const RETRY_AFTER_SECONDS: u64 = 2;

    /// A problem with the catalogue's explanation as its detail.
    pub fn new(kind: ProblemType) -> Self {
        Self(Box::new(Parts {
            kind,
            detail: Cow::Borrowed(kind.explanation()),
            errors: Invalid::none(),
            members: Map::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A failure of ours. The cause goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(ProblemType::Internal).caused_by(cause)
    }

    /// Something that the server needs is away. The cause goes to the log only.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(ProblemType::Unavailable)
            .caused_by(cause)
            .retry_after(Self::RETRY_AFTER_SECONDS)
    }

    /// More comes in than can be done; the client may come again after so many seconds. Who says so tells the log of it,
    /// once for many.
    pub fn busy(seconds: u64) -> Self {
        Self::new(ProblemType::Unavailable).retry_after(seconds)
    }

    /// Too many requests; the next may come after so many seconds.
    pub fn rate_limited(seconds: u64) -> Self {
        Self::new(ProblemType::RateLimited).retry_after(seconds)
    }

    /// The thing is not there, or is not to be known of.
    pub fn not_found() -> Self {
        Self::new(ProblemType::NotFound)
    }

    /// One query parameter that does not fit.
    pub fn bad_query(name: &str, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemType::BadQuery).errors(Invalid::field(name, code, detail))
    }

    /// A header that does not fit.
    pub fn bad_header(name: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemType::BadHeader).errors(Invalid::field(name, "format", detail))
    }

    /// Says more precisely what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Lists what does not fit.
    #[must_use]
    pub fn errors(mut self, errors: Invalid) -> Self {
        self.0.errors = errors;
        self
    }

    /// Adds an extension member (RFC 9457, section 3.2), such as `checked_in_at`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says after how many seconds trying again may help.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Notes what the log shall tell and the client shall not.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The type in the catalogue.
    pub fn kind(&self) -> ProblemType {
        self.0.kind
    }

    /// What is told to the client of this occurrence.
    pub fn told(&self) -> &str {
        &self.0.detail
    }

    /// The headers of the answer besides those of every problem.
    pub fn headers(&self) -> &[(header::HeaderName, HeaderValue)] {
        &self.0.headers
    }

    /// What does not fit, field by field.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.errors.0
    }

    /// What the log shall tell.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The problem that stands for an error of the framework with that status.
    pub fn from_status(status: StatusCode, cause: impl fmt::Display) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(ProblemType::MethodNotAllowed),
            StatusCode::NOT_ACCEPTABLE => Self::new(ProblemType::NotAcceptable),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(ProblemType::BodyTooLarge),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(ProblemType::UnsupportedMediaType),
            status if status.is_client_error() => Self::new(ProblemType::BadRequest),
            _ => Self::internal(cause),
        }
    }

    /// The answer, with the path and the id of the request where they are known.
    pub fn render(&self, instance: Option<&str>, request_id: Option<&str>) -> HttpResponse {
        let parts = &*self.0;
        let mut body = Map::new();
        body.insert("type".into(), parts.kind.uri().into());
        body.insert("title".into(), parts.kind.title().into());
        body.insert("status".into(), parts.kind.status().as_u16().into());
        body.insert("detail".into(), parts.detail.as_ref().into());
        body.extend(instance.map(|path| ("instance".into(), path.into())));
        body.extend(request_id.map(|id| ("request_id".into(), id.into())));
        if !parts.errors.0.is_empty() {
            body.insert("errors".into(), errors_to_json(&parts.errors));
        }
        body.extend(
            parts
                .members
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        let mut response = HttpResponse::build(parts.kind.status());
        response.content_type(PROBLEM_JSON);
        if parts.kind.status() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        for (name, value) in &parts.headers {
            response.append_header((name.clone(), value.clone()));
        }
        response.body(Value::Object(body).to_string())
    }
}

fn errors_to_json(errors: &Invalid) -> Value {
    errors
        .0
        .iter()
        .map(|error| json!({"pointer": error.pointer, "code": error.code, "detail": error.detail}))
        .collect()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind.slug())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.kind.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.render(None, None)
    }
}

impl From<ProblemType> for Problem {
    fn from(kind: ProblemType) -> Self {
        Self::new(kind)
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthenticated => Self::new(ProblemType::Unauthenticated),
            Denied::Lacks(permission) => Self::new(ProblemType::Forbidden)
                .detail(format!("This needs the permission {permission}."))
                .with("permission", permission.as_str()),
            Denied::NotYours => Self::new(ProblemType::Forbidden),
            Denied::EmailNotVerified => Self::new(ProblemType::VerifyEmailFirst),
        }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::new(ProblemType::Invalid).errors(invalid)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Contention(_) => Self::unavailable(error),
            StoreError::Duplicate(_)
            | StoreError::Referenced(_)
            | StoreError::Corrupt { .. }
            | StoreError::Internal(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    async fn json_of(response: HttpResponse) -> Value {
        serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap()
    }

    #[actix_web::test]
    async fn a_server_error_tells_nothing_of_its_cause() {
        let cause = "relation \"secret_table\" does not exist";
        for problem in [
            Problem::from(StoreError::Internal(cause.into())),
            Problem::from(StoreError::Unavailable(cause.into())),
            Problem::from(StoreError::Corrupt {
                table: "secret_table",
                row: "1".into(),
                reason: cause.into(),
            }),
        ] {
            assert!(problem.cause().unwrap().contains("secret_table"));
            let body = json_of(problem.render(Some("/here"), Some("r-1")))
                .await
                .to_string();
            assert!(!body.contains("secret_table"), "{body}");
        }
    }

    #[actix_web::test]
    async fn what_may_pass_by_itself_says_when_to_come_again() {
        for error in [
            StoreError::Unavailable(String::new()),
            StoreError::Contention(String::new()),
        ] {
            let response = Problem::from(error).render(None, None);
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "2");
        }
    }

    #[actix_web::test]
    async fn a_problem_has_the_members_of_the_standard_and_its_own() {
        let problem = Problem::new(ProblemType::AlreadyCheckedIn)
            .with("checked_in_at", "2030-01-01T10:00:00Z")
            .errors(Invalid::field("/ticket_code", "used", "It was used."));
        let response = problem.render(Some("/api/v1/x"), Some("r-1"));
        assert_eq!(
            response.headers().get(header::CONTENT_TYPE).unwrap(),
            PROBLEM_JSON
        );
        let body = json_of(response).await;
        assert_eq!(body["type"], "/problems/already-checked-in");
        assert_eq!(body["status"], 409);
        assert_eq!(body["instance"], "/api/v1/x");
        assert_eq!(body["request_id"], "r-1");
        assert_eq!(body["checked_in_at"], "2030-01-01T10:00:00Z");
        assert_eq!(body["errors"][0]["pointer"], "/ticket_code");
    }
}
