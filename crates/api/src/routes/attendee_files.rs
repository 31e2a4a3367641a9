//! Lists of attendees as files: the seat holders of an event as CSV, and people to be registered from CSV.

use crate::csv_files::{self, BYTE_ORDER_MARK};
use crate::extract::{CSV, CsvBody, PathId, QueryParams, SignedInCaller, allowed_first};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::middleware::request_id_of;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::events::require_manager;
use crate::state::SharedState;
use crate::streamed::{self, Pieces};
use crate::turns::Turn;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use event::Event;
use kernel::{Actor, Ctx, Denied, EventId, Invalid, Position, SignedIn, TypedId};
use registration::{
    EXPORTED_AT_ONCE, Import, ImportedLine, LineOutcome, ReadRegistrationError, RegisterError, Rules,
};
use serde::{Deserialize, Serialize};
use storage::Tx;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How the list is wanted.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportParams {
    /// Whether it begins with a byte order mark, without which Excel does not read UTF-8.
    bom: Option<bool>,
}

/// The seat holders of an event.
pub async fn export(
    request: HttpRequest,
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    query: Result<QueryParams<ExportParams>, Problem>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let query = allowed_first(query, require_manager(&state, &ctx, event_id)).await?;
    let params = query.0;
    if request.method() == Method::HEAD {
        let read = state
            .store
            .read(move |tx| registration::exported_event(tx, &ctx, event_id));
        return Ok(head_of(&read.await?).finish());
    }
    let turn = state.exports.take(caller.signed_in.user_id)?;
    let begun = ctx.clone();
    let event = state
        .store
        .write(move |tx| registration::begin_export(tx, &begun, event_id))
        .await?;
    let export = Export {
        state,
        ctx,
        event_id,
        signed_in: caller.signed_in,
        _turn: turn,
    };
    // The first page is there before anything is answered, so that what is wrong then is said as a problem.
    let first = export.page(None).await?;
    let mut beginning = Vec::new();
    if params.bom == Some(true) {
        beginning.extend_from_slice(BYTE_ORDER_MARK.as_bytes());
    }
    beginning.extend(csv_files::heading());
    beginning.extend_from_slice(&first.lines);
    let (pieces, body) = streamed::answer();
    let request_id = request_id_of(&request);
    actix_web::rt::spawn(async move {
        if let Err(problem) = export.send(pieces, beginning.into(), first.next).await {
            tracing::warn!(
                target: "podium::request",
                request_id = %request_id,
                problem = problem.kind().slug(),
                cause = problem.cause(),
                "an export was broken off",
            );
        }
    });
    Ok(head_of(&event).body(body))
}

/// See [`export`].
pub fn describe_export(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Export the seat holders of an event")
        .description(
            "Who is confirmed or attended, in the order of registration, with a first line that names the columns: name, \
             email, status, registered_at, checked_in_at, ticket_code, registration_id. An apostrophe stands before what a \
             spreadsheet would take for a formula. An answer that is not complete is broken off with its connection.",
        )
        .query::<ExportParams>()
        .answer_media(200, CSV, "The list.")
        .problems(&[ProblemType::NotFound, ProblemType::Forbidden, ProblemType::RateLimited])
}

fn head_of(event: &Event) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", file_name(event)),
        ));
    response
}

/// `attendees-2027-05-04-a-talk.csv`: nothing that means something to a header or to a file system.
fn file_name(event: &Event) -> String {
    let mut name = format!("attendees-{}", event.local_date());
    let words = event.details.title.split(|c: char| !c.is_ascii_alphanumeric());
    for word in words.filter(|word| !word.is_empty()) {
        if name.len() + word.len() >= 80 {
            break;
        }
        name.push('-');
        name.push_str(&word.to_ascii_lowercase());
    }
    name.push_str(".csv");
    name
}

/// An export that goes on.
struct Export {
    state: SharedState,
    ctx: Ctx,
    event_id: EventId,
    signed_in: SignedIn,
    /// Until it is over.
    _turn: Turn,
}

/// Some lines, and where the next begin.
struct ExportedPage {
    lines: Vec<u8>,
    next: Option<Position>,
}

impl Export {
    async fn send(self, pieces: Pieces, beginning: Bytes, mut next: Option<Position>) -> Result<(), Problem> {
        // A reader who has gone is nobody's failure.
        if pieces.send(beginning).await.is_err() {
            return Ok(());
        }
        while next.is_some() {
            let page = self.page(next).await?;
            if !page.lines.is_empty() && pieces.send(page.lines.into()).await.is_err() {
                return Ok(());
            }
            next = page.next;
        }
        let _ = pieces.finish().await;
        Ok(())
    }

    /// The next lines. Who may have them is asked anew: a session may have ended and a role gone while a slow reader took
    /// what came before.
    async fn page(&self, after: Option<Position>) -> Result<ExportedPage, Problem> {
        let now = self.state.clock.now();
        let (ctx, event_id, session_id) = (self.ctx.clone(), self.event_id, self.signed_in.session_id);
        let read = self.state.store.read(move |tx| {
            let signed_in = auth::find_actor(tx, now, session_id)?.ok_or(Denied::Unauthenticated)?;
            let mut ctx = ctx.clone();
            ctx.now = now;
            ctx.actor = Actor::User(signed_in);
            let holders = registration::export_page(tx, &ctx, event_id, after)?;
            let is_full = holders.len() >= EXPORTED_AT_ONCE as usize;
            let next = holders.last().filter(|_| is_full).map(|holder| Position {
                value: holder.registration.registered_at.timestamp_micros(),
                id: holder.registration.id.uuid(),
            });
            Ok::<_, ReadRegistrationError>(ExportedPage {
                lines: csv_files::lines(&holders),
                next,
            })
        });
        Ok(read.await?)
    }
}

