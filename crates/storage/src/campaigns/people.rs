//! What campaigns hold of a person: read, emptied, or given to somebody else.

use super::instant;
use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::schema::{attendees, campaign_deliveries, campaigns, events, outbox, users};
use auth::{CampaignMailRecord, CampaignRecord};
use campaign::Delivery;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use kernel::{Instant, OutboxId, StoreError};

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

    /// Empties deliveries to a person, to the account or the attendee; they go on counting. Their messages go, whatever became
    /// of them: after the deliveries, so that whoever is handing one to the queue at this moment is waited for.
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
        let ids: Vec<Uid> = self.run(|connection| on!(connection, |c| theirs.load(c)))?;
        if ids.is_empty() {
            return Ok(());
        }
        self.run(|connection| {
            on!(connection, |c| {
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
        self.delete_messages_of(&ids)
    }

    /// Empties those of the deliveries, which were just written, whose people are forgotten or removed by now. Who is being forgotten
    /// is waited for, and whoever forgets them later waits for this transaction and finds what it wrote.
    pub(super) fn forget_who_is_gone(
        &mut self,
        deliveries: &[Delivery],
        now: Instant,
    ) -> Result<(), StoreError> {
        let mut users: Vec<Uid> = deliveries
            .iter()
            .filter_map(|one| one.user_id.map(Uid::of))
            .collect();
        let mut attendees: Vec<Uid> = deliveries
            .iter()
            .filter_map(|one| one.attendee_id.map(Uid::of))
            .collect();
        let (here, seated): (Vec<Uid>, Vec<Uid>) = self.run(|connection| match connection {
            DbConn::Postgres(c) => Ok((
                users::table
                    .filter(users::id.eq_any(&users))
                    .filter(users::erased_at.is_null())
                    .order(users::id)
                    .select(users::id)
                    .for_key_share()
                    .load(c)?,
                attendees::table
                    .filter(attendees::id.eq_any(&attendees))
                    .order(attendees::id)
                    .select(attendees::id)
                    .for_key_share()
                    .load(c)?,
            )),
            // SQLite has one writer: who was read in this transaction is there.
            DbConn::Sqlite(_) => Ok((users.clone(), attendees.clone())),
        })?;
        users.retain(|id| !here.contains(id));
        attendees.retain(|id| !seated.contains(id));
        for user in users {
            self.forget_deliveries_to(Some(user), None, now)?;
        }
        for attendee in attendees {
            self.forget_deliveries_to(None, Some(attendee), now)?;
        }
        Ok(())
    }

    /// Deletes the messages of these deliveries, also those that were sent.
    pub(super) fn delete_messages_of(&mut self, deliveries: &[Uid]) -> Result<(), StoreError> {
        for some in deliveries.chunks(1_000) {
            let gone: Vec<Uid> = self.run(|connection| {
                on!(connection, |c| diesel::delete(
                    outbox::table.filter(outbox::id.eq_any(some))
                )
                .returning(outbox::id)
                .get_results(c))
            })?;
            self.forget_messages(gone.into_iter().map(Uid::typed::<OutboxId>));
        }
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
