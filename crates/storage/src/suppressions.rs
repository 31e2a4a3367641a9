//! Addresses that get no campaigns, and accounts that want none.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::schema::{suppressions, users};
use campaign::{SuppressionReason, SuppressionRepository};
use diesel::dsl::exists;
use diesel::prelude::*;
use kernel::{EmailAddress, Instant, StoreError, UserId};

impl SuppressionRepository for Tx<'_> {
    fn suppress(
        &mut self,
        address_mac: &str,
        reason: SuppressionReason,
        since: Instant,
    ) -> Result<(), StoreError> {
        let row = (
            suppressions::address_mac.eq(address_mac),
            suppressions::reason.eq(reason.as_str()),
            suppressions::since.eq(Ts(since)),
        );
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(suppressions::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(c))
        })?;
        Ok(())
    }

    fn is_noted(&mut self, address_macs: &[String], reason: SuppressionReason) -> Result<bool, StoreError> {
        let noted = suppressions::table
            .filter(suppressions::address_mac.eq_any(address_macs))
            .filter(suppressions::reason.eq(reason.as_str()));
        self.run(|connection| on!(connection, |c| diesel::select(exists(noted)).get_result(c)))
    }

    fn lift(&mut self, address_macs: &[String], reason: SuppressionReason) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::delete(
                suppressions::table
                    .filter(suppressions::address_mac.eq_any(address_macs))
                    .filter(suppressions::reason.eq(reason.as_str()))
            )
            .execute(c))
        })?;
        Ok(())
    }

    fn refuse_campaign_mail(
        &mut self,
        user_id: Option<UserId>,
        email: Option<&EmailAddress>,
        at: Instant,
    ) -> Result<(), StoreError> {
        let set = (users::campaign_mail.eq(false), users::updated_at.eq(Ts(at)));
        if let Some(user_id) = user_id {
            let account = users::table.find(Uid::of(user_id)).filter(users::campaign_mail);
            self.run(|connection| on!(connection, |c| diesel::update(account).set(set).execute(c)))?;
        }
        if let Some(email) = email {
            let account = users::table
                .filter(users::email_key.eq(email.key()))
                .filter(users::campaign_mail);
            self.run(|connection| on!(connection, |c| diesel::update(account).set(set).execute(c)))?;
        }
        Ok(())
    }
}
