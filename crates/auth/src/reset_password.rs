//! A person sets a new password by the link or the code that was mailed: it is proven first, then the password is hashed
//! outside, then it is set.

use crate::one_time::find_proven;
use crate::prove_address::{forget_who_made_it, prove_address};
use crate::{AuthTx, OneTimeProof, OneTimePurpose, PasswordHash};
use kernel::{Ctx, EmailAddress, OneTimeId, ServerKeys, StoreError};
use notification::{Message, PasswordChange};
use user::{User, UserStatus};

/// A link or a code that was found good and is not used yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProvenReset(OneTimeId);

/// Whether a link or a code is good. The try of a code is charged: commit whatever this says.
pub fn prove_reset(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    proof: &OneTimeProof,
) -> Result<Option<ProvenReset>, StoreError> {
    let proven = find_proven(tx, ctx, keys, &[OneTimePurpose::ResetPassword], proof)?;
    Ok(proven.map(|one_time| ProvenReset(one_time.id)))
}

/// Sets the password; gives the address of its account, or nothing if it was not set. Of many who prove the same at once,
/// one sets it.
pub fn reset_password(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    proven: ProvenReset,
    password_hash: &PasswordHash,
) -> Result<Option<EmailAddress>, StoreError> {
    let Some(one_time) = tx
        .find_one_time(proven.0)?
        .filter(|one_time| one_time.is_live(ctx.now))
    else {
        return Ok(None);
    };
    // The account's row first, as everywhere: two who reset it at once wait here and not for each other.
    let user = tx
        .lock_user(one_time.user_id)?
        .filter(|user| user.status == UserStatus::Active && user.email.key() == one_time.email.key());
    let Some(mut user) = user else {
        return Ok(None);
    };
    if !tx.use_one_time(one_time.id, ctx.now)? {
        return Ok(None);
    }
    // Who could read the mail has shown that the address is theirs. If nobody had before, the account may have been made by
    // somebody else, whose answers are not to let them back in, and whose phone is not to be told of anything.
    forget_who_made_it(tx, ctx, &mut user)?;
    prove_address(tx, ctx, keys, &mut user)?;
    set_new_password(tx, ctx, &user, password_hash, PasswordChange::ResetByMail)?;
    Ok(Some(user.email))
}

/// Sets a password that was proven to be the person's to set: all other ways to set it that were mailed are void, and so
/// is a change of the address that somebody asked for who knew the old one; all sessions end, and the person is told.
pub(crate) fn set_new_password(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    user: &User,
    password_hash: &PasswordHash,
    by: PasswordChange,
) -> Result<(), StoreError> {
    tx.set_password_hash(user.id, Some(password_hash), ctx.now)?;
    tx.void_one_times_of(user.id, OneTimePurpose::ResetPassword, ctx.now)?;
    tx.void_one_times_of(user.id, OneTimePurpose::ChangeEmail, ctx.now)?;
    let because = match by {
        PasswordChange::Changed => "password-change",
        PasswordChange::ResetByMail | PasswordChange::ResetByAnswers => {
            // Who came back in is no longer held up by those who guessed.
            tx.forget_answer_tries(user.id)?;
            "password-reset"
        }
    };
    tx.revoke_sessions_of(user.id, None, ctx.now, because)?;
    let notice = Message::PasswordChanged {
        notice_id: ctx.new_id(),
        by,
        at: ctx.now,
    };
    tx.enqueue(ctx, user.recipient(), notice);
    Ok(())
}
