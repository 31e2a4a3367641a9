//! Events: make, read, list, change, publish, call off, delete.

mod forms;

pub use forms::{Cancellation, EventChanges, EventParams, FeeRequest, NewEvent, SortParameter};

use crate::event_cache::CachedEvent;
use crate::extract::{
    Caller, EntityTag, Fingerprint, IfMatch, JsonBody, ListAnswer, ListQuery, OptionalJsonBody, PatchBody,
    PathId, SignedInCaller, allowed_first, matches_if_none_match,
};
use crate::first_pages::{Begun, FirstPage};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::{AppState, SharedState};
use crate::views::EventBody;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use event::{Event, EventFilter, PublishEvent, PublishEventError, ReadEventError};
use futures_util::TryFutureExt;
use kernel::{Actor, Ctx, EventId, PageRequest, StoreError};
use storage::Tx;

pub(super) fn location_of(event: &Event) -> String {
    format!("/api/v1/events/{}", event.id)
}

pub(super) fn answer_of(event: Event, now: DateTime<Utc>) -> Answer {
    let tag = EntityTag::of(&event, now);
    Answer::ok(&EventBody::of(event, now)).with_etag(tag.to_string())
}

/// The problems of a change that managers make.
pub(super) const OF_MANAGERS: [ProblemType; 2] = [ProblemType::NotFound, ProblemType::Forbidden];

/// A page of events. Of first pages everybody who sees nothing private is given the same bytes.
pub async fn list(
    request: HttpRequest,
    Caller(ctx): Caller,
    query: ListQuery<EventParams>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let now = ctx.now;
    let paging = query.paging;
    let (filter, order) = query.filter.into_filter(now);
    let page = paging.page(order)?;
    if page.after.is_none() && is_onlooker(&state, &ctx.actor).await? {
        // Read for nobody in particular: whatever becomes of this caller meanwhile, others are sent it too.
        let everybody = state.context(Actor::Anonymous, ctx.request_id.clone());
        let read = read_page(&state, &everybody, &filter, order, page);
        let kept = read.map_ok(|read| FirstPage::new(read.begun, read.body, read.at, read.until));
        let query = request.query_string();
        if let Some(body) = state.first_pages.get(query, &ctx.actor, now, kept).await? {
            return Ok(json(body));
        }
    }
    let read = read_page(&state, &ctx, &filter, order, page).await?;
    Ok(json(Bytes::from(read.body)))
}

async fn is_onlooker(state: &AppState, actor: &Actor) -> Result<bool, StoreError> {
    let asked = actor.clone();
    let ask = state.store.read(move |tx| event::is_onlooker(tx, &asked));
    state.first_pages.is_onlooker(actor, ask).await
}

/// A page as it was read.
struct ReadPage {
    begun: Begun,
    /// The JSON.
    body: Vec<u8>,
    at: DateTime<Utc>,
    /// Until then it is right, but for what others change.
    until: DateTime<Utc>,
}

async fn read_page(
    state: &AppState,
    ctx: &Ctx,
    filter: &EventFilter,
    order: &str,
    page: PageRequest,
) -> Result<ReadPage, Problem> {
    let begun = state.first_pages.begin();
    // Others may have come since this request did: it may be for them too.
    let now = state.clock.now();
    let (ctx, mut filter) = (ctx.clone(), filter.clone());
    filter.now = now;
    let events = state
        .store
        .read(move |tx| event::list_events(tx, &ctx, filter.clone(), page))
        .await?;
    let turns = events
        .items
        .iter()
        .filter_map(|event| event.seats().next_turn_after(now));
    let latest = now + state.settings.cache_ttl;
    let until = turns.min().map_or(latest, |turn| turn.min(latest));
    let events = events.map(|event| EventBody::of(event, now));
    let body = serde_json::to_vec(&ListAnswer::new(order, events)).unwrap_or_default();
    Ok(ReadPage {
        begun,
        body,
        at: now,
        until,
    })
}

fn json(body: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body)
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List events")
        .description(
            "Drafts are in it for those who run them. For everybody else counts of seats on a first page may be a second old, but \
             what one changed oneself is in them.",
        )
        .query::<EventParams>()
        .paged()
        .answer_list::<EventBody>("A page of events.")
}

