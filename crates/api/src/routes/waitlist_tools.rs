//! What managers do with a waitlist beside moving and removing: they put somebody on it, and give a free seat out of turn.

use crate::extract::{JsonBody, PathId, SignedInCaller, allowed_first};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::events::require_manager;
use crate::routes::registrations::SeatGiven;
use crate::state::SharedState;
use crate::views::{AttendeeBody, RegistrationBody, WaitlistEntryBody};
use kernel::{AttendeeId, EventId, TypedId, WaitlistEntryId};
use registration::{PromoteEntry, PromoteEntryError, PutOnWaitlist, PutOnWaitlistError};
use serde::Deserialize;
use storage::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

/// Who is to wait, and where.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWaitlistEntry {
    /// An attendee that exists.
    attendee_id: Uuid,
    /// From 1 to one more than wait already; absent: the end.
    #[schema(minimum = 1)]
    position: Option<u32>,
    /// Why; part of the entry's log.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: String,
}

/// Why somebody gets a seat out of turn.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// Part of the entry's log.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: String,
}

/// Puts an attendee on the waitlist.
pub async fn add(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<JsonBody<NewWaitlistEntry>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let body = allowed_first(body, require_manager(&state, &ctx, event_id)).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let command = PutOnWaitlist {
        event_id,
        attendee_id: AttendeeId::from_uuid(body.value.attendee_id),
        position: body.value.position,
        reason: body.value.reason,
        invites_per_day: state.settings.invites_per_day,
    };
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| event::require_manager(tx, &ctx, event_id).map_err(PutOnWaitlistError::from),
                |tx: &mut Tx| {
                    let (entry, position) = registration::put_on_waitlist(tx, &ctx, command.clone())?;
                    let location = format!("/api/v1/events/{event_id}/waitlist/{}", entry.id);
                    let body = WaitlistEntryBody::of(&entry, Some(position));
                    Ok(Answer::created(location, &body))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`add`].
pub fn describe_add(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Put somebody on the waitlist")
        .description("Of a full event, also when registering is over, until the start. The person is told.")
        .idempotent()
        .json_body::<NewWaitlistEntry>()
        .answer::<WaitlistEntryBody>(201, "The place in the queue.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::EventNotPublished,
            ProblemType::PaymentsNotConfigured,
            ProblemType::WaitlistClosed,
            ProblemType::AlreadyRegistered,
            ProblemType::AlreadyWaiting,
            ProblemType::SeatFree,
        ])
}

/// Gives somebody who waits a free seat out of turn.
pub async fn promote(
    event_id: PathId<EventId>,
    entry_id: PathId<WaitlistEntryId, 1>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<JsonBody<Promotion>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let body = allowed_first(body, require_manager(&state, &ctx, event_id)).await?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let command = PromoteEntry {
        event_id,
        entry_id: entry_id.0,
        reason: body.value.reason,
    };
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| event::require_manager(tx, &ctx, event_id).map_err(PromoteEntryError::from),
                |tx: &mut Tx| {
                    let promoted = registration::promote_entry(tx, &ctx, command.clone())?;
                    let attendee = AttendeeBody {
                        name: promoted.attendee.name.as_str().to_owned(),
                        email: promoted.attendee.email.as_str().to_owned(),
                    };
                    let registration =
                        RegistrationBody::new(&promoted.registration, attendee, promoted.seats);
                    Ok(Answer::ok(&SeatGiven::confirmed(registration)))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`promote`].
pub fn describe_promote(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Give somebody who waits a seat out of turn")
        .description(
            "Never beyond the capacity. Until the start a free seat goes to the head of the queue by itself, so one is free for \
             this only from then on.",
        )
        .idempotent()
        .json_body::<Promotion>()
        .answer::<SeatGiven>(200, "The seat is the person's.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::EventReadOnly,
            ProblemType::PaymentsNotConfigured,
            ProblemType::NothingToPromote,
        ])
}
