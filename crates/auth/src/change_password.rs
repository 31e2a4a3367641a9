//! A person who knows the password sets another one. The old one is checked and the new one hashed outside.

use crate::reset_password::set_new_password;
use crate::{AuthTx, PasswordHash};
use kernel::{Ctx, Denied, StoreError};
use notification::PasswordChange;
use user::UserStatus;

/// Why the password is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is not the password any more.
    #[error("the password is wrong")]
    WrongPassword,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets the password, unless it is no longer the one that was checked. All sessions end, the actor's too.
pub fn change_password(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    checked_hash: &PasswordHash,
    new_hash: &PasswordHash,
) -> Result<(), ChangePasswordError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let user = tx
        .lock_user(user_id)?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or(Denied::Unauthenticated)?;
    if tx.find_password_hash(user.id)?.as_ref() != Some(checked_hash) {
        return Err(ChangePasswordError::WrongPassword);
    }
    set_new_password(tx, ctx, &user, new_hash, PasswordChange::Changed)?;
    Ok(())
}
