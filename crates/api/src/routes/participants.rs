//! Who else is at an event.

use crate::extract::{ListAnswer, ListQuery, PathId, SignedInCaller, allowed_first};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::ParticipantBody;
use kernel::EventId;

const ORDER: &str = "participants";

/// Those who agreed to be seen.
pub async fn list(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    query: Result<ListQuery<()>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| registration::require_participant(tx, &asker, event_id));
    let page = allowed_first(query.and_then(|query| query.page(ORDER)), allowed).await?;
    let page = state
        .store
        .read(move |tx| registration::list_participants(tx, &ctx, event_id, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(ORDER, page.map(ParticipantBody::of))))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List the participants of an event")
        .description("Seat holders with an account who agreed to be listed (`listed` in the profile); for managers and seat holders.")
        .paged()
        .answer_list::<ParticipantBody>("A page of participants.")
        .problems(&[ProblemType::NotFound, ProblemType::Forbidden])
}
