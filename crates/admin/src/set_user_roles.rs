//! An admin gives somebody other roles.

use crate::{AdminTx, RoleRepository, require_user};
use auth::{ADMIN_ROLE, AuthorityError, require_another_admin, require_covers};
use kernel::{AuditEntry, Ctx, Denied, Invalid, PermissionSet, StoreError, TypedId, UserId};
use user::{User, UserStatus};

/// Why the roles stay as they were.
#[derive(Debug, thiserror::Error)]
pub enum SetUserRolesError {
    /// There is no account with that id, or its person was forgotten.
    #[error("no such account")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The account holds, or would hold, a permission that the actor lacks; or it is the last admin's.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A role is not there.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives an account these roles and no others. What it loses is covered with the account itself: its permissions are
/// those of its roles.
pub fn set_user_roles(
    tx: &mut dyn AdminTx,
    ctx: &Ctx,
    id: UserId,
    names: &[String],
) -> Result<User, SetUserRolesError> {
    let mut user = require_user(tx, ctx, id)?;
    let grants = find_grants(tx, names)??;
    for (name, permissions) in &grants {
        if !user.roles.contains(name) {
            require_covers(tx, ctx, *permissions)?;
        }
    }
    let names: Vec<String> = grants.into_iter().map(|(name, _)| name).collect();
    let only_in = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter()
            .filter(|name| !others.contains(name))
            .cloned()
            .collect()
    };
    let (added, removed) = (only_in(&names, &user.roles), only_in(&user.roles, &names));
    if added.is_empty() && removed.is_empty() {
        return Ok(user);
    }
    let loses_admin = removed.iter().any(|name| name == ADMIN_ROLE);
    if loses_admin && user.status == UserStatus::Active {
        require_another_admin(tx, id)?;
    }
    tx.set_user_roles(id, &names, ctx.now)?;
    tx.access_changed(id)?;
    tx.record_audit(
        ctx,
        AuditEntry::new("user.roles", "user", id.uuid())
            .with("added", &added.join(","))
            .with("removed", &removed.join(",")),
    )?;
    user.roles = names;
    user.updated_at = ctx.now;
    Ok(user)
}

/// Roles of one account at the most.
const MOST_ROLES: usize = 100;

/// What roles permit that are to be given, each role once and by their names; says which are not there.
pub(crate) fn find_grants(
    tx: &mut (impl RoleRepository + ?Sized),
    names: &[String],
) -> Result<Result<Vec<(String, PermissionSet)>, Invalid>, StoreError> {
    if names.len() > MOST_ROLES {
        let detail = format!("at most {MOST_ROLES} roles");
        return Ok(Err(Invalid::field("/roles", "length", detail)));
    }
    let grants = tx.find_grants(names)?;
    let mut invalid = Invalid::none();
    for (index, name) in names.iter().enumerate() {
        if !grants.iter().any(|(known, _)| known == name) {
            invalid.add(&format!("/roles/{index}"), "choice", "there is no such role");
        }
    }
    Ok(invalid.check().map(|()| grants))
}
