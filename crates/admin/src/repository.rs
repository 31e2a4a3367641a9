//! Where roles, the accounts of others, the queue of messages and the audit log are read and kept.

use crate::{AuditFilter, AuditRecord, JobFilter, QueuedJob, Role, UserFilter};
use auth::AuthTx;
use kernel::{AuditLog, Instant, OutboxId, Page, PageRequest, PermissionSet, StoreError, UserId};
use user::{PersonRenamed, User, UserStatus};

/// Roles. Everything that changes what a role permits also makes this process forget what it remembers of sessions.
pub trait RoleRepository {
    /// All roles, by their names.
    fn list_roles(&mut self) -> Result<Vec<Role>, StoreError>;
    /// The role of that name.
    fn find_role(&mut self, name: &str) -> Result<Option<Role>, StoreError>;
    /// What those of these roles permit that there are, each once and by their names.
    fn find_grants(&mut self, names: &[String]) -> Result<Vec<(String, PermissionSet)>, StoreError>;
    /// Makes a role. [`StoreError::Duplicate`] if the name is taken.
    fn insert_role(&mut self, role: &Role) -> Result<(), StoreError>;
    /// Writes a role's description and permissions.
    fn update_role(
        &mut self,
        name: &str,
        description: &str,
        permissions: PermissionSet,
    ) -> Result<(), StoreError>;
    /// Gives all who have one role the other one instead.
    fn move_holders(&mut self, from: &str, to: &str) -> Result<(), StoreError>;
    /// Removes a role that nobody has. If somebody has got it meanwhile, [`StoreError::Contention`].
    fn delete_role(&mut self, name: &str) -> Result<(), StoreError>;
}

/// The accounts of others. Those whose people asked to be forgotten are not there.
pub trait UserAdminRepository {
    /// A page of accounts, the newest first.
    fn list_users(&mut self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, StoreError>;
    /// The account with that id.
    fn find_known_user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// Says whether an account may be used.
    fn set_user_status(&mut self, id: UserId, status: UserStatus, at: Instant) -> Result<(), StoreError>;
    /// Gives an account these roles and no others.
    fn set_user_roles(&mut self, id: UserId, roles: &[String], at: Instant) -> Result<(), StoreError>;
}

/// The audit log, to be read.
pub trait AuditRepository {
    /// A page of rows, the newest first.
    fn list_audit(
        &mut self,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError>;
}

/// The queue of messages, as those who run the server handle it.
pub trait JobRepository {
    /// A page of messages, the newest first.
    fn list_jobs(&mut self, filter: &JobFilter, page: PageRequest) -> Result<Page<QueuedJob>, StoreError>;
    /// The message with that id, which nobody else changes until the end of the transaction.
    fn lock_job(&mut self, id: OutboxId) -> Result<Option<QueuedJob>, StoreError>;
    /// Puts a message back into the queue, due now and untried, and wakes who sends after the commit.
    fn requeue_job(&mut self, id: OutboxId, now: Instant) -> Result<(), StoreError>;
    /// Makes a dead letter of a message, for this reason, and takes out what it says.
    fn drop_job(&mut self, id: OutboxId, reason: &str, now: Instant) -> Result<(), StoreError>;
}

/// What handling the queue needs of a transaction.
pub trait JobTx: JobRepository + AuditLog {}

/// What administration needs of a transaction.
pub trait AdminTx: AuthTx + PersonRenamed + RoleRepository + UserAdminRepository {}
