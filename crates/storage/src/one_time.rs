//! Rows and queries of links and codes that were mailed.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::schema::one_time_secrets;
use crate::transaction::named;
use auth::{MOST_CODE_TRIES, OneTime, OneTimePurpose, OneTimeRepository};
use diesel::prelude::*;
use kernel::{EmailAddress, Instant, OneTimeId, StoreError, UserId};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = one_time_secrets, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct OneTimeRow {
    id: Uid,
    user_id: Uid,
    purpose: String,
    email: String,
    email_key: String,
    link_hash: String,
    code_hash: String,
    code_tries: i16,
    created_at: Ts,
    expires_at: Ts,
    used_at: Option<Ts>,
    voided_at: Option<Ts>,
}

impl OneTimeRow {
    fn into_one_time(self) -> Result<OneTime, StoreError> {
        Ok(OneTime {
            id: self.id.typed(),
            user_id: self.user_id.typed(),
            purpose: named(
                "one_time_secrets",
                self.id,
                "purpose",
                &self.purpose,
                OneTimePurpose::from_name,
            )?,
            email: EmailAddress::from_stored(self.email, self.email_key),
            link_hash: self.link_hash,
            code_hash: self.code_hash,
            created_at: self.created_at.0,
            expires_at: self.expires_at.0,
            used_at: self.used_at.map(|at| at.0),
            voided_at: self.voided_at.map(|at| at.0),
        })
    }
}

impl Tx<'_> {
    /// Forgets links and codes whose time was over by then; gives how many.
    pub fn forget_old_one_times(&mut self, over_by: Instant) -> Result<u64, StoreError> {
        let forgotten = self.run(|connection| {
            on!(connection, |c| diesel::delete(
                one_time_secrets::table.filter(one_time_secrets::expires_at.le(Ts(over_by)))
            )
            .execute(c))
        })?;
        Ok(forgotten as u64)
    }
}

impl OneTimeRepository for Tx<'_> {
    fn insert_one_time(&mut self, one_time: &OneTime) -> Result<(), StoreError> {
        let row = OneTimeRow {
            id: Uid::of(one_time.id),
            user_id: Uid::of(one_time.user_id),
            purpose: one_time.purpose.as_str().to_owned(),
            email: one_time.email.as_str().to_owned(),
            email_key: one_time.email.key().to_owned(),
            link_hash: one_time.link_hash.clone(),
            code_hash: one_time.code_hash.clone(),
            code_tries: 0,
            created_at: Ts(one_time.created_at),
            expires_at: Ts(one_time.expires_at),
            used_at: one_time.used_at.map(Ts),
            voided_at: one_time.voided_at.map(Ts),
        };
        self.hold_account(one_time.user_id)?;
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(one_time_secrets::table)
                .values(&row)
                .execute(c))
        })?;
        Ok(())
    }

    fn find_one_time(&mut self, id: OneTimeId) -> Result<Option<OneTime>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| one_time_secrets::table
                .find(Uid::of(id))
                .select(OneTimeRow::as_select())
                .first(c)
                .optional())
        })?
        .map(OneTimeRow::into_one_time)
        .transpose()
    }

    fn find_one_time_by_link(&mut self, link_hash: &str) -> Result<Option<OneTime>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| one_time_secrets::table
                .filter(one_time_secrets::link_hash.eq(link_hash))
                .select(OneTimeRow::as_select())
                .first(c)
                .optional())
        })?
        .map(OneTimeRow::into_one_time)
        .transpose()
    }

    fn list_live_one_times(&mut self, email_key: &str, now: Instant) -> Result<Vec<OneTime>, StoreError> {
        // Always in one order, so that two who charge the same rows at once do not wait for each other.
        self.run(|connection| {
            on!(connection, |c| one_time_secrets::table
                .filter(one_time_secrets::email_key.eq(email_key))
                .filter(one_time_secrets::expires_at.gt(Ts(now)))
                .filter(one_time_secrets::used_at.is_null())
                .filter(one_time_secrets::voided_at.is_null())
                .order(one_time_secrets::id)
                .select(OneTimeRow::as_select())
                .load(c))
        })?
        .into_iter()
        .map(OneTimeRow::into_one_time)
        .collect()
    }

    fn charge_code_try(&mut self, id: OneTimeId) -> Result<bool, StoreError> {
        let charged = self.run(|connection| {
            on!(connection, |c| diesel::update(
                one_time_secrets::table.filter(
                    one_time_secrets::id
                        .eq(Uid::of(id))
                        .and(one_time_secrets::code_tries.lt(MOST_CODE_TRIES))
                )
            )
            .set(one_time_secrets::code_tries.eq(one_time_secrets::code_tries + 1))
            .execute(c))
        })?;
        Ok(charged > 0)
    }

    fn use_one_time(&mut self, id: OneTimeId, at: Instant) -> Result<bool, StoreError> {
        let used = self.run(|connection| {
            on!(connection, |c| diesel::update(
                one_time_secrets::table.filter(
                    one_time_secrets::id
                        .eq(Uid::of(id))
                        .and(one_time_secrets::used_at.is_null())
                        .and(one_time_secrets::voided_at.is_null())
                )
            )
            .set(one_time_secrets::used_at.eq(Ts(at)))
            .execute(c))
        })?;
        Ok(used > 0)
    }

    fn void_one_times_of(
        &mut self,
        user_id: UserId,
        purpose: OneTimePurpose,
        at: Instant,
    ) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                one_time_secrets::table.filter(
                    one_time_secrets::user_id
                        .eq(Uid::of(user_id))
                        .and(one_time_secrets::purpose.eq(purpose.as_str()))
                        .and(one_time_secrets::used_at.is_null())
                        .and(one_time_secrets::voided_at.is_null())
                )
            )
            .set(one_time_secrets::voided_at.eq(Ts(at)))
            .execute(c))
        })?;
        Ok(())
    }

    fn void_codes_of(&mut self, user_id: UserId, purpose: OneTimePurpose) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                one_time_secrets::table.filter(
                    one_time_secrets::user_id
                        .eq(Uid::of(user_id))
                        .and(one_time_secrets::purpose.eq(purpose.as_str()))
                )
            )
            .set(one_time_secrets::code_tries.eq(MOST_CODE_TRIES))
            .execute(c))
        })?;
        Ok(())
    }

    fn count_one_times_of(
        &mut self,
        user_id: UserId,
        purpose: OneTimePurpose,
        since: Instant,
    ) -> Result<u64, StoreError> {
        let count: i64 = self.run(|connection| {
            on!(connection, |c| one_time_secrets::table
                .filter(one_time_secrets::user_id.eq(Uid::of(user_id)))
                .filter(one_time_secrets::created_at.gt(Ts(since)))
                .filter(one_time_secrets::purpose.eq(purpose.as_str()))
                .count()
                .get_result(c))
        })?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
