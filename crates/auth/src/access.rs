//! From a session to the actor that it stands for.

use crate::AuthRepository;
use kernel::{Instant, PermissionSet, SessionId, SignedIn, StoreError, UserId};
use user::UserStatus;

/// What a session permits, as its rows stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Whose session it is.
    pub user_id: UserId,
    /// Whether the account may be used.
    pub user_status: UserStatus,
    /// Whether its address was confirmed.
    pub email_verified: bool,
    /// The union of what its roles permit.
    pub permissions: PermissionSet,
    /// When the session ends.
    pub expires_at: Instant,
    /// Whether it was ended.
    pub revoked: bool,
}

/// Who acts through a session; nobody if it is over, ended, or its account suspended.
pub fn find_actor(
    tx: &mut dyn AuthRepository,
    now: Instant,
    session_id: SessionId,
) -> Result<Option<SignedIn>, StoreError> {
    let access = tx.find_access(session_id)?.filter(|access| {
        !access.revoked && access.expires_at > now && access.user_status == UserStatus::Active
    });
    Ok(access.map(|access| SignedIn {
        user_id: access.user_id,
        session_id,
        permissions: access.permissions,
        email_verified: access.email_verified,
    }))
}
