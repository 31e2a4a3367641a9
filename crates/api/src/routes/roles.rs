//! Roles and the permissions that they are made of.

use crate::extract::{JsonBody, ListAnswer, PatchBody, PathText, QueryParams, SignedInCaller, allowed_first};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::{PermissionBody, RoleBody};
use admin::{CreateRole, CreateRoleError, EditRole};
use kernel::{Change, Ctx, Permission};
use serde::Deserialize;
use storage::Tx;
use utoipa::{IntoParams, ToSchema};

/// A role to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,49}$", example = "front-desk")]
    name: String,
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Names of the catalogue; an empty list permits nothing.
    permissions: Vec<String>,
}

/// What is to change about a role.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChanges {
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    description: Change<String>,
    /// Names of the catalogue: the whole set.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    permissions: Change<Vec<String>>,
}

/// What becomes of those who have the role.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Deletion {
    /// The role that its holders get instead.
    move_to: Option<String>,
}

/// All in one page: there are as many as people made by hand.
fn whole<T>(items: Vec<T>) -> ListAnswer<T> {
    ListAnswer {
        items,
        next_cursor: None,
        total: None,
    }
}

/// What roles can be made of.
pub async fn list_permissions(caller: SignedInCaller) -> Result<Answer, Problem> {
    let catalogue = admin::list_permissions(&caller.ctx)?;
    let items = catalogue.iter().copied().map(PermissionBody::of).collect();
    Ok(Answer::ok(&whole(items)))
}

/// See [`list_permissions`].
pub fn describe_list_permissions(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List what roles can be made of")
        .answer_list::<PermissionBody>("The whole catalogue.")
}

/// All roles.
pub async fn list(caller: SignedInCaller, state: SharedState) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    let roles = state.store.read(move |tx| admin::list_roles(tx, &ctx)).await?;
    let items = roles.into_iter().map(RoleBody::of).collect();
    Ok(Answer::ok(&whole(items)))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List roles")
        .answer_list::<RoleBody>("All roles, by their names.")
}

/// Makes a role.
pub async fn create(
    caller: SignedInCaller,
    key: RepeatKey,
    body: JsonBody<NewRole>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let command = CreateRole {
        name: body.value.name,
        description: body.value.description,
        permissions: body.value.permissions,
    };
    let ctx = caller.ctx;
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |_| Ok(ctx.actor.require(Permission::RoleManage)?),
                |tx: &mut Tx| {
                    let role = admin::create_role(tx, &ctx, command.clone())?;
                    let location = format!("/api/v1/admin/roles/{}", role.name);
                    Ok::<_, CreateRoleError>(Answer::created(location, &RoleBody::of(role)))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`create`].
pub fn describe_create(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Make a role")
        .description("It can be given at once.")
        .idempotent()
        .json_body::<NewRole>()
        .answer::<RoleBody>(201, "The role.")
        .problems(&[ProblemType::BeyondOwnPermissions, ProblemType::AlreadyExists])
}

/// Refuses who may not change the role.
async fn require_role(state: &SharedState, ctx: &Ctx, name: &str) -> Result<(), Problem> {
    let (ctx, name) = (ctx.clone(), name.to_owned());
    state
        .store
        .write(move |tx| admin::require_role(tx, &ctx, &name))
        .await?;
    Ok(())
}

/// Changes a role.
pub async fn edit(
    name: PathText,
    caller: SignedInCaller,
    body: Result<PatchBody<RoleChanges>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (name, ctx) = (name.0, caller.ctx);
    let body = allowed_first(body, require_role(&state, &ctx, &name)).await?;
    let change = EditRole {
        description: body.value.description,
        permissions: body.value.permissions,
    };
    let role = state
        .store
        .write(move |tx| admin::edit_role(tx, &ctx, &name, change.clone()))
        .await?;
    Ok(Answer::ok(&RoleBody::of(role)))
}

/// See [`edit`].
pub fn describe_edit(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Change what a role permits")
        .description("For all who have it, at once; other servers on the same database follow within 5 s.")
        .patch_body::<RoleChanges>()
        .answer::<RoleBody>(200, "The role as it is now.")
        .problems(&[ProblemType::BeyondOwnPermissions, ProblemType::RoleBuiltIn])
}

/// Removes a role.
pub async fn delete(
    name: PathText,
    caller: SignedInCaller,
    query: Result<QueryParams<Deletion>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (name, ctx) = (name.0, caller.ctx);
    let query = allowed_first(query, require_role(&state, &ctx, &name)).await?;
    let move_to = query.0.move_to;
    state
        .store
        .write(move |tx| admin::delete_role(tx, &ctx, &name, move_to.as_deref()))
        .await?;
    Ok(Answer::no_content())
}

/// See [`delete`].
pub fn describe_delete(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Delete a role")
        .query::<Deletion>()
        .answer_empty(204, "It is gone; who had it has the role `move_to`.")
        .problems(&[
            ProblemType::BeyondOwnPermissions,
            ProblemType::RoleBuiltIn,
            ProblemType::RoleInUse,
        ])
}
