//! The door: tickets are scanned, and scanners that work offline learn which are worth nothing.

use crate::extract::{JsonBody, PathId, SignedInCaller, allowed_first, matches_if_none_match};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::ScannedRegistrationBody;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use kernel::{EventId, RegistrationId};
use registration::CheckInError;
use serde::{Deserialize, Serialize};
use storage::Tx;
use ticket::Presented;
use utoipa::ToSchema;

/// The longest text that is looked at: several times that of a signed one.
const LONGEST_TEXT: usize = 1_000;

/// A ticket as it was shown.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// The text of the QR code, or the code as it was typed: in any case, with hyphens or without.
    #[schema(min_length = 1, max_length = 1_000)]
    ticket_code: String,
}

/// The tickets of an event that are worth nothing any more.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedTickets {
    /// When this was so.
    as_of: DateTime<Utc>,
    /// Their codes, sorted.
    codes: Vec<String>,
}

/// Lets the holder of a ticket in.
pub async fn check_in(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<JsonBody<Scan>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let read = body.and_then(|body| Ok((presented(&state, &body.value)?, body.fingerprint)));
    let asker = ctx.clone();
    let allowed = state
        .store
        .read(move |tx| event::require_scanner(tx, &asker, event_id));
    let (ticket, fingerprint) = allowed_first(read, allowed).await?;
    let scope = key.scope(caller.signed_in.user_id, &fingerprint);
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| event::require_scanner(tx, &ctx, event_id).map_err(CheckInError::from),
                |tx: &mut Tx| {
                    let view = registration::check_in(tx, &ctx, event_id, &ticket)?;
                    Ok(Answer::ok(&ScannedRegistrationBody::of(view)))
                },
            )
        })
        .await?;
    Ok(answer)
}

fn presented(state: &SharedState, scan: &Scan) -> Result<Presented, Problem> {
    let not_a_ticket = || Problem::new(ProblemType::NotATicket);
    if scan.ticket_code.len() > LONGEST_TEXT {
        return Err(not_a_ticket());
    }
    ticket::read_presented(&state.keys, &scan.ticket_code).map_err(|_| not_a_ticket())
}

/// See [`check_in`].
pub fn describe_check_in(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Check somebody in")
        .description(
            "From publishing until 24 hours after the end. A ticket is good once: the second scan is told when the first was. \
             A scanner that was offline sends its scans later, each under a key of its own.",
        )
        .idempotent()
        .json_body::<Scan>()
        .answer::<ScannedRegistrationBody>(200, "The person is let in.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::NotATicket,
            ProblemType::EventNotPublished,
            ProblemType::CheckInClosed,
            ProblemType::UnknownTicket,
            ProblemType::TicketForAnotherEvent,
            ProblemType::TicketVoid,
            ProblemType::TicketUnpaid,
            ProblemType::AlreadyCheckedIn,
        ])
}

/// Takes a check-in back.
pub async fn undo(
    event_id: PathId<EventId>,
    registration_id: PathId<RegistrationId, 1>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    state
        .store
        .write(move |tx| registration::undo_check_in(tx, &ctx, event_id.0, registration_id.0))
        .await?;
    Ok(Answer::no_content())
}

/// See [`undo`].
pub fn describe_undo(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Take a check-in back")
        .description("The ticket can be scanned again, and the seat be given back.")
        .answer_empty(204, "The person is not checked in.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::EventNotPublished,
            ProblemType::CheckInClosed,
        ])
}

/// The tickets that are worth nothing any more.
pub async fn list_revoked(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    request: HttpRequest,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let as_of = ctx.now;
    let codes = state
        .store
        .read(move |tx| registration::list_revoked_tickets(tx, &ctx, event_id))
        .await?;
    // A code that is in the list stays in it: how many there are says which list it is, whenever it was read.
    let tag = format!("\"{}\"", codes.len());
    let current = HeaderValue::from_str(&tag).map_err(Problem::internal)?;
    let known = matches_if_none_match(request.headers(), &current);
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header((header::ETAG, format!("W/{tag}")));
    if known {
        return Ok(response.finish());
    }
    Ok(response.json(&RevokedTickets {
        as_of,
        codes: codes.iter().map(ToString::to_string).collect(),
    }))
}

/// See [`list_revoked`].
pub fn describe_list_revoked(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List the tickets that are worth nothing any more")
        .description(
            "All of them at once, for scanners that verify tickets offline. A code that is in it once stays in it.",
        )
        .if_none_match()
        .answer::<RevokedTickets>(200, "Their codes.")
        .problems(&[ProblemType::NotFound, ProblemType::Forbidden])
}
