//! What concerns the whole server: everybody's registrations, any event's capacity, figures, whether the rows keep the rules.

use crate::extract::{ListAnswer, ListQuery, PatchBody, PathId, SignedInCaller, allowed_first};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::attendees::words_of;
use crate::routes::events::{answer_of, require_manager};
use crate::routes::registrations::RegistrationParams;
use crate::state::SharedState;
use crate::views::{EventBody, InvariantsBody, RegistrationBody, StatisticsBody, ViolationBody};
use chrono::TimeDelta;
use kernel::{EventId, Instant, Permission};
use registration::RegistrationFilter;
use serde::Deserialize;
use tokio::sync::Mutex;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

const ORDER: &str = "all-registrations";

/// So long the figures of the whole server are good.
const FIGURES_KEPT: TimeDelta = TimeDelta::seconds(15);

/// Who comes while the rows are checked may try again after so many seconds.
const CHECK_AGAIN_SECONDS: u64 = 10;

/// What the whole server does one at a time.
#[derive(Default)]
pub struct Oversight {
    /// The figures, when they were counted last. Who comes while they are counted waits for them.
    figures: Mutex<Option<(Instant, Answer)>>,
    /// Held while the rows are checked.
    check: Mutex<()>,
}

/// Which registrations are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AllRegistrationParams {
    /// At this event.
    event_id: Option<Uuid>,
    /// Of this attendee.
    attendee_id: Option<Uuid>,
    /// That stand so.
    #[param(inline)]
    status: Option<crate::views::RegistrationStatusBody>,
    /// Words, at most eight: each begins a word of the attendee's name or of what stands before the `@` of the address, in any
    /// case; one with an `@` begins the address, or is the whole one in any spelling.
    q: Option<String>,
}

/// How many seats there are to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    #[schema(minimum = 1, maximum = 1_000_000)]
    capacity: i64,
}

/// Everybody's registrations.
pub async fn list_registrations(
    caller: SignedInCaller,
    query: Result<ListQuery<AllRegistrationParams>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    ctx.actor.require(Permission::RegistrationReadAny)?;
    let query = query?;
    let page = query.page(ORDER)?;
    let params = query.filter;
    let filter = RegistrationFilter {
        words: words_of(params.q)?,
        ..RegistrationParams {
            event_id: params.event_id,
            attendee_id: params.attendee_id,
            status: params.status,
        }
        .into_filter()
    };
    let page = state
        .store
        .search(move |tx| registration::list_all_registrations(tx, &ctx, &filter, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(
        ORDER,
        page.map(RegistrationBody::of),
    )))
}

/// See [`list_registrations`].
pub fn describe_list_registrations(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List everybody's registrations")
        .query::<AllRegistrationParams>()
        .paged()
        .answer_list::<RegistrationBody>("A page of registrations, the newest first.")
}

/// Changes how many seats any event has.
pub async fn set_capacity(
    id: PathId<EventId>,
    caller: SignedInCaller,
    body: Result<PatchBody<Capacity>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    ctx.actor.require(Permission::EventManageAny)?;
    let body = allowed_first(body, require_manager(&state, &ctx, id)).await?;
    let capacity = body.value.capacity;
    let now = ctx.now;
    let event = state
        .store
        .write(move |tx| event::set_capacity(tx, &ctx, id, capacity))
        .await?;
    Ok(answer_of(event, now))
}

/// See [`set_capacity`].
pub fn describe_set_capacity(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Change an event's capacity")
        .description("As an edit of the event does: a raised one moves the waitlist in the same transaction.")
        .patch_body::<Capacity>()
        .answer::<EventBody>(200, "The event as it is now.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::EventReadOnly,
            ProblemType::CapacityBelowTaken,
        ])
}

/// The server in figures.
pub async fn statistics(caller: SignedInCaller, state: SharedState) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    admin::require_statistics(&ctx)?;
    let mut figures = state.oversight.figures.lock().await;
    if let Some((counted_at, answer)) = figures.as_ref()
        && (*counted_at..*counted_at + FIGURES_KEPT).contains(&ctx.now)
    {
        return Ok(answer.clone());
    }
    let counted_at = ctx.now;
    let statistics = state
        .store
        .read(move |tx| admin::read_statistics(tx, &ctx))
        .await?;
    let answer = Answer::ok(&StatisticsBody::of(statistics));
    *figures = Some((counted_at, answer.clone()));
    Ok(answer)
}

/// See [`statistics`].
pub fn describe_statistics(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read the server's figures")
        .description("Up to 15 seconds old; `counted_at` says of when.")
        .answer::<StatisticsBody>(200, "The figures.")
}

/// Whether the rows keep the rules.
pub async fn invariants(caller: SignedInCaller, state: SharedState) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    admin::require_statistics(&ctx)?;
    let Ok(_alone) = state.oversight.check.try_lock() else {
        return Err(Problem::busy(CHECK_AGAIN_SECONDS).detail("The rows are being checked already."));
    };
    let violations = state.store.read(move |tx| tx.sweep_invariants(ctx.now)).await?;
    let violations = violations
        .into_iter()
        .map(|violation| ViolationBody {
            rule: violation.rule,
            row: violation.row,
        })
        .collect();
    Ok(Answer::ok(&InvariantsBody {
        checked: storage::invariants::RULES.len(),
        violations,
    }))
}

/// See [`invariants`].
pub fn describe_invariants(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Check whether the rows keep the rules")
        .description(
            "Looks at all of them, which takes seconds where there are a million; one at a time, 503 with `Retry-After` to \
             others. Of each rule 100 rows at the most.",
        )
        .answer::<InvariantsBody>(200, "What breaks a rule.")
        .problems(&[ProblemType::Unavailable])
}
