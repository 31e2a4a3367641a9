//! The queue of messages: claiming, settling and returning rows of the outbox.
//!
//! A claim moves the due time to the end of the lease; so a message that its worker left behind is due again by itself,
//! and one index serves both.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::{DbConn, on};
use crate::outbox::QueuedMessage;
use crate::schema::outbox;
use crate::transaction::{rows, uids};
use diesel::prelude::*;
use kernel::{Instant, OutboxId, StoreError};
use notification::{Claim, Job, MessageQueue, Priority, QueueFigures, Verdict};

/// What is kept of a reason: enough to understand it, not a page of a server's talk.
const LONGEST_ERROR: usize = 500;

type ClaimedRow = (Uid, Doc, i16, Ts);

impl Tx<'_> {
    fn claim_of(
        &mut self,
        now: Instant,
        claim: &Claim,
        priority: Priority,
        most: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let priority = priority as i16;
        let media: Vec<&str> = claim.media.iter().map(|medium| medium.as_str()).collect();
        let ids: Vec<Uid> = self.run(|connection| {
            // The same look at both; PostgreSQL passes over what another worker is claiming at this moment.
            macro_rules! due {
                () => {
                    outbox::table
                        .filter(outbox::channel.eq("message"))
                        .filter(outbox::medium.eq_any(media.clone()))
                        .filter(outbox::status.eq("queued"))
                        .filter(outbox::priority.eq(priority))
                        .filter(outbox::due_at.le(Ts(now)))
                        .filter(
                            outbox::not_after
                                .is_null()
                                .or(outbox::not_after.gt(Ts(now))),
                        )
                        .order((outbox::due_at, outbox::id))
                        .limit(i64::from(most))
                        .select(outbox::id)
                };
            }
            match connection {
                DbConn::Postgres(c) => due!().for_update().skip_locked().load(c),
                DbConn::Sqlite(c) => due!().load(c),
            }
        })?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut claimed: Vec<ClaimedRow> = self.run(|connection| {
            on!(connection, |c| diesel::update(
                outbox::table.filter(outbox::id.eq_any(ids))
            )
            .set((
                outbox::due_at.eq(Ts(now + claim.lease)),
                outbox::leased_by.eq(&claim.worker)
            ))
            .returning((outbox::id, outbox::payload, outbox::attempts, outbox::created_at))
            .get_results(c))
        })?;
        claimed.sort_by_key(|(id, ..)| *id);
        claimed.into_iter().map(job_of).collect()
    }
}

fn job_of((id, payload, attempts, created_at): ClaimedRow) -> Result<Job, StoreError> {
    let queued: QueuedMessage = serde_json::from_value(payload.0).map_err(|error| StoreError::Corrupt {
        table: "outbox",
        row: id.0.to_string(),
        reason: format!("payload: {error}"),
    })?;
    Ok(Job {
        id: id.typed(),
        name: queued.name,
        to: queued.to,
        message: queued.message,
        attempts: u32::try_from(attempts).unwrap_or(0),
        created_at: created_at.0,
    })
}

impl MessageQueue for Tx<'_> {
    fn claim_messages(&mut self, now: Instant, claim: &Claim) -> Result<Vec<Job>, StoreError> {
        let mut claimed = self.claim_of(now, claim, Priority::Personal, claim.most)?;
        let left = claim.most.saturating_sub(rows(claimed.len()));
        if left > 0 {
            claimed.extend(self.claim_of(now, claim, Priority::Bulk, left)?);
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
        let mut settled: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| diesel::update(held_by(worker, &done))
                .set((
                    outbox::status.eq("done"),
                    outbox::payload.eq(Doc(serde_json::json!({}))),
                    outbox::leased_by.eq(None::<String>),
                    outbox::last_error.eq(None::<String>),
                    outbox::finished_at.eq(Ts(now)),
                ))
                .returning(outbox::id)
                .get_results(c))
        })?;
        for (id, verdict) in verdicts {
            settled.extend(self.settle_undelivered(now, worker, *id, verdict)?);
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
                    .filter(outbox::channel.eq("message"))
                    .filter(outbox::status.eq("queued"))
                    .filter(outbox::leased_by.is_not_null())
            )
            .set((outbox::due_at.eq(Ts(now)), outbox::leased_by.eq(None::<String>)))
            .execute(c))
        })?;
        Ok(rows(ended))
    }

    fn queue_figures(&mut self) -> Result<QueueFigures, StoreError> {
        let count = |tx: &mut Self, status: &str| -> Result<u64, StoreError> {
            let count: i64 = tx.run(|connection| {
                on!(connection, |c| outbox::table
                    .filter(outbox::channel.eq("message"))
                    .filter(outbox::status.eq(status))
                    .count()
                    .get_result(c))
            })?;
            Ok(u64::try_from(count).unwrap_or(0))
        };
        let (queued, dead) = (count(self, "queued")?, count(self, "dead")?);
        let oldest: Option<Ts> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(outbox::channel.eq("message"))
                .filter(outbox::status.eq("queued"))
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
    fn settle_undelivered(
        &mut self,
        now: Instant,
        worker: &str,
        id: OutboxId,
        verdict: &Verdict,
    ) -> Result<Option<Uid>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| match verdict {
                Verdict::Done => Ok(None),
                Verdict::Again {
                    due_at,
                    error,
                    counts,
                } => diesel::update(held_by(worker, &[id]))
                    .set((
                        outbox::due_at.eq(Ts(*due_at)),
                        outbox::attempts.eq(outbox::attempts + i16::from(*counts)),
                        outbox::leased_by.eq(None::<String>),
                        outbox::last_error.eq(shortened(error)),
                    ))
                    .returning(outbox::id)
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
                    .returning(outbox::id)
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

fn shortened(error: &str) -> String {
    error.chars().take(LONGEST_ERROR).collect()
}
