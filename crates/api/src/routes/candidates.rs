//! Candidates: stand, name somebody, agree, reword, give up.

use crate::extract::{
    Fingerprint, JsonBody, ListAnswer, ListQuery, PatchBody, PathId, SignedInCaller, allowed_first,
};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::{CandidateBody, CandidateStatusBody};
use actix_web::HttpRequest;
use kernel::{AttendeeId, CandidateId, Change, EventId, TypedId};
use serde::Deserialize;
use storage::Tx;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use voting::{CandidatePatch, CandidateStatus, ChangeCandidateError, Nominate, NominateError};

const ORDER: &str = "candidates";

/// Who is to stand, and with what.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCandidate {
    /// One of the participants of the event, who is asked. Absent: oneself.
    attendee_id: Option<Uuid>,
    /// One line.
    #[schema(min_length = 1, max_length = 200)]
    talk_title: String,
    /// What it is about.
    #[serde(rename = "abstract")]
    #[schema(min_length = 1, max_length = 5_000)]
    summary: String,
}

/// What is to change about a candidacy.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CandidateChanges {
    /// One line.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    talk_title: Change<String>,
    /// What it is about.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 5_000)]
    #[serde(default, rename = "abstract")]
    summary: Change<String>,
}

/// Which candidates are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CandidateParams {
    /// That stand so. Only managers see others than the listed ones and their own nomination.
    #[param(inline)]
    status: Option<CandidateStatusBody>,
}

/// The candidates of an event.
pub async fn list(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    query: Result<ListQuery<CandidateParams>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| voting::require_insider(tx, &asker, event_id));
    let read = query.and_then(|query| Ok((query.page(ORDER)?, query.filter.status)));
    let (page, status) = allowed_first(read, allowed).await?;
    let status = status.map(CandidateStatus::from);
    let page = state
        .store
        .read(move |tx| voting::list_candidates(tx, &ctx, event_id, status, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(ORDER, page.map(CandidateBody::of))))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List the candidates of an event")
        .description(
            "For seat holders and managers. In an order that is shuffled for each account and stays the same for it. The listed \
             ones and one's own nomination; managers see all who stand or were asked to.",
        )
        .query::<CandidateParams>()
        .paged()
        .answer_list::<CandidateBody>("A page of candidates.")
        .problems(&[ProblemType::NotFound, ProblemType::SeatNeeded])
}

/// Stands for speaker, or names somebody else.
pub async fn nominate(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<JsonBody<NewCandidate>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| voting::require_seat(tx, &asker, event_id));
    let body = allowed_first(body, allowed).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let command = Nominate {
        event_id,
        attendee_id: body.value.attendee_id.map(AttendeeId::from_uuid),
        talk_title: body.value.talk_title,
        summary: body.value.summary,
        require_verified_email: state.settings.require_verified_email,
    };
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| {
                    voting::require_seat(tx, &ctx, event_id)?;
                    Ok::<_, NominateError>(())
                },
                |tx: &mut Tx| {
                    let view = voting::nominate(tx, &ctx, command.clone())?;
                    let id = view.candidate.id;
                    let location = format!("/api/v1/events/{event_id}/candidates/{id}");
                    Ok(Answer::created(location, &CandidateBody::of(view)))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`nominate`].
pub fn describe_nominate(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Stand for speaker, or name somebody")
        .description(
            "From publishing until voting closes. Oneself is listed at once. Somebody else has to be one of the participants \
             (422 on `/attendee_id` otherwise), is asked by mail, and is listed after accepting. One account names five others \
             at one event, and stands ten times.",
        )
        .idempotent()
        .json_body::<NewCandidate>()
        .answer::<CandidateBody>(201, "The candidacy.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::SeatNeeded,
            ProblemType::VerifyEmailFirst,
            ProblemType::NoVoting,
            ProblemType::VotingClosed,
            ProblemType::AlreadyCandidate,
            ProblemType::NominationsUsed,
            ProblemType::CandidaciesUsed,
            ProblemType::CandidatesFull,
        ])
}

/// Agrees to stand.
pub async fn accept(
    request: HttpRequest,
    event_id: PathId<EventId>,
    id: PathId<CandidateId, 1>,
    caller: SignedInCaller,
    key: RepeatKey,
    state: SharedState,
) -> Result<Answer, Problem> {
    let scope = key.scope(caller.signed_in.user_id, &Fingerprint::without_body(&request));
    let (event_id, id, ctx) = (event_id.0, id.0, caller.ctx);
    let require_verified_email = state.settings.require_verified_email;
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| voting::require_nominee(tx, &ctx, event_id, id),
                |tx: &mut Tx| {
                    let view = voting::accept(tx, &ctx, event_id, id, require_verified_email)?;
                    Ok::<_, ChangeCandidateError>(Answer::ok(&CandidateBody::of(view)))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`accept`].
pub fn describe_accept(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Agree to stand for speaker")
        .description("By who was named, until voting closes. From then on they are listed.")
        .idempotent()
        .answer::<CandidateBody>(200, "The candidacy, listed.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::VerifyEmailFirst,
            ProblemType::WrongState,
            ProblemType::NoVoting,
            ProblemType::VotingClosed,
        ])
}

/// Changes title or abstract.
pub async fn edit(
    event_id: PathId<EventId>,
    id: PathId<CandidateId, 1>,
    caller: SignedInCaller,
    body: Result<PatchBody<CandidateChanges>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, id, ctx) = (event_id.0, id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| voting::require_candidate(tx, &asker, event_id, id));
    let changes = allowed_first(body, allowed).await?.value;
    let patch = CandidatePatch {
        talk_title: changes.talk_title,
        summary: changes.summary,
    };
    let view = state
        .store
        .write(move |tx| voting::edit_candidate(tx, &ctx, event_id, id, patch.clone()))
        .await?;
    Ok(Answer::ok(&CandidateBody::of(view)))
}

/// See [`edit`].
pub fn describe_edit(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Change a candidate's talk")
        .description("By the candidate or a manager, until voting closes.")
        .patch_body::<CandidateChanges>()
        .answer::<CandidateBody>(200, "The candidacy as it is now.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::WrongState,
            ProblemType::NoVoting,
            ProblemType::VotingClosed,
        ])
}

/// Declines or gives up.
pub async fn withdraw(
    event_id: PathId<EventId>,
    id: PathId<CandidateId, 1>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, id, ctx) = (event_id.0, id.0, caller.ctx);
    state
        .store
        .write(move |tx| voting::withdraw(tx, &ctx, event_id, id))
        .await?;
    Ok(Answer::no_content())
}

/// See [`withdraw`].
pub fn describe_withdraw(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Decline a nomination, or withdraw a candidacy")
        .description(
            "By the candidate or a manager. The votes for it go, and who gave them may vote anew while voting is open. An event \
             whose speaker withdraws has none, and those who choose speakers are told. One may stand again.",
        )
        .answer_empty(204, "The candidacy has ended.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::WrongState,
            ProblemType::EventReadOnly,
        ])
}
