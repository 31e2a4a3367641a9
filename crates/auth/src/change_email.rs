//! A person gives their account another address: it is asked for with the password, and becomes the account's when it is
//! confirmed by what was mailed there. The old address is told.

use crate::one_time::{Issue, issue};
use crate::prove_address::take_address;
use crate::{AuthTx, OneTime, OneTimePurpose, PasswordHash};
use chrono::TimeDelta;
use kernel::{Ctx, Denied, EmailAddress, ServerKeys, StoreError};
use notification::{MailedSecrets, Message, Recipient};
use user::User;

/// How long the link and the code are good.
const LIFETIME: TimeDelta = TimeDelta::hours(1);
/// Addresses that one account may ask to have within an hour.
const MOST_AN_HOUR: u64 = 5;

/// A new address that is asked for with a password that was found right.
#[derive(Debug, Clone)]
pub struct RequestEmailChange {
    /// The address that the account is to have.
    pub new_email: EmailAddress,
    /// The hash that the password fitted.
    pub checked_hash: PasswordHash,
}

/// Why nothing was mailed.
#[derive(Debug, thiserror::Error)]
pub enum RequestEmailChangeError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The password is another one, or there is none.
    #[error("the password is wrong")]
    WrongPassword,
    /// Several were asked for already.
    #[error("several changes of the address were asked for within the hour")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Mails a link and a code to the new address. If it is somebody else's, nothing is mailed, and the actor is not told.
pub fn request_email_change(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    command: &RequestEmailChange,
    secrets: &MailedSecrets,
) -> Result<(), RequestEmailChangeError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    // Of many who ask at once, each counts what the others were sent.
    let user = tx.lock_user(user_id)?.ok_or(Denied::Unauthenticated)?;
    if tx.find_password_hash(user_id)?.as_ref() != Some(&command.checked_hash) {
        return Err(RequestEmailChangeError::WrongPassword);
    }
    let hour_ago = ctx.now - TimeDelta::hours(1);
    if tx.count_one_times_of(user_id, OneTimePurpose::ChangeEmail, hour_ago)? >= MOST_AN_HOUR {
        return Err(RequestEmailChangeError::TooMany);
    }
    let wanted = Issue {
        user_id,
        purpose: OneTimePurpose::ChangeEmail,
        email: &command.new_email,
        lifetime: LIFETIME,
    };
    // Made for a taken address too: it counts, so that the limit does not tell which addresses are taken.
    let issued = issue(tx, ctx, keys, &wanted, secrets)?;
    if is_somebody_elses(tx, &user, &command.new_email)? {
        return Ok(());
    }
    let message = Message::EmailChange {
        one_time_id: issued.id,
        secrets: issued.secrets,
        expires_at: issued.expires_at,
    };
    let recipient = Recipient {
        email: command.new_email.clone(),
        ..user.recipient()
    };
    tx.enqueue(ctx, recipient, message);
    Ok(())
}

/// Gives the account the address that was proven; gives whether it has it now. All that was mailed to the old address is
/// void.
pub(crate) fn change_email(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    one_time: &OneTime,
    user: &mut User,
) -> Result<bool, StoreError> {
    if is_somebody_elses(tx, user, &one_time.email)? || !tx.use_one_time(one_time.id, ctx.now)? {
        return Ok(false);
    }
    for purpose in OneTimePurpose::ALL {
        tx.void_one_times_of(user.id, purpose, ctx.now)?;
    }
    let before = user.recipient();
    take_address(tx, ctx, keys, user, one_time.email.clone())?;
    if before.email.key() != user.email.key() {
        let notice = Message::EmailChanged {
            one_time_id: one_time.id,
        };
        tx.enqueue(ctx, before, notice);
    }
    Ok(true)
}

fn is_somebody_elses(tx: &mut dyn AuthTx, user: &User, email: &EmailAddress) -> Result<bool, StoreError> {
    let has_it = tx.find_user_by_email(email.key())?;
    Ok(has_it.is_some_and(|other| other.id != user.id))
}
