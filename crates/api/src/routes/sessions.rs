//! One's own sessions.

use super::auth::signed_out;
use crate::extract::{ListAnswer, ListQuery, PathId, SignedInCaller};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::SessionBody;
use actix_web::HttpResponse;
use kernel::SessionId;

const ORDER: &str = "sessions";

/// One's own open sessions.
pub async fn list(
    caller: SignedInCaller,
    query: ListQuery<()>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (page, ctx) = (query.page(ORDER)?, caller.ctx);
    let current = caller.signed_in.session_id;
    let page = state
        .store
        .read(move |tx| auth::list_sessions(tx, &ctx, page))
        .await?;
    let page = page.map(|open| SessionBody::of(open, current));
    Ok(Answer::ok(&ListAnswer::new(ORDER, page)))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List one's own sessions")
        .paged()
        .answer_list::<SessionBody>("A page of open sessions, the last used first.")
}

/// Ends all of one's sessions.
pub async fn end_all(caller: SignedInCaller, state: SharedState) -> Result<HttpResponse, Problem> {
    let ctx = caller.ctx;
    state
        .store
        .write(move |tx| auth::end_all_sessions(tx, &ctx))
        .await?;
    Ok(signed_out(&state))
}

/// See [`end_all`].
pub fn describe_end_all(operation: OperationDoc) -> OperationDoc {
    operation.summary("End all of one's own sessions").answer_empty(
        204,
        "All sessions are over, this one too; the cookies are cleared.",
    )
}

/// Ends one of one's sessions.
pub async fn end_one(
    id: PathId<SessionId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    state
        .store
        .write(move |tx| auth::end_session(tx, &ctx, id))
        .await?;
    Ok(Answer::no_content())
}

/// See [`end_one`].
pub fn describe_end_one(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("End one of one's own sessions")
        .answer_empty(204, "The session is over.")
        .problems(&[ProblemType::NotFound])
}
