//! A role is made.

use crate::model::{check_description, names_of, parse_permissions};
use crate::{AdminTx, Role, RoleName};
use auth::{AuthorityError, require_covers};
use kernel::{AuditEntry, Ctx, Denied, Invalid, Permission, StoreError};

/// What is to be made, as written.
#[derive(Debug, Clone)]
pub struct CreateRole {
    /// A small letter, then up to 49 small letters, digits, hyphens and underscores.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Names of the catalogue.
    pub permissions: Vec<String>,
}

/// Why no role was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateRoleError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It includes a permission that the actor lacks.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// There is one of that name.
    #[error("the role is there already")]
    AlreadyExists,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a role, which can be given from now on.
pub fn create_role(tx: &mut dyn AdminTx, ctx: &Ctx, command: CreateRole) -> Result<Role, CreateRoleError> {
    ctx.actor.require(Permission::RoleManage)?;
    let mut invalid = Invalid::none();
    let name = invalid.take("/name", "format", command.name.parse::<RoleName>());
    let description = command.description.unwrap_or_default();
    check_description(&mut invalid, &description);
    let permissions = parse_permissions(&mut invalid, &command.permissions);
    let Some(name) = name.filter(|_| invalid.0.is_empty()) else {
        return Err(invalid.into());
    };
    require_covers(tx, ctx, permissions)?;
    let role = Role {
        name: name.into_string(),
        description,
        permissions,
        built_in: false,
        holders: 0,
    };
    if !tx.existing_roles(std::slice::from_ref(&role.name))?.is_empty() {
        return Err(CreateRoleError::AlreadyExists);
    }
    tx.insert_role(&role)?;
    tx.record_audit(
        ctx,
        AuditEntry::new("role.create", "role", &role.name).with("permissions", &names_of(permissions)),
    )?;
    Ok(role)
}
