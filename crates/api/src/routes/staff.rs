//! The staff of an event.

use crate::extract::{JsonBody, ListAnswer, ListQuery, PathId, SignedInCaller, allowed_first};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::events::require_manager;
use crate::state::SharedState;
use chrono::{DateTime, Utc};
use event::{PutStaff, StaffMember, StaffRole};
use kernel::{EventId, TypedId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

const ORDER: &str = "staff";

/// What somebody of the staff does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StaffRole)]
pub enum StaffRoleBody {
    /// Runs the event as its organiser does.
    Manager,
    /// Checks people in, and nothing else.
    Scanner,
}

impl From<StaffRole> for StaffRoleBody {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::Manager => Self::Manager,
            StaffRole::Scanner => Self::Scanner,
        }
    }
}

impl From<StaffRoleBody> for StaffRole {
    fn from(role: StaffRoleBody) -> Self {
        match role {
            StaffRoleBody::Manager => Self::Manager,
            StaffRoleBody::Scanner => Self::Scanner,
        }
    }
}

/// What a person is to do at the event.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStaffRole {
    #[schema(inline)]
    role: StaffRoleBody,
}

/// Somebody of an event's staff.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffMember)]
pub struct StaffMemberBody {
    /// The account.
    user_id: Uuid,
    /// How the person is called.
    name: String,
    /// What they do.
    role: StaffRoleBody,
    /// Since when they belong to it.
    added_at: DateTime<Utc>,
}

impl StaffMemberBody {
    fn of(member: StaffMember) -> Self {
        Self {
            user_id: member.user_id.uuid(),
            name: member.name,
            role: member.role.into(),
            added_at: member.added_at,
        }
    }
}

/// The staff of an event.
pub async fn list(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    query: Result<ListQuery<()>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let asked = require_manager(&state, &ctx, event_id);
    let page = allowed_first(query.and_then(|query| query.page(ORDER)), asked).await?;
    let page = state
        .store
        .read(move |tx| event::list_staff(tx, &ctx, event_id, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(ORDER, page.map(StaffMemberBody::of))))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List the staff of an event")
        .description("Without its organiser, who is not staff.")
        .paged()
        .answer_list::<StaffMemberBody>("A page of the staff, in the order in which they came.")
        .problems(&[ProblemType::NotFound, ProblemType::Forbidden])
}

/// Somebody of the staff.
pub async fn read(
    event_id: PathId<EventId>,
    user_id: PathId<UserId, 1>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    let member = state
        .store
        .read(move |tx| event::read_staff_member(tx, &ctx, event_id.0, user_id.0))
        .await?;
    Ok(Answer::ok(&StaffMemberBody::of(member)))
}

/// See [`read`].
pub fn describe_read(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read what somebody does at an event")
        .answer::<StaffMemberBody>(200, "The person as one of the staff.")
        .problems(&[ProblemType::NotFound, ProblemType::Forbidden])
}

/// Makes somebody one of the staff, or gives them another role there.
pub async fn put(
    event_id: PathId<EventId>,
    user_id: PathId<UserId, 1>,
    caller: SignedInCaller,
    body: Result<JsonBody<NewStaffRole>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, user_id, ctx) = (event_id.0, user_id.0, caller.ctx);
    let body = allowed_first(body, require_manager(&state, &ctx, event_id)).await?;
    let role = body.value.role.into();
    let command = PutStaff {
        event_id,
        user_id,
        role,
        require_verified_email: state.settings.require_verified_email,
    };
    let put = state
        .store
        .write(move |tx| event::put_staff_member(tx, &ctx, command))
        .await?;
    let body = StaffMemberBody::of(put.member);
    Ok(if put.is_new {
        Answer::created(format!("/api/v1/events/{event_id}/staff/{user_id}"), &body)
    } else {
        Answer::ok(&body)
    })
}

/// See [`put`].
pub fn describe_put(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Make somebody one of the staff")
        .description("Managers run the event as its organiser does; scanners check people in, and nothing else. It is in force at once.")
        .json_body::<NewStaffRole>()
        .answer::<StaffMemberBody>(201, "The person is one of the staff now.")
        .answer::<StaffMemberBody>(200, "The person was one of the staff, and has this role now.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::EventReadOnly,
            ProblemType::WrongState,
        ])
}

/// Takes somebody off the staff.
pub async fn remove(
    event_id: PathId<EventId>,
    user_id: PathId<UserId, 1>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    state
        .store
        .write(move |tx| event::remove_staff_member(tx, &ctx, event_id.0, user_id.0))
        .await?;
    Ok(Answer::no_content())
}

/// See [`remove`].
pub fn describe_remove(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Take somebody off the staff")
        .answer_empty(204, "The person does not belong to the staff.")
        .problems(&[ProblemType::NotFound, ProblemType::Forbidden])
}
