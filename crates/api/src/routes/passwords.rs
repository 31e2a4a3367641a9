//! Another password: changed by who knows the old one, or reset by who reads the account's mail.

use super::auth::signed_out;
use crate::extract::{Caller, JsonBody, SignedInCaller};
use crate::one_time_proof::take_proof;
use crate::openapi::OperationDoc;
use crate::own_password::check_own_password;
use crate::password_reset;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::sign_in_limits::AccountKey;
use crate::state::SharedState;
use actix_web::{HttpRequest, HttpResponse};
use auth::{NewPassword, OneTimeProof};
use kernel::{EmailAddress, Invalid, InvalidEmail};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The password that is, and the one that is to be.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChangeForm {
    #[schema(format = "password")]
    current_password: String,
    /// At least 10 characters and at most 72 bytes, none of the common ones.
    #[schema(min_length = 10, max_length = 72, format = "password")]
    new_password: String,
}

/// Who forgot the password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgottenPasswordForm {
    email: String,
}

/// What was mailed, and the password that is to be: either `token`, or `email` and `otp`.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetForm {
    /// From the link.
    token: Option<String>,
    /// Where the code was sent.
    email: Option<String>,
    /// Six digits.
    #[schema(example = "012345")]
    otp: Option<String>,
    /// At least 10 characters and at most 72 bytes, none of the common ones.
    #[schema(min_length = 10, max_length = 72, format = "password")]
    new_password: String,
}

impl PasswordResetForm {
    fn read(self) -> Result<(OneTimeProof, NewPassword), Invalid> {
        let mut invalid = Invalid::none();
        let password = NewPassword::take(&mut invalid, "/new_password", &self.new_password);
        let proof = take_proof(&mut invalid, self.token, self.email, self.otp);
        match (proof, password) {
            (Some(proof), Some(password)) if invalid.0.is_empty() => Ok((proof, password)),
            _ => Err(invalid),
        }
    }
}

/// Sets another password.
pub async fn change(
    request: HttpRequest,
    caller: SignedInCaller,
    body: JsonBody<PasswordChangeForm>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let (ctx, form) = (caller.ctx, body.value);
    let mut invalid = Invalid::none();
    let Some(password) = NewPassword::take(&mut invalid, "/new_password", &form.new_password) else {
        return Err(invalid.into());
    };
    let checked =
        check_own_password(&state, &request, caller.signed_in.user_id, form.current_password).await?;
    let hash = state.passwords.hash(password).await?;
    state
        .store
        .write(move |tx| auth::change_password(tx, &ctx, &checked, &hash))
        .await?;
    Ok(signed_out(&state))
}

/// See [`change`].
pub fn describe_change(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Change the password")
        .description("Ends every session of the account, this one too, and takes back all mails by which the password could be reset. The person is told by mail.")
        .json_body::<PasswordChangeForm>()
        .answer_empty(204, "The new password is set; the cookies are cleared.")
        .problems(&[ProblemType::WrongPassword])
}

/// The address that a form is about. What is none is refused: that tells nothing of who has an account.
pub(super) fn address_of(text: &str) -> Result<EmailAddress, Invalid> {
    text.parse()
        .map_err(|error: InvalidEmail| Invalid::field("/email", "format", error.to_string()))
}

/// Mails a link and a code.
pub async fn forgot(
    request: HttpRequest,
    Caller(ctx): Caller,
    body: JsonBody<ForgottenPasswordForm>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let email = address_of(&body.value.email)?;
    state
        .limits
        .ask_for_mail(&request, AccountKey::of(&email))
        .await?;
    // Whether the address is known is found out after the answer only.
    let secrets = auth::generate_secrets().map_err(Problem::internal)?;
    let (store, keys, request_id) = (
        state.store.clone(),
        Arc::clone(&state.keys),
        ctx.request_id.clone(),
    );
    let mailing = async move {
        store
            .write(move |tx| auth::forgot_password(tx, &ctx, &keys, &email, &secrets))
            .await
    };
    state.after_answer.begin(request_id, mailing)?;
    Ok(HttpResponse::Accepted().finish())
}

/// See [`forgot`].
pub fn describe_forgot(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Ask for a mail to reset the password")
        .description("The mail holds a link and a six-digit code, good for 15 minutes. The answer is the same for every address, and comes before the address is looked up.")
        .json_body::<ForgottenPasswordForm>()
        .answer_empty(202, "If the address has an account, a mail is on its way.")
}

/// Sets a new password by what was mailed.
pub async fn reset(
    request: HttpRequest,
    Caller(ctx): Caller,
    body: JsonBody<PasswordResetForm>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    // The password is looked at first: one that may not be set costs no try of the code.
    let (proof, password) = body.value.read()?;
    if password_reset::reset(&state, &request, &ctx, proof, password).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ProblemType::CodeRefused.into())
    }
}

/// See [`reset`].
pub fn describe_reset(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Reset the password by what was mailed")
        .description("With the `token` of the link, or with `email` and `otp`. Each mail is good for one use; after five wrong codes its code is void, and its link is not. Ends every session of the account, takes back all other mails of this kind, confirms the address, and tells the person by mail.")
        .json_body::<PasswordResetForm>()
        .answer_empty(204, "The new password is set. Sign in with it.")
        .problems(&[ProblemType::CodeRefused])
}
