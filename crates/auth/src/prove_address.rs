//! What follows from an address having been proven to be a person's, however it was.

use crate::AuthTx;
use kernel::{Ctx, EmailAddress, ServerKeys, StoreError};
use user::User;

/// Notes that the account's address is the person's.
pub(crate) fn prove_address(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    user: &mut User,
) -> Result<(), StoreError> {
    tx.email_verified(ctx, keys, user, &user.email)?;
    if user.email_verified_at.is_none() {
        tx.set_email_verified(user.id, ctx.now)?;
        user.email_verified_at = Some(ctx.now);
    }
    Ok(())
}

/// Takes from an account what whoever made it could still reach its owner by, or come back with, beside the password: the
/// answers to security questions, and a phone that was proven, to which messages about the owner's events would go. For
/// where the account is taken over by its address, before that is noted; nothing if the address was proven before.
pub(crate) fn forget_who_made_it(tx: &mut dyn AuthTx, ctx: &Ctx, user: &mut User) -> Result<(), StoreError> {
    if user.email_verified_at.is_some() {
        return Ok(());
    }
    tx.replace_security_answers(user.id, &[], ctx.now)?;
    if user.phone_verified_at.is_some() {
        user.set_phone(None);
        user.updated_at = ctx.now;
        tx.update_profile(user)?;
    }
    Ok(())
}

/// Gives the account another address, which was proven to be the person's.
pub(crate) fn take_address(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    user: &mut User,
    email: EmailAddress,
) -> Result<(), StoreError> {
    // First, while the address is still the guest's: two attendees cannot have it.
    tx.email_verified(ctx, keys, user, &email)?;
    tx.set_email(user.id, &email, ctx.now)?;
    user.email = email;
    user.email_verified_at = Some(ctx.now);
    Ok(())
}
