//! What reviewers do with campaigns, and who gives one up.

use super::campaigns::require_reader;
use crate::extract::{
    Fingerprint, IfMatch, JsonBody, ListAnswer, ListQuery, OptionalJsonBody, PathId, SignedInCaller,
    allowed_first,
};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::{AudienceBody, CampaignBody, DeliveryBody, DeliveryStatusBody};
use actix_web::HttpRequest;
use campaign::{
    ApproveCampaign, ApproveCampaignError, CampaignView, CancelCampaignError, DeliveryStatus,
    PauseCampaignError, RejectCampaignError, ResumeCampaignError,
};
use chrono::{DateTime, SubsecRound, Utc};
use kernel::{CampaignId, Ctx, IdempotencyScope, Permission};
use serde::Deserialize;
use storage::Tx;
use utoipa::{IntoParams, ToSchema};

const DELIVERIES: &str = "deliveries";

/// Whom a campaign goes to, and when.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignApproval {
    #[schema(inline)]
    audience: AudienceBody,
    /// Before voting closes. Absent, or over already: now.
    send_at: Option<DateTime<Utc>>,
}

/// Why a campaign is not sent.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignRejection {
    /// Told to who asked for it.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: String,
}

/// Why a campaign is held or given up.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignStop {
    /// Shown to who may see the campaign.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: Option<String>,
}

/// Which deliveries are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryParams {
    /// That stand so.
    #[param(inline)]
    status: Option<DeliveryStatusBody>,
}

/// Runs a change of a campaign once for its key.
async fn decide<E>(
    state: &SharedState,
    ctx: Ctx,
    scope: Option<IdempotencyScope>,
    authorise: impl Fn(&mut Tx<'_>, &Ctx) -> Result<(), E> + Send + Sync + 'static,
    change: impl Fn(&mut Tx<'_>, &Ctx) -> Result<CampaignView, E> + Send + Sync + 'static,
) -> Result<Answer, Problem>
where
    E: Into<Problem> + Send + 'static,
{
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| authorise(tx, &ctx),
                |tx: &mut Tx| Ok(Answer::ok(&CampaignBody::of(change(tx, &ctx)?))),
            )
        })
        .await?;
    Ok(answer)
}

/// Lets a campaign go.
pub async fn approve(
    id: PathId<CampaignId>,
    caller: SignedInCaller,
    key: RepeatKey,
    if_match: IfMatch,
    body: Result<JsonBody<CampaignApproval>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let body = allowed_first(body, require_reader(&state, &ctx, id)).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let command = ApproveCampaign {
        id,
        audience: body.value.audience.into(),
        send_at: body.value.send_at.map(|at| at.trunc_subsecs(6)),
        versions: if_match.tags(),
    };
    decide(
        &state,
        ctx,
        scope,
        |_, ctx| Ok::<_, ApproveCampaignError>(ctx.actor.require(Permission::CampaignReview)?),
        move |tx, ctx| campaign::approve_campaign(tx, ctx, command.clone()),
    )
    .await
}

/// See [`approve`].
pub fn describe_approve(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Approve a campaign")
        .description(
            "It goes to who holds a seat at the event, or to everybody who wants campaigns, each address once, as fast as \
             `mail.campaign_per_minute` lets it. Who asked for it is told. With If-Match it is what was read that is approved: 412 if the \
             text, or a name that the candidate can put into it, was changed meanwhile. From here on none of it changes.",
        )
        .idempotent()
        .if_match()
        .json_body::<CampaignApproval>()
        .answer::<CampaignBody>(200, "The campaign as it is now.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::WrongState,
            ProblemType::VotingClosed,
        ])
}

/// Says no to a campaign.
pub async fn reject(
    id: PathId<CampaignId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<JsonBody<CampaignRejection>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let body = allowed_first(body, require_reader(&state, &ctx, id)).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let reason = body.value.reason;
    decide(
        &state,
        ctx,
        scope,
        |_, ctx| Ok::<_, RejectCampaignError>(ctx.actor.require(Permission::CampaignReview)?),
        move |tx, ctx| campaign::reject_campaign(tx, ctx, id, reason.clone()),
    )
    .await
}

