//! What was noted of an attendee is changed.

use crate::access::{changes, require_writing};
use crate::{Attendee, AttendeeTx, PersonName};
use chrono::TimeDelta;
use kernel::{
    AttendeeId, AuditEntry, Change, Ctx, Denied, EmailAddress, Invalid, Permission, PhoneNumber, StoreError,
    TypedId,
};

/// What the audit log calls another address.
const READDRESSED: &str = "attendee.readdress";

/// What is to change; name and address cannot be cleared.
#[derive(Debug, Clone)]
pub struct EditAttendee {
    /// How the person is called.
    pub name: Change<PersonName>,
    /// Where mail goes.
    pub email: Change<EmailAddress>,
    /// A telephone number.
    pub phone: Change<PhoneNumber>,
    /// How many addresses one account may change within 24 hours.
    pub most_per_day: u32,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditedAttendee {
    /// It is so now.
    Changed(Attendee),
    /// Another attendee has the address, and nothing was changed. Not an error: the try is counted.
    AddressTaken,
}

/// Why the attendee stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditAttendeeError {
    /// There is none with that id, or none that the actor sees.
    #[error("no such attendee")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Name and address are those of an account.
    #[error("name and address are those of an account")]
    HasAccount,
    /// The account changed as many addresses as it may within 24 hours.
    #[error("no more than {0} addresses within 24 hours")]
    TooMany(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Refuses who may not change the attendee; without a lock, before somebody is told what is wrong with their request.
pub fn require_editor(tx: &mut dyn AttendeeTx, ctx: &Ctx, id: AttendeeId) -> Result<(), EditAttendeeError> {
    require_writing(&ctx.actor)?;
    let attendee = tx.find_attendee(id)?.ok_or(EditAttendeeError::NotFound)?;
    changes(tx, &ctx.actor, &attendee, EditAttendeeError::NotFound)
}

/// Changes an attendee; gives it as it is now. Seats stay with the attendee, and mail about them goes to the new
/// address; if that is an account's and confirmed, what the attendee holds is the account's.
pub fn edit_attendee(
    tx: &mut dyn AttendeeTx,
    ctx: &Ctx,
    id: AttendeeId,
    change: EditAttendee,
) -> Result<EditedAttendee, EditAttendeeError> {
    require_writing(&ctx.actor)?;
    if matches!(change.email, Change::Set(_)) && !ctx.actor.holds(Permission::AttendeeWriteAny) {
        // Two changes of addresses are counted one after the other.
        tx.lock_user(ctx.actor.signed_in()?.user_id)?;
    }
    // Nobody registers the attendee elsewhere, and no account gets it, between the question whose it is and the end.
    let before = tx.hold_attendee(id)?.ok_or(EditAttendeeError::NotFound)?;
    changes(tx, &ctx.actor, &before, EditAttendeeError::NotFound)?;
    let after = changed(&before, change.name, change.email, change.phone)?;
    let fields = changed_fields(&before, &after);
    if fields.is_empty() {
        return Ok(EditedAttendee::Changed(before));
    }
    if before.user_id.is_some() && fields != ["phone"] {
        return Err(EditAttendeeError::HasAccount);
    }
    if before.email.key() != after.email.key() {
        count_readdressing(tx, ctx, id, change.most_per_day)?;
        if tx.find_attendee_by_email(after.email.key())?.is_some() {
            return Ok(EditedAttendee::AddressTaken);
        }
    }
    tx.update_attendee(&after, ctx.now)?;
    tx.record_audit(
        ctx,
        AuditEntry::new("attendee.edit", "attendee", id.uuid()).with("fields", &fields.join(",")),
    )?;
    give_to_account(tx, &before, &after)?;
    Ok(EditedAttendee::Changed(after))
}

fn changed(
    before: &Attendee,
    name: Change<PersonName>,
    email: Change<EmailAddress>,
    phone: Change<PhoneNumber>,
) -> Result<Attendee, Invalid> {
    let mut invalid = Invalid::none();
    let mut after = before.clone();
    match name {
        Change::Keep => {}
        Change::Clear => invalid.add("/name", "missing", "a name is needed"),
        Change::Set(name) => after.name = name,
    }
    match email {
        Change::Keep => {}
        Change::Clear => invalid.add("/email", "missing", "an address is needed"),
        Change::Set(email) => after.email = email,
    }
    after.phone = phone.apply(after.phone);
    invalid.check()?;
    Ok(after)
}

/// The names of the fields that differ; never what they hold.
fn changed_fields(before: &Attendee, after: &Attendee) -> Vec<&'static str> {
    [
        ("name", before.name != after.name),
        ("email", before.email != after.email),
        ("phone", before.phone != after.phone),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

/// An address that is somebody's already is never taken over, nor are two attendees made one. That it is somebody's has to be
/// said; so it is counted how often one account tries, whatever comes of it.
fn count_readdressing(
    tx: &mut dyn AttendeeTx,
    ctx: &Ctx,
    id: AttendeeId,
    most_per_day: u32,
) -> Result<(), EditAttendeeError> {
    if !ctx.actor.holds(Permission::AttendeeWriteAny) {
        let user_id = ctx.actor.signed_in()?.user_id;
        let since = ctx.now - TimeDelta::days(1);
        if tx.count_audit(user_id, READDRESSED, since)? >= u64::from(most_per_day) {
            return Err(EditAttendeeError::TooMany(most_per_day));
        }
    }
    tx.record_audit(ctx, AuditEntry::new(READDRESSED, "attendee", id.uuid()))?;
    Ok(())
}

/// What a guest holds belongs to the confirmed account with its address, as when the manager had registered that address.
fn give_to_account(tx: &mut dyn AttendeeTx, before: &Attendee, after: &Attendee) -> Result<(), StoreError> {
    if before.email.key() == after.email.key() || !tx.attendee_takes_part(after.id)? {
        return Ok(());
    }
    let account = tx.find_user_by_email(after.email.key())?;
    match account.filter(|user| user.email_verified_at.is_some()) {
        Some(user) => tx.link_attendee(after.id, &user.account()),
        None => Ok(()),
    }
}
