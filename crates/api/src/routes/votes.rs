//! Votes: one's own, and how they stand.

use crate::extract::{Caller, JsonBody, PathId, QueryParams, SignedInCaller, allowed_first};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::{ResultsBody, VoteBody};
use kernel::{CandidateId, EventId, TypedId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A rank that nobody is behind.
const MOST_SHOWN: u32 = 10_000;

/// For whom one votes.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ballot {
    /// Who is listed at the event, and somebody else than oneself.
    candidate_id: Uuid,
}

/// How much of the results is wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResultsParams {
    /// Those whose `rank` is this or better: more than so many where the last ones are equals. Absent: all.
    #[param(minimum = 1, maximum = 10_000)]
    top: Option<u32>,
}

/// Casts one's vote, or changes it.
pub async fn cast(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    body: Result<JsonBody<Ballot>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| voting::require_seat(tx, &asker, event_id));
    let candidate_id = CandidateId::from_uuid(allowed_first(body, allowed).await?.value.candidate_id);
    let require_verified_email = state.settings.require_verified_email;
    let vote = state
        .store
        .write(move |tx| voting::cast_vote(tx, &ctx, event_id, candidate_id, require_verified_email))
        .await?;
    Ok(Answer::ok(&VoteBody::of(&vote)))
}

/// See [`cast`].
pub fn describe_cast(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Vote")
        .description(
            "While voting is open, with a seat, for somebody who is listed and is not oneself (422 on `/candidate_id` \
             otherwise). Another vote takes the place of the one before. Nobody is shown it but who cast it.",
        )
        .json_body::<Ballot>()
        .answer::<VoteBody>(200, "One's vote.")
        .problems(&OF_VOTERS)
        .problems(&OF_THE_WINDOW)
        .problems(&[ProblemType::VerifyEmailFirst])
}

const OF_VOTERS: [ProblemType; 2] = [ProblemType::NotFound, ProblemType::SeatNeeded];
const OF_THE_WINDOW: [ProblemType; 3] = [
    ProblemType::NoVoting,
    ProblemType::VotingNotOpen,
    ProblemType::VotingClosed,
];

/// One's own vote.
pub async fn read_own(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let vote = state
        .store
        .read(move |tx| voting::read_vote(tx, &ctx, event_id))
        .await?;
    Ok(Answer::ok(&VoteBody::of(&vote)))
}

/// See [`read_own`].
pub fn describe_read_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read one's own vote")
        .answer::<VoteBody>(200, "One's vote.")
        .problems(&OF_VOTERS)
        .problems(&[ProblemType::NoVote])
}

/// Takes one's vote back.
pub async fn withdraw(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    state
        .store
        .write(move |tx| voting::withdraw_vote(tx, &ctx, event_id))
        .await?;
    Ok(Answer::no_content())
}

/// See [`withdraw`].
pub fn describe_withdraw(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Take one's vote back")
        .description("While voting is open.")
        .answer_empty(204, "There is no vote, or none any more.")
        .problems(&OF_VOTERS)
        .problems(&OF_THE_WINDOW)
}

/// How the votes stand.
pub async fn results(
    event_id: PathId<EventId>,
    Caller(ctx): Caller,
    query: Result<QueryParams<ResultsParams>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, now) = (event_id.0, ctx.now);
    let find = state
        .store
        .read(move |tx| voting::find_results_shown(tx, event_id));
    let shown = *state.results.shown.get(event_id, now, find).await?;
    if !shown.are_public(now) {
        state
            .store
            .read(move |tx| voting::require_manager_of_results(tx, &ctx, &shown))
            .await?;
    }
    let top = query.and_then(|query| match query.0.top {
        Some(top) if !(1..=MOST_SHOWN).contains(&top) => Err(Problem::bad_query(
            "top",
            "range",
            format!("a whole number from 1 to {MOST_SHOWN}"),
        )),
        top => Ok(top),
    })?;
    let count = state.store.read(move |tx| voting::count_results(tx, event_id));
    let results = state.results.counted.get(event_id, now, count).await?;
    Ok(Answer::ok(&ResultsBody::of(&results, shown.state(now), top)))
}

/// See [`results`].
pub fn describe_results(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read how the votes stand")
        .description(
            "For managers at any time; for all when voting has closed, or from its opening where the event has `live_results` \
             (403 `results-hidden` until then). Up to a second old.",
        )
        .query::<ResultsParams>()
        .answer::<ResultsBody>(200, "How they stand.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::ResultsHidden,
            ProblemType::NoVoting,
        ])
}
