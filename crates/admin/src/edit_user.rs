//! An admin changes somebody else's profile, suspends the account or lets it be used again.

use crate::{AdminTx, require_user};
use auth::{ADMIN_ROLE, AuthorityError, OneTimePurpose, require_another_admin};
use kernel::{AuditEntry, Change, Ctx, Denied, Invalid, Permission, StoreError, TypedId, UserId};
use user::{ProfileChange, User, UserStatus, changed_profile};

/// What is to change.
#[derive(Debug, Clone, Default)]
pub struct EditUser {
    /// Whether the account may be used; cannot be cleared.
    pub status: Change<UserStatus>,
    /// The profile, as the person could change it.
    pub profile: ProfileChange,
}

/// Why the account stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditUserError {
    /// There is none with that id, or its person was forgotten.
    #[error("no such account")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It holds a permission that the actor lacks, or is the last admin's.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes an account. Suspending ends its sessions and voids what was mailed to it; its seats stay.
pub fn edit_user(
    tx: &mut dyn AdminTx,
    ctx: &Ctx,
    id: UserId,
    change: EditUser,
) -> Result<User, EditUserError> {
    ctx.actor.require(Permission::UserManage)?;
    if change.profile.name != Change::Keep {
        // Authority, events, account: in the order in which erasing takes them.
        tx.lock_authority()?;
        tx.before_person_renamed(id)?;
    }
    let before = require_user(tx, ctx, id)?;
    let mut invalid = Invalid::none();
    let status = match change.status {
        Change::Keep => before.status,
        Change::Clear => {
            invalid.add("/status", "missing", "active or suspended is needed");
            before.status
        }
        Change::Set(status) => status,
    };
    let changed = changed_profile(before.clone(), change.profile);
    if let Err(wrong) = &changed {
        invalid.0.extend(wrong.0.iter().cloned());
    }
    invalid.check()?;
    let mut user = changed?;
    let fields = changed_fields(&before, &user);
    if status == before.status && fields.is_empty() {
        return Ok(before);
    }
    user.updated_at = ctx.now;
    if !fields.is_empty() {
        tx.update_profile(&user)?;
        if user.name != before.name {
            tx.person_renamed(ctx, id)?;
        }
        let entry = AuditEntry::new("user.edit", "user", id.uuid());
        tx.record_audit(ctx, entry.with("fields", &fields.join(",")))?;
    }
    if status != before.status {
        user.status = status;
        match status {
            UserStatus::Suspended => suspend(tx, ctx, &before)?,
            UserStatus::Active => reactivate(tx, ctx, id)?,
        }
    }
    Ok(user)
}

fn suspend(tx: &mut dyn AdminTx, ctx: &Ctx, user: &User) -> Result<(), EditUserError> {
    if user.roles.iter().any(|role| role == ADMIN_ROLE) {
        require_another_admin(tx, user.id)?;
    }
    tx.set_user_status(user.id, UserStatus::Suspended, ctx.now)?;
    for purpose in OneTimePurpose::ALL {
        tx.void_one_times_of(user.id, purpose, ctx.now)?;
    }
    let ended = tx.revoke_sessions_of(user.id, None, ctx.now, "suspended")?;
    let entry = AuditEntry::new("user.suspend", "user", user.id.uuid());
    tx.record_audit(ctx, entry.with("sessions_ended", &ended))?;
    Ok(())
}

fn reactivate(tx: &mut dyn AdminTx, ctx: &Ctx, id: UserId) -> Result<(), EditUserError> {
    tx.set_user_status(id, UserStatus::Active, ctx.now)?;
    tx.record_audit(ctx, AuditEntry::new("user.reactivate", "user", id.uuid()))?;
    Ok(())
}

/// The names of the fields of the profile that differ; never what they hold.
fn changed_fields(before: &User, after: &User) -> Vec<&'static str> {
    [
        ("name", before.name != after.name),
        ("phone", before.phone != after.phone),
        ("profession", before.profession != after.profession),
        ("bio", before.bio != after.bio),
        ("avatar_url", before.avatar_url != after.avatar_url),
        ("time_zone", before.time_zone != after.time_zone),
        ("listed", before.listed != after.listed),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}
