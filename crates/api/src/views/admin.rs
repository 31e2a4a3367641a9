//! What administrators see: permissions, roles, the queue of messages, the audit log.

use admin::{AuditRecord, QueuedJob, Role};
use chrono::{DateTime, Utc};
use kernel::{Instant, Permission, TypedId};
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

/// A message of the queue, without what it says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobBody {
    /// Its id.
    pub id: Uuid,
    /// `email` or `sms`.
    pub medium: &'static str,
    /// What kind of message it is.
    #[schema(example = "seat_confirmed")]
    pub kind: String,
    /// The address, in small letters, or the phone number.
    pub recipient: String,
    /// The account of the recipient, if there is one.
    pub user_id: Option<Uuid>,
    /// `queued`, `done`, `dead` or, dropped or not sent in time, `lapsed`.
    pub status: &'static str,
    /// Whether it is being sent at this moment.
    pub in_progress: bool,
    /// Whether it is a dead letter that can be tried again.
    pub retryable: bool,
    /// Tries that failed.
    pub attempts: u32,
    /// What was in the way the last time.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it is to be sent; null unless it is queued and nobody is sending it.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was sent or given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// After when it is worth nothing and is not sent any more.
    pub not_after: Option<DateTime<Utc>>,
}

impl JobBody {
    /// The message as it is at that instant.
    pub fn of(job: QueuedJob, now: Instant) -> Self {
        Self {
            in_progress: job.is_in_progress(now),
            retryable: job.is_retryable(now),
            due_at: job.is_waiting(now).then_some(job.due_at),
            id: job.id.uuid(),
            medium: job.medium.as_str(),
            kind: job.kind,
            recipient: job.recipient,
            user_id: job.user_id.map(TypedId::uuid),
            status: job.status.as_str(),
            attempts: job.attempts,
            last_error: job.last_error,
            created_at: job.created_at,
            finished_at: job.finished_at,
            not_after: job.not_after,
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
