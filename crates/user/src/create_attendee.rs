//! Somebody is noted who may hold seats.

use crate::access::require_writing;
use crate::{Attendee, AttendeeTx, PersonName};
use chrono::TimeDelta;
use kernel::{
    AttendeeId, AuditEntry, Ctx, Denied, EmailAddress, Permission, PhoneNumber, StoreError, TypedId,
};

/// What the audit log calls it.
const NOTED: &str = "attendee.create";

/// Who it is.
#[derive(Debug, Clone)]
pub struct CreateAttendee {
    /// How the person is called.
    pub name: PersonName,
    /// Where mail goes.
    pub email: EmailAddress,
    /// A telephone number.
    pub phone: Option<PhoneNumber>,
    /// How many one account may note within 24 hours.
    pub most_per_day: u32,
}

/// Why nobody was noted.
#[derive(Debug, thiserror::Error)]
pub enum CreateAttendeeError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The account noted as many as it may within 24 hours.
    #[error("no more than {0} within 24 hours")]
    TooMany(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds or makes the attendee with that address; gives its id alone. Which of the two it was is not told: the attendee may be
/// of others, and what is noted of it then stays as it is. An account with the address makes no difference, not even a confirmed
/// one: it gets the attendee when either takes part in something.
pub fn create_attendee(
    tx: &mut dyn AttendeeTx,
    ctx: &Ctx,
    command: &CreateAttendee,
) -> Result<AttendeeId, CreateAttendeeError> {
    require_writing(&ctx.actor)?;
    let user_id = ctx.actor.signed_in()?.user_id;
    let since = ctx.now - TimeDelta::days(1);
    let limited = !ctx.actor.holds(Permission::AttendeeWriteAny);
    if limited {
        // Two at once are counted one after the other.
        tx.lock_user(user_id)?;
        if tx.count_audit(user_id, NOTED, since)? >= u64::from(command.most_per_day) {
            return Err(CreateAttendeeError::TooMany(command.most_per_day));
        }
    }
    let found = tx.find_attendee_by_email(command.email.key())?;
    let (id, made) = if let Some(attendee) = found {
        (attendee.id, false)
    } else {
        let attendee = Attendee {
            id: ctx.new_id(),
            user_id: None,
            name: command.name.clone(),
            email: command.email.clone(),
            phone: command.phone.clone(),
            created_by: Some(user_id),
            created_at: ctx.now,
        };
        tx.insert_attendee(&attendee)?;
        (attendee.id, true)
    };
    tx.record_audit(
        ctx,
        AuditEntry::new(NOTED, "attendee", id.uuid()).with("made", &made),
    )?;
    Ok(id)
}
