//! What is held on a person: given to them, and forgotten.

use crate::extract::{OptionalJsonBody, PathId, SignedInCaller};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::own_password::check_own_password;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::auth::signed_out;
use crate::state::SharedState;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpRequest, HttpResponse};
use auth::ErasePerson;
use kernel::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

/// What shows that it is the person who asks.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseOneself {
    /// The present password; not needed within ten minutes after a sign-in.
    #[schema(format = "password")]
    password: Option<String>,
}

/// Gives everything that is held on oneself.
pub async fn export_own(caller: SignedInCaller, state: SharedState) -> Result<HttpResponse, Problem> {
    let ctx = caller.ctx;
    let export = state.store.read(move |tx| auth::export_person(tx, &ctx)).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"podium-export.json\""))
        .json(export))
}

/// See [`export_own`].
pub fn describe_export_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Get everything that is held on oneself")
        .answer_object(
            200,
            "Account, roles, attendee, registrations, waitlist entries with their logs, sessions, events, what proves who \
             one is (never the proof itself), messages, remembered answers and audit rows.",
        )
        .with_header("Content-Disposition", "The name of a file to keep it in.")
}

/// Erases one's own account.
pub async fn erase_own(
    request: HttpRequest,
    caller: SignedInCaller,
    body: OptionalJsonBody<EraseOneself>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let ctx = caller.ctx;
    let checked_hash = match body.value.password {
        None => None,
        Some(password) => {
            Some(check_own_password(&state, &request, caller.signed_in.user_id, password).await?)
        }
    };
    let command = ErasePerson::Oneself { checked_hash };
    state
        .store
        .write(move |tx| auth::erase_person(tx, &ctx, &command))
        .await?;
    Ok(signed_out(&state))
}

/// See [`erase_own`].
pub fn describe_erase_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Erase one's own account")
        .description(
            "Everything that says who one is goes, seats and places in queues pass on, and nothing brings it back. Events \
             that are over go on counting somebody without a name.",
        )
        .optional_json_body::<EraseOneself>()
        .answer_empty(204, "The account is gone; the cookies are cleared.")
        .problems(&[
            ProblemType::WrongPassword,
            ProblemType::RecentSignInNeeded,
            ProblemType::OwnsUpcomingEvents,
            ProblemType::LastAdmin,
        ])
}

/// Erases somebody's account.
pub async fn erase_user(
    id: PathId<UserId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (ctx, command) = (caller.ctx, ErasePerson::Account(id.0));
    state
        .store
        .write(move |tx| auth::erase_person(tx, &ctx, &command))
        .await?;
    Ok(Answer::no_content())
}

/// See [`erase_user`].
pub fn describe_erase_user(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Erase an account")
        .description(
            "The same as when its owner does. One's own account needs a sign-in within the last ten minutes.",
        )
        .answer_empty(204, "The account is gone.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::BeyondOwnPermissions,
            ProblemType::RecentSignInNeeded,
            ProblemType::OwnsUpcomingEvents,
            ProblemType::LastAdmin,
        ])
}
