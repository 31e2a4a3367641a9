//! The queue of messages, for those who run the server: what waits, what was sent, and the dead letters.

use crate::extract::{Fingerprint, ListAnswer, ListQuery, PathId, SignedInCaller};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::JobBody;
use actix_web::HttpRequest;
use admin::{JobFilter, JobStatus, MessageKind, RetryJobError};
use kernel::{OutboxId, Permission};
use serde::Deserialize;
use storage::Tx;
use utoipa::{IntoParams, ToSchema};

const ORDER: &str = "jobs";

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// To be sent.
    Queued,
    /// Sent.
    Done,
    /// Given up; it can be tried again.
    Dead,
    /// Dropped, or not sent while it was worth something.
    Lapsed,
}

impl From<JobState> for JobStatus {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Done => Self::Done,
            JobState::Dead => Self::Dead,
            JobState::Lapsed => Self::Lapsed,
        }
    }
}

/// Which messages are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobParams {
    #[param(inline)]
    status: Option<JobState>,
    /// The kind of message, such as `reminder`.
    kind: Option<String>,
}

impl JobParams {
    fn into_filter(self) -> Result<JobFilter, Problem> {
        let known = |name: String| {
            MessageKind::from_name(&name)
                .ok_or_else(|| Problem::bad_query("kind", "choice", "There is no such kind of message."))
        };
        Ok(JobFilter {
            status: self.status.map(JobStatus::from),
            kind: self.kind.map(known).transpose()?,
        })
    }
}

/// A page of messages.
pub async fn list(
    caller: SignedInCaller,
    query: ListQuery<JobParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let page = query.page(ORDER)?;
    let filter = query.filter.into_filter()?;
    let ctx = caller.ctx;
    let now = ctx.now;
    let page = state
        .store
        .read(move |tx| admin::read_jobs(tx, &ctx, &filter, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(
        ORDER,
        page.map(|job| JobBody::of(job, now)),
    )))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List the messages of the queue")
        .description(
            "Where each goes and how it fared, never what it says. With `status=dead` the dead letters: refused for good by \
             the other side, or too often, which can be tried again. What was dropped, or was not sent while it was worth \
             something, has the status `lapsed` (at most a minute after its `not_after`). Those of people who were erased are gone.",
        )
        .query::<JobParams>()
        .paged()
        .answer_list::<JobBody>("A page of messages, the newest first.")
}

/// Puts a dead letter back into the queue.
pub async fn retry(
    request: HttpRequest,
    id: PathId<OutboxId>,
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
                |_| Ok(ctx.actor.require(Permission::JobManage)?),
                |tx: &mut Tx| {
                    let job = admin::retry_job(tx, &ctx, id)?;
                    Ok::<_, RetryJobError>(Answer::ok(&JobBody::of(job, ctx.now)))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`retry`].
pub fn describe_retry(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Try a dead letter again")
        .description(
            "It is in the queue again, due at once and with all its tries before it; `last_error` still says what was in the \
             way. Only a dead letter that still says something: one that was dropped, or that is past `not_after`, cannot be \
             sent any more.",
        )
        .idempotent()
        .answer::<JobBody>(200, "The message as it is now.")
        .problems(&[ProblemType::WrongState, ProblemType::MessageGone])
}

/// Takes a message out for good.
pub async fn drop_one(
    id: PathId<OutboxId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    state.store.write(move |tx| admin::drop_job(tx, &ctx, id)).await?;
    Ok(Answer::no_content())
}

/// See [`drop_one`].
pub fn describe_drop_one(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Drop a message")
        .description(
            "A dead letter, or a message that waits. What it says is gone for good. Its row stays, `lapsed` and not \
             `retryable`, so that the same thing is not told anew.",
        )
        .answer_empty(204, "It will not be sent.")
        .problems(&[ProblemType::WrongState, ProblemType::MessageInProgress])
}
