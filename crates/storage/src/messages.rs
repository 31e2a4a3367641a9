//! The messages of the outbox, as the operator looks at them, and how what they carry is wiped.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::on;
use crate::outbox::QueuedMessage;
use crate::schema::outbox;
use crate::transaction::uids;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Bool;
use kernel::{Instant, OutboxId, Page, PageRequest, Position, StoreError};
use serde_json::Value;
use std::collections::HashSet;
use uuid::Uuid;

/// The channel of messages.
const MESSAGE: &str = "message";

/// A message in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSummary {
    /// Its id.
    pub id: OutboxId,
    /// What kind it is.
    pub kind: String,
    /// By what it travels: `email` or `sms`.
    pub medium: String,
    /// Where it goes: an address or a number.
    pub to: String,
    /// `queued`, `done` or `dead`.
    pub status: String,
    /// Tries that failed.
    pub attempts: u32,
    /// What was in the way the last time.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: Instant,
}

/// A message with all that it says.
#[derive(Debug, Clone)]
pub struct MessageDetails {
    /// As in a list.
    pub summary: MessageSummary,
    /// When it may be sent.
    pub due_at: Instant,
    /// After when it is worth nothing.
    pub not_after: Option<Instant>,
    /// When it was sent or given up.
    pub finished_at: Option<Instant>,
    /// The payload as it is stored.
    pub payload: Value,
    /// The same, read; none where this binary does not know it.
    pub queued: Option<QueuedMessage>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct MessageRow {
    id: Uid,
    kind: String,
    recipient_key: Option<String>,
    payload: Doc,
    status: String,
    due_at: Ts,
    not_after: Option<Ts>,
    created_at: Ts,
    medium: Option<String>,
    attempts: i16,
    last_error: Option<String>,
    finished_at: Option<Ts>,
}

impl MessageRow {
    fn into_details(self) -> MessageDetails {
        // As it was written, while that is kept; folded afterwards.
        let written = ["email", "phone"]
            .iter()
            .find_map(|medium| self.payload.0[medium].as_str().map(str::to_owned));
        MessageDetails {
            summary: MessageSummary {
                id: self.id.typed(),
                kind: self.kind,
                medium: self.medium.unwrap_or_default(),
                to: written.or(self.recipient_key).unwrap_or_default(),
                status: self.status,
                attempts: u32::try_from(self.attempts).unwrap_or(0),
                last_error: self.last_error,
                created_at: self.created_at.0,
            },
            due_at: self.due_at.0,
            not_after: self.not_after.map(|at| at.0),
            finished_at: self.finished_at.map(|at| at.0),
            queued: serde_json::from_value(self.payload.0.clone()).ok(),
            payload: self.payload.0,
        }
    }
}

impl Tx<'_> {
    /// Messages, the newest first: ids are made in the order of time.
    pub fn list_messages(&mut self, page: PageRequest) -> Result<Page<MessageSummary>, StoreError> {
        let surplus = i64::from(page.limit) + 1;
        let rows: Vec<MessageRow> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = outbox::table
                    .filter(outbox::channel.eq(MESSAGE))
                    .select(MessageRow::as_select())
                    .into_boxed();
                if let Some(position) = page.after {
                    query = query.filter(outbox::id.lt(Uid(position.id)));
                }
                query.order(outbox::id.desc()).limit(surplus).load(c)
            })
        })?;
        let rows = rows.into_iter().map(|row| row.into_details().summary).collect();
        Ok(Page::from_surplus(rows, page, None, |row: &MessageSummary| {
            Position {
                value: row.created_at.timestamp_micros(),
                id: kernel::TypedId::uuid(row.id),
            }
        }))
    }

    /// One message.
    pub fn find_message(&mut self, id: OutboxId) -> Result<Option<MessageDetails>, StoreError> {
        let row: Option<MessageRow> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(outbox::id.eq(Uid::of(id)).and(outbox::channel.eq(MESSAGE)))
                .select(MessageRow::as_select())
                .first(c)
                .optional())
        })?;
        Ok(row.map(MessageRow::into_details))
    }

    /// Which of these are there.
    pub fn known_messages(&mut self, ids: &[OutboxId]) -> Result<HashSet<OutboxId>, StoreError> {
        let ids = uids(ids);
        let known: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(outbox::id.eq_any(ids))
                .select(outbox::id)
                .load(c))
        })?;
        Ok(known.into_iter().map(Uid::typed).collect())
    }

    /// Forgets what messages say that are worth nothing any more, those that wait and dead letters alike, and gives up those
    /// that wait; gives how many. The rows stay, so that the operator sees what was never sent. One that a worker has in
    /// hand is left to it: it may be on its way, and has its turn when the lease is over.
    pub fn wipe_lapsed_messages(&mut self, now: Instant) -> Result<u64, StoreError> {
        // The first line of the condition is that of the index `outbox_by_end`.
        let wiped = self.run(|connection| {
            on!(connection, |c| sql_query(
                "UPDATE outbox SET status = 'dead', payload = '{}', finished_at = COALESCE(finished_at, $1), \
                 wiped_at = $1, leased_by = NULL, \
                 last_error = CASE WHEN status = 'dead' THEN last_error \
                     ELSE 'not sent in time' || COALESCE(': ' || last_error, '') END \
                 WHERE status <> 'done' AND wiped_at IS NULL AND not_after <= $1 \
                 AND channel = 'message' AND (leased_by IS NULL OR due_at <= $1)"
            )
            .bind::<crate::columns::sql::Instant, _>(Ts(now))
            .execute(c))
        })?;
        Ok(wiped as u64)
    }

    /// Deletes messages that were done with before then, sent or given up, some of them; gives how many. By then nothing asks
    /// for the same message again, which is what the row was still good for.
    pub fn forget_finished_messages(&mut self, before: Instant) -> Result<u64, StoreError> {
        const AT_ONCE: i64 = 1_000;
        let mut forgotten = 0;
        // Literal, and one by one, for the sake of the index `outbox_by_status`.
        for which in [
            "channel = 'message' AND status = 'done'",
            "channel = 'message' AND status = 'dead'",
        ] {
            forgotten += self.run(|connection| {
                on!(connection, |c| {
                    let old: Vec<Uid> = outbox::table
                        .filter(sql::<Bool>(which))
                        .filter(outbox::id.lt(Uid(first_id_of(before))))
                        .filter(outbox::finished_at.le(Ts(before)))
                        .order(outbox::id)
                        .limit(AT_ONCE)
                        .select(outbox::id)
                        .load(c)?;
                    diesel::delete(outbox::table.filter(outbox::id.eq_any(old))).execute(c)
                })
            })?;
        }
        Ok(forgotten as u64)
    }
}

/// Smaller than all ids that are made from that millisecond on: ids begin with the time (RFC 9562, version 7).
pub(crate) fn first_id_of(instant: Instant) -> Uuid {
    let milliseconds = u64::try_from(instant.timestamp_millis()).unwrap_or(0);
    Uuid::from_u64_pair(milliseconds << 16, 0)
}
