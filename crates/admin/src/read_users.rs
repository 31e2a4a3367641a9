//! The accounts of others are read.

use crate::{AdminTx, UserAdminRepository, UserFilter};
use auth::{AuthorityError, require_covers_user};
use kernel::{Ctx, Denied, Page, PageRequest, Permission, StoreError, UserId};
use user::User;

/// Why an account is neither shown nor changed.
#[derive(Debug, thiserror::Error)]
pub enum UserAccessError {
    /// There is none with that id, or its person was forgotten.
    #[error("no such account")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It holds a permission that the actor lacks.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page of accounts, the newest first.
pub fn list_users(
    tx: &mut dyn UserAdminRepository,
    ctx: &Ctx,
    filter: &UserFilter,
    page: PageRequest,
) -> Result<Page<User>, UserAccessError> {
    ctx.actor.require(Permission::UserManage)?;
    Ok(tx.list_users(filter, page)?)
}

/// One account.
pub fn read_user(tx: &mut dyn UserAdminRepository, ctx: &Ctx, id: UserId) -> Result<User, UserAccessError> {
    ctx.actor.require(Permission::UserManage)?;
    tx.find_known_user(id)?.ok_or(UserAccessError::NotFound)
}

/// The account, if the actor may touch it, with all other changes of who may do what kept waiting. A write: also where
/// it is asked only before somebody is told what is wrong with the content of their request.
pub fn require_user(tx: &mut dyn AdminTx, ctx: &Ctx, id: UserId) -> Result<User, UserAccessError> {
    ctx.actor.require(Permission::UserManage)?;
    tx.lock_authority()?;
    let user = tx.find_known_user(id)?.ok_or(UserAccessError::NotFound)?;
    require_covers_user(tx, ctx, id)?;
    Ok(user)
}

/// What asking refuses, the operations refuse too.
macro_rules! refuse_alike {
    ($($error:ty),+) => {$(
        impl From<UserAccessError> for $error {
            fn from(error: UserAccessError) -> Self {
                match error {
                    UserAccessError::NotFound => Self::NotFound,
                    UserAccessError::Denied(denied) => Self::Denied(denied),
                    UserAccessError::Authority(error) => Self::Authority(error),
                    UserAccessError::Store(error) => Self::Store(error),
                }
            }
        }
    )+};
}

refuse_alike!(crate::EditUserError, crate::SetUserRolesError);
