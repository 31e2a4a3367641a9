//! Administration: roles, the accounts of others, the queue of messages, the audit log.
//!
//! Invariants: nobody gives, edits, deletes or touches a role or an account that includes a permission which they lack;
//! there is always an admin whose account may be used; every action leaves a row in the audit log, in its transaction.

mod create_role;
mod create_user;
mod delete_role;
mod drop_job;
mod edit_role;
mod edit_user;
mod job;
mod model;
mod read_audit_log;
mod read_jobs;
mod read_roles;
mod read_statistics;
mod read_users;
mod repository;
mod retry_job;
mod set_user_roles;

pub use create_role::{CreateRole, CreateRoleError, create_role};
pub use create_user::{CheckedUser, CreateUser, CreateUserError, create_user};
pub use delete_role::{DeleteRoleError, delete_role};
pub use drop_job::{DROPPED, DropJobError, drop_job};
pub use edit_role::{EditRole, EditRoleError, edit_role};
pub use edit_user::{EditUser, EditUserError, edit_user};
pub use job::{JobFilter, JobStatus, MessageKind, QueuedJob};
pub use model::{AuditFilter, AuditRecord, InvalidRoleName, Role, RoleName, UserFilter};
pub use read_audit_log::{ReadAuditLogError, read_audit_log};
pub use read_jobs::{ReadJobsError, read_jobs};
pub use read_roles::{RoleAccessError, list_permissions, list_roles, require_role};
pub use read_statistics::{
    DayOfStatistics, ReadStatisticsError, Statistics, StatisticsSource, read_statistics, require_statistics,
};
pub use read_users::{UserAccessError, list_users, read_user, require_user};
pub use repository::{AdminTx, AuditRepository, JobRepository, JobTx, RoleRepository, UserAdminRepository};
pub use retry_job::{RetryJobError, retry_job};
pub use set_user_roles::{SetUserRolesError, set_user_roles};