/// How the list is taken.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportParams {
    /// Whether the good lines count where others are bad. Without it one bad line undoes all.
    partial: Option<bool>,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineOutcomeName {
    /// The person has a seat now.
    Confirmed,
    /// The person waits now.
    Waitlisted,
    /// The person had a seat already.
    AlreadyRegistered,
    /// The person waited already.
    AlreadyWaiting,
    /// No seat is left, and there is no waitlist.
    EventFull,
    /// The account has registered as many others as it may within 24 hours.
    TooManyInvites,
    /// The line does not fit.
    Invalid,
}

/// What is wrong with a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineError {
    /// `/<line>/<column>`.
    pointer: String,
    /// A word for programs.
    code: &'static str,
    /// A sentence for people.
    detail: String,
}

/// A line and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineReport {
    /// Which line of the list, from 1.
    line: u32,
    /// What became of it.
    outcome: LineOutcomeName,
    /// The registration, where the person has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_id: Option<Uuid>,
    /// The place in the queue, where the person has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    waitlist_entry_id: Option<Uuid>,
    /// From 1, where the person waits since now.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u32>,
    /// What is wrong with the line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<LineError>,
}

/// What became of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportReport {
    /// How many got a seat.
    confirmed: usize,
    /// How many wait since now.
    waitlisted: usize,
    /// How many had a seat or waited already.
    unchanged: usize,
    /// How many lines are bad; without `partial` there is none.
    bad: usize,
    /// Line by line, in the order of the list.
    lines: Vec<LineReport>,
}

impl LineReport {
    fn of(line: ImportedLine) -> Self {
        let mut report = Self {
            line: line.number,
            outcome: LineOutcomeName::Invalid,
            registration_id: None,
            waitlist_entry_id: None,
            position: None,
            errors: Vec::new(),
        };
        report.outcome = match line.outcome {
            LineOutcome::Confirmed(id) => {
                report.registration_id = Some(id.uuid());
                LineOutcomeName::Confirmed
            }
            LineOutcome::Waitlisted(id, position) => {
                report.waitlist_entry_id = Some(id.uuid());
                report.position = Some(position);
                LineOutcomeName::Waitlisted
            }
            LineOutcome::AlreadyRegistered(id) => {
                report.registration_id = Some(id.uuid());
                LineOutcomeName::AlreadyRegistered
            }
            LineOutcome::AlreadyWaiting(id) => {
                report.waitlist_entry_id = Some(id.uuid());
                LineOutcomeName::AlreadyWaiting
            }
            LineOutcome::EventFull => LineOutcomeName::EventFull,
            LineOutcome::TooManyInvites => LineOutcomeName::TooManyInvites,
            LineOutcome::Invalid(Invalid(errors)) => {
                let told = errors.into_iter().map(|error| LineError {
                    pointer: error.pointer,
                    code: error.code,
                    detail: error.detail.into_owned(),
                });
                report.errors = told.collect();
                LineOutcomeName::Invalid
            }
        };
        report
    }
}

impl ImportReport {
    fn of(lines: Vec<ImportedLine>) -> Self {
        let count = |fits: fn(&LineOutcome) -> bool| lines.iter().filter(|line| fits(&line.outcome)).count();
        Self {
            confirmed: count(|outcome| matches!(outcome, LineOutcome::Confirmed(_))),
            waitlisted: count(|outcome| matches!(outcome, LineOutcome::Waitlisted(..))),
            unchanged: count(|outcome| {
                matches!(
                    outcome,
                    LineOutcome::AlreadyRegistered(_) | LineOutcome::AlreadyWaiting(_)
                )
            }),
            bad: count(LineOutcome::is_bad),
            lines: lines.into_iter().map(LineReport::of).collect(),
        }
    }
}

/// Registers everybody on a list.
pub async fn import(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    key: RepeatKey,
    query: Result<QueryParams<ImportParams>, Problem>,
    body: Result<CsvBody, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let read = query.and_then(|query| {
        let body = body?;
        let lines = csv_files::read_people(&body.text)?;
        Ok((query.0.partial.unwrap_or(false), lines, body.fingerprint))
    });
    let (partial, lines, fingerprint) = allowed_first(read, require_manager(&state, &ctx, event_id)).await?;
    let scope = key.scope(caller.signed_in.user_id, &fingerprint);
    let command = Import {
        event_id,
        lines,
        partial,
        rules: Rules {
            invites_per_day: state.settings.invites_per_day,
            require_verified_email: state.settings.require_verified_email,
        },
    };
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |tx: &mut Tx| {
                    let allowed = event::require_manager(tx, &ctx, event_id);
                    Ok(allowed.map_err(RegisterError::from)?)
                },
                |tx: &mut Tx| {
                    let imported = registration::import(tx, &ctx, command.clone())?;
                    Ok::<_, registration::ImportError>(Answer::ok(&ImportReport::of(imported)))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`import`].
pub fn describe_import(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Register everybody on a list")
        .description(
            "Each line like a registration of somebody else by name and address, all in one transaction. Who has a seat or \
             waits already stays as they are. A bad line undoes all, unless `partial` is true; `errors` points at \
             `/<line>/<column>`.",
        )
        .query::<ImportParams>()
        .idempotent()
        .raw_body(
            CSV,
            "A name and an address on each line, or the columns that a first line names `name` and `email`; commas, \
             semicolons or tabs between, UTF-8, 2,000 lines at the most.",
        )
        .answer::<ImportReport>(200, "What became of each line.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::UnsupportedMediaType,
            ProblemType::Invalid,
            ProblemType::EventNotPublished,
            ProblemType::PaymentsNotConfigured,
            ProblemType::RegistrationNotOpen,
            ProblemType::RegistrationClosed,
        ])
}
