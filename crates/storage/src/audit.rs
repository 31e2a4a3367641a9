//! Rows of the audit log: append only.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::on;
use crate::schema::audit_log;
use diesel::prelude::*;
use kernel::{AuditEntry, AuditId, AuditLog, Ctx, Instant, StoreError, UserId};

#[derive(Insertable)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
struct AuditRow {
    id: Uid,
    at: Ts,
    actor_id: Option<Uid>,
    action: &'static str,
    object_type: &'static str,
    object_id: String,
    changes: Doc,
    reason: Option<String>,
    request_id: String,
}

impl AuditLog for Tx<'_> {
    fn record_audit(&mut self, ctx: &Ctx, entry: AuditEntry) -> Result<(), StoreError> {
        let changes = entry
            .changes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let row = AuditRow {
            id: Uid::of(ctx.new_id::<AuditId>()),
            at: Ts(ctx.now),
            actor_id: ctx.actor.user_id().map(Uid::of),
            action: entry.action,
            object_type: entry.object_type,
            object_id: entry.object_id,
            changes: Doc(serde_json::Value::Object(changes)),
            reason: entry.reason,
            request_id: ctx.request_id.to_string(),
        };
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(audit_log::table)
                .values(&row)
                .execute(c))
        })?;
        Ok(())
    }

    fn count_audit(&mut self, actor_id: UserId, action: &str, since: Instant) -> Result<u64, StoreError> {
        let count: i64 = self.run(|connection| {
            on!(connection, |c| audit_log::table
                .filter(audit_log::actor_id.eq(Uid::of(actor_id)))
                .filter(audit_log::at.gt(Ts(since)))
                .filter(audit_log::action.eq(action))
                .count()
                .get_result(c))
        })?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
