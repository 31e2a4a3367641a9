//! Where sessions and credentials are kept.

use crate::{Access, Credentials, PasswordHash, Session};
use kernel::{AuditLog, Instant, SessionId, StoreError, UserId};
use notification::Outbox;
use user::{UserRepository, UserStatus};

/// A refresh token with the session it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshRow {
    /// The session.
    pub session: Session,
    /// Whether the session was ended.
    pub session_revoked: bool,
    /// When the token runs out.
    pub expires_at: Instant,
    /// When it was used.
    pub used_at: Option<Instant>,
    /// Whether the account may be used.
    pub user_status: UserStatus,
}

/// Credentials, sessions and refresh tokens.
pub trait AuthRepository {
    /// What is needed to check a password.
    fn find_credentials(&mut self, email_key: &str) -> Result<Option<Credentials>, StoreError>;
    /// The password's hash as it is now.
    fn find_password_hash(&mut self, user_id: UserId) -> Result<Option<PasswordHash>, StoreError>;
    /// Notes a sign-in.
    fn touch_last_login(&mut self, user_id: UserId, at: Instant) -> Result<(), StoreError>;
    /// Opens a session.
    fn insert_session(&mut self, session: &Session) -> Result<(), StoreError>;
    /// What a session permits now.
    fn find_access(&mut self, session_id: SessionId) -> Result<Option<Access>, StoreError>;
    /// Ends a session; gives whether it was open.
    fn revoke_session(&mut self, id: SessionId, at: Instant, because: &str) -> Result<bool, StoreError>;
    /// Notes that a session is in use.
    fn touch_session(&mut self, id: SessionId, at: Instant) -> Result<(), StoreError>;
    /// Keeps the hash of a refresh token.
    fn insert_refresh_token(
        &mut self,
        token_hash: &str,
        session_id: SessionId,
        issued_at: Instant,
        expires_at: Instant,
    ) -> Result<(), StoreError>;
    /// The refresh token with that hash.
    fn find_refresh_token(&mut self, token_hash: &str) -> Result<Option<RefreshRow>, StoreError>;
    /// Marks a refresh token as used; gives whether it was not before.
    fn use_refresh_token(&mut self, token_hash: &str, at: Instant) -> Result<bool, StoreError>;
}

/// What signing up and in needs of a transaction.
pub trait AuthTx: AuthRepository + UserRepository + Outbox + AuditLog {}
