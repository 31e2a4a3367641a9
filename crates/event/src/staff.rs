//! Who helps to run an event: managers and scanners. Rights are looked up with every request, so a change of staff is in
//! force at once.

use crate::{EventRepository, EventStatus, StaffRole, lock_managed_event, manages};
use kernel::{
    AuditEntry, AuditLog, Ctx, Denied, EventId, Instant, Page, PageRequest, StoreError, TypedId, UserId,
};

/// Somebody of an event's staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// The account.
    pub user_id: UserId,
    /// How the person is called.
    pub name: String,
    /// What they do.
    pub role: StaffRole,
    /// Since when they belong to it.
    pub added_at: Instant,
}

/// The staff of events.
pub trait StaffRepository {
    /// An account that is in use, as far as it matters to those who help.
    fn find_helper(&mut self, id: UserId) -> Result<Option<Helper>, StoreError>;
    /// Somebody of the staff.
    fn find_staff_member(&mut self, event: EventId, user: UserId) -> Result<Option<StaffMember>, StoreError>;
    /// A page of the staff, in the order in which they came.
    fn list_staff(&mut self, event: EventId, page: PageRequest) -> Result<Page<StaffMember>, StoreError>;
    /// Makes the person one of the staff, or gives them another role. [`StoreError::Contention`] if the account was erased
    /// meanwhile.
    fn put_staff_member(
        &mut self,
        event: EventId,
        member: &StaffMember,
        by: Option<UserId>,
    ) -> Result<(), StoreError>;
    /// Takes the person off the staff; false if they did not belong to it.
    fn remove_staff_member(&mut self, event: EventId, user: UserId) -> Result<bool, StoreError>;
}

/// An account that could help or organise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// How the person is called.
    pub name: String,
    /// Whether its roles permit to organise events.
    pub may_organise: bool,
    /// Whether its address is confirmed.
    pub email_verified: bool,
}

/// What the operations on staff need of a transaction.
pub trait StaffTx: EventRepository + StaffRepository + AuditLog {}

/// Why the staff stays as it is, or is not shown.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// There is no such event, or it is somebody else's draft; there is no such account; or it does not belong to the staff.
    #[error("no such event or person")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Who runs an event must have confirmed their address, and this person has not.
    #[error("the address is not confirmed")]
    Unconfirmed,
    /// The organiser runs the event already.
    #[error("the organiser is not staff")]
    IsOrganizer,
    /// The event was called off, or nobody is checked in there any more.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The staff of an event, for its managers.
pub fn list_staff(
    tx: &mut dyn StaffTx,
    ctx: &Ctx,
    id: EventId,
    page: PageRequest,
) -> Result<Page<StaffMember>, StaffError> {
    require_staff_reader(tx, ctx, id)?;
    Ok(tx.list_staff(id, page)?)
}

/// Somebody of an event's staff, for its managers.
pub fn read_staff_member(
    tx: &mut dyn StaffTx,
    ctx: &Ctx,
    id: EventId,
    user_id: UserId,
) -> Result<StaffMember, StaffError> {
    require_staff_reader(tx, ctx, id)?;
    tx.find_staff_member(id, user_id)?.ok_or(StaffError::NotFound)
}

fn require_staff_reader(tx: &mut dyn StaffTx, ctx: &Ctx, id: EventId) -> Result<(), StaffError> {
    let event = tx.find_event(id)?.ok_or(StaffError::NotFound)?;
    manages(tx, &ctx.actor, event.reference(), StaffError::NotFound)
}

/// What putting somebody on the staff did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffPut {
    /// The person as one of the staff.
    pub member: StaffMember,
    /// Whether they are new.
    pub is_new: bool,
}

/// Who is to be of the staff, and as what.
#[derive(Debug, Clone, Copy)]
pub struct PutStaff {
    /// The event.
    pub event_id: EventId,
    /// The account.
    pub user_id: UserId,
    /// What they are to do.
    pub role: StaffRole,
    /// Whether who runs events must have confirmed their address.
    pub require_verified_email: bool,
}

/// Makes a person one of the event's staff, or gives them another role there.
pub fn put_staff_member(tx: &mut dyn StaffTx, ctx: &Ctx, command: PutStaff) -> Result<StaffPut, StaffError> {
    let PutStaff {
        event_id: id,
        user_id,
        role,
        require_verified_email,
    } = command;
    let event = lock_managed_event(tx, ctx, id, || StaffError::NotFound)?;
    // Nothing more is told of accounts than their public profiles tell.
    let helper = tx.find_helper(user_id)?.ok_or(StaffError::NotFound)?;
    let is_over =
        event.status != EventStatus::Draft && !event.reference().admits_at(ctx.now, event.details.ends_at);
    if is_over {
        return Err(StaffError::ReadOnly(event.status));
    }
    if event.organizer.id == user_id {
        return Err(StaffError::IsOrganizer);
    }
    if role == StaffRole::Manager && require_verified_email && !helper.email_verified {
        return Err(StaffError::Unconfirmed);
    }
    let before = tx.find_staff_member(id, user_id)?;
    let member = StaffMember {
        user_id,
        name: helper.name,
        role,
        added_at: before.as_ref().map_or(ctx.now, |before| before.added_at),
    };
    if before.as_ref().map(|before| before.role) != Some(role) {
        tx.put_staff_member(id, &member, ctx.actor.user_id())?;
        tx.record_audit(
            ctx,
            AuditEntry::new("event.put_staff", "event", id.uuid())
                .with("user_id", &user_id)
                .with("role", role.as_str()),
        )?;
    }
    Ok(StaffPut {
        member,
        is_new: before.is_none(),
    })
}

/// Takes a person off the event's staff, whatever has become of the event.
pub fn remove_staff_member(
    tx: &mut dyn StaffTx,
    ctx: &Ctx,
    id: EventId,
    user_id: UserId,
) -> Result<(), StaffError> {
    lock_managed_event(tx, ctx, id, || StaffError::NotFound)?;
    if !tx.remove_staff_member(id, user_id)? {
        return Err(StaffError::NotFound);
    }
    tx.record_audit(
        ctx,
        AuditEntry::new("event.remove_staff", "event", id.uuid()).with("user_id", &user_id),
    )?;
    Ok(())
}
