//! Rows and queries of codes that were sent to phones, and of how many text messages were: to a person by the outbox, to a
//! number by rows that say nothing of a person.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::schema::{outbox, phone_code_sends, phone_codes};
use crate::transaction::parsed;
use auth::{MOST_CODE_TRIES, PhoneCode, PhoneCodeRepository};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use kernel::{Ctx, Instant, OneTimeId, PhoneNumber, StoreError, UserId};

type CodeRow = (String, String, Ts, Ts);

impl Tx<'_> {
    /// Forgets codes whose time was over by then; gives how many.
    pub fn forget_old_phone_codes(&mut self, over_by: Instant) -> Result<u64, StoreError> {
        let forgotten = self.run(|connection| {
            on!(connection, |c| diesel::delete(
                phone_codes::table.filter(phone_codes::expires_at.le(Ts(over_by)))
            )
            .execute(c))
        })?;
        Ok(forgotten as u64)
    }

    /// Forgets that codes went to numbers until then; gives how many.
    pub fn forget_old_phone_code_sends(&mut self, until: Instant) -> Result<u64, StoreError> {
        let forgotten = self.run(|connection| {
            on!(connection, |c| diesel::delete(
                phone_code_sends::table.filter(phone_code_sends::sent_at.le(Ts(until)))
            )
            .execute(c))
        })?;
        Ok(forgotten as u64)
    }
}

impl PhoneCodeRepository for Tx<'_> {
    fn keep_phone_code(&mut self, code: &PhoneCode) -> Result<(), StoreError> {
        self.hold_account(code.user_id)?;
        let columns = (
            phone_codes::phone.eq(code.phone.as_str()),
            phone_codes::code_hash.eq(code.code_hash.as_str()),
            phone_codes::code_tries.eq(0),
            phone_codes::created_at.eq(Ts(code.created_at)),
            phone_codes::expires_at.eq(Ts(code.expires_at)),
        );
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(phone_codes::table)
                .values((phone_codes::user_id.eq(Uid::of(code.user_id)), columns))
                .on_conflict(phone_codes::user_id)
                .do_update()
                .set(columns)
                .execute(c))
        })?;
        Ok(())
    }

    fn find_phone_code(&mut self, user_id: UserId) -> Result<Option<PhoneCode>, StoreError> {
        let id = Uid::of(user_id);
        let row: Option<CodeRow> = self.run(|connection| {
            on!(connection, |c| phone_codes::table
                .find(id)
                .select((
                    phone_codes::phone,
                    phone_codes::code_hash,
                    phone_codes::created_at,
                    phone_codes::expires_at,
                ))
                .first(c)
                .optional())
        })?;
        let Some((phone, code_hash, created_at, expires_at)) = row else {
            return Ok(None);
        };
        Ok(Some(PhoneCode {
            user_id,
            phone: parsed("phone_codes", id, "phone", &phone)?,
            code_hash,
            created_at: created_at.0,
            expires_at: expires_at.0,
        }))
    }

    fn charge_phone_code_try(&mut self, user_id: UserId) -> Result<bool, StoreError> {
        let charged = self.run(|connection| {
            on!(connection, |c| diesel::update(
                phone_codes::table
                    .find(Uid::of(user_id))
                    .filter(phone_codes::code_tries.lt(MOST_CODE_TRIES))
            )
            .set(phone_codes::code_tries.eq(phone_codes::code_tries + 1))
            .execute(c))
        })?;
        Ok(charged > 0)
    }

    fn forget_phone_code(&mut self, user_id: UserId) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::delete(
                phone_codes::table.find(Uid::of(user_id))
            )
            .execute(c))
        })?;
        Ok(())
    }

    fn lock_phone(&mut self, phone: &PhoneNumber) -> Result<(), StoreError> {
        self.run(|connection| match connection {
            DbConn::Postgres(c) => diesel::select(
                sql::<Bool>("pg_advisory_xact_lock(hashtextextended('podium phone ' || ")
                    .bind::<Text, _>(phone.as_str())
                    .sql(", 0)) IS NOT NULL"),
            )
            .get_result::<bool>(c)
            .map(drop),
            // There is one writer.
            DbConn::Sqlite(_) => Ok(()),
        })
    }

    fn list_texts_of(
        &mut self,
        user_id: UserId,
        since: Instant,
        most: u32,
    ) -> Result<Vec<Instant>, StoreError> {
        let times: Vec<Ts> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(sql::<Bool>("medium = 'sms'"))
                .filter(outbox::user_id.eq(Uid::of(user_id)))
                .filter(outbox::created_at.gt(Ts(since)))
                .order(outbox::created_at.desc())
                .limit(i64::from(most))
                .select(outbox::created_at)
                .load(c))
        })?;
        Ok(times.into_iter().map(|at| at.0).collect())
    }

    fn list_codes_to(
        &mut self,
        number_mac: &str,
        since: Instant,
        most: u32,
    ) -> Result<Vec<Instant>, StoreError> {
        let times: Vec<Ts> = self.run(|connection| {
            on!(connection, |c| phone_code_sends::table
                .filter(phone_code_sends::number_mac.eq(number_mac))
                .filter(phone_code_sends::sent_at.gt(Ts(since)))
                .order(phone_code_sends::sent_at.desc())
                .limit(i64::from(most))
                .select(phone_code_sends::sent_at)
                .load(c))
        })?;
        Ok(times.into_iter().map(|at| at.0).collect())
    }

    fn note_code_to(&mut self, ctx: &Ctx, number_mac: &str) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(phone_code_sends::table)
                .values((
                    phone_code_sends::id.eq(Uid::of(ctx.new_id::<OneTimeId>())),
                    phone_code_sends::number_mac.eq(number_mac),
                    phone_code_sends::sent_at.eq(Ts(ctx.now)),
                ))
                .execute(c))
        })?;
        Ok(())
    }
}