/// The events that the caller runs: as organiser, or as a manager of the staff.
pub async fn list_own(
    caller: SignedInCaller,
    query: ListQuery<EventParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let now = caller.ctx.now;
    let paging = query.paging;
    let (mut filter, order) = query.filter.into_filter(now);
    filter.run_by = Some(caller.signed_in.user_id);
    let request = paging.page(order)?;
    let ctx = caller.ctx;
    let page = state
        .store
        .read(move |tx| event::list_events(tx, &ctx, filter.clone(), request))
        .await?;
    let page = page.map(|event| EventBody::of(event, now));
    Ok(Answer::ok(&ListAnswer::new(order, page)))
}

/// See [`list_own`].
pub fn describe_list_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List the events that one runs")
        .description("As their organiser, or as a manager of their staff.")
        .query::<EventParams>()
        .paged()
        .answer_list::<EventBody>("A page of events.")
}

/// One event. Everybody is given the same bytes, but for drafts, which are not kept.
pub async fn read(
    request: HttpRequest,
    id: PathId<EventId>,
    caller: Caller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let (id, ctx) = (id.0, caller.0);
    let now = ctx.now;
    let for_everybody = async {
        let everybody = state.context(Actor::Anonymous, ctx.request_id.clone());
        // Others may have come since this request did: it is for them too.
        let now = everybody.now;
        match read_one(&state, everybody, id).await {
            Ok(event) => Ok(Some(render(&state, event, now))),
            Err(ReadEventError::NotFound(_)) => Ok(None),
            Err(ReadEventError::Store(error)) => Err(error),
        }
    };
    if let Some(entry) = state.event_cache.get_or_read(id, now, for_everybody).await? {
        return Ok(send(&request, entry));
    }
    let event = read_one(&state, ctx, id).await?;
    Ok(send(&request, render(&state, event, now)))
}

async fn read_one(state: &AppState, ctx: Ctx, id: EventId) -> Result<Event, ReadEventError> {
    state.store.read(move |tx| event::read_event(tx, &ctx, id)).await
}

/// See [`read`].
pub fn describe_read(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read an event")
        .description("The ETag is `\"<edit>-<seats>\"`; If-None-Match compares all of it, If-Match of a change the edit alone.")
        .if_none_match()
        .answer::<EventBody>(200, "The event.")
        .problems(&[ProblemType::NotFound])
}

fn render(state: &AppState, event: Event, now: DateTime<Utc>) -> CachedEvent {
    let etag = EntityTag::of(&event, now).header_value();
    let turn = event.seats().next_turn_after(now);
    let latest = now + state.settings.cache_ttl;
    let valid_until = turn.map_or(latest, |turn| turn.min(latest));
    let body = serde_json::to_vec(&EventBody::of(event, now)).unwrap_or_default();
    CachedEvent {
        body: Bytes::from(body),
        etag,
        valid_until,
    }
}

fn send(request: &HttpRequest, entry: CachedEvent) -> HttpResponse {
    let known = request.headers().contains_key(header::IF_NONE_MATCH)
        && matches_if_none_match(request.headers(), &entry.etag);
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header((header::ETAG, entry.etag)).insert_header((
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-cache"),
    ));
    if known {
        return response.finish();
    }
    response
        .insert_header((
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/json"),
        ))
        .body(entry.body)
}

