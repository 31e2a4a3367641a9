//! The queue of messages: claiming, settling and returning rows of the outbox.
//!
//! A claim moves the due time to the end of the lease; so a message that its worker left behind is due again by itself,
//! and one index serves both.

use crate::Tx;
use crate::campaigns::Ended;
use crate::columns::{self, Doc, Ts, Uid};
use crate::connection::{DbConn, on};
use crate::explain::Explain;
use crate::outbox::QueuedMessage;
use crate::prepared::Prepared;
use crate::schema::outbox;
use crate::transaction::{rows, uids};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{Instant, OutboxId, StoreError};
use notification::{Claim, Claimed, Job, Medium, MessageQueue, Priority, QueueFigures, Unreadable, Verdict};

/// What is kept of a reason: enough to understand it, not a page of a server's talk.
const LONGEST_ERROR: usize = 500;

/// The kind of the messages whose deliveries are told what became of them.
const CAMPAIGN: &str = "campaign";

/// The condition of the index `outbox_queue`. It is literal, because neither database takes a partial index where the
/// condition comes as a parameter: a rush of messages would be searched from end to end.
const WAITING: &str = "channel = 'message' AND status = 'queued'";

/// Those that are due by one medium, the longest due first.
macro_rules! due {
    ($now:expr, $medium:expr, $priority:expr, $most:expr) => {
        outbox::table
            .filter(sql::<Bool>(WAITING))
            .filter(outbox::medium.eq($medium.as_str()))
            .filter(outbox::priority.eq($priority as i16))
            .filter(outbox::due_at.le(Ts($now)))
            .filter(outbox::not_after.is_null().or(outbox::not_after.gt(Ts($now))))
            .order((outbox::due_at, outbox::id))
            .limit(i64::from($most))
            .select((outbox::due_at, outbox::id))
    };
}

/// A payload, or none where it is not even a document: that must not stop the rest.
#[derive(Debug, FromSqlRow)]
struct MaybeDoc(Option<serde_json::Value>);

impl<DB: Backend> FromSql<columns::sql::Document, DB> for MaybeDoc
where
    Doc: FromSql<columns::sql::Document, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Doc::from_sql(value).ok().map(|doc| doc.0)))
    }
}

type ClaimedRow = (Uid, String, Option<String>, MaybeDoc, i16, Ts, Option<Uid>);

impl Tx<'_> {
    /// What is due by one medium. One at a time: the index gives the order of due
    /// times within a medium only, and all that wait would have to be sorted for each claim.
    fn due_by(
        &mut self,
        now: Instant,
        medium: Medium,
        priority: Priority,
        most: u32,
    ) -> Result<Vec<(Ts, Uid)>, StoreError> {
        self.run(|connection| match connection {
            // PostgreSQL passes over what another worker is claiming at this moment.
            DbConn::Postgres(c) => due!(now, medium, priority, most)
                .for_update()
                .skip_locked()
                .load(c),
            DbConn::Sqlite(c) => due!(now, medium, priority, most).load(c),
        })
    }

    /// How the database goes about finding what is due, for the test that looks whether it takes the index.
    #[doc(hidden)]
    pub fn plan_of_claim(&mut self, now: Instant) -> Result<String, StoreError> {
        let (medium, priority) = (Medium::Email, Priority::Personal);
        let lines: Vec<String> = self.run(|connection| match connection {
            DbConn::Postgres(c) => {
                Explain::postgres(due!(now, medium, priority, 16).for_update().skip_locked()).load(c)
            }
            DbConn::Sqlite(c) => {
                let steps = Explain::sqlite(due!(now, medium, priority, 16)).load(c)?;
                Ok(steps
                    .into_iter()
                    .map(|(_, _, _, step): (i32, i32, i32, String)| step)
                    .collect())
            }
        })?;
        Ok(lines.join("\n"))
    }

    fn claim_of(
        &mut self,
        now: Instant,
        claim: &Claim,
        priority: Priority,
        most: u32,
    ) -> Result<Vec<ClaimedRow>, StoreError> {
        let mut due = Vec::new();
        for medium in &claim.media {
            due.extend(self.due_by(now, *medium, priority, most)?);
        }
        // No medium waits behind all of another.
        due.sort_unstable();
        let ids: Vec<Uid> = due.into_iter().map(|(_, id)| id).take(most as usize).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut claimed: Vec<ClaimedRow> = self.run(|connection| {
            macro_rules! claiming {
                () => {
                    diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
                        .set((
                            outbox::due_at.eq(Ts(now + claim.lease)),
                            outbox::leased_by.eq(&claim.worker),
                        ))
                        .returning((
                            outbox::id,
                            outbox::kind,
                            outbox::medium,
                            outbox::payload,
                            outbox::attempts,
                            outbox::created_at,
                            outbox::user_id,
                        ))
                };
            }
            match connection {
                DbConn::Postgres(c) => Prepared(claiming!()).get_results(c),
                DbConn::Sqlite(c) => claiming!().get_results(c),
            }
        })?;
        claimed.sort_by_key(|(id, ..)| *id);
        Ok(claimed)
    }
}

