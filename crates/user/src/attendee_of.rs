//! Finding or making the attendee that stands for a person.

use crate::{Account, Attendee, AttendeeRepository, PersonName, UserRepository};
use kernel::{Ctx, EmailAddress, StoreError};

/// Why there is no attendee for the person.
#[derive(Debug, thiserror::Error)]
pub enum AttendeeError {
    /// Somebody noted an attendee with this address; only who can read mail there may take it over.
    #[error("confirm the e-mail address first")]
    EmailNotVerified,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The attendee that is the account's person, if there is one: the linked one, or one that somebody noted with its
/// address, if that is confirmed. One that was noted with an address that is not confirmed may be somebody else.
pub fn find_attendee_of<T>(tx: &mut T, account: &Account) -> Result<Option<Attendee>, StoreError>
where
    T: AttendeeRepository + ?Sized,
{
    let found = tx.find_attendee_by_email(account.email.key())?;
    Ok(found.filter(|attendee| match attendee.user_id {
        Some(user_id) => user_id == account.id,
        None => account.email_verified,
    }))
}

/// The attendee of an account, given the one that has the account's address, if there is one: the linked one, an
/// unlinked one (linked now, if the address is confirmed), or a new one.
pub fn attendee_of_user<T>(
    tx: &mut T,
    ctx: &Ctx,
    account: &Account,
    found: Option<Attendee>,
) -> Result<Attendee, AttendeeError>
where
    T: AttendeeRepository + ?Sized,
{
    match found {
        Some(attendee) if attendee.user_id == Some(account.id) => Ok(attendee),
        Some(_) if !account.email_verified => Err(AttendeeError::EmailNotVerified),
        Some(mut attendee) => {
            // Whoever noted the guest may be giving it another address.
            tx.hold_address_as_read(&attendee)?;
            tx.link_attendee(attendee.id, account)?;
            attendee.user_id = Some(account.id);
            attendee.name = account.name.clone();
            attendee.email = account.email.clone();
            Ok(attendee)
        }
        None => {
            let attendee = Attendee {
                id: ctx.new_id(),
                user_id: Some(account.id),
                name: account.name.clone(),
                email: account.email.clone(),
                phone: None,
                created_by: None,
                created_at: ctx.now,
            };
            tx.insert_attendee(&attendee)?;
            Ok(attendee)
        }
    }
}

/// The attendee with that address, or a new one: the account's if the address has one that is confirmed, else
/// one without account, noted by the actor.
pub fn attendee_of_guest<T>(
    tx: &mut T,
    ctx: &Ctx,
    name: &PersonName,
    email: &EmailAddress,
) -> Result<Attendee, StoreError>
where
    T: AttendeeRepository + UserRepository + ?Sized,
{
    if let Some(attendee) = tx.find_attendee_by_email(email.key())? {
        return Ok(attendee);
    }
    // An account whose address nobody confirmed may be an impostor's: the seat must not become theirs.
    let account = tx
        .find_user_by_email(email.key())?
        .filter(|user| user.email_verified_at.is_some());
    let attendee = match account {
        Some(user) => {
            return match attendee_of_user(tx, ctx, &user.account(), None) {
                Ok(attendee) => Ok(attendee),
                Err(AttendeeError::Store(error)) => Err(error),
                Err(AttendeeError::EmailNotVerified) => {
                    Err(StoreError::Internal("a confirmed address".into()))
                }
            };
        }
        None => Attendee {
            id: ctx.new_id(),
            user_id: None,
            name: name.clone(),
            email: email.clone(),
            phone: None,
            created_by: ctx.actor.user_id(),
            created_at: ctx.now,
        },
    };
    tx.insert_attendee(&attendee)?;
    Ok(attendee)
}
