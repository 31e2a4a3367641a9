//! The audit log's port: every admin and manager action leaves a row, in the transaction of the action.

use crate::{Ctx, Instant, StoreError, UserId};

/// One action to note. It holds ids, names of changed fields and values that name no person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// What was done, such as `event.cancel`.
    pub action: &'static str,
    /// The kind of thing it was done to, such as `event`.
    pub object_type: &'static str,
    /// The thing: its id, or its name where that is what it goes by.
    pub object_id: String,
    /// The names of the fields that changed, or other facts that name no person.
    pub changes: Vec<(&'static str, String)>,
    /// Why, in the actor's words, where a reason is asked for.
    pub reason: Option<String>,
}

impl AuditEntry {
    /// An action on a thing, with nothing more to say about it.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an id or a name, as it stands at the caller"
    )]
    pub fn new(action: &'static str, object_type: &'static str, object_id: impl ToString) -> Self {
        Self {
            action,
            object_type,
            object_id: object_id.to_string(),
            changes: Vec::new(),
            reason: None,
        }
    }

    /// The same with one more fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.changes.push((name, value.to_string()));
        self
    }

    /// The same with the actor's reason.
    #[must_use]
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }
}

/// Append only: nothing changes a row.
pub trait AuditLog {
    /// Notes an action of `ctx.actor` in this transaction.
    fn record_audit(&mut self, ctx: &Ctx, entry: AuditEntry) -> Result<(), StoreError>;
    /// How often an account did a thing since then. Only limits ask this.
    fn count_audit(&mut self, actor_id: UserId, action: &str, since: Instant) -> Result<u64, StoreError>;
    /// How often it was done to a thing since then, by whomever. Only limits ask this.
    fn count_audit_of(
        &mut self,
        object_type: &str,
        object_id: &str,
        action: &str,
        since: Instant,
    ) -> Result<u64, StoreError>;
}
