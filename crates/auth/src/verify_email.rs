//! A person confirms that an address is theirs, by the link or the code that was mailed there.

use crate::change_email::change_email;
use crate::one_time::{Issue, find_proven, issue};
use crate::prove_address::prove_address;
use crate::{AuthTx, OneTime, OneTimeProof, OneTimePurpose};
use chrono::TimeDelta;
use kernel::{Ctx, Denied, ServerKeys, StoreError};
use notification::{MailedSecrets, Message};
use user::{User, UserStatus};

/// How long a link and a code that confirm an address are good.
const LIFETIME: TimeDelta = TimeDelta::hours(24);
/// Confirmation mails that one account may ask for within an hour, besides the one at sign-up.
const MOST_AN_HOUR: u64 = 5;

/// What became of the wish for another confirmation mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationRequested {
    /// It is on its way.
    Mailed,
    /// The address is confirmed already; nothing was sent.
    AlreadyVerified,
}

/// Why no mail was sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestVerificationError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Several are on their way already.
    #[error("several confirmation mails were asked for within the hour")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Mails the actor another link and code.
pub fn request_verification(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    secrets: &MailedSecrets,
) -> Result<VerificationRequested, RequestVerificationError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    // Of many who ask at once, each counts what the others were sent.
    let user = tx.lock_user(user_id)?.ok_or(Denied::Unauthenticated)?;
    if user.email_verified_at.is_some() {
        return Ok(VerificationRequested::AlreadyVerified);
    }
    let hour_ago = ctx.now - TimeDelta::hours(1);
    let at_sign_up = u64::from(user.created_at > hour_ago);
    let mailed = tx.count_one_times_of(user_id, OneTimePurpose::VerifyEmail, hour_ago)?;
    if mailed >= MOST_AN_HOUR + at_sign_up {
        return Err(RequestVerificationError::TooMany);
    }
    mail_verification(tx, ctx, keys, &user, secrets)?;
    Ok(VerificationRequested::Mailed)
}

/// Makes a link and a code for the account's address and asks for the mail.
pub fn mail_verification(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    user: &User,
    secrets: &MailedSecrets,
) -> Result<(), StoreError> {
    let wanted = Issue {
        user_id: user.id,
        purpose: OneTimePurpose::VerifyEmail,
        email: &user.email,
        lifetime: LIFETIME,
    };
    let issued = issue(tx, ctx, keys, &wanted, secrets)?;
    let message = Message::EmailVerification {
        one_time_id: issued.id,
        secrets: issued.secrets,
        expires_at: issued.expires_at,
    };
    tx.enqueue(ctx, user.recipient(), message);
    Ok(())
}

/// What became of a confirmation. A refusal is no error: the try of a code is to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailConfirmed {
    /// The address is the person's.
    Confirmed(Box<User>),
    /// The link or code is unknown, used, over, or tried too often: it is not told which.
    Refused,
}

/// Confirms an address by what was mailed there: the account's own, or the one that it is to have.
pub fn confirm_email(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    proof: &OneTimeProof,
) -> Result<EmailConfirmed, StoreError> {
    const PURPOSES: [OneTimePurpose; 2] = [OneTimePurpose::VerifyEmail, OneTimePurpose::ChangeEmail];
    let Some(one_time) = find_proven(tx, ctx, keys, &PURPOSES, proof)? else {
        return Ok(EmailConfirmed::Refused);
    };
    let user = tx
        .find_user(one_time.user_id)?
        .filter(|user| user.status == UserStatus::Active);
    let Some(mut user) = user else {
        return Ok(EmailConfirmed::Refused);
    };
    let confirmed = match one_time.purpose {
        OneTimePurpose::ChangeEmail => change_email(tx, ctx, keys, &one_time, &mut user)?,
        _ => verify_email(tx, ctx, keys, &one_time, &mut user)?,
    };
    Ok(if confirmed {
        EmailConfirmed::Confirmed(Box::new(user))
    } else {
        EmailConfirmed::Refused
    })
}

fn verify_email(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    one_time: &OneTime,
    user: &mut User,
) -> Result<bool, StoreError> {
    if user.email.key() != one_time.email.key() || !tx.use_one_time(one_time.id, ctx.now)? {
        return Ok(false);
    }
    tx.void_one_times_of(user.id, OneTimePurpose::VerifyEmail, ctx.now)?;
    // Answers and phone stay, unlike where an account is taken over by its address: the password stays too, so they are still
    // the account's of who made it, who could set both again. Who follows the usual order (sign up, give a phone, open
    // the mail later) loses nothing.
    prove_address(tx, ctx, keys, user)?;
    Ok(true)
}
