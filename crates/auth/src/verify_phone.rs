//! A person confirms that a phone is theirs, by a code that is sent there. The code is kept under the server's key, good for
//! ten minutes and for one use; five tries void it, and another code takes its place.

use crate::AuthTx;
use chrono::TimeDelta;
use kernel::{Ctx, Denied, Instant, KeyPurpose, PhoneNumber, ServerKeys, StoreError, TypedId, UserId};
use notification::{MailedSecrets, Message, TEXTS_A_DAY};
use user::UserStatus;

/// How long a code is good.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// The time within which text messages are counted.
const DAY: TimeDelta = TimeDelta::days(1);

/// A code that was sent to a phone, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneCode {
    /// For whose account it was made.
    pub user_id: UserId,
    /// Where it was sent.
    pub phone: PhoneNumber,
    /// The code under the server's key, since its digits are soon guessed.
    pub code_hash: String,
    /// When it was made.
    pub created_at: Instant,
    /// Until when it is good.
    pub expires_at: Instant,
}

/// What this server asks of those who want a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneRules {
    /// Whether it sends text messages.
    pub can_send_texts: bool,
    /// Whether their e-mail address has to be confirmed: text messages cost, and accounts are quickly made.
    pub require_verified_email: bool,
}

/// What became of the wish for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneVerificationRequested {
    /// It is on its way.
    Sent,
    /// The phone is confirmed already; nothing was sent.
    AlreadyVerified,
}

/// Why no code was sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestPhoneVerificationError {
    /// Nobody is signed in, or their address is not confirmed where it has to be.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// This server sends no text messages.
    #[error("no gateway for text messages is configured")]
    TextsNotConfigured,
    /// The profile has no phone.
    #[error("there is no phone in the profile")]
    NoPhone,
    /// The person, or the number, was sent as many as anybody is; another can be sent then.
    #[error("as many text messages were sent as are sent in a day")]
    TooMany {
        /// How long until then.
        wait: TimeDelta,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends a code to the actor's phone. The one that was sent before is void.
pub fn request_phone_verification(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    secrets: &MailedSecrets,
    rules: PhoneRules,
) -> Result<PhoneVerificationRequested, RequestPhoneVerificationError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    if !rules.can_send_texts {
        return Err(RequestPhoneVerificationError::TextsNotConfigured);
    }
    // Of many who ask at once, each counts what the others were sent.
    let user = tx.lock_user(user_id)?.ok_or(Denied::Unauthenticated)?;
    if rules.require_verified_email && user.email_verified_at.is_none() {
        return Err(Denied::EmailNotVerified.into());
    }
    let phone = user.phone.ok_or(RequestPhoneVerificationError::NoPhone)?;
    if user.phone_verified_at.is_some() {
        return Ok(PhoneVerificationRequested::AlreadyVerified);
    }
    // Nor has a stranger's phone to ring because many accounts name it.
    tx.lock_phone(&phone)?;
    let number_mac = keys.mac(KeyPurpose::PhoneNumber, &[phone.as_str()]);
    let since = ctx.now - DAY;
    let of_person = tx.list_texts_of(user_id, since, TEXTS_A_DAY)?;
    let to_number = tx.list_codes_to(&number_mac, since, TEXTS_A_DAY)?;
    let free_at = [of_person, to_number]
        .iter()
        .filter_map(|sent| free_at(sent))
        .max();
    if let Some(free_at) = free_at {
        return Err(RequestPhoneVerificationError::TooMany {
            wait: free_at - ctx.now,
        });
    }
    // Counted apart from the account, which its owner may erase and make anew.
    tx.note_code_to(ctx, &number_mac)?;
    let expires_at = ctx.now + LIFETIME;
    tx.keep_phone_code(&PhoneCode {
        user_id,
        code_hash: keys.mac(
            KeyPurpose::OneTimeCode,
            &code_parts(user_id, &phone, &secrets.code),
        ),
        phone: phone.clone(),
        created_at: ctx.now,
        expires_at,
    })?;
    let secrets = secrets
        .seal(keys)
        .map_err(|error| StoreError::Internal(error.to_string()))?;
    let message = Message::PhoneVerification {
        notice_id: ctx.new_id(),
        secrets,
        expires_at,
    };
    tx.enqueue_text(ctx, &phone, user_id, message);
    Ok(PhoneVerificationRequested::Sent)
}

/// When another may be sent, if these, the latest first, are as many as there may be.
fn free_at(sent: &[Instant]) -> Option<Instant> {
    let oldest = sent.get(TEXTS_A_DAY as usize - 1)?;
    Some(*oldest + DAY)
}

fn code_parts(user_id: UserId, phone: &PhoneNumber, code: &str) -> [Vec<u8>; 4] {
    [
        b"phone".to_vec(),
        user_id.uuid().as_bytes().to_vec(),
        phone.as_str().as_bytes().to_vec(),
        code.as_bytes().to_vec(),
    ]
}

/// What became of a confirmation. A refusal is no error: the try of a code is to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneConfirmed {
    /// The phone is the person's.
    Confirmed,
    /// The code is wrong, over, tried too often, or was sent to a number that the account has no more: it is not told which.
    Refused,
}

/// Confirms the actor's phone by the code that was sent there. A try is charged before it is compared.
pub fn confirm_phone(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    code: &str,
) -> Result<PhoneConfirmed, RequestPhoneVerificationError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    // Held, so that the number stays what it is.
    let user = tx
        .lock_user(user_id)?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or(Denied::Unauthenticated)?;
    let Some(kept) = tx.find_phone_code(user_id)? else {
        return Ok(PhoneConfirmed::Refused);
    };
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let proven = tx.charge_phone_code_try(user_id)?
        && keys.mac_fits(
            KeyPurpose::OneTimeCode,
            &code_parts(user_id, &kept.phone, &code),
            &kept.code_hash,
        );
    if !proven || kept.expires_at <= ctx.now || user.phone.as_ref() != Some(&kept.phone) {
        return Ok(PhoneConfirmed::Refused);
    }
    tx.forget_phone_code(user_id)?;
    tx.set_phone_verified(user_id, ctx.now)?;
    Ok(PhoneConfirmed::Confirmed)
}
