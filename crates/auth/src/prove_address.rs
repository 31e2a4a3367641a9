//! What follows from an address having been proven to be a person's, however it was.

use crate::AuthTx;
use kernel::{Ctx, EmailAddress, StoreError};
use user::User;

/// Notes that the account's address is the person's.
pub(crate) fn prove_address(tx: &mut dyn AuthTx, ctx: &Ctx, user: &mut User) -> Result<(), StoreError> {
    tx.email_verified(ctx, user, &user.email)?;
    if user.email_verified_at.is_none() {
        tx.set_email_verified(user.id, ctx.now)?;
        user.email_verified_at = Some(ctx.now);
    }
    Ok(())
}

/// Gives the account another address, which was proven to be the person's.
pub(crate) fn take_address(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    user: &mut User,
    email: EmailAddress,
) -> Result<(), StoreError> {
    // First, while the address is still the guest's: two attendees cannot have it.
    tx.email_verified(ctx, user, &email)?;
    tx.set_email(user.id, &email, ctx.now)?;
    user.email = email;
    user.email_verified_at = Some(ctx.now);
    Ok(())
}
