//! Campaigns: ask for one, reword it, look at it.

use crate::extract::{JsonBody, ListAnswer, ListQuery, PatchBody, PathId, SignedInCaller, allowed_first};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::{CampaignBody, CampaignPreviewBody, CampaignStatusBody};
use campaign::{CampaignStatus, EditCampaign, RequestCampaign, RequestCampaignError};
use kernel::{CampaignId, CandidateId, Change, Ctx, EventId, TypedId};
use serde::Deserialize;
use storage::Tx;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

const ORDER: &str = "campaigns";

/// What is asked for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// For whom: listed at the event.
    candidate_id: Uuid,
    /// One line.
    #[schema(min_length = 1, max_length = 200)]
    subject: String,
    /// Markdown.
    #[schema(min_length = 1, max_length = 20_000)]
    body: String,
}

/// What is to be another text.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignChanges {
    /// One line.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    subject: Change<String>,
    /// Markdown.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 20_000)]
    #[serde(default)]
    body: Change<String>,
}

/// Which campaigns are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CampaignParams {
    /// That stand so.
    #[param(inline)]
    status: Option<CampaignStatusBody>,
}

/// Asks for a campaign.
pub async fn request(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<JsonBody<NewCampaign>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| campaign::require_campaign_asker(tx, &asker, event_id));
    let body = allowed_first(body, allowed).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let command = RequestCampaign {
        event_id,
        candidate_id: CandidateId::from_uuid(body.value.candidate_id),
        subject: body.value.subject,
        body: body.value.body,
    };
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| {
                    campaign::require_campaign_asker(tx, &ctx, event_id).map_err(RequestCampaignError::from)
                },
                |tx: &mut Tx| {
                    let view = campaign::request_campaign(tx, &ctx, command.clone())?;
                    let location = format!("/api/v1/campaigns/{}", view.campaign.id);
                    Ok(Answer::created(location, &CampaignBody::of(view)))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`request`].
pub fn describe_request(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Ask for a campaign")
        .description(
            "For one's own candidacy, or, for who runs the event, for any that is listed; while voting is not over. A reviewer \
             decides on it. At most three of one candidacy are open at a time. Subject and body may have `{{ name }}` (the \
             recipient), `{{ event }}`, `{{ date }}`, `{{ place }}`, `{{ candidate }}`, `{{ talk }}` and `{{ vote_url }}`; the body \
             is Markdown without HTML.",
        )
        .tag(ORDER)
        .idempotent()
        .json_body::<NewCampaign>()
        .answer::<CampaignBody>(201, "The campaign.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::VotingClosed,
            ProblemType::WrongState,
        ])
}

/// The campaigns of an event.
pub async fn list_of_event(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    query: ListQuery<CampaignParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let page = query.page(ORDER)?;
    let status = query.filter.status.map(CampaignStatus::from);
    let page = state
        .store
        .read(move |tx| campaign::list_campaigns_of_event(tx, &ctx, event_id, status, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(ORDER, page.map(CampaignBody::of))))
}

/// See [`list_of_event`].
pub fn describe_list_of_event(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List the campaigns of an event")
        .description("All of them for who runs the event and for reviewers; one's own for everybody else.")
        .tag(ORDER)
        .query::<CampaignParams>()
        .paged()
        .answer_list::<CampaignBody>("A page of campaigns, the newest first.")
        .problems(&[ProblemType::NotFound])
}

/// One's own campaigns.
pub async fn list_own(
    caller: SignedInCaller,
    query: ListQuery<CampaignParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    let page = query.page(ORDER)?;
    let status = query.filter.status.map(CampaignStatus::from);
    let page = state
        .store
        .read(move |tx| campaign::list_own_campaigns(tx, &ctx, status, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(ORDER, page.map(CampaignBody::of))))
}

/// See [`list_own`].
pub fn describe_list_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List one's own campaigns")
        .description("Those that one asked for, and those for one's candidacies.")
        .query::<CampaignParams>()
        .paged()
        .answer_list::<CampaignBody>("A page of campaigns, the newest first.")
}

/// One campaign.
pub async fn read(
    id: PathId<CampaignId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let read = state
        .store
        .read(move |tx| campaign::read_campaign(tx, &ctx, id))
        .await?;
    Ok(Answer::ok(&CampaignBody::of(read.view)).with_etag(format!("\"{}\"", read.version)))
}

/// See [`read`].
pub fn describe_read(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read a campaign")
        .description(
            "With its progress, counted when it is asked for. Who was skipped is not in `total`. The ETag is of what the campaign says, \
             with the names of the candidate and the talk: an approval can name it in If-Match.",
        )
        .answer::<CampaignBody>(200, "The campaign.")
        .with_header("ETag", "The version of what it says.")
        .problems(&[ProblemType::NotFound])
}

/// Whether the caller may know of the campaign.
pub(super) async fn require_reader(state: &SharedState, ctx: &Ctx, id: CampaignId) -> Result<(), Problem> {
    let ctx = ctx.clone();
    Ok(state
        .store
        .read(move |tx| campaign::require_campaign_reader(tx, &ctx, id))
        .await?)
}

/// Changes the text of a campaign.
pub async fn edit(
    id: PathId<CampaignId>,
    caller: SignedInCaller,
    body: Result<PatchBody<CampaignChanges>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| campaign::require_campaign_editor(tx, &asker, id));
    let body = allowed_first(body, allowed).await?;
    let command = EditCampaign {
        id,
        subject: body.value.subject,
        body: body.value.body,
    };
    let view = state
        .store
        .write(move |tx| campaign::edit_campaign(tx, &ctx, command.clone()))
        .await?;
    Ok(Answer::ok(&CampaignBody::of(view)))
}

/// See [`edit`].
pub fn describe_edit(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Change the text of a campaign")
        .description(
            "Until a reviewer decided on it: by who asked for it, the candidate, or who runs the event.",
        )
        .patch_body::<CampaignChanges>()
        .answer::<CampaignBody>(200, "The campaign as it is now.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::WrongState,
        ])
}

/// A campaign as it is mailed.
pub async fn preview(
    id: PathId<CampaignId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let public_url = state.settings.public_url.clone();
    let text = state
        .store
        .read(move |tx| campaign::preview_campaign(tx, &ctx, id, &public_url))
        .await?;
    Ok(Answer::ok(&CampaignPreviewBody::of(text)))
}

/// See [`preview`].
pub fn describe_preview(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("See a campaign as a recipient gets it")
        .description("With the caller's name, and a link that leads nowhere.")
        .answer::<CampaignPreviewBody>(200, "What the mail says.")
        .problems(&[ProblemType::NotFound, ProblemType::Invalid])
}