/// The row as a job, or as what cannot be read.
fn job_of((id, kind, medium, payload, attempts, created_at, user_id): ClaimedRow) -> Result<Job, Unreadable> {
    let attempts = u32::try_from(attempts).unwrap_or(0);
    let queued: Option<QueuedMessage> = payload.0.and_then(|payload| serde_json::from_value(payload).ok());
    let queued = queued.ok_or_else(|| Unreadable {
        id: id.typed(),
        kind,
        medium: medium
            .as_deref()
            .and_then(Medium::from_name)
            .unwrap_or(Medium::Email),
        attempts,
    })?;
    Ok(Job {
        id: id.typed(),
        name: queued.name,
        to: queued.to,
        message: queued.message,
        attempts,
        created_at: created_at.0,
        user_id: user_id.map(Uid::typed),
    })
}

impl MessageQueue for Tx<'_> {
    fn claim_messages(&mut self, now: Instant, claim: &Claim) -> Result<Claimed, StoreError> {
        let mut found = self.claim_of(now, claim, Priority::Personal, claim.most)?;
        let left = claim.most.saturating_sub(rows(found.len()));
        if left > 0 {
            found.extend(self.claim_of(now, claim, Priority::Bulk, left)?);
        }
        let mut claimed = Claimed::default();
        for row in found {
            match job_of(row) {
                Ok(job) => claimed.jobs.push(job),
                Err(unreadable) => claimed.unreadable.push(unreadable),
            }
        }
        Ok(claimed)
    }

    fn renew_leases(
        &mut self,
        until: Instant,
        worker: &str,
        ids: &[OutboxId],
    ) -> Result<Vec<OutboxId>, StoreError> {
        let renewed: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| diesel::update(held_by(worker, ids))
                .set(outbox::due_at.eq(Ts(until)))
                .returning(outbox::id)
                .get_results(c))
        })?;
        Ok(renewed.into_iter().map(Uid::typed).collect())
    }

    fn settle_messages(
        &mut self,
        now: Instant,
        worker: &str,
        verdicts: &[(OutboxId, Verdict)],
    ) -> Result<Vec<OutboxId>, StoreError> {
        let done: Vec<OutboxId> = verdicts
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::Done)
            .map(|(id, _)| *id)
            .collect();
        let settled = self.settle_done(now, &done)?;
        self.campaign_mails_ended(now, &of_campaigns(&settled), Ended::Sent)?;
        let mut settled: Vec<Uid> = settled.into_iter().map(|(id, _)| id).collect();
        for (id, verdict) in verdicts {
            let Some((id, kind)) = self.settle_undelivered(now, worker, *id, verdict)? else {
                continue;
            };
            let ended = match verdict {
                Verdict::Done | Verdict::Again { .. } | Verdict::Back { .. } => None,
                Verdict::Moot => Some(Ended::Moot),
                Verdict::Withdrawn => Some(Ended::Withdrawn),
                Verdict::Dead { error } => Some(Ended::Failed(cut(error))),
            };
            if let Some(ended) = ended {
                self.campaign_mails_ended(now, &of_campaigns(&[(id, kind)]), ended)?;
            }
            settled.push(id);
        }
        Ok(settled.into_iter().map(Uid::typed).collect())
    }

    fn return_messages(&mut self, now: Instant, worker: &str, ids: &[OutboxId]) -> Result<u32, StoreError> {
        let returned = self.run(|connection| {
            on!(connection, |c| diesel::update(held_by(worker, ids))
                .set((outbox::due_at.eq(Ts(now)), outbox::leased_by.eq(None::<String>)))
                .execute(c))
        })?;
        Ok(rows(returned))
    }

    fn end_leases(&mut self, now: Instant) -> Result<u32, StoreError> {
        let ended = self.run(|connection| {
            on!(connection, |c| diesel::update(
                outbox::table
                    .filter(sql::<Bool>(WAITING))
                    .filter(outbox::leased_by.is_not_null())
            )
            .set((outbox::due_at.eq(Ts(now)), outbox::leased_by.eq(None::<String>)))
            .execute(c))
        })?;
        Ok(rows(ended))
    }

    fn queue_figures(&mut self) -> Result<QueueFigures, StoreError> {
        // Literal, for the sake of the index `outbox_by_status`; see WAITING.
        let count = |tx: &mut Self, which: &str| -> Result<u64, StoreError> {
            let count: i64 = tx.run(|connection| {
                on!(connection, |c| outbox::table
                    .filter(sql::<Bool>(which))
                    .count()
                    .get_result(c))
            })?;
            Ok(u64::try_from(count).unwrap_or(0))
        };
        let queued = count(self, WAITING)?;
        // Those that an admin can still do something about.
        let dead = count(
            self,
            "channel = 'message' AND status = 'dead' AND wiped_at IS NULL",
        )?;
        let oldest: Option<Ts> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(sql::<Bool>(WAITING))
                .order(outbox::id)
                .select(outbox::created_at)
                .first(c)
                .optional())
        })?;
        Ok(QueueFigures {
            queued,
            dead,
            oldest_at: oldest.map(|at| at.0),
        })
    }
}

