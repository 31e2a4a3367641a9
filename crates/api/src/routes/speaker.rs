//! The speaker of an event is chosen.

use super::events::answer_of;
use crate::extract::{JsonBody, PathId, SignedInCaller, allowed_first};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::EventBody;
use kernel::{CandidateId, EventId, TypedId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use voting::ChooseSpeaker;

/// Who is to speak.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Who is listed at the event.
    candidate_id: Uuid,
    /// Needed before voting has closed, and for another than who has the most votes; kept in the audit log.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: Option<String>,
}

/// Makes a candidate the speaker.
pub async fn choose(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    body: Result<JsonBody<Choice>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| voting::require_selector(tx, &asker, event_id));
    let choice = allowed_first(body, allowed).await?.value;
    let command = ChooseSpeaker {
        event_id,
        candidate_id: CandidateId::from_uuid(choice.candidate_id),
        reason: choice.reason,
    };
    let now = ctx.now;
    let event = state
        .store
        .write(move |tx| voting::choose_speaker(tx, &ctx, command.clone()))
        .await?;
    Ok(answer_of(event, now))
}

/// See [`choose`].
pub fn describe_choose(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Choose the speaker of an event")
        .description(
            "One of those who are listed (422 on `/candidate_id` otherwise). Before voting has closed, and for another than who has \
             the most votes, with a reason (422 on `/reason` otherwise); of several with as many votes any has won. The speaker is told \
             by mail.",
        )
        .json_body::<Choice>()
        .answer::<EventBody>(200, "The event with its speaker.")
        .problems(&[ProblemType::NotFound, ProblemType::EventReadOnly])
}

/// Leaves the event without a speaker.
pub async fn unset(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let now = ctx.now;
    let event = state
        .store
        .write(move |tx| voting::unset_speaker(tx, &ctx, event_id))
        .await?;
    Ok(answer_of(event, now))
}

/// See [`unset`].
pub fn describe_unset(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Leave an event without a speaker")
        .answer::<EventBody>(200, "The event without a speaker.")
        .problems(&[ProblemType::NotFound, ProblemType::EventReadOnly])
}