/// Makes an event.
pub async fn create(
    caller: SignedInCaller,
    key: RepeatKey,
    body: JsonBody<NewEvent>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let command = body.value.into_command(state.settings.require_verified_email);
    let ctx = caller.ctx;
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |_| Ok(()),
                |tx: &mut Tx| {
                    let event = event::create_event(tx, &ctx, command.clone())?;
                    let (location, tag) = (location_of(&event), EntityTag::of(&event, ctx.now));
                    let body = EventBody::of(event, ctx.now);
                    Ok::<_, event::CreateEventError>(
                        Answer::created(location, &body).with_etag(tag.to_string()),
                    )
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`create`].
pub fn describe_create(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Make an event")
        .description("A draft, unless `publish` is true.")
        .idempotent()
        .json_body::<NewEvent>()
        .answer::<EventBody>(201, "The event.")
        .problems(&[
            ProblemType::VerifyEmailFirst,
            ProblemType::PlaceTaken,
            ProblemType::PaymentsNotConfigured,
        ])
}

/// Refuses who does not run the event.
pub(super) async fn require_manager(state: &SharedState, ctx: &Ctx, id: EventId) -> Result<(), Problem> {
    let ctx = ctx.clone();
    Ok(state
        .store
        .read(move |tx| event::require_manager(tx, &ctx, id))
        .await?)
}

/// Changes an event.
pub async fn edit(
    id: PathId<EventId>,
    caller: SignedInCaller,
    if_match: IfMatch,
    body: Result<PatchBody<EventChanges>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let body = allowed_first(body, require_manager(&state, &ctx, id)).await?;
    let patch = body.value.into_patch(state.settings.require_verified_email);
    let expected = if_match.edits();
    let expected: Option<Vec<i64>> = expected.map(|edits| edits.into_iter().map(u64::cast_signed).collect());
    let now = ctx.now;
    let event = state
        .store
        .write(move |tx| event::edit_event(tx, &ctx, id, patch.clone(), expected.as_deref()))
        .await?;
    Ok(answer_of(event, now))
}

/// See [`edit`].
pub fn describe_edit(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Change an event")
        .description(
            "A raised capacity moves the waitlist; a moved start is told to everybody who has a seat.",
        )
        .if_match()
        .patch_body::<EventChanges>()
        .answer::<EventBody>(200, "The event as it is now.")
        .problems(&OF_MANAGERS)
        .problems(&[
            ProblemType::EventReadOnly,
            ProblemType::PlaceTaken,
            ProblemType::CapacityBelowTaken,
            ProblemType::PaymentsNotConfigured,
        ])
}

/// Announces a draft.
pub async fn publish(
    request: HttpRequest,
    id: PathId<EventId>,
    caller: SignedInCaller,
    key: RepeatKey,
    state: SharedState,
) -> Result<Answer, Problem> {
    let scope = key.scope(caller.signed_in.user_id, &Fingerprint::without_body(&request));
    let ctx = caller.ctx;
    let command = PublishEvent {
        id: id.0,
        require_verified_email: state.settings.require_verified_email,
    };
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| event::require_manager(tx, &ctx, command.id).map_err(PublishEventError::from),
                |tx: &mut Tx| Ok(answer_of(event::publish_event(tx, &ctx, command)?, ctx.now)),
            )
        })
        .await?;
    Ok(answer)
}

/// See [`publish`].
pub fn describe_publish(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Publish an event")
        .idempotent()
        .answer::<EventBody>(200, "The event as it is now.")
        .problems(&OF_MANAGERS)
        .problems(&[
            ProblemType::VerifyEmailFirst,
            ProblemType::Invalid,
            ProblemType::WrongState,
            ProblemType::EventReadOnly,
            ProblemType::PlaceTaken,
            ProblemType::PaymentsNotConfigured,
        ])
}

/// Calls an event off.
pub async fn cancel(
    id: PathId<EventId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<OptionalJsonBody<Cancellation>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let body = allowed_first(body, require_manager(&state, &ctx, id)).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let reason = body.value.reason;
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| event::require_manager(tx, &ctx, id).map_err(event::CancelEventError::from),
                |tx: &mut Tx| {
                    Ok(answer_of(
                        event::cancel_event(tx, &ctx, id, reason.clone())?,
                        ctx.now,
                    ))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`cancel`].
pub fn describe_cancel(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Call an event off")
        .description("For good. Registrations and waitlist entries end, and everybody who had one is told.")
        .idempotent()
        .optional_json_body::<Cancellation>()
        .answer::<EventBody>(200, "The event as it is now.")
        .problems(&OF_MANAGERS)
        .problems(&[ProblemType::EventReadOnly])
}

/// Deletes an event.
pub async fn delete(
    id: PathId<EventId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    state
        .store
        .write(move |tx| event::delete_event(tx, &ctx, id))
        .await?;
    Ok(Answer::no_content())
}

/// See [`delete`].
pub fn describe_delete(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Delete an event")
        .description("With its registrations and its waitlist; everybody who had a seat or waited is told.")
        .answer_empty(204, "It is gone.")
        .problems(&OF_MANAGERS)
}
