//! Who acts.

use crate::{Permission, PermissionSet, SessionId, UserId};

/// On whose behalf an operation runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody signed in.
    Anonymous,
    /// A signed-in person.
    User(SignedIn),
    /// Podium itself: a sweep, a command of the operator.
    System,
}

/// A signed-in person, as their session and roles stood at most five seconds ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The account.
    pub user_id: UserId,
    /// The session that the request came with.
    pub session_id: SessionId,
    /// The union of what the person's roles permit.
    pub permissions: PermissionSet,
    /// Whether the account's e-mail address was confirmed.
    pub email_verified: bool,
}

/// Why an actor may not do a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody is signed in.
    #[error("sign in first")]
    Unauthenticated,
    /// The person lacks this permission.
    #[error("this needs the permission {0}")]
    Lacks(Permission),
    /// The thing exists in public, but is not the person's to change.
    #[error("this is not yours to change")]
    NotYours,
    /// The account's e-mail address must be confirmed first.
    #[error("confirm your e-mail address first")]
    EmailNotVerified,
}

impl Actor {
    /// The account that acts, if there is one.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(signed_in) => Some(signed_in.user_id),
            Self::Anonymous | Self::System => None,
        }
    }

    /// The signed-in person, or the refusal that asks for a sign-in.
    pub fn signed_in(&self) -> Result<&SignedIn, Denied> {
        match self {
            Self::User(signed_in) => Ok(signed_in),
            Self::Anonymous | Self::System => Err(Denied::Unauthenticated),
        }
    }

    /// Whether the actor holds a permission. Podium itself holds all of them.
    pub fn holds(&self, permission: Permission) -> bool {
        match self {
            Self::Anonymous => false,
            Self::User(signed_in) => signed_in.permissions.contains(permission),
            Self::System => true,
        }
    }

    /// Refuses an actor without the permission.
    pub fn require(&self, permission: Permission) -> Result<(), Denied> {
        if self.holds(permission) {
            Ok(())
        } else if matches!(self, Self::Anonymous) {
            Err(Denied::Unauthenticated)
        } else {
            Err(Denied::Lacks(permission))
        }
    }
}
