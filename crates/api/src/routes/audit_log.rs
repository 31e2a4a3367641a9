//! The audit log.

use crate::extract::{ListAnswer, ListQuery, SignedInCaller};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::state::SharedState;
use crate::views::AuditBody;
use admin::AuditFilter;
use chrono::{DateTime, Utc};
use kernel::{TypedId, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

const ORDER: &str = "audit-log";

/// Which rows are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// Who did it.
    actor_id: Option<Uuid>,
    /// The kind of thing it was done to, such as `event`.
    object_type: Option<String>,
    /// The thing: its id, or its name where that is what it goes by.
    object_id: Option<String>,
    /// What was done, such as `event.cancel`.
    action: Option<String>,
    /// At this instant or later.
    from: Option<DateTime<Utc>>,
    /// At this instant or earlier.
    to: Option<DateTime<Utc>>,
}

/// A page of rows.
pub async fn list(
    caller: SignedInCaller,
    query: ListQuery<AuditParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let page = query.page(ORDER)?;
    let params = query.filter;
    let filter = AuditFilter {
        actor_id: params.actor_id.map(UserId::from_uuid),
        object_type: params.object_type,
        object_id: params.object_id,
        action: params.action,
        from: params.from,
        to: params.to,
    };
    let ctx = caller.ctx;
    let page = state
        .store
        .read(move |tx| admin::read_audit_log(tx, &ctx, &filter, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(ORDER, page.map(AuditBody::of))))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read the audit log")
        .description(
            "Every action of an administrator or a manager leaves a row, which nothing changes or removes.",
        )
        .query::<AuditParams>()
        .paged()
        .answer_list::<AuditBody>("A page of rows, the newest first.")
}
