//! What a role permits is changed; its name stays.

use crate::model::{check_description, names_of, parse_permissions};
use crate::{AdminTx, Role, require_role};
use auth::{AuthorityError, require_covers};
use kernel::{AuditEntry, Change, Ctx, Denied, Invalid, PermissionSet, StoreError};

/// What is to change, as written.
#[derive(Debug, Clone, Default)]
pub struct EditRole {
    /// What the role is for.
    pub description: Change<String>,
    /// Names of the catalogue; the whole set, which cannot be cleared by leaving it out.
    pub permissions: Change<Vec<String>>,
}

/// Why the role stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditRoleError {
    /// There is none of that name.
    #[error("no such role")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It includes, or would include, a permission that the actor lacks.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It came with Podium.
    #[error("the role is built in")]
    BuiltIn,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes a role, for all who have it.
pub fn edit_role(
    tx: &mut dyn AdminTx,
    ctx: &Ctx,
    name: &str,
    change: EditRole,
) -> Result<Role, EditRoleError> {
    let before = require_role(tx, ctx, name)?;
    let mut invalid = Invalid::none();
    let description = match change.description {
        Change::Keep => before.description.clone(),
        Change::Clear => String::new(),
        Change::Set(text) => text,
    };
    check_description(&mut invalid, &description);
    let permissions = match change.permissions {
        Change::Keep => before.permissions,
        Change::Clear => {
            invalid.add("/permissions", "missing", "a list is needed; [] permits nothing");
            PermissionSet::NONE
        }
        Change::Set(names) => parse_permissions(&mut invalid, &names),
    };
    invalid.check()?;
    require_covers(tx, ctx, permissions)?;
    if before.built_in {
        return Err(EditRoleError::BuiltIn);
    }
    let after = Role {
        description,
        permissions,
        ..before.clone()
    };
    if after == before {
        return Ok(after);
    }
    tx.update_role(name, &after.description, permissions)?;
    tx.record_audit(ctx, changed_fields(&before, &after))?;
    Ok(after)
}

fn changed_fields(before: &Role, after: &Role) -> AuditEntry {
    let mut fields = Vec::new();
    if before.description != after.description {
        fields.push("description");
    }
    if before.permissions != after.permissions {
        fields.push("permissions");
    }
    let entry = AuditEntry::new("role.edit", "role", &after.name).with("fields", &fields.join(","));
    if before.permissions == after.permissions {
        return entry;
    }
    let only_in = |one: PermissionSet, other: PermissionSet| {
        names_of(
            one.iter()
                .filter(|permission| !other.contains(*permission))
                .collect(),
        )
    };
    entry
        .with("added", &only_in(after.permissions, before.permissions))
        .with("removed", &only_in(before.permissions, after.permissions))
}
