//! Rows of the audit log: append only.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::on;
use crate::schema::audit_log;
use diesel::prelude::*;
use kernel::{AuditEntry, AuditId, AuditLog, Ctx, StoreError};

#[derive(Insertable)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
struct AuditRow {
    id: Uid,
    at: Ts,
    actor_id: Option<Uid>,
    action: &'static str,
    object_type: &'static str,
    object_id: Uid,
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
            object_id: Uid(entry.object_id),
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
}
