//! The accounts of others, for those who administer them.

use super::users::ProfileChanges;
use crate::extract::{JsonBody, ListAnswer, ListQuery, PatchBody, PathId, SignedInCaller, allowed_first};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::UserBody;
use admin::{CreateUser, CreateUserError, EditUser, UserFilter};
use auth::AccountFields;
use kernel::{Change, Ctx, Permission, UserId};
use serde::Deserialize;
use std::sync::Arc;
use storage::Tx;
use user::UserStatus;
use utoipa::{IntoParams, ToSchema};

const ORDER: &str = "users";

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// It may.
    Active,
    /// It may not; its seats stay.
    Suspended,
}

impl From<AccountStatus> for UserStatus {
    fn from(status: AccountStatus) -> Self {
        match status {
            AccountStatus::Active => Self::Active,
            AccountStatus::Suspended => Self::Suspended,
        }
    }
}

/// Which accounts are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountParams {
    /// Part of the name or of the address, in any case.
    q: Option<String>,
    #[param(inline)]
    status: Option<AccountStatus>,
    /// The name of a role.
    role: Option<String>,
}

/// An account to be made for somebody.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    email: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Absent: a mail lets the person set one.
    #[schema(min_length = 10, max_length = 72, format = "password")]
    password: Option<String>,
    /// Absent: attendee.
    #[schema(max_items = 100)]
    roles: Option<Vec<String>>,
    /// In international form.
    #[schema(example = "+919812345678")]
    phone: Option<String>,
    #[schema(max_length = 200)]
    profession: Option<String>,
    #[schema(max_length = 5_000)]
    bio: Option<String>,
}

/// What is to change about an account; null clears a field of the profile.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChanges {
    #[schema(value_type = Option<AccountStatus>)]
    #[serde(default)]
    status: Change<AccountStatus>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    name: Change<String>,
    /// In international form.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    phone: Change<String>,
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    profession: Change<String>,
    #[schema(value_type = Option<String>, max_length = 5_000)]
    #[serde(default)]
    bio: Change<String>,
    /// An http or https URL.
    #[schema(value_type = Option<String>, max_length = 2_000)]
    #[serde(default)]
    avatar_url: Change<String>,
    /// A zone of the IANA database.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    time_zone: Change<String>,
    /// Whether other seat holders may see the person.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    listed: Change<bool>,
}

impl AccountChanges {
    fn into_command(self) -> EditUser {
        EditUser {
            status: self.status.map(UserStatus::from),
            profile: ProfileChanges {
                name: self.name,
                phone: self.phone,
                profession: self.profession,
                bio: self.bio,
                avatar_url: self.avatar_url,
                time_zone: self.time_zone,
                listed: self.listed,
            }
            .into_command(),
        }
    }
}

/// The roles of an account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesOfAccount {
    /// The whole set.
    #[schema(max_items = 100)]
    roles: Vec<String>,
}

/// A page of accounts.
pub async fn list(
    caller: SignedInCaller,
    query: ListQuery<AccountParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let page = query.page(ORDER)?;
    let filter = UserFilter {
        text: query.filter.q,
        status: query.filter.status.map(UserStatus::from),
        role: query.filter.role,
    };
    let ctx = caller.ctx;
    let page = state
        .store
        .read(move |tx| admin::list_users(tx, &ctx, &filter, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(ORDER, page.map(UserBody::of))))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List accounts")
        .query::<AccountParams>()
        .paged()
        .answer_list::<UserBody>("A page of accounts, the newest first.")
}