impl Tx<'_> {
    /// What was sent is forgotten but for whom it went to and when; whoever holds its lease by now.
    fn settle_done(&mut self, now: Instant, ids: &[OutboxId]) -> Result<Vec<Settled>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.run(|connection| {
            macro_rules! settling {
                () => {
                    diesel::update(
                        outbox::table
                            .filter(outbox::id.eq_any(uids(ids)))
                            .filter(outbox::status.eq("queued")),
                    )
                    .set((
                        outbox::status.eq("done"),
                        outbox::payload.eq(Doc(serde_json::json!({}))),
                        outbox::leased_by.eq(None::<String>),
                        outbox::last_error.eq(None::<String>),
                        outbox::finished_at.eq(Ts(now)),
                    ))
                    .returning((outbox::id, outbox::kind))
                };
            }
            match connection {
                DbConn::Postgres(c) => Prepared(settling!()).get_results(c),
                DbConn::Sqlite(c) => settling!().get_results(c),
            }
        })
    }

    fn settle_undelivered(
        &mut self,
        now: Instant,
        worker: &str,
        id: OutboxId,
        verdict: &Verdict,
    ) -> Result<Option<Settled>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| match verdict {
                Verdict::Done => Ok(None),
                Verdict::Again { due_at, error } => diesel::update(held_by(worker, &[id]))
                    .set((
                        outbox::due_at.eq(Ts(*due_at)),
                        outbox::attempts.eq(outbox::attempts + 1),
                        outbox::leased_by.eq(None::<String>),
                        outbox::last_error.eq(shortened(error)),
                    ))
                    .returning((outbox::id, outbox::kind))
                    .get_result(c)
                    .optional(),
                Verdict::Back { error } => diesel::update(held_by(worker, &[id]))
                    .set((
                        outbox::due_at.eq(Ts(now)),
                        outbox::leased_by.eq(None::<String>),
                        outbox::last_error.eq(shortened(error)),
                    ))
                    .returning((outbox::id, outbox::kind))
                    .get_result(c)
                    .optional(),
                Verdict::Moot => diesel::update(held_by(worker, &[id]))
                    .set((
                        outbox::status.eq("dead"),
                        outbox::payload.eq(Doc(serde_json::json!({}))),
                        outbox::leased_by.eq(None::<String>),
                        outbox::last_error.eq("what it told was no longer so, or no longer wanted"),
                        outbox::finished_at.eq(Ts(now)),
                        outbox::wiped_at.eq(Ts(now)),
                    ))
                    .returning((outbox::id, outbox::kind))
                    .get_result(c)
                    .optional(),
                Verdict::Withdrawn => diesel::delete(held_by(worker, &[id]))
                    .returning((outbox::id, outbox::kind))
                    .get_result(c)
                    .optional(),
                Verdict::Dead { error } => diesel::update(held_by(worker, &[id]))
                    .set((
                        outbox::status.eq("dead"),
                        outbox::attempts.eq(outbox::attempts + 1),
                        outbox::leased_by.eq(None::<String>),
                        outbox::last_error.eq(shortened(error)),
                        outbox::finished_at.eq(Ts(now)),
                    ))
                    .returning((outbox::id, outbox::kind))
                    .get_result(c)
                    .optional(),
            })
        })
    }
}

/// Those of the messages that are still the worker's.
#[diesel::dsl::auto_type(no_type_alias)]
fn held_by<'a>(worker: &'a str, ids: &[OutboxId]) -> _ {
    let ids: Vec<Uid> = uids(ids);
    outbox::table
        .filter(outbox::id.eq_any(ids))
        .filter(outbox::leased_by.eq(worker))
        .filter(outbox::status.eq("queued"))
}

fn shortened(error: &str) -> Option<String> {
    (!error.is_empty()).then(|| cut(error).to_owned())
}

/// As much of a reason as is kept.
fn cut(error: &str) -> &str {
    error
        .char_indices()
        .nth(LONGEST_ERROR)
        .map_or(error, |(end, _)| &error[..end])
}

/// A message that was the worker's, and its kind.
type Settled = (Uid, String);

/// Those of the messages that are campaigns' mails.
fn of_campaigns(settled: &[Settled]) -> Vec<Uid> {
    let mails = settled.iter().filter(|(_, kind)| kind == CAMPAIGN);
    mails.map(|(id, _)| *id).collect()
}
