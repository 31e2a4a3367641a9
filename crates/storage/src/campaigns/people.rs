//! What campaigns hold of a person: read, emptied, or given to somebody else.

use super::instant;
use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::schema::{campaign_deliveries, campaigns, events};
use auth::{CampaignMailRecord, CampaignRecord};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use kernel::{Instant, StoreError};

/// What stands in the place of a subject that is gone.
const ERASED: &str = "(erased)";

impl Tx<'_> {
    /// The campaigns that a person asked for.
    pub(crate) fn campaign_records(&mut self, user: Uid) -> Result<Vec<CampaignRecord>, StoreError> {
        type Row = (
            (Uid, Uid, String, Uid),
            (String, String, String, Option<String>, Option<Ts>, Option<String>),
            (Ts, Option<Ts>, Option<Ts>),
        );
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| campaigns::table
                .inner_join(events::table.on(events::id.eq(campaigns::event_id)))
                .filter(campaigns::requested_by.eq(user))
                .order(campaigns::id)
                .select((
                    (
                        campaigns::id,
                        campaigns::event_id,
                        events::title,
                        campaigns::candidate_id
                    ),
                    (
                        campaigns::status,
                        campaigns::subject,
                        campaigns::body,
                        campaigns::audience,
                        campaigns::send_at,
                        campaigns::reason
                    ),
                    (
                        campaigns::requested_at,
                        campaigns::started_at,
                        campaigns::finished_at
                    ),
                ))
                .load(c))
        })?;
        let of = |(which, what, when): Row| {
            let (id, event, event_title, candidate) = which;
            let (status, subject, body, audience, send_at, reason) = what;
            let (requested, started, finished) = when;
            CampaignRecord {
                id: id.typed(),
                event_id: event.typed(),
                event_title,
                candidate_id: candidate.typed(),
                status,
                subject,
                body,
                audience,
                send_at: instant(send_at),
                reason,
                requested_at: requested.0,
                started_at: instant(started),
                finished_at: instant(finished),
            }
        };
        Ok(rows.into_iter().map(of).collect())
    }

    /// What a person got of campaigns, or was to get.
    pub(crate) fn campaign_mail_records(
        &mut self,
        user: Uid,
        attendee: Option<Uid>,
    ) -> Result<Vec<CampaignMailRecord>, StoreError> {
        type Row = (
            Uid,
            Uid,
            String,
            String,
            String,
            String,
            Option<String>,
            Option<Ts>,
        );
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| campaign_deliveries::table
                .inner_join(campaigns::table)
                .inner_join(events::table.on(events::id.eq(campaigns::event_id)))
                .filter(
                    campaign_deliveries::user_id
                        .eq(user)
                        .or(campaign_deliveries::attendee_id.eq(attendee))
                )
                .order(campaign_deliveries::id)
                .select((
                    campaigns::id,
                    events::id,
                    events::title,
                    campaign_deliveries::name,
                    campaign_deliveries::email,
                    campaign_deliveries::status,
                    campaign_deliveries::error,
                    campaign_deliveries::finished_at,
                ))
                .load(c))
        })?;
        let of = |(campaign, event, event_title, name, email, status, error, finished_at): Row| {
            CampaignMailRecord {
                campaign_id: campaign.typed(),
                event_id: event.typed(),
                event_title,
                name,
                email,
                status,
                error,
                finished_at: instant(finished_at),
            }
        };
        Ok(rows.into_iter().map(of).collect())
    }

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
                diesel::update(campaign_deliveries::table.filter(campaign_deliveries::id.eq_any(&ids)))
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