/// Makes an account for somebody.
pub async fn create(
    caller: SignedInCaller,
    key: RepeatKey,
    body: JsonBody<NewAccount>,
    state: SharedState,
) -> Result<Answer, Problem> {
    // The body may hold a password, which could be guessed from a plain digest.
    let fingerprint = body.fingerprint.under_key(&state.keys);
    let scope = key.scope(caller.signed_in.user_id, &fingerprint);
    let form = body.value;
    let form = CreateUser {
        account: AccountFields {
            email: Some(form.email),
            name: Some(form.name),
            password: form.password,
            phone: form.phone,
            profession: form.profession,
            bio: form.bio,
        },
        roles: form.roles,
    }
    .check()?;
    let hash = match form.account.password.clone() {
        Some(password) => Some(state.passwords.hash(password).await?),
        None => None,
    };
    let secrets = auth::generate_secrets().map_err(Problem::internal)?;
    let (ctx, keys) = (caller.ctx, Arc::clone(&state.keys));
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |_| Ok(ctx.actor.require(Permission::UserManage)?),
                |tx: &mut Tx| {
                    let user = admin::create_user(tx, &ctx, form.clone(), hash.as_ref(), &keys, &secrets)?;
                    let location = format!("/api/v1/admin/users/{}", user.id);
                    Ok::<_, CreateUserError>(Answer::created(location, &UserBody::of(user)))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// See [`create`].
pub fn describe_create(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Make an account for somebody")
        .description(
            "With a password it can be used at once, and a mail asks to confirm the address; without one a mail lets \
             the person set it within 72 hours.",
        )
        .idempotent()
        .json_body::<NewAccount>()
        .answer::<UserBody>(201, "The account.")
        .problems(&[ProblemType::BeyondOwnPermissions, ProblemType::EmailTaken])
}

/// One account.
pub async fn read(id: PathId<UserId>, caller: SignedInCaller, state: SharedState) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let user = state.store.read(move |tx| admin::read_user(tx, &ctx, id)).await?;
    Ok(Answer::ok(&UserBody::of(user)))
}

/// See [`read`].
pub fn describe_read(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read an account")
        .answer::<UserBody>(200, "The account.")
}

/// Refuses who may not touch the account before telling what is wrong with the request.
async fn after_access<T>(
    read: Result<T, Problem>,
    state: &SharedState,
    ctx: &Ctx,
    id: UserId,
) -> Result<T, Problem> {
    let ctx = ctx.clone();
    let allowed = state.store.write(move |tx| admin::require_user(tx, &ctx, id));
    allowed_first(read, allowed).await
}

/// Changes an account's profile, or whether it may be used.
pub async fn edit(
    id: PathId<UserId>,
    caller: SignedInCaller,
    body: Result<PatchBody<AccountChanges>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let change = after_access(body, &state, &ctx, id).await?.value.into_command();
    let user = state
        .store
        .write(move |tx| admin::edit_user(tx, &ctx, id, change.clone()))
        .await?;
    Ok(Answer::ok(&UserBody::of(user)))
}

/// See [`edit`].
pub fn describe_edit(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Change, suspend or reactivate an account")
        .description(
            "Suspending ends all sessions of the account and voids what was mailed to it; its seats stay.",
        )
        .patch_body::<AccountChanges>()
        .answer::<UserBody>(200, "The account as it is now.")
        .problems(&[ProblemType::BeyondOwnPermissions, ProblemType::LastAdmin])
}

/// Gives an account other roles.
pub async fn set_roles(
    id: PathId<UserId>,
    caller: SignedInCaller,
    body: Result<JsonBody<RolesOfAccount>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let roles = after_access(body, &state, &ctx, id).await?.value.roles;
    let user = state
        .store
        .write(move |tx| admin::set_user_roles(tx, &ctx, id, &roles))
        .await?;
    Ok(Answer::ok(&UserBody::of(user)))
}

/// See [`set_roles`].
pub fn describe_set_roles(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Give an account its roles")
        .description("The whole set, in force at once; other servers on the same database follow within 5 s.")
        .json_body::<RolesOfAccount>()
        .answer::<UserBody>(200, "The account as it is now.")
        .problems(&[ProblemType::BeyondOwnPermissions, ProblemType::LastAdmin])
}
