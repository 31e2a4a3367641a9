//! Remembered answers to requests with an idempotency key.

use crate::Tx;
use crate::batch::tray::Key;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::prepared::Prepared;
use crate::schema::idempotency_keys;
use chrono::Duration;
use diesel::prelude::*;
use kernel::{IdempotencyScope, IdempotencyStore, Instant, Remembered, StoreError, StoredAnswer};

/// An answer is remembered for so long.
const REMEMBERED: Duration = Duration::hours(24);

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct KeyRow {
    user_id: Uid,
    route: String,
    key: String,
    fingerprint: String,
    status: Option<i16>,
    location: Option<String>,
    etag: Option<String>,
    body: Option<String>,
    created_at: Ts,
}

impl KeyRow {
    fn into_answer(self) -> Result<StoredAnswer, StoreError> {
        match (self.status, self.body) {
            (Some(status), Some(body)) => Ok(StoredAnswer {
                status: u16::try_from(status).unwrap_or(200),
                location: self.location,
                etag: self.etag,
                body,
            }),
            _ => Err(StoreError::Internal(
                "a committed idempotency key has an answer".into(),
            )),
        }
    }

    /// Its key and, unless that can be taken anew by now, the fingerprint of its request and what was answered.
    pub(crate) fn into_known(self, now: Instant) -> Result<(Key, Option<(String, Remembered)>), StoreError> {
        let key = Key {
            user_id: self.user_id.typed(),
            route: self.route.clone(),
            text: self.key.clone(),
        };
        if self.created_at.0 + REMEMBERED <= now {
            return Ok((key, None));
        }
        let fingerprint = self.fingerprint.clone();
        let answered = self.into_answer().map(Remembered::Answered)?;
        Ok((key, Some((fingerprint, answered))))
    }
}

impl IdempotencyStore for Tx<'_> {
    fn claim_idempotency_key(
        &mut self,
        now: Instant,
        scope: &IdempotencyScope,
    ) -> Result<Remembered, StoreError> {
        if let Some(remembered) = self.tray.as_mut().and_then(|tray| tray.claim(now, scope)) {
            return Ok(remembered);
        }
        let id = (
            Uid::of(scope.user_id),
            scope.route.clone(),
            scope.key.as_str().to_owned(),
        );
        let row = KeyRow {
            user_id: id.0,
            route: id.1.clone(),
            key: id.2.clone(),
            fingerprint: scope.fingerprint.clone(),
            status: None,
            location: None,
            etag: None,
            body: None,
            created_at: Ts(now),
        };
        // Waits for a transaction that has just inserted the same key, and finds its answer then.
        let claimed = self.run(|connection| {
            on!(connection, |c| diesel::insert_into(idempotency_keys::table)
                .values(&row)
                .on_conflict_do_nothing()
                .execute(c))
        })?;
        if claimed == 1 {
            return Ok(Remembered::New);
        }
        let known: Option<KeyRow> = self.run(|connection| {
            on!(connection, |c| idempotency_keys::table
                .find(id.clone())
                .select(KeyRow::as_select())
                .first(c)
                .optional())
        })?;
        let Some(known) = known else {
            return Err(self.contend("the old key was forgotten just now".into()));
        };
        if known.created_at.0 + REMEMBERED <= now {
            // Of two who come upon an old key at once, one takes it; the other begins again and finds the answer.
            let taken = self.run(|connection| {
                let old = idempotency_keys::table.find(id);
                on!(connection, |c| diesel::update(
                    old.filter(idempotency_keys::created_at.eq(known.created_at))
                )
                .set((
                    idempotency_keys::fingerprint.eq(&scope.fingerprint),
                    idempotency_keys::status.eq(None::<i16>),
                    idempotency_keys::created_at.eq(Ts(now)),
                ))
                .execute(c))
            })?;
            if taken == 0 {
                return Err(self.contend("the old key was taken just now".into()));
            }
            return Ok(Remembered::New);
        }
        if known.fingerprint != scope.fingerprint {
            return Ok(Remembered::OtherRequest);
        }
        known.into_answer().map(Remembered::Answered)
    }

    fn store_answer(&mut self, scope: &IdempotencyScope, answer: &StoredAnswer) -> Result<(), StoreError> {
        let kept = self
            .tray
            .as_mut()
            .and_then(|tray| tray.keep_answer(scope, answer));
        if kept.is_some() {
            return Ok(());
        }
        let id = (
            Uid::of(scope.user_id),
            scope.route.clone(),
            scope.key.as_str().to_owned(),
        );
        self.run(|connection| {
            on!(connection, |c| Prepared(
                diesel::update(idempotency_keys::table.find(id))
                    .set((
                        idempotency_keys::status.eq(i16::try_from(answer.status).unwrap_or(200)),
                        idempotency_keys::location.eq(answer.location.as_deref()),
                        idempotency_keys::etag.eq(answer.etag.as_deref()),
                        idempotency_keys::body.eq(&answer.body),
                    ))
                    .returning(idempotency_keys::key)
            )
            .load::<String>(c))
        })?;
        Ok(())
    }
}

impl Tx<'_> {
    /// Forgets answers that are older than 24 hours; gives how many.
    pub fn forget_old_answers(&mut self, now: Instant) -> Result<u64, StoreError> {
        let forgotten = self.run(|connection| {
            on!(connection, |c| diesel::delete(
                idempotency_keys::table.filter(idempotency_keys::created_at.le(Ts(now - REMEMBERED)))
            )
            .execute(c))
        })?;
        Ok(forgotten as u64)
    }
}
