//! The queue of messages, as those who run the server see and handle it. What a message says is never read here.

use crate::Tx;
use crate::campaigns::Ended;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::{DbConn, on};
use crate::schema::outbox;
use crate::transaction::named;
use admin::{JobFilter, JobRepository, JobStatus, QueuedJob};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{Instant, OutboxId, Page, PageRequest, Position, StoreError, TypedId};
use notification::Medium;

/// As the indexes have it: a value that is bound would not lead to them.
const MESSAGE: &str = "channel = 'message'";

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct JobRow {
    id: Uid,
    medium: Option<String>,
    kind: String,
    recipient_key: Option<String>,
    user_id: Option<Uid>,
    status: String,
    attempts: i16,
    last_error: Option<String>,
    created_at: Ts,
    due_at: Ts,
    finished_at: Option<Ts>,
    not_after: Option<Ts>,
    wiped_at: Option<Ts>,
    leased_by: Option<String>,
}

impl JobRow {
    fn into_job(self) -> Result<QueuedJob, StoreError> {
        let status = named("outbox", self.id, "status", &self.status, JobStatus::from_name)?;
        let has_lapsed = status == JobStatus::Dead && self.wiped_at.is_some();
        Ok(QueuedJob {
            id: self.id.typed(),
            medium: match self.medium {
                // What was written before there was another.
                None => Medium::Email,
                Some(name) => named("outbox", self.id, "medium", &name, Medium::from_name)?,
            },
            kind: self.kind,
            recipient: self.recipient_key.unwrap_or_default(),
            user_id: self.user_id.map(Uid::typed),
            status: if has_lapsed { JobStatus::Lapsed } else { status },
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            last_error: self.last_error,
            created_at: self.created_at.0,
            due_at: self.due_at.0,
            finished_at: self.finished_at.map(|at| at.0),
            not_after: self.not_after.map(|at| at.0),
            wiped_at: self.wiped_at.map(|at| at.0),
            is_leased: self.leased_by.is_some(),
        })
    }
}

/// Adds the filters of a list of messages to a boxed query.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let (query, filter) = ($query, $filter);
        let mut query = query.filter(sql::<Bool>(MESSAGE));
        query = match filter.status {
            None => query,
            Some(status @ (JobStatus::Queued | JobStatus::Done)) => {
                query.filter(outbox::status.eq(status.as_str()))
            }
            Some(JobStatus::Dead) => query
                .filter(outbox::status.eq(JobStatus::Dead.as_str()))
                .filter(outbox::wiped_at.is_null()),
            Some(JobStatus::Lapsed) => query
                .filter(outbox::status.eq(JobStatus::Dead.as_str()))
                .filter(outbox::wiped_at.is_not_null()),
        };
        if let Some(kind) = filter.kind {
            query = query.filter(outbox::kind.eq(kind.as_str()));
        }
        query
    }};
}

impl JobRepository for Tx<'_> {
    fn list_jobs(&mut self, filter: &JobFilter, page: PageRequest) -> Result<Page<QueuedJob>, StoreError> {
        let total = if page.include_total {
            let total: i64 = self.run(|connection| {
                on!(connection, |c| filtered!(outbox::table.into_boxed(), filter)
                    .count()
                    .get_result(c))
            })?;
            Some(u64::try_from(total).unwrap_or(0))
        } else {
            None
        };
        // Ids are made in the order of time.
        let rows: Vec<JobRow> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = filtered!(outbox::table.select(JobRow::as_select()).into_boxed(), filter);
                if let Some(after) = page.after {
                    query = query.filter(outbox::id.lt(Uid(after.id)));
                }
                query
                    .order(outbox::id.desc())
                    .limit(i64::from(page.limit) + 1)
                    .load(c)
            })
        })?;
        let jobs = rows
            .into_iter()
            .map(JobRow::into_job)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_surplus(jobs, page, total, |job| Position {
            value: job.created_at.timestamp_micros(),
            id: job.id.uuid(),
        }))
    }

    fn lock_job(&mut self, id: OutboxId) -> Result<Option<QueuedJob>, StoreError> {
        let row: Option<JobRow> = self.run(|connection| {
            let row = || outbox::table.find(Uid::of(id)).filter(sql::<Bool>(MESSAGE));
            match connection {
                DbConn::Postgres(c) => row().select(JobRow::as_select()).for_update().first(c).optional(),
                // There is one writer.
                DbConn::Sqlite(c) => row().select(JobRow::as_select()).first(c).optional(),
            }
        })?;
        row.map(JobRow::into_job).transpose()
    }

    fn requeue_job(&mut self, id: OutboxId, now: Instant) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(outbox::table.find(Uid::of(id)))
                .set((
                    outbox::status.eq(JobStatus::Queued.as_str()),
                    outbox::attempts.eq(0),
                    outbox::due_at.eq(Ts(now)),
                    outbox::leased_by.eq(None::<String>),
                    outbox::finished_at.eq(None::<Ts>),
                ))
                .execute(c))
        })?;
        // Others than campaigns' have no delivery of their id.
        self.campaign_mails_ended(now, &[Uid::of(id)], Ended::Requeued)?;
        self.wake_worker();
        Ok(())
    }

    fn drop_job(&mut self, id: OutboxId, reason: &str, now: Instant) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(outbox::table.find(Uid::of(id)))
                .set((
                    outbox::status.eq(JobStatus::Dead.as_str()),
                    outbox::payload.eq(Doc(serde_json::json!({}))),
                    outbox::leased_by.eq(None::<String>),
                    outbox::last_error.eq(reason),
                    outbox::finished_at.eq(Ts(now)),
                    outbox::wiped_at.eq(Ts(now)),
                ))
                .execute(c))
        })?;
        self.campaign_mails_ended(now, &[Uid::of(id)], Ended::Failed(reason))
    }
}
