//! The address of an account: confirmed by what is mailed there, and changed.

use crate::extract::{Caller, JsonBody, SignedInCaller};
use crate::idempotency::Answer;
use crate::level_time::level;
use crate::one_time_proof::{take_proof, try_proof};
use crate::openapi::OperationDoc;
use crate::own_password::check_own_password;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::{AppState, SharedState};
use actix_web::HttpRequest;
use auth::{EmailConfirmed, OneTimeProof, RequestEmailChange};
use kernel::{Ctx, Invalid};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What was mailed: either `token`, or `email` and `otp`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationForm {
    /// From the link.
    token: Option<String>,
    /// Where the code was sent.
    email: Option<String>,
    /// Six digits.
    #[schema(example = "012345")]
    otp: Option<String>,
}

/// The address that is to be, and the password that is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChangeForm {
    new_email: String,
    #[schema(format = "password")]
    password: String,
}

/// Mails another link and code to the account's address.
pub async fn request_verification(caller: SignedInCaller, state: SharedState) -> Result<Answer, Problem> {
    let (ctx, keys) = (caller.ctx, Arc::clone(&state.keys));
    let secrets = auth::generate_secrets().map_err(Problem::internal)?;
    state
        .store
        .write(move |tx| auth::request_verification(tx, &ctx, &keys, &secrets))
        .await?;
    Ok(Answer::accepted_empty())
}

/// See [`request_verification`].
pub fn describe_request_verification(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Ask for another mail to confirm the address")
        .description("The mail holds a link and a six-digit code, good for 24 hours; codes that were mailed before are void, links are not. Five an hour.")
        .answer_empty(202, "A mail is on its way, unless the address is confirmed already.")
}

/// Confirms an address.
pub async fn confirm(
    request: HttpRequest,
    Caller(ctx): Caller,
    body: JsonBody<ConfirmationForm>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let form = body.value;
    let mut invalid = Invalid::none();
    let proof = take_proof(&mut invalid, form.token, form.email, form.otp);
    invalid.check()?;
    // Without a proof, what it lacks was noted.
    let proof = proof.ok_or_else(|| Problem::new(ProblemType::Invalid))?;
    if confirm_by(&state, &request, ctx, proof).await? {
        Ok(Answer::no_content())
    } else {
        Err(ProblemType::CodeRefused.into())
    }
}

/// Confirms the address that the proof was mailed to, for the JSON route and for the page alike; gives whether the proof
/// was good.
pub(crate) async fn confirm_by(
    state: &AppState,
    request: &HttpRequest,
    ctx: Ctx,
    proof: OneTimeProof,
) -> Result<bool, Problem> {
    let (keys, shown) = (Arc::clone(&state.keys), proof.clone());
    let confirming = async {
        let confirmed = level(
            state
                .store
                .write(move |tx| auth::confirm_email(tx, &ctx, &keys, &proof)),
        )
        .await?;
        Ok(match confirmed {
            EmailConfirmed::Confirmed(_) => true,
            EmailConfirmed::Refused => false,
        })
    };
    try_proof(&state.limits, request, &shown, confirming).await
}

/// See [`confirm`].
pub fn describe_confirm(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Confirm an e-mail address by what was mailed there")
        .description("With the `token` of the link, or with `email` and `otp`. Each mail is good for one use; after five wrong codes its code is void, and its link is not. Confirms the account's address, or the one that it is to have. What an organizer registered for a guest with this address is the person's from then on.")
        .json_body::<ConfirmationForm>()
        .answer_empty(204, "The address is confirmed.")
        .problems(&[ProblemType::CodeRefused])
}

/// Asks for another address.
pub async fn request_change(
    request: HttpRequest,
    caller: SignedInCaller,
    body: JsonBody<EmailChangeForm>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (ctx, form) = (caller.ctx, body.value);
    let mut invalid = Invalid::none();
    let Some(new_email) = invalid.take("/new_email", "format", form.new_email.parse()) else {
        return Err(invalid.into());
    };
    let checked_hash = check_own_password(&state, &request, caller.signed_in.user_id, form.password).await?;
    let command = RequestEmailChange {
        new_email,
        checked_hash,
    };
    let keys = Arc::clone(&state.keys);
    let secrets = auth::generate_secrets().map_err(Problem::internal)?;
    state
        .store
        .write(move |tx| auth::request_email_change(tx, &ctx, &keys, &command, &secrets))
        .await?;
    Ok(Answer::accepted_empty())
}

/// See [`request_change`].
pub fn describe_request_change(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Ask to change the account's e-mail address")
        .description("A link and a six-digit code go to the new address, good for an hour; the change is done when they are confirmed at `/auth/email/verification/confirm`. The old address is told then, and what was mailed to it before is void. The answer is the same for an address that has an account; nothing is mailed to it. Five an hour.")
        .json_body::<EmailChangeForm>()
        .answer_empty(202, "If the address is nobody else's, a mail is on its way to it.")
        .problems(&[ProblemType::WrongPassword])
}
