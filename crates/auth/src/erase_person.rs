//! A person is forgotten, by their own wish or by an admin: one operation for both.
//!
//! What they hold is freed and passes on, what says who they are goes, and what is over goes on counting for nobody. The
//! account's row stays for what refers to it, and says nothing.

use crate::recent_sign_in::signed_in_recently;
use crate::{
    ADMIN_ROLE, AuthTx, AuthorityError, ErasureRepository, PasswordHash, require_another_admin,
    require_covers_user,
};
use kernel::{AuditEntry, Ctx, Denied, Permission, StoreError, TypedId, UserId};
use user::{AttendeeRepository, PersonErased, User, UserStatus, find_attendee_of};

/// Who is to be forgotten.
#[derive(Debug, Clone)]
pub enum ErasePerson {
    /// The actor.
    Oneself {
        /// The hash that the password fitted which came with the wish; without one the sign-in has to be recent.
        checked_hash: Option<PasswordHash>,
    },
    /// An account, by who administers accounts.
    Account(UserId),
}

/// Why everything stays.
#[derive(Debug, thiserror::Error)]
pub enum ErasePersonError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such account.
    #[error("no such account")]
    NotFound,
    /// The password is not the account's.
    #[error("the password is wrong")]
    WrongPassword,
    /// No password came, and the sign-in is too old.
    #[error("the password or a recent sign-in is needed")]
    RecentSignInNeeded,
    /// Events of the account's are to come.
    #[error("the account organises events that are not over")]
    OwnsUpcomingEvents,
    /// The account may do what the actor may not, or is the last admin.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What erasing needs of a transaction.
pub trait ErasePersonTx: AuthTx + AttendeeRepository + ErasureRepository + PersonErased {}

/// Forgets a person.
pub fn erase_person(
    tx: &mut dyn ErasePersonTx,
    ctx: &Ctx,
    command: &ErasePerson,
) -> Result<(), ErasePersonError> {
    // It ends what the person may do: nobody gives them a role meanwhile.
    tx.lock_authority()?;
    let user = authorised(tx, ctx, command)?;
    if user.status == UserStatus::Active && user.roles.iter().any(|role| role == ADMIN_ROLE) {
        require_another_admin(tx, user.id)?;
    }
    let attendee = find_attendee_of(tx, &user.account())?;
    // The events are locked here; only then the account, which makes sure that both are still what was read.
    let freed = tx.person_erased(ctx, user.id, attendee.as_ref())?;
    tx.hold_person(&user, attendee.as_ref())?;
    if tx.organizes_upcoming_events(user.id, ctx.now)? {
        return Err(ErasePersonError::OwnsUpcomingEvents);
    }
    tx.forget_person(ctx, &user, attendee.as_ref())?;
    tx.record_audit(
        ctx,
        AuditEntry::new("user.erase", "user", user.id.uuid()).with("seats_freed", &freed),
    )?;
    Ok(())
}

/// The account, if the actor may have it forgotten.
fn authorised(
    tx: &mut dyn ErasePersonTx,
    ctx: &Ctx,
    command: &ErasePerson,
) -> Result<User, ErasePersonError> {
    match command {
        ErasePerson::Oneself { checked_hash } => oneself(tx, ctx, checked_hash.as_ref()),
        ErasePerson::Account(id) => {
            ctx.actor.require(Permission::UserManage)?;
            // A stolen session must not do here what it cannot do on the person's own route.
            if ctx.actor.user_id() == Some(*id) {
                return oneself(tx, ctx, None);
            }
            let user = tx.find_user(*id)?.ok_or(ErasePersonError::NotFound)?;
            require_covers_user(tx, ctx, user.id)?;
            Ok(user)
        }
    }
}

fn oneself(
    tx: &mut dyn ErasePersonTx,
    ctx: &Ctx,
    checked_hash: Option<&PasswordHash>,
) -> Result<User, ErasePersonError> {
    let signed_in = ctx.actor.signed_in()?;
    let user = tx.find_user(signed_in.user_id)?.ok_or(Denied::Unauthenticated)?;
    match checked_hash {
        // It may have been changed while the password was checked.
        Some(_) if tx.find_password_hash(user.id)?.as_ref() != checked_hash => {
            Err(ErasePersonError::WrongPassword)
        }
        None if !signed_in_recently(tx, ctx, signed_in)? => Err(ErasePersonError::RecentSignInNeeded),
        _ => Ok(user),
    }
}
