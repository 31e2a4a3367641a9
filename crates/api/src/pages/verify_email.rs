//! The page on which a person confirms an e-mail address, by the link or the code of a mail.

use super::{FieldErrors, Notice, ProofFields, answer, describe_form, refused_proof};
use crate::extract::{Caller, FormBody, LinkQuery};
use crate::middleware::OwnSite;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::email::confirm_by;
use crate::state::SharedState;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;
use utoipa::ToSchema;

/// The fields of the page, for its description: `token`, or `email` and `code`.
#[derive(Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "the fields are read one by one, as their senders send them"
)]
pub struct VerifyEmailFields {
    /// Of the link.
    token: Option<String>,
    /// Where the code was sent.
    email: Option<String>,
    /// Six digits.
    code: Option<String>,
}

#[derive(Template)]
#[template(path = "verify_email.html")]
struct Form {
    token: Option<String>,
    email: String,
    code: String,
    errors: FieldErrors,
}

/// The form; with the link's token it is a button alone. Opening it confirms nothing: programs that look for viruses
/// follow links too.
pub async fn show(LinkQuery(link): LinkQuery) -> Result<HttpResponse, Problem> {
    let form = Form {
        token: link.text("token"),
        email: String::new(),
        code: String::new(),
        errors: FieldErrors::default(),
    };
    answer(StatusCode::OK, &form)
}

/// See [`show`].
pub fn describe_show(operation: OperationDoc) -> OperationDoc {
    operation
        .tag("pages")
        .summary("The page on which an e-mail address is confirmed")
        .description("With `?token=` it has a button, without it asks for the e-mail address and the code.")
        .answer_media(200, "text/html", "The form.")
}

/// Confirms the address.
pub async fn submit(
    request: HttpRequest,
    _: OwnSite,
    Caller(ctx): Caller,
    FormBody(fields): FormBody,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let sent = ProofFields::of(&fields);
    let mut errors = FieldErrors::default();
    let Some(proof) = sent.check(&mut errors) else {
        let ProofFields { token, email, code } = sent;
        let form = Form {
            token,
            email,
            code,
            errors,
        };
        return answer(StatusCode::UNPROCESSABLE_ENTITY, &form);
    };
    if !confirm_by(&state, &request, ctx, proof).await? {
        return refused_proof(
            "To get another one, sign in and ask for a new confirmation mail. Only the newest code is good.",
            "/verify-email",
        );
    }
    let page = Notice {
        title: "Your e-mail address is confirmed",
        sentences: &["You can close this page.".into()],
        link: None,
        good: true,
    };
    answer(StatusCode::OK, &page)
}

/// See [`submit`].
pub fn describe_submit(operation: OperationDoc) -> OperationDoc {
    describe_form(operation)
        .summary("Confirm an e-mail address by what was mailed")
        .form_body::<VerifyEmailFields>()
        .answer_media(200, "text/html", "The address is confirmed.")
        .answer_media(
            ProblemType::CodeRefused.status().as_u16(),
            "text/html",
            "The form with what is to correct, or a page that says that the link or code is not accepted.",
        )
}
