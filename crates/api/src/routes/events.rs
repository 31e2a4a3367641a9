//! Events: make, read, list, change, publish, call off, delete.

use crate::event_cache::CachedEvent;
use crate::extract::{
    Caller, EntityTag, Fingerprint, IfMatch, JsonBody, ListAnswer, ListQuery, OptionalJsonBody, PatchBody,
    PathId, SignedInCaller, matches_if_none_match,
};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::{AppState, SharedState};
use crate::views::{EventBody, FormatBody, StatusBody};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use event::{
    CreateEvent, Event, EventFields, EventFilter, EventPatch, EventSort, EventStatus, FeeFields,
    PublishEventError, Visibility,
};
use kernel::{Change, Ctx, EventId, TypedId, UserId};
use serde::Deserialize;
use storage::Tx;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What a seat costs.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Fee)]
pub struct FeeRequest {
    /// In minor units; 0 is free.
    #[schema(minimum = 0)]
    amount: i64,
    /// A code of ISO 4217.
    #[schema(example = "INR")]
    currency: String,
}

impl From<FeeRequest> for FeeFields {
    fn from(fee: FeeRequest) -> Self {
        Self {
            amount: fee.amount,
            currency: fee.currency,
        }
    }
}

/// An event to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    #[schema(max_length = 20_000)]
    description: Option<String>,
    #[schema(max_length = 20_000)]
    agenda: Option<String>,
    format: FormatBody,
    /// Needed but for virtual events, refused there.
    #[schema(max_length = 300)]
    location: Option<String>,
    /// An https URL, shown to managers only.
    stream_url: Option<String>,
    /// In the future.
    starts_at: DateTime<Utc>,
    /// After the start.
    ends_at: DateTime<Utc>,
    /// A zone of the IANA database.
    #[schema(example = "Asia/Kolkata")]
    time_zone: String,
    #[schema(minimum = 1, maximum = 1_000_000)]
    capacity: i64,
    /// Absent: free.
    fee: Option<FeeRequest>,
    /// Absent: with publishing.
    registration_opens_at: Option<DateTime<Utc>>,
    /// Absent: with the start.
    registration_closes_at: Option<DateTime<Utc>>,
    /// Absent: no voting.
    voting_opens_at: Option<DateTime<Utc>>,
    /// Absent: with the start.
    voting_closes_at: Option<DateTime<Utc>>,
    /// Absent: true.
    waitlist_enabled: Option<bool>,
    /// Absent: false.
    live_results: Option<bool>,
    /// Absent: 24.
    refund_until_hours: Option<i64>,
    /// Whether it is announced at once.
    publish: Option<bool>,
}

impl NewEvent {
    fn into_command(self) -> CreateEvent {
        let fields = EventFields {
            title: Some(self.title),
            description: self.description,
            agenda: self.agenda,
            format: Some(self.format.into()),
            location: self.location,
            stream_url: self.stream_url,
            starts_at: Some(micros(self.starts_at)),
            ends_at: Some(micros(self.ends_at)),
            time_zone: Some(self.time_zone),
            capacity: Some(self.capacity),
            fee: self.fee.map(FeeFields::from),
            registration_opens_at: self.registration_opens_at.map(micros),
            registration_closes_at: self.registration_closes_at.map(micros),
            voting_opens_at: self.voting_opens_at.map(micros),
            voting_closes_at: self.voting_closes_at.map(micros),
            waitlist_enabled: self.waitlist_enabled,
            live_results: self.live_results,
            refund_until_hours: self.refund_until_hours,
        };
        CreateEvent {
            fields,
            publish: self.publish.unwrap_or(false),
        }
    }
}

/// What the databases keep of an instant.
fn micros(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.trunc_subsecs(6)
}

/// Fields of an event to be changed; null clears one.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventChanges {
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    title: Change<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    description: Change<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    agenda: Change<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    format: Change<FormatBody>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    location: Change<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    stream_url: Change<String>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    starts_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    ends_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    time_zone: Change<String>,
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000)]
    #[serde(default)]
    capacity: Change<i64>,
    #[schema(value_type = Option<FeeRequest>)]
    #[serde(default)]
    fee: Change<FeeRequest>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    registration_opens_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    registration_closes_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    voting_opens_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    voting_closes_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    waitlist_enabled: Change<bool>,
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    live_results: Change<bool>,
    #[schema(value_type = Option<i64>)]
    #[serde(default)]
    refund_until_hours: Change<i64>,
}

impl EventChanges {
    fn into_patch(self) -> EventPatch {
        EventPatch {
            title: self.title,
            description: self.description,
            agenda: self.agenda,
            format: self.format.map(FormatBody::into),
            location: self.location,
            stream_url: self.stream_url,
            starts_at: self.starts_at.map(micros),
            ends_at: self.ends_at.map(micros),
            time_zone: self.time_zone,
            capacity: self.capacity,
            fee: self.fee.map(FeeFields::from),
            registration_opens_at: self.registration_opens_at.map(micros),
            registration_closes_at: self.registration_closes_at.map(micros),
            voting_opens_at: self.voting_opens_at.map(micros),
            voting_closes_at: self.voting_closes_at.map(micros),
            waitlist_enabled: self.waitlist_enabled,
            live_results: self.live_results,
            refund_until_hours: self.refund_until_hours,
        }
    }
}

/// Why an event is called off.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// Told to everybody who had a seat or waited.
    #[schema(max_length = 1_000)]
    reason: Option<String>,
}

