//! A person sets the answers by which they may get back in.

use crate::recent_sign_in::signed_in_recently;
use crate::security_questions::is_privileged;
use crate::{AuthTx, PasswordHash, SecurityAnswer};
use kernel::{Ctx, Denied, StoreError};
use notification::Message;
use user::{User, UserStatus};

/// Why the answers are as they were.
#[derive(Debug, thiserror::Error)]
pub enum SetSecurityAnswersError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The account permits too much.
    #[error("the account holds more permissions than an organizer")]
    NotAllowed,
    /// The sign-in is too old to do without the password.
    #[error("neither a password nor a recent sign-in")]
    RecentSignInNeeded,
    /// It is not the password, or not any more.
    #[error("the password is wrong")]
    WrongPassword,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether the actor may have security questions at all, as their session stood some seconds ago: asked before anything
/// is said of the request.
pub fn may_have_security_questions(ctx: &Ctx) -> Result<(), SetSecurityAnswersError> {
    if is_privileged(ctx.actor.signed_in()?.permissions) {
        return Err(SetSecurityAnswersError::NotAllowed);
    }
    Ok(())
}

/// Whether the actor may set their answers now. Asked before the answers are hashed, and again when they are set.
pub fn may_set_security_answers(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    checked_password: Option<&PasswordHash>,
) -> Result<User, SetSecurityAnswersError> {
    may_have_security_questions(ctx)?;
    let signed_in = ctx.actor.signed_in()?;
    let user = tx
        .find_user(signed_in.user_id)?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or(Denied::Unauthenticated)?;
    if is_privileged(tx.find_permissions(user.id)?) {
        return Err(SetSecurityAnswersError::NotAllowed);
    }
    match checked_password {
        Some(checked) if tx.find_password_hash(user.id)?.as_ref() == Some(checked) => Ok(user),
        Some(_) => Err(SetSecurityAnswersError::WrongPassword),
        None if signed_in_recently(tx, ctx, signed_in)? => Ok(user),
        None => Err(SetSecurityAnswersError::RecentSignInNeeded),
    }
}

/// Puts these answers in the place of all that were before, and tells the person. `checked_password` is the hash that
/// the present password fitted, if it was asked for.
pub fn set_security_answers(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    answers: &[SecurityAnswer],
    checked_password: Option<&PasswordHash>,
) -> Result<(), SetSecurityAnswersError> {
    tx.lock_user(ctx.actor.signed_in()?.user_id)?;
    let user = may_set_security_answers(tx, ctx, checked_password)?;
    tx.replace_security_answers(user.id, answers, ctx.now)?;
    let notice = Message::SecurityAnswersChanged {
        notice_id: ctx.new_id(),
        at: ctx.now,
    };
    tx.enqueue(ctx, user.recipient(), notice);
    Ok(())
}
