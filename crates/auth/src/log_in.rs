//! A person signs in: the credentials are looked up, the password is checked outside, the session is opened.

use crate::{AuthTx, NewSession, PasswordHash, RefreshToken, Session};
use kernel::{Ctx, EmailAddress, StoreError, UserId};
use user::{User, UserStatus};

/// What is needed to check a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub user_id: UserId,
    /// Its password; none for an account that signs in elsewhere.
    pub password_hash: Option<PasswordHash>,
}

/// A sign-in whose password was found right.
#[derive(Debug, Clone)]
pub struct LogIn {
    /// The account.
    pub user_id: UserId,
    /// The hash that the password fitted.
    pub checked_hash: PasswordHash,
    /// From where and for how long.
    pub session: NewSession,
    /// The refresh token that the client will get.
    pub refresh_token: RefreshToken,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// Address and password do not belong together, or the account is suspended: it is not told which.
    #[error("wrong e-mail address or password")]
    Refused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is needed to check the password of an address.
pub fn find_credentials(
    tx: &mut dyn AuthTx,
    email: &EmailAddress,
) -> Result<Option<Credentials>, StoreError> {
    tx.find_credentials(email.key())
}

/// Opens a session, unless the password was changed or the account suspended while the password was checked.
pub fn log_in(tx: &mut dyn AuthTx, ctx: &Ctx, command: LogIn) -> Result<(User, Session), LogInError> {
    // Written first, because it holds the account's row: a password that is being changed is waited for, and the session
    // that is opened here ends with it if it is changed afterwards.
    tx.touch_last_login(command.user_id, ctx.now)?;
    let user = tx.find_user(command.user_id)?.ok_or(LogInError::Refused)?;
    let current_hash = tx.find_password_hash(user.id)?;
    if user.status != UserStatus::Active || current_hash != Some(command.checked_hash) {
        return Err(LogInError::Refused);
    }
    let session = open_session(tx, ctx, &user, command.session, &command.refresh_token)?;
    Ok((user, session))
}

/// Opens a session for somebody who has shown who they are.
pub(crate) fn open_session(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    user: &User,
    from: NewSession,
    refresh_token: &RefreshToken,
) -> Result<Session, StoreError> {
    let session = Session {
        id: ctx.new_id(),
        user_id: user.id,
        device: from.device.map(|device| device.chars().take(300).collect()),
        address: from.address,
        created_at: ctx.now,
        expires_at: from.expires_at,
    };
    tx.insert_session(&session)?;
    tx.insert_refresh_token(&refresh_token.hash(), session.id, ctx.now, session.expires_at)?;
    Ok(session)
}