/// See [`reject`].
pub fn describe_reject(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Reject a campaign")
        .description("Who asked for it is told why.")
        .idempotent()
        .json_body::<CampaignRejection>()
        .answer::<CampaignBody>(200, "The campaign as it is now.")
        .problems(&[ProblemType::NotFound, ProblemType::WrongState])
}

/// Holds a campaign.
pub async fn pause(
    id: PathId<CampaignId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<OptionalJsonBody<CampaignStop>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let body = allowed_first(body, require_reader(&state, &ctx, id)).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let reason = body.value.reason;
    decide(
        &state,
        ctx,
        scope,
        |_, ctx| Ok::<_, PauseCampaignError>(ctx.actor.require(Permission::CampaignReview)?),
        move |tx, ctx| campaign::pause_campaign(tx, ctx, id, reason.clone()),
    )
    .await
}

/// See [`pause`].
pub fn describe_pause(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Hold a campaign that is being sent")
        .description("Within a second no mail of it is begun any more.")
        .idempotent()
        .optional_json_body::<CampaignStop>()
        .answer::<CampaignBody>(200, "The campaign as it is now.")
        .problems(&[ProblemType::NotFound, ProblemType::WrongState])
}

/// Lets a campaign go on.
pub async fn resume(
    request: HttpRequest,
    id: PathId<CampaignId>,
    caller: SignedInCaller,
    key: RepeatKey,
    state: SharedState,
) -> Result<Answer, Problem> {
    let scope = key.scope(caller.signed_in.user_id, &Fingerprint::without_body(&request));
    let id = id.0;
    decide(
        &state,
        caller.ctx,
        scope,
        |_, ctx| Ok::<_, ResumeCampaignError>(ctx.actor.require(Permission::CampaignReview)?),
        move |tx, ctx| campaign::resume_campaign(tx, ctx, id),
    )
    .await
}

/// See [`resume`].
pub fn describe_resume(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Let a campaign go on that was held")
        .idempotent()
        .answer::<CampaignBody>(200, "The campaign as it is now.")
        .problems(&[ProblemType::NotFound, ProblemType::WrongState])
}

/// Gives a campaign up.
pub async fn cancel(
    id: PathId<CampaignId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<OptionalJsonBody<CampaignStop>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| campaign::require_campaign_canceller(tx, &asker, id));
    let body = allowed_first(body, allowed).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let reason = body.value.reason;
    decide(
        &state,
        ctx,
        scope,
        move |tx, ctx| campaign::require_campaign_canceller(tx, ctx, id).map_err(CancelCampaignError::from),
        move |tx, ctx| campaign::cancel_campaign(tx, ctx, id, reason.clone()),
    )
    .await
}

/// See [`cancel`].
pub fn describe_cancel(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Give a campaign up")
        .description(
            "For good, by its owner or a reviewer. Within a second no mail of it is begun any more; who has not got it does not \
             get it.",
        )
        .idempotent()
        .optional_json_body::<CampaignStop>()
        .answer::<CampaignBody>(200, "The campaign as it is now.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::WrongState,
        ])
}

/// What has become of a campaign's copies.
pub async fn list_deliveries(
    id: PathId<CampaignId>,
    caller: SignedInCaller,
    query: Result<ListQuery<DeliveryParams>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let read = query.and_then(|query| Ok((query.page(DELIVERIES)?, query.filter.status)));
    let (page, status) = allowed_first(read, require_reader(&state, &ctx, id)).await?;
    let status = status.map(DeliveryStatus::from);
    let page = state
        .store
        .read(move |tx| campaign::list_deliveries(tx, &ctx, id, status, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(
        DELIVERIES,
        page.map(DeliveryBody::of),
    )))
}

/// See [`list_deliveries`].
pub fn describe_list_deliveries(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List who gets a campaign")
        .description(
            "With what has become of each copy. `error` says why one failed; of one that was skipped it is `unsubscribed`, \
             `bounced`, `opted_out`, `no_seat`, `candidate`, `campaign_over`, `no_longer_wanted` or `erased`.",
        )
        .query::<DeliveryParams>()
        .paged()
        .answer_list::<DeliveryBody>("A page of deliveries, in the order in which they were written down.")
        .problems(&[ProblemType::NotFound])
}