/// The order of a list of events.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub enum SortParameter {
    /// The soonest first.
    #[serde(rename = "starts_at")]
    StartsAt,
    /// The latest first.
    #[serde(rename = "-starts_at")]
    StartsAtDescending,
    /// The oldest first.
    #[serde(rename = "created_at")]
    CreatedAt,
    /// The newest first.
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

/// Which events are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// Part of title or description, in any case.
    q: Option<String>,
    /// The first local date of the start, inclusive.
    from: Option<NaiveDate>,
    /// The last local date of the start, inclusive.
    to: Option<NaiveDate>,
    /// Part of the location, in any case.
    location: Option<String>,
    /// How people take part.
    #[param(inline)]
    format: Option<FormatBody>,
    /// Where it stands.
    #[param(inline)]
    status: Option<StatusBody>,
    /// Who runs it.
    organizer_id: Option<Uuid>,
    /// Whether seats are left.
    has_seats: Option<bool>,
    /// The order; without it the soonest first.
    #[param(inline)]
    sort: Option<SortParameter>,
}

impl EventParams {
    fn into_filter(self, now: DateTime<Utc>) -> (EventFilter, &'static str) {
        let (sort, order) = match self.sort {
            None | Some(SortParameter::StartsAt) => (EventSort::StartsAt, "events:starts_at"),
            Some(SortParameter::StartsAtDescending) => (EventSort::StartsAtDescending, "events:-starts_at"),
            Some(SortParameter::CreatedAt) => (EventSort::CreatedAt, "events:created_at"),
            Some(SortParameter::CreatedAtDescending) => {
                (EventSort::CreatedAtDescending, "events:-created_at")
            }
        };
        let filter = EventFilter {
            visibility: Visibility::Public,
            text: self.q,
            from: self.from,
            to: self.to,
            location: self.location,
            format: self.format.map(FormatBody::into),
            status: self.status.map(StatusBody::into),
            organizer_id: self.organizer_id.map(UserId::from_uuid),
            has_seats: self.has_seats,
            sort,
            now,
        };
        (filter, order)
    }
}

fn location_of(event: &Event) -> String {
    format!("/api/v1/events/{}", event.id)
}

fn answer_of(event: Event, now: DateTime<Utc>) -> Answer {
    let tag = EntityTag::of(&event);
    Answer::ok(&EventBody::of(event, now)).with_etag(tag.to_string())
}

/// The problems of a change that managers make.
const OF_MANAGERS: [ProblemType; 2] = [ProblemType::NotFound, ProblemType::Forbidden];

/// A page of events.
pub async fn list(
    Caller(ctx): Caller,
    query: ListQuery<EventParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let now = ctx.now;
    let paging = query.paging;
    let (filter, order) = query.filter.into_filter(now);
    let request = paging.page(order)?;
    let page = state
        .store
        .read(move |tx| event::list_events(tx, &ctx, filter.clone(), request))
        .await?;
    let page = page.map(|event| EventBody::of(event, now));
    Ok(Answer::ok(&ListAnswer::new(order, page)))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List events")
        .description("Drafts are in it for those who run them.")
        .query::<EventParams>()
        .paged()
        .answer_list::<EventBody>("A page of events.")
}

/// The events that the caller organises.
pub async fn list_own(
    caller: SignedInCaller,
    query: ListQuery<EventParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let now = caller.ctx.now;
    let paging = query.paging;
    let (mut filter, order) = query.filter.into_filter(now);
    filter.organizer_id = Some(caller.signed_in.user_id);
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
        .summary("List the events that one organises")
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
    if let Some(hit) = state.event_cache.get(id, now) {
        return Ok(send(&request, hit));
    }
    let ticket = state.event_cache.ticket(id);
    let event = state
        .store
        .read(move |tx| event::read_event(tx, &ctx, id))
        .await?;
    let is_public = event.status != EventStatus::Draft;
    let entry = render(&state, event, now);
    if is_public {
        state.event_cache.put(ticket, entry.clone());
    }
    Ok(send(&request, entry))
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
    let etag = EntityTag::of(&event).header_value();
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
    let (ctx, command) = (caller.ctx, body.value.into_command());
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
                    let (location, tag) = (location_of(&event), EntityTag::of(&event));
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
        .problems(&[ProblemType::PlaceTaken, ProblemType::PaymentsNotConfigured])
}

/// Refuses who does not run the event.
async fn require_manager(state: &SharedState, ctx: &Ctx, id: EventId) -> Result<(), Problem> {
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
    let patch = match body {
        Ok(body) => body.value.into_patch(),
        Err(problem) => {
            require_manager(&state, &ctx, id).await?;
            return Err(problem);
        }
    };
    let expected = match if_match {
        IfMatch::Unconditional | IfMatch::Anything => None,
        IfMatch::Edits(edits) => Some(edits.into_iter().map(u64::cast_signed).collect::<Vec<_>>()),
    };
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
    let (id, ctx) = (id.0, caller.ctx);
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| event::require_manager(tx, &ctx, id).map_err(PublishEventError::from),
                |tx: &mut Tx| Ok(answer_of(event::publish_event(tx, &ctx, id)?, ctx.now)),
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
    let body = match body {
        Ok(body) => body,
        Err(problem) => {
            require_manager(&state, &ctx, id).await?;
            return Err(problem);
        }
    };
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
