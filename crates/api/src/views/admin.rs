//! What administrators see: permissions, roles, the audit log.

use admin::{AuditRecord, Role};
use chrono::{DateTime, Utc};
use kernel::{Permission, TypedId};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// One thing that a role can permit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Permission)]
pub struct PermissionBody {
    /// What roles name it by.
    #[schema(example = "audit:read")]
    pub name: &'static str,
    /// What holding it allows.
    pub description: &'static str,
}

impl PermissionBody {
    /// The permission.
    pub fn of(permission: Permission) -> Self {
        Self {
            name: permission.as_str(),
            description: permission.description(),
        }
    }
}

/// A name for a set of permissions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Role)]
pub struct RoleBody {
    /// What it goes by.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it permits, in the order of the catalogue.
    pub permissions: Vec<&'static str>,
    /// Whether it came with Podium, and cannot be changed.
    pub built_in: bool,
    /// How many accounts have it.
    pub holders: u64,
}

impl RoleBody {
    /// The role.
    pub fn of(role: Role) -> Self {
        Self {
            name: role.name,
            description: role.description,
            permissions: role.permissions.iter().map(Permission::as_str).collect(),
            built_in: role.built_in,
            holders: role.holders,
        }
    }
}

/// A row of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub struct AuditBody {
    /// Its id.
    pub id: Uuid,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// Who did it; null where Podium or its operator did.
    pub actor_id: Option<Uuid>,
    /// What was done.
    #[schema(example = "event.cancel")]
    pub action: String,
    /// The kind of thing it was done to.
    #[schema(example = "event")]
    pub object_type: String,
    /// The thing: its id, or its name where that is what it goes by.
    pub object_id: String,
    /// The names of the fields that changed, or other facts that name no person.
    pub changes: BTreeMap<String, String>,
    /// Why, where a reason is asked for.
    pub reason: Option<String>,
    /// The request that it was part of.
    pub request_id: String,
}

impl AuditBody {
    /// The row.
    pub fn of(record: AuditRecord) -> Self {
        Self {
            id: record.id.uuid(),
            at: record.at,
            actor_id: record.actor_id.map(TypedId::uuid),
            action: record.action,
            object_type: record.object_type,
            object_id: record.object_id,
            changes: record.changes,
            reason: record.reason,
            request_id: record.request_id,
        }
    }
}
