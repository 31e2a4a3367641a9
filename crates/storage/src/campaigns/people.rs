//! What campaigns hold of a person, emptied or given to somebody else.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::schema::{campaign_deliveries, campaigns};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use kernel::{Instant, StoreError};

/// What stands in the place of a subject that is gone.
const ERASED: &str = "(erased)";

impl Tx<'_> {
    /// Empties what a person wrote in campaigns that they asked for. They are over by then.
    pub(crate) fn forget_campaigns_by(&mut self, user: Uid) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                campaigns::table.filter(campaigns::requested_by.eq(user))
            )
            .set((campaigns::subject.eq(ERASED), campaigns::body.eq("")))
            .execute(c))
        })?;
        Ok(())
    }

    /// Empties deliveries to a person, to the account or the attendee; they go on counting. Their messages in the queue are gone
    /// before.
    pub(crate) fn forget_deliveries_to(
        &mut self,
        user: Option<Uid>,
        attendee: Option<Uid>,
        now: Instant,
    ) -> Result<(), StoreError> {
        let theirs = campaign_deliveries::table
            .filter(campaign_deliveries::user_id.eq(user))
            .or_filter(campaign_deliveries::attendee_id.eq(attendee))
            .select(campaign_deliveries::id);
        self.run(|connection| {
            on!(connection, |c| {
                let ids: Vec<Uid> = theirs.load(c)?;
                diesel::update(
                    campaign_deliveries::table
                        .filter(campaign_deliveries::id.eq_any(&ids))
                        .filter(campaign_deliveries::status.eq_any(["waiting", "queued"])),
                )
                .set((
                    campaign_deliveries::status.eq("skipped"),
                    campaign_deliveries::error.eq("erased"),
                    campaign_deliveries::finished_at.eq(Ts(now)),
                ))
                .execute(c)?;
                diesel::update(
                    campaign_deliveries::table.filter(campaign_deliveries::id.eq_any(&ids)),
                )
                .set((
                    campaign_deliveries::attendee_id.eq(None::<Uid>),
                    campaign_deliveries::user_id.eq(None::<Uid>),
                    campaign_deliveries::name.eq(""),
                    campaign_deliveries::email.eq(""),
                    // No address looks like this, and no two are alike.
                    campaign_deliveries::email_key.eq(sql::<Text>("'erased ' || CAST(id AS TEXT)")),
                    // What a mail server says may name the address.
                    campaign_deliveries::error.eq(sql::<Nullable<Text>>(
                        "CASE WHEN status = 'failed' THEN 'erased' ELSE error END",
                    )),
                ))
                .execute(c)
            })
        })?;
        Ok(())
    }

    /// Gives one attendee the deliveries of another who is the same person: the links in their mails are theirs.
    pub(crate) fn give_deliveries(&mut self, from: Uid, to: Uid) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                campaign_deliveries::table.filter(campaign_deliveries::attendee_id.eq(from))
            )
            .set(campaign_deliveries::attendee_id.eq(to))
            .execute(c))
        })?;
        Ok(())
    }
}
