//! The page on which a person who forgot the password sets a new one, by the link or the code of a mail.

use super::{FieldErrors, Notice, ProofFields, answer, describe_form, refused_proof};
use crate::extract::{Caller, FormBody, LinkQuery};
use crate::middleware::OwnSite;
use crate::openapi::OperationDoc;
use crate::password_reset;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use auth::{InvalidPassword, NewPassword};
use serde::Deserialize;
use utoipa::ToSchema;

/// The fields of the page, for its description: `token`, or `email` and `code`.
#[derive(Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "the fields are read one by one, as their senders send them"
)]
pub struct ResetPasswordFields {
    /// Of the link.
    token: Option<String>,
    /// Where the code was sent.
    email: Option<String>,
    /// Six digits.
    code: Option<String>,
    /// At least 10 characters and at most 72 bytes, none of the common ones.
    #[schema(format = "password")]
    new_password: String,
}

#[derive(Template)]
#[template(path = "reset_password.html")]
struct Form {
    token: Option<String>,
    email: String,
    code: String,
    errors: FieldErrors,
}

/// The form. Opening it says nothing of the link and uses nothing up: programs that look for viruses follow links too.
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
        .summary("The page on which a new password is set")
        .description(
            "With `?token=` it asks for the password alone, without for the e-mail address and the code too.",
        )
        .answer_media(200, "text/html", "The form.")
}

/// Sets the password.
pub async fn submit(
    request: HttpRequest,
    _: OwnSite,
    Caller(ctx): Caller,
    FormBody(fields): FormBody,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let sent = ProofFields::of(&fields);
    let mut errors = FieldErrors::default();
    let proof = sent.check(&mut errors);
    let password = NewPassword::parse(fields.exact("new_password"))
        .inspect_err(|invalid| errors.add("new_password", what_to_correct(*invalid)));
    let (Some(proof), Ok(password)) = (proof, password) else {
        let ProofFields { token, email, code } = sent;
        let form = Form {
            token,
            email,
            code,
            errors,
        };
        return answer(StatusCode::UNPROCESSABLE_ENTITY, &form);
    };
    if !password_reset::reset(&state, &request, &ctx, proof, password).await? {
        return refused_proof(
            "To get another one, go back to where you sign in and say that you forgot the password. Only the newest code is good.",
            "/reset-password",
        );
    }
    let page = Notice {
        title: "Your password is set",
        sentences: &[
            "Sign in with the new password from now on.".into(),
            "Every device that was signed in has been signed out. We have told you so by mail too.".into(),
        ],
        link: None,
        good: true,
    };
    answer(StatusCode::OK, &page)
}

/// See [`submit`].
pub fn describe_submit(operation: OperationDoc) -> OperationDoc {
    describe_form(operation)
        .summary("Set a new password by what was mailed")
        .form_body::<ResetPasswordFields>()
        .answer_media(200, "text/html", "The password is set; all sessions are over.")
        .answer_media(
            ProblemType::CodeRefused.status().as_u16(),
            "text/html",
            "The form with what is to correct, or a page that says that the link or code is not accepted.",
        )
}

fn what_to_correct(invalid: InvalidPassword) -> &'static str {
    match invalid {
        InvalidPassword::TooShort => "Enter a password of at least 10 characters.",
        InvalidPassword::TooLong => {
            "Enter a shorter password: 72 letters or digits at the most, and fewer with accents or other signs."
        }
        InvalidPassword::Common => "Enter another password: this one is among the first that are guessed.",
    }
}
