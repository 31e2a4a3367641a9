//! A person for whom an account was made is told so, and sets the password.

use crate::one_time::{Issue, issue};
use crate::{AuthTx, OneTimePurpose};
use chrono::TimeDelta;
use kernel::{Ctx, ServerKeys, StoreError};
use notification::{MailedSecrets, Message};
use user::User;

/// How long the link and the code are good: the person did not ask for them and may be away.
const LIFETIME: TimeDelta = TimeDelta::hours(72);

/// Mails a link and a code that set the password, as those of a reset do.
pub fn mail_account_created(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    user: &User,
    secrets: &MailedSecrets,
) -> Result<(), StoreError> {
    let wanted = Issue {
        user_id: user.id,
        purpose: OneTimePurpose::ResetPassword,
        email: &user.email,
        lifetime: LIFETIME,
    };
    let issued = issue(tx, ctx, keys, &wanted, secrets)?;
    let message = Message::AccountCreated {
        one_time_id: issued.id,
        secrets: issued.secrets,
        expires_at: issued.expires_at,
    };
    tx.enqueue(ctx, user.recipient(), message);
    Ok(())
}
