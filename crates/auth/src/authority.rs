//! Who may act on whom: nobody gives, takes or touches what includes a permission that they lack, and the place is never
//! without an admin whose account may be used.
//!
//! Whatever changes who may do what asks here, in its transaction and before its first change: all such changes then happen
//! one after the other, and each sees what the one before it left.

use crate::AuthTx;
use kernel::{Actor, Ctx, PermissionSet, StoreError, UserId};
use user::UserStatus;

/// Why a role or an account is left alone.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It includes a permission that the actor lacks.
    #[error("it includes a permission that the actor lacks")]
    BeyondOwnPermissions,
    /// Nobody else is an admin whose account may be used.
    #[error("it is the last admin")]
    LastAdmin,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Refuses an actor who lacks one of these permissions.
pub fn require_covers(tx: &mut dyn AuthTx, ctx: &Ctx, wanted: PermissionSet) -> Result<(), AuthorityError> {
    tx.lock_authority()?;
    if permissions_now(tx, ctx)?.covers(wanted) {
        Ok(())
    } else {
        Err(AuthorityError::BeyondOwnPermissions)
    }
}

/// Refuses an actor who lacks a permission that the account holds.
pub fn require_covers_user(tx: &mut dyn AuthTx, ctx: &Ctx, user_id: UserId) -> Result<(), AuthorityError> {
    tx.lock_authority()?;
    let held = tx.find_permissions(user_id)?;
    require_covers(tx, ctx, held)
}

/// To be asked before an admin loses the role, or the use of the account: refuses if nobody else is an active admin.
pub fn require_another_admin(tx: &mut dyn AuthTx, user_id: UserId) -> Result<(), AuthorityError> {
    tx.lock_authority()?;
    if tx.has_another_admin(user_id)? {
        Ok(())
    } else {
        Err(AuthorityError::LastAdmin)
    }
}

/// What the actor's roles permit as they stand now: what the request came with may be some seconds old, and of two who
/// demote each other the second has lost the right by then.
fn permissions_now(tx: &mut dyn AuthTx, ctx: &Ctx) -> Result<PermissionSet, StoreError> {
    match &ctx.actor {
        Actor::Anonymous => Ok(PermissionSet::NONE),
        Actor::System => Ok(PermissionSet::all()),
        Actor::User(signed_in) => match tx.find_user(signed_in.user_id)? {
            Some(user) if user.status == UserStatus::Active => tx.find_permissions(user.id),
            _ => Ok(PermissionSet::NONE),
        },
    }
}
