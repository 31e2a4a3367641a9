//! The phone of an account: confirmed by a code that is sent there.

use crate::extract::{JsonBody, SignedInCaller};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use auth::{PhoneConfirmed, PhoneRules};
use kernel::Invalid;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The code that was sent.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneCodeForm {
    /// Six digits.
    #[schema(example = "012345")]
    otp: String,
}

/// Sends a code to one's phone.
pub async fn request_verification(caller: SignedInCaller, state: SharedState) -> Result<Answer, Problem> {
    let (ctx, keys) = (caller.ctx, Arc::clone(&state.keys));
    let rules = PhoneRules {
        can_send_texts: state.settings.sms_configured,
        require_verified_email: state.settings.require_verified_email,
    };
    let secrets = auth::generate_code().map_err(Problem::internal)?;
    state
        .store
        .write(move |tx| auth::request_phone_verification(tx, &ctx, &keys, &secrets, rules))
        .await?;
    Ok(Answer::accepted_empty())
}

/// See [`request_verification`].
pub fn describe_request_verification(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Ask for a code to confirm one's phone")
        .description(
            "A text message with a six-digit code goes to the phone of the profile, good for ten minutes; the code before it is \
             void. A person is sent five text messages within 24 hours, and a number five codes, whoever asks for them. \
             Where the server asks for confirmed addresses, only accounts with one get codes.",
        )
        .answer_empty(202, "A code is on its way, unless the phone is confirmed already.")
        .problems(&[
            ProblemType::SmsNotConfigured,
            ProblemType::VerifyEmailFirst,
            ProblemType::PhoneMissing,
        ])
}

/// Confirms one's phone.
pub async fn confirm(
    caller: SignedInCaller,
    body: JsonBody<PhoneCodeForm>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (ctx, keys) = (caller.ctx, Arc::clone(&state.keys));
    let code: String = body.value.otp.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::field("/otp", "format", "six digits").into());
    }
    let confirmed = state
        .store
        .write(move |tx| auth::confirm_phone(tx, &ctx, &keys, &code))
        .await?;
    match confirmed {
        PhoneConfirmed::Confirmed => Ok(Answer::no_content()),
        PhoneConfirmed::Refused => Err(ProblemType::CodeRefused.into()),
    }
}

/// See [`confirm`].
pub fn describe_confirm(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Confirm one's phone by the code that was sent there")
        .description(
            "Good for one use, while the profile has the number that it was sent to; after five wrong tries it is void.",
        )
        .json_body::<PhoneCodeForm>()
        .answer_empty(204, "The phone is confirmed.")
        .problems(&[ProblemType::CodeRefused])
}
