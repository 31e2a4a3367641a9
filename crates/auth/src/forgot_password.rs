//! A person who forgot the password asks for a mail that lets them set a new one.

use crate::one_time::{Issue, issue};
use crate::{AuthTx, OneTimePurpose};
use chrono::TimeDelta;
use kernel::{Ctx, EmailAddress, ServerKeys, StoreError};
use notification::{MailedSecrets, Message};
use user::UserStatus;

/// How long the link and the code are good.
pub(crate) const RESET_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// Reset mails to one account within their lifetime, whoever asks: each comes with five tries of its code. Not longer, or a
/// stranger who asks could leave the owner without a link that is good.
const MOST_AT_A_TIME: u64 = 5;

/// Mails a link and a code, if the address has an account that may be recovered. Whether it has is told to nobody, also
/// not by the time that this takes: answer before it runs.
pub fn forgot_password(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    email: &EmailAddress,
    secrets: &MailedSecrets,
) -> Result<(), StoreError> {
    let Some(known) = tx.find_user_by_email(email.key())? else {
        return Ok(());
    };
    // One after the other, or many who ask at once would get more mails, and more codes that are good together.
    let user = tx
        .lock_user(known.id)?
        .filter(|user| user.status == UserStatus::Active && user.email.key() == email.key());
    let Some(user) = user else {
        return Ok(());
    };
    let still_good = ctx.now - RESET_LIFETIME;
    if tx.count_one_times_of(user.id, OneTimePurpose::ResetPassword, still_good)? >= MOST_AT_A_TIME {
        return Ok(());
    }
    let wanted = Issue {
        user_id: user.id,
        purpose: OneTimePurpose::ResetPassword,
        email: &user.email,
        lifetime: RESET_LIFETIME,
    };
    let issued = issue(tx, ctx, keys, &wanted, secrets)?;
    let message = Message::PasswordReset {
        one_time_id: issued.id,
        secrets: issued.secrets,
        expires_at: issued.expires_at,
    };
    tx.enqueue(ctx, user.recipient(), message);
    Ok(())
}
