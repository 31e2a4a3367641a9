//! What who runs an event has at hand besides editing it: copies, taking an announcement back, writing to those who hold a
//! seat, figures.

use super::events::{OF_MANAGERS, answer_of, location_of, require_manager};
use crate::extract::{Fingerprint, JsonBody, OptionalJsonBody, PathId, SignedInCaller, allowed_first};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::{EventBody, EventStatisticsBody};
use actix_web::HttpRequest;
use chrono::{DateTime, SubsecRound, Utc};
use event::{CopyEvent, CopyEventError, UnpublishEventError};
use kernel::{EventId, RegistrationId};
use registration::{Announce, AnnounceError, ReadStatisticsError, ResendError};
use serde::Deserialize;
use storage::Tx;
use utoipa::ToSchema;

/// What is another than in the original.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventCopy {
    /// Absent: that of the original.
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
    /// Absent: that of the original. Refused for virtual events.
    #[schema(max_length = 300)]
    location: Option<String>,
    /// In the future. Absent: that of the original, which has to be in the future then.
    starts_at: Option<DateTime<Utc>>,
    /// Absent: as long after the start as that of the original.
    ends_at: Option<DateTime<Utc>>,
    /// Whether the original's staff helps at the copy too. Absent: false.
    with_staff: Option<bool>,
}

/// What is said to all who hold a seat.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    /// One line; the mail's subject names the event behind it.
    #[schema(min_length = 1, max_length = 120)]
    subject: String,
    /// Plain text. An empty line ends a paragraph, and web addresses can be followed.
    #[schema(min_length = 1, max_length = 5_000)]
    body: String,
}

/// Makes a draft after an event.
pub async fn copy(
    id: PathId<EventId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<OptionalJsonBody<EventCopy>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let asker = ctx.clone();
    let allowed = state.store.read(move |tx| event::require_copier(tx, &asker, id));
    let body = allowed_first(body, allowed).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let wanted = body.value;
    let micros = |at: DateTime<Utc>| at.trunc_subsecs(6);
    let command = CopyEvent {
        id,
        title: wanted.title,
        location: wanted.location,
        starts_at: wanted.starts_at.map(micros),
        ends_at: wanted.ends_at.map(micros),
        with_staff: wanted.with_staff.unwrap_or(false),
        require_verified_email: state.settings.require_verified_email,
    };
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| event::require_copier(tx, &ctx, id).map_err(CopyEventError::from),
                |tx: &mut Tx| {
                    let event = event::copy_event(tx, &ctx, command.clone())?;
                    Ok(Answer::created_event(
                        location_of(&event),
                        answer_of(event, ctx.now),
                    ))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`copy`].
pub fn describe_copy(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Copy an event")
        .description(
            "A draft of the caller's, who needs `event:create` too. All that managers write comes along, nothing of the seats; \
             the staff if it is asked for. A start of its own moves the end and both windows as far. Without one the original's \
             stays, if it is ahead; a published event keeps its place on its day, so that another start or location is needed \
             then (409 `place-taken`).",
        )
        .idempotent()
        .optional_json_body::<EventCopy>()
        .answer::<EventBody>(201, "The draft.")
        .problems(&OF_MANAGERS)
        .problems(&[ProblemType::VerifyEmailFirst, ProblemType::PlaceTaken])
}

/// Takes an announcement back.
pub async fn unpublish(
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
                |tx: &mut Tx| event::require_manager(tx, &ctx, id).map_err(UnpublishEventError::from),
                |tx: &mut Tx| Ok(answer_of(event::unpublish_event(tx, &ctx, id)?, ctx.now)),
            )
        })
        .await?;
    Ok(answer)
}

/// See [`unpublish`].
pub fn describe_unpublish(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Make a draft of a published event again")
        .description(
            "Only while nobody has a seat or waits for one. It is private at once, and its place is free.",
        )
        .idempotent()
        .answer::<EventBody>(200, "The event as it is now.")
        .problems(&OF_MANAGERS)
        .problems(&[
            ProblemType::WrongState,
            ProblemType::EventReadOnly,
            ProblemType::EventHasRegistrations,
        ])
}

/// Writes to all who hold a seat.
pub async fn announce(
    id: PathId<EventId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<JsonBody<Announcement>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let body = allowed_first(body, require_manager(&state, &ctx, id)).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let command = Announce {
        event_id: id,
        subject: body.value.subject,
        body: body.value.body,
        per_day: state.settings.announcements_per_day,
    };
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| event::require_manager(tx, &ctx, id).map_err(AnnounceError::from),
                |tx: &mut Tx| {
                    registration::announce(tx, &ctx, command.clone())?;
                    Ok(Answer::accepted_empty())
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`announce`].
pub fn describe_announce(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Write to all who hold a seat")
        .description(
            "A mail to each, behind those that somebody waits for. Who gives the seat back before it is sent does not get it. \
             Also after the end of the event. So many within 24 hours as the operator allows, ten by default; 429 beyond that.",
        )
        .idempotent()
        .json_body::<Announcement>()
        .answer_empty(202, "The mails are on their way.")
        .problems(&OF_MANAGERS)
        .problems(&[ProblemType::EventNotPublished, ProblemType::EventReadOnly])
}

/// An event in figures.
pub async fn statistics(
    id: PathId<EventId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let (statistics, voting) = state
        .store
        .read(move |tx| {
            let statistics = registration::read_event_statistics(tx, &ctx, id)?;
            Ok::<_, ReadStatisticsError>((statistics, voting::read_figures(tx, &ctx, id)?))
        })
        .await?;
    Ok(Answer::ok(&EventStatisticsBody::of(&statistics, voting)))
}

/// See [`statistics`].
pub fn describe_statistics(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read an event's figures")
        .answer::<EventStatisticsBody>(200, "The figures as they are now.")
        .problems(&OF_MANAGERS)
}

/// Sends the confirmation of a seat once more.
pub async fn resend(
    request: HttpRequest,
    id: PathId<RegistrationId>,
    caller: SignedInCaller,
    key: RepeatKey,
    state: SharedState,
) -> Result<Answer, Problem> {
    let scope = key.scope(caller.signed_in.user_id, &Fingerprint::without_body(&request));
    let (id, ctx) = (id.0, caller.ctx);
    let invites_per_day = state.settings.invites_per_day;
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| match registration::read_registration(tx, &ctx, id) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(ResendError::from(error)),
                },
                |tx: &mut Tx| {
                    registration::resend(tx, &ctx, id, invites_per_day)?;
                    Ok::<_, ResendError>(Answer::accepted_empty())
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`resend`].
pub fn describe_resend(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Send the confirmation of a seat again")
        .description(
            "To the address of who holds it. Once within 15 minutes: what is asked for more often is answered alike, and \
             sends nothing. What is sent to another counts among the account's invites of 24 hours.",
        )
        .idempotent()
        .answer_empty(202, "The mail is on its way, or was a moment ago.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::WrongState,
            ProblemType::RateLimited,
        ])
}
