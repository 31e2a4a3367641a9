//! Rows of the audit log: append only.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::on;
use crate::events::{instant_of, within_calendar};
use crate::schema::audit_log;
use admin::{AuditFilter, AuditRecord, AuditRepository};
use diesel::prelude::*;
use kernel::{
    AuditEntry, AuditId, AuditLog, Ctx, Instant, Page, PageRequest, Position, StoreError, TypedId, UserId,
};

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

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_log)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct WrittenRow {
    id: Uid,
    at: Ts,
    actor_id: Option<Uid>,
    action: String,
    object_type: String,
    object_id: String,
    changes: Doc,
    reason: Option<String>,
    request_id: String,
}

impl WrittenRow {
    fn into_record(self) -> AuditRecord {
        let changes = match self.changes.0 {
            serde_json::Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| match value {
                    serde_json::Value::String(text) => (name, text),
                    other => (name, other.to_string()),
                })
                .collect(),
            _ => std::collections::BTreeMap::new(),
        };
        AuditRecord {
            id: self.id.typed(),
            at: self.at.0,
            actor_id: self.actor_id.map(Uid::typed),
            action: self.action,
            object_type: self.object_type,
            object_id: self.object_id,
            changes,
            reason: self.reason,
            request_id: self.request_id,
        }
    }
}

/// Adds the filters of a list of rows to a boxed query.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let (mut query, filter) = ($query, $filter);
        if let Some(actor) = filter.actor_id {
            query = query.filter(audit_log::actor_id.eq(Uid::of(actor)));
        }
        if let Some(object_type) = &filter.object_type {
            query = query.filter(audit_log::object_type.eq(object_type.clone()));
        }
        if let Some(object_id) = &filter.object_id {
            query = query.filter(audit_log::object_id.eq(object_id.clone()));
        }
        if let Some(action) = &filter.action {
            query = query.filter(audit_log::action.eq(action.clone()));
        }
        if let Some(from) = filter.from {
            query = query.filter(audit_log::at.ge(Ts(within_calendar(from))));
        }
        if let Some(to) = filter.to {
            query = query.filter(audit_log::at.le(Ts(within_calendar(to))));
        }
        query
    }};
}

impl Tx<'_> {
    fn count_audit_rows(&mut self, filter: &AuditFilter) -> Result<u64, StoreError> {
        let total: i64 = self.run(|connection| {
            on!(connection, |c| filtered!(audit_log::table.into_boxed(), filter)
                .count()
                .get_result(c))
        })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }
}

impl AuditRepository for Tx<'_> {
    fn list_audit(
        &mut self,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let total = if page.include_total {
            Some(self.count_audit_rows(filter)?)
        } else {
            None
        };
        let rows: Vec<WrittenRow> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = filtered!(
                    audit_log::table.select(WrittenRow::as_select()).into_boxed(),
                    filter
                );
                if let Some(after) = page.after {
                    let (at, id) = (Ts(instant_of(after)), Uid(after.id));
                    query = query.filter(
                        audit_log::at
                            .le(at)
                            .and(audit_log::at.lt(at).or(audit_log::id.lt(id))),
                    );
                }
                query
                    .order((audit_log::at.desc(), audit_log::id.desc()))
                    .limit(i64::from(page.limit) + 1)
                    .load(c)
            })
        })?;
        let records = rows.into_iter().map(WrittenRow::into_record).collect();
        Ok(Page::from_surplus(records, page, total, |record| Position {
            value: record.at.timestamp_micros(),
            id: record.id.uuid(),
        }))
    }
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

    fn count_audit_of(
        &mut self,
        object_type: &str,
        object_id: &str,
        action: &str,
        since: Instant,
    ) -> Result<u64, StoreError> {
        let count: i64 = self.run(|connection| {
            on!(connection, |c| audit_log::table
                .filter(audit_log::object_type.eq(object_type))
                .filter(audit_log::object_id.eq(object_id))
                .filter(audit_log::at.gt(Ts(since)))
                .filter(audit_log::action.eq(action))
                .count()
                .get_result(c))
        })?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
