//! Where sessions and credentials are kept.

use crate::{
    Access, AnswerTries, Credentials, OneTime, OneTimePurpose, OpenSession, PasswordHash, PhoneCode,
    SecurityAnswer, Session,
};
use kernel::{AuditLog, Ctx, Instant, OneTimeId, PermissionSet, PhoneNumber, SessionId, StoreError, UserId};
use notification::Outbox;
use user::{EmailVerified, NewUser, UserRepository, UserStatus};

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
    /// Ends all open sessions of an account, but for the one that is to stay; gives how many.
    fn revoke_sessions_of(
        &mut self,
        user_id: UserId,
        but_for: Option<SessionId>,
        at: Instant,
        because: &str,
    ) -> Result<u32, StoreError>;
    /// The sessions of an account that are neither ended nor over, the latest first.
    fn list_sessions(&mut self, user_id: UserId, now: Instant) -> Result<Vec<OpenSession>, StoreError>;
    /// The session with that id, ended or not.
    fn find_session(&mut self, id: SessionId) -> Result<Option<Session>, StoreError>;
    /// Gives an account another password, or none.
    fn set_password_hash(
        &mut self,
        user_id: UserId,
        hash: Option<&PasswordHash>,
        at: Instant,
    ) -> Result<(), StoreError>;
    /// Says that the account's sessions permit something else than before: its roles, status or address changed.
    fn access_changed(&mut self, user_id: UserId) -> Result<(), StoreError>;
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

/// Links and codes that were mailed.
pub trait OneTimeRepository {
    /// Keeps a new one, with no try of its code made.
    fn insert_one_time(&mut self, one_time: &OneTime) -> Result<(), StoreError>;
    /// The one with that id.
    fn find_one_time(&mut self, id: OneTimeId) -> Result<Option<OneTime>, StoreError>;
    /// The one whose link has a token of that hash, used or not.
    fn find_one_time_by_link(&mut self, link_hash: &str) -> Result<Option<OneTime>, StoreError>;
    /// Those that were sent to an address and are still good, of every purpose and account.
    fn list_live_one_times(&mut self, email_key: &str, now: Instant) -> Result<Vec<OneTime>, StoreError>;
    /// Charges a try of the code; gives whether there was one left.
    fn charge_code_try(&mut self, id: OneTimeId) -> Result<bool, StoreError>;
    /// Marks it as used; gives whether it was still unused and not taken back.
    fn use_one_time(&mut self, id: OneTimeId, at: Instant) -> Result<bool, StoreError>;
    /// Takes back those of an account for that purpose, links and codes.
    fn void_one_times_of(
        &mut self,
        user_id: UserId,
        purpose: OneTimePurpose,
        at: Instant,
    ) -> Result<(), StoreError>;
    /// Leaves no try of the codes of an account for that purpose; their links live on.
    fn void_codes_of(&mut self, user_id: UserId, purpose: OneTimePurpose) -> Result<(), StoreError>;
    /// How many were made for an account and purpose since then.
    fn count_one_times_of(
        &mut self,
        user_id: UserId,
        purpose: OneTimePurpose,
        since: Instant,
    ) -> Result<u64, StoreError>;
}

/// Codes that were sent to phones, one an account, and the text messages that were.
pub trait PhoneCodeRepository {
    /// Keeps a code in the place of the one before, with no try of it made.
    fn keep_phone_code(&mut self, code: &PhoneCode) -> Result<(), StoreError>;
    /// The code that was sent for an account last.
    fn find_phone_code(&mut self, user_id: UserId) -> Result<Option<PhoneCode>, StoreError>;
    /// Charges a try of the code; gives whether there was one left.
    fn charge_phone_code_try(&mut self, user_id: UserId) -> Result<bool, StoreError>;
    /// Forgets the code.
    fn forget_phone_code(&mut self, user_id: UserId) -> Result<(), StoreError>;
    /// Waits until nobody else sends a code to that number, until the end of the transaction.
    fn lock_phone(&mut self, phone: &PhoneNumber) -> Result<(), StoreError>;
    /// When the last text messages for an account were asked for since then, the latest first; at most so many.
    fn list_texts_of(
        &mut self,
        user_id: UserId,
        since: Instant,
        most: u32,
    ) -> Result<Vec<Instant>, StoreError>;
    /// When the last codes for a number were asked for since then, by whatever account, be it erased by now, the latest
    /// first; at most so many.
    fn list_codes_to(
        &mut self,
        number_mac: &str,
        since: Instant,
        most: u32,
    ) -> Result<Vec<Instant>, StoreError>;
    /// Notes that a code for a number was asked for now, but not by whom.
    fn note_code_to(&mut self, ctx: &Ctx, number_mac: &str) -> Result<(), StoreError>;
}

/// Answers to security questions, and the tries of them.
pub trait SecurityAnswersRepository {
    /// The answers of an account, in the order of their questions' ids.
    fn list_security_answers(&mut self, user_id: UserId) -> Result<Vec<SecurityAnswer>, StoreError>;
    /// Puts these in the place of all answers of an account.
    fn replace_security_answers(
        &mut self,
        user_id: UserId,
        answers: &[SecurityAnswer],
        at: Instant,
    ) -> Result<(), StoreError>;
    /// The tries since the last that were right; none if there were none.
    fn find_answer_tries(&mut self, user_id: UserId) -> Result<Option<AnswerTries>, StoreError>;
    /// Keeps the count of tries.
    fn keep_answer_tries(&mut self, user_id: UserId, tries: &AnswerTries) -> Result<(), StoreError>;
    /// Forgets all tries, and with them the lock.
    fn forget_answer_tries(&mut self, user_id: UserId) -> Result<(), StoreError>;
}

/// An account elsewhere that signs in to one here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalLink {
    /// Who vouches for it, by the provider's URL.
    pub issuer: String,
    /// The account there, by the provider's name for it, which never changes.
    pub subject: String,
    /// The account here.
    pub user_id: UserId,
    /// Since when.
    pub linked_at: Instant,
}

/// Accounts elsewhere, and what they need done to those here.
pub trait ExternalIdentityRepository {
    /// The account that the other one signs in to.
    fn find_user_of_external(&mut self, issuer: &str, subject: &str) -> Result<Option<UserId>, StoreError>;
    /// Links the two. If the other account has got a link meanwhile, [`StoreError::Contention`]: tried again, it is
    /// found.
    fn insert_external_link(&mut self, link: &ExternalLink) -> Result<(), StoreError>;
    /// Makes an account for somebody who came from elsewhere. If the address has got one meanwhile,
    /// [`StoreError::Contention`]: tried again, it is found.
    fn insert_user_from_elsewhere(&mut self, new: &NewUser) -> Result<(), StoreError>;
}

/// Who may act on whom.
pub trait AuthorityRepository {
    /// Waits until nobody else changes who may do what, until the end of the transaction: all such changes happen one after
    /// the other.
    fn lock_authority(&mut self) -> Result<(), StoreError>;
    /// What an account's roles permit together, whether it may be used or not.
    fn find_permissions(&mut self, user_id: UserId) -> Result<PermissionSet, StoreError>;
    /// Whether somebody else is an admin whose account may be used.
    fn has_another_admin(&mut self, but_for: UserId) -> Result<bool, StoreError>;
}

/// What signing up and in needs of a transaction.
pub trait AuthTx:
    AuthRepository
    + AuthorityRepository
    + OneTimeRepository
    + PhoneCodeRepository
    + SecurityAnswersRepository
    + ExternalIdentityRepository
    + UserRepository
    + EmailVerified
    + Outbox
    + AuditLog
{
}
