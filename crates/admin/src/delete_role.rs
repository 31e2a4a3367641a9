//! A role is removed; who has it gets another one, if one is named.

use crate::{AdminTx, require_role};
use auth::{AuthorityError, require_covers};
use kernel::{AuditEntry, Ctx, Denied, StoreError};

/// Why the role stays.
#[derive(Debug, thiserror::Error)]
pub enum DeleteRoleError {
    /// There is none of that name.
    #[error("no such role")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It, or the role that its holders would get, includes a permission that the actor lacks.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Its holders would get a role that there is not.
    #[error("there is no role to move to")]
    UnknownTarget,
    /// Its holders would get the role that goes.
    #[error("the role to move to is the one that goes")]
    SameTarget,
    /// It came with Podium.
    #[error("the role is built in")]
    BuiltIn,
    /// So many have it, and it is not said what they get instead.
    #[error("{0} hold the role")]
    InUse(u64),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Removes a role. Its holders get the role `move_to` instead, if it is named.
pub fn delete_role(
    tx: &mut dyn AdminTx,
    ctx: &Ctx,
    name: &str,
    move_to: Option<&str>,
) -> Result<(), DeleteRoleError> {
    let role = require_role(tx, ctx, name)?;
    if let Some(target) = move_to {
        if target == name {
            return Err(DeleteRoleError::SameTarget);
        }
        let target = tx.find_role(target)?.ok_or(DeleteRoleError::UnknownTarget)?;
        require_covers(tx, ctx, target.permissions)?;
    }
    if role.built_in {
        return Err(DeleteRoleError::BuiltIn);
    }
    let mut entry = AuditEntry::new("role.delete", "role", name);
    if role.holders > 0 {
        let target = move_to.ok_or(DeleteRoleError::InUse(role.holders))?;
        tx.move_holders(name, target)?;
        entry = entry.with("holders", &role.holders).with("moved_to", target);
    }
    tx.delete_role(name)?;
    tx.record_audit(ctx, entry)?;
    Ok(())
}
