//! Pages for people: what the links in mails open. Plain HTML that works without a script; there is none.
//!
//! Invariants: what somebody sent is escaped by the templates; opening a page changes nothing; a password that was typed
//! is in no page. All that goes wrong on a row of the table marked [`page`](crate::route_table::Endpoint::page) is told
//! as a page too ([`refusal`]).

pub mod reset_password;
pub mod style;
pub mod ticket;
pub mod unsubscribe;
pub mod verify_email;
pub mod vote;

use crate::one_time_proof::take_proof;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use askama::Template;
use auth::OneTimeProof;
use kernel::{Invalid, RequestId};
use std::borrow::Cow;

/// No script, nothing from elsewhere, in no frame of another site, and forms that go nowhere else.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What is wrong with a field, said to who filled it in.
#[derive(Debug)]
struct FieldError {
    field: &'static str,
    message: &'static str,
}

/// What is to correct in a form.
#[derive(Debug, Default)]
struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    fn add(&mut self, field: &'static str, message: &'static str) {
        self.0.push(FieldError { field, message });
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with that field.
    fn of(&self, field: &str) -> Option<&'static str> {
        let found = self.0.iter().find(|error| error.field == field);
        found.map(|error| error.message)
    }
}

impl<'a> IntoIterator for &'a FieldErrors {
    type Item = &'a FieldError;
    type IntoIter = std::slice::Iter<'a, FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A page that only says something.
#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    title: &'a str,
    sentences: &'a [Cow<'a, str>],
    /// Where one goes on: a path and what it is called.
    link: Option<(&'a str, &'a str)>,
    good: bool,
}

fn answer(status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
    let html = page.render().map_err(Problem::internal)?;
    Ok(html_response(status, html))
}

fn html_response(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(html)
}

/// A problem as a page, under the same status and with the same headers. A failure of ours shows the request's id, by
/// which the operator finds it.
pub fn refusal(problem: &Problem, request_id: &RequestId) -> HttpResponse {
    let kind = problem.kind();
    let wait = problem
        .headers()
        .iter()
        .find(|(name, _)| *name == header::RETRY_AFTER);
    let wait = wait.and_then(|(_, value)| value.to_str().ok());
    let told: Cow<'_, str> = match (kind, wait) {
        (ProblemType::RateLimited | ProblemType::Unavailable, Some(seconds)) => {
            format!("Wait {seconds} seconds, and try again.").into()
        }
        (ProblemType::Internal, _) => "The server failed. Try again in a while.".into(),
        _ => problem.told().into(),
    };
    let mut sentences = vec![told];
    if kind.status().is_server_error() {
        sentences.push(format!("The operator finds out more by this number: {request_id}").into());
    }
    let page = Notice {
        title: kind.title(),
        sentences: &sentences,
        link: None,
        good: false,
    };
    let mut response = html_response(kind.status(), page.render().unwrap_or_default());
    for (name, value) in problem.headers() {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    response
}

/// A link or a code that is not accepted: which of the reasons it is is told to nobody.
fn refused_proof(sentence: &'static str, path: &'static str) -> Result<HttpResponse, Problem> {
    let page = Notice {
        title: "This link or code is not accepted",
        sentences: &[
            "It is mistyped, used, too old, or was tried too often; which of these we do not tell.".into(),
            sentence.into(),
        ],
        link: Some((path, "Enter a code")),
        good: false,
    };
    answer(ProblemType::CodeRefused.status(), &page)
}

/// How somebody proves to have read a mail: by the token of its link, or by address and code, which are typed.
struct ProofFields {
    token: Option<String>,
    email: String,
    code: String,
}

impl ProofFields {
    fn of(fields: &crate::extract::FormFields) -> Self {
        Self {
            token: fields.text("token"),
            email: fields.text("email").unwrap_or_default(),
            code: fields.text("code").unwrap_or_default(),
        }
    }

    /// The proof, or nothing where something was noted that is to be corrected.
    fn check(&self, errors: &mut FieldErrors) -> Option<OneTimeProof> {
        let typed =
            |text: &str| Some(text.to_owned()).filter(|text| self.token.is_none() && !text.is_empty());
        let mut invalid = Invalid::none();
        let proof = take_proof(
            &mut invalid,
            self.token.clone(),
            typed(&self.email),
            typed(&self.code),
        );
        let is_wrong = |pointer: &str| {
            let mut wrong = invalid.0.iter().map(|error| error.pointer.as_str());
            // Without anything typed, the token is what is missing.
            wrong.any(|known| known == pointer || known == "/token")
        };
        if is_wrong("/email") {
            errors.add("email", "Enter an e-mail address, such as name@example.org.");
        }
        if is_wrong("/otp") {
            errors.add("code", "Enter the six digits of the code.");
        }
        proof.filter(|_| invalid.0.is_empty())
    }
}

/// What all pages with a form can be answered with besides.
fn describe_form(operation: OperationDoc) -> OperationDoc {
    operation.tag("pages").problems(&[ProblemType::OriginNotAllowed])
}
