//! Roles and the permission catalogue are read.

use crate::{AdminTx, Role, RoleRepository};
use auth::{AuthorityError, require_covers};
use kernel::{Ctx, Denied, Permission, StoreError};

/// Why a role is neither shown nor changed.
#[derive(Debug, thiserror::Error)]
pub enum RoleAccessError {
    /// There is none of that name.
    #[error("no such role")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It includes a permission that the actor lacks.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What roles can be made of.
pub fn list_permissions(ctx: &Ctx) -> Result<&'static [Permission], Denied> {
    ctx.actor.require(Permission::RoleManage)?;
    Ok(Permission::ALL)
}

/// All roles, by their names.
pub fn list_roles(tx: &mut dyn RoleRepository, ctx: &Ctx) -> Result<Vec<Role>, RoleAccessError> {
    ctx.actor.require(Permission::RoleManage)?;
    Ok(tx.list_roles()?)
}

/// The role, if the actor may change it, with all other changes of who may do what kept waiting. A write: also where
/// it is asked only before somebody is told what is wrong with the content of their request.
pub fn require_role(tx: &mut dyn AdminTx, ctx: &Ctx, name: &str) -> Result<Role, RoleAccessError> {
    ctx.actor.require(Permission::RoleManage)?;
    tx.lock_authority()?;
    let role = tx.find_role(name)?.ok_or(RoleAccessError::NotFound)?;
    require_covers(tx, ctx, role.permissions)?;
    Ok(role)
}

/// What asking refuses, the operations refuse too.
macro_rules! refuse_alike {
    ($($error:ty),+) => {$(
        impl From<RoleAccessError> for $error {
            fn from(error: RoleAccessError) -> Self {
                match error {
                    RoleAccessError::NotFound => Self::NotFound,
                    RoleAccessError::Denied(denied) => Self::Denied(denied),
                    RoleAccessError::Authority(error) => Self::Authority(error),
                    RoleAccessError::Store(error) => Self::Store(error),
                }
            }
        }
    )+};
}

refuse_alike!(crate::EditRoleError, crate::DeleteRoleError);
