//! Waitlists: one's own place, and the managers' view of the queue.

use super::events::require_manager;
use crate::extract::{JsonBody, ListAnswer, ListQuery, PatchBody, PathId, SignedInCaller, allowed_first};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::{WaitlistEntryBody, WaitlistPlaceBody, WaitlistStandingBody};
use kernel::{EventId, WaitlistEntryId};
use serde::Deserialize;
use utoipa::ToSchema;
use waitlist::MoveEntry;

const QUEUE_ORDER: &str = "waitlist";
const OWN_ORDER: &str = "own-waitlist";

/// Where an entry is to go.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPosition {
    /// From 1 to the length of the queue.
    #[schema(minimum = 1)]
    position: u32,
    /// Why; part of the entry's log.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: String,
}

/// Why an entry is ended.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// Part of the entry's log.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: String,
}

/// The queue of an event.
pub async fn list(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    query: Result<ListQuery<()>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let event_id = event_id.0;
    let read = query.and_then(|query| query.page(QUEUE_ORDER));
    let page = allowed_first(read, require_manager(&state, &caller.ctx, event_id)).await?;
    let ctx = caller.ctx;
    let page = state
        .store
        .read(move |tx| waitlist::list_waitlist(tx, &ctx, event_id, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(
        QUEUE_ORDER,
        page.map(WaitlistPlaceBody::of),
    )))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List who waits for a seat")
        .paged()
        .answer_list::<WaitlistPlaceBody>("A page of the queue, in its order.")
        .problems(&[ProblemType::NotFound, ProblemType::Forbidden])
}

/// One's own place in the queue of an event.
pub async fn read_own(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let standing = state
        .store
        .read(move |tx| waitlist::own_standing(tx, &ctx, event_id))
        .await?;
    Ok(Answer::ok(&WaitlistStandingBody::of(standing)))
}

/// See [`read_own`].
pub fn describe_read_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read one's own place in the queue")
        .description(
            "Where the person does not wait any more it is the place that ended last, with how it ended and no position.",
        )
        .answer::<WaitlistStandingBody>(200, "The place, and what happened to it.")
        .problems(&[ProblemType::NotFound])
}

/// Gives up one's own place.
pub async fn leave(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    state
        .store
        .write(move |tx| waitlist::leave(tx, &ctx, event_id))
        .await?;
    Ok(Answer::no_content())
}

/// See [`leave`].
pub fn describe_leave(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Leave the queue")
        .answer_empty(204, "The place is given up.")
        .problems(&[ProblemType::NotFound, ProblemType::EventReadOnly])
}

/// One's own places in all queues.
pub async fn list_own(
    caller: SignedInCaller,
    query: ListQuery<()>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (page, ctx) = (query.page(OWN_ORDER)?, caller.ctx);
    let page = state
        .store
        .read(move |tx| waitlist::list_own_places(tx, &ctx, page))
        .await?;
    let page = page.map(|place| WaitlistEntryBody::of(&place.entry, place.position));
    Ok(Answer::ok(&ListAnswer::new(OWN_ORDER, page)))
}

/// See [`list_own`].
pub fn describe_list_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List one's own places in queues")
        .paged()
        .answer_list::<WaitlistEntryBody>("A page of places, the newest first.")
}

/// Gives an entry another position.
pub async fn move_entry(
    event_id: PathId<EventId>,
    entry_id: PathId<WaitlistEntryId, 1>,
    caller: SignedInCaller,
    body: Result<PatchBody<NewPosition>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let body = allowed_first(body, require_manager(&state, &caller.ctx, event_id.0))
        .await?
        .value;
    let command = MoveEntry {
        event_id: event_id.0,
        entry_id: entry_id.0,
        position: body.position,
        reason: body.reason,
    };
    let ctx = caller.ctx;
    let (entry, position) = state
        .store
        .write(move |tx| waitlist::move_entry(tx, &ctx, command.clone()))
        .await?;
    Ok(Answer::ok(&WaitlistEntryBody::of(&entry, Some(position))))
}

/// See [`move_entry`].
pub fn describe_move_entry(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Move somebody in the queue")
        .patch_body::<NewPosition>()
        .answer::<WaitlistEntryBody>(200, "The entry at its new position.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::EventReadOnly,
        ])
}

/// Takes an entry off the queue.
pub async fn remove_entry(
    event_id: PathId<EventId>,
    entry_id: PathId<WaitlistEntryId, 1>,
    caller: SignedInCaller,
    body: Result<JsonBody<Removal>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let reason = allowed_first(body, require_manager(&state, &caller.ctx, event_id.0))
        .await?
        .value
        .reason;
    let ctx = caller.ctx;
    state
        .store
        .write(move |tx| waitlist::remove_entry(tx, &ctx, event_id.0, entry_id.0, reason.clone()))
        .await?;
    Ok(Answer::no_content())
}

/// See [`remove_entry`].
pub fn describe_remove_entry(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Take somebody off the queue")
        .description("The person is told.")
        .json_body::<Removal>()
        .answer_empty(204, "The entry is ended.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::EventReadOnly,
        ])
}
