//! A person sets a new password by the answers to the questions that they are asked: the try is charged first, the
//! answers are compared outside, then the password is set.

use crate::reset_password::set_new_password;
use crate::security_questions::{Recoverable, choose, find_recoverable, is_privileged};
use crate::{AnswerTries, AuthTx, PasswordHash, SecurityQuestion};
use kernel::{Ctx, EmailAddress, ServerKeys, StoreError, UserId};
use notification::PasswordChange;
use user::UserStatus;

/// A try to be compared.
#[derive(Debug, Clone)]
pub struct AnswersTry {
    /// For each answer, in the order given, what it is compared with; none where it is wrong whatever it says. Compare
    /// nobody's hash then, so that it takes as long.
    pub hashes: Vec<Option<PasswordHash>>,
    /// The account that the answers recover if all of them fit.
    pub recovered: Option<ChargedRecovery>,
}

/// An account whose try was charged, as it stood then.
#[derive(Debug, Clone)]
pub struct ChargedRecovery {
    user_id: UserId,
    password_hash: Option<PasswordHash>,
    answer_hashes: Vec<PasswordHash>,
}

/// Charges a try of the answers to these questions and gives what they are compared with: commit whatever becomes of it.
/// An address without an account, an account that answers may not recover, one that is locked, and answers to what was
/// not asked get nothing to be compared with.
pub fn charge_answers(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    email: &EmailAddress,
    answered: &[&'static SecurityQuestion],
) -> Result<AnswersTry, StoreError> {
    let refused = AnswersTry {
        hashes: vec![None; answered.len()],
        recovered: None,
    };
    let Some(known) = find_recoverable(tx, email)? else {
        return Ok(refused);
    };
    // One after the other from here: the count is read and written.
    tx.lock_user(known.user.id)?;
    let Some(known) = find_recoverable(tx, email)?.filter(|again| again.user.id == known.user.id) else {
        return Ok(refused);
    };
    let before = tx.find_answer_tries(known.user.id)?;
    let Some(charged) = AnswerTries::charge(before, ctx.now) else {
        return Ok(refused);
    };
    tx.keep_answer_tries(known.user.id, &charged)?;
    let asked = choose(keys, email, Some(&known));
    if asked.len() != answered.len() || asked.iter().any(|question| !answered.contains(question)) {
        return Ok(refused);
    }
    Ok(AnswersTry {
        hashes: answered
            .iter()
            .map(|question| hash_of(&known, question))
            .collect(),
        recovered: Some(ChargedRecovery {
            user_id: known.user.id,
            password_hash: tx.find_password_hash(known.user.id)?,
            answer_hashes: known.answers.into_iter().map(|(_, hash)| hash).collect(),
        }),
    })
}

fn hash_of(known: &Recoverable, question: &SecurityQuestion) -> Option<PasswordHash> {
    let kept = known.answers.iter().find(|(own, _)| *own == question);
    kept.map(|(_, hash)| hash.clone())
}

/// Sets the password after all answers were found right; gives whether it was set. It is not if the password or the
/// answers changed, or the account was suspended or given more permissions meanwhile: of many who answer right at once,
/// one sets it. Whether the address is the person's is as open as before.
pub fn reset_with_answers(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    recovered: &ChargedRecovery,
    password_hash: &PasswordHash,
) -> Result<bool, StoreError> {
    let user = tx
        .lock_user(recovered.user_id)?
        .filter(|user| user.status == UserStatus::Active);
    let Some(user) = user else {
        return Ok(false);
    };
    let answer_hashes: Vec<PasswordHash> = tx
        .list_security_answers(user.id)?
        .into_iter()
        .map(|kept| kept.answer_hash)
        .collect();
    let unchanged = tx.find_password_hash(user.id)? == recovered.password_hash
        && answer_hashes == recovered.answer_hashes
        && !is_privileged(tx.find_permissions(user.id)?);
    if !unchanged {
        return Ok(false);
    }
    set_new_password(tx, ctx, &user, password_hash, PasswordChange::ResetByAnswers)?;
    Ok(true)
}
