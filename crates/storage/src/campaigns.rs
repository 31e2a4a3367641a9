//! Rows and queries of campaigns.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::events::instant_of;
use crate::schema::{
    attendees, campaign_deliveries, campaigns, candidates, event_staff, events, outbox, votes,
};
use crate::transaction::named;
use campaign::{
    ApprovedNames, AtWork, Audience, Campaign, CampaignFilter, CampaignRepository, CampaignStatus,
    CampaignView, Progress, Runs,
};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{
    AttendeeId, CampaignId, CandidateId, EventId, OutboxId, Page, PageRequest, Position, StoreError, TypedId,
    UserId,
};
use std::collections::HashMap;

mod deliveries;
mod people;
mod settled;

pub(crate) use settled::Ended;

const TABLE: &str = "campaigns";

/// The predicate of the partial index `campaigns_at_work`, in its words.
const AT_WORK: &str = "campaigns.at_work";
/// Those of which something is to come still: [`CampaignStatus::is_open`].
const OPEN: [&str; 4] = ["requested", "approved", "sending", "paused"];

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = campaigns, treat_none_as_default_value = false, treat_none_as_null = true)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct CampaignRow {
    id: Uid,
    event_id: Uid,
    candidate_id: Uid,
    requested_by: Uid,
    status: String,
    subject: String,
    body: String,
    candidate_name: Option<String>,
    talk_title: Option<String>,
    audience: Option<String>,
    send_at: Option<Ts>,
    reason: Option<String>,
    decided_by: Option<Uid>,
    listed_to_time: Option<Ts>,
    listed_to_id: Option<Uid>,
    all_listed: bool,
    at_work: bool,
    fed_at: Option<Ts>,
    told_at: Option<Ts>,
    told: Option<String>,
    requested_at: Ts,
    started_at: Option<Ts>,
    finished_at: Option<Ts>,
    updated_at: Ts,
}

impl CampaignRow {
    fn of(campaign: &Campaign) -> Self {
        let (place, names) = (campaign.listed_to, campaign.approved_names.as_ref());
        Self {
            id: Uid::of(campaign.id),
            event_id: Uid::of(campaign.event_id),
            candidate_id: Uid::of(campaign.candidate_id),
            requested_by: Uid::of(campaign.requested_by),
            status: campaign.status.as_str().to_owned(),
            subject: campaign.subject.clone(),
            body: campaign.body.clone(),
            candidate_name: names.map(|names| names.candidate.clone()),
            talk_title: names.map(|names| names.talk_title.clone()),
            audience: campaign.audience.map(|audience| audience.as_str().to_owned()),
            send_at: campaign.send_at.map(Ts),
            reason: campaign.reason.clone(),
            decided_by: campaign.decided_by.map(Uid::of),
            listed_to_time: place.map(|place| Ts(instant_of(place))),
            listed_to_id: place.map(|place| Uid(place.id)),
            all_listed: campaign.all_listed,
            at_work: campaign.at_work,
            fed_at: campaign.fed_at.map(Ts),
            told_at: campaign.told_at.map(Ts),
            told: campaign.told.clone(),
            requested_at: Ts(campaign.requested_at),
            started_at: campaign.started_at.map(Ts),
            finished_at: campaign.finished_at.map(Ts),
            updated_at: Ts(campaign.updated_at),
        }
    }

    fn into_campaign(self) -> Result<Campaign, StoreError> {
        let row = self.id;
        let audience = |name: String| named(TABLE, row, "audience", &name, Audience::from_name);
        Ok(Campaign {
            id: row.typed(),
            event_id: self.event_id.typed(),
            candidate_id: self.candidate_id.typed(),
            requested_by: self.requested_by.typed(),
            status: status_of(row, &self.status)?,
            subject: self.subject,
            body: self.body,
            approved_names: self
                .candidate_name
                .zip(self.talk_title)
                .map(|(candidate, talk_title)| ApprovedNames {
                    candidate,
                    talk_title,
                }),
            audience: self.audience.map(audience).transpose()?,
            send_at: instant(self.send_at),
            reason: self.reason,
            decided_by: self.decided_by.map(Uid::typed),
            listed_to: self
                .listed_to_time
                .zip(self.listed_to_id)
                .map(|(at, id)| Position {
                    value: at.0.timestamp_micros(),
                    id: id.0,
                }),
            all_listed: self.all_listed,
            at_work: self.at_work,
            fed_at: instant(self.fed_at),
            told_at: instant(self.told_at),
            told: self.told,
            requested_at: self.requested_at.0,
            started_at: instant(self.started_at),
            finished_at: instant(self.finished_at),
            updated_at: self.updated_at.0,
        })
    }
}

fn status_of(row: Uid, name: &str) -> Result<CampaignStatus, StoreError> {
    named(TABLE, row, "status", name, CampaignStatus::from_name)
}

fn instant(at: Option<Ts>) -> Option<kernel::Instant> {
    at.map(|at| at.0)
}

/// How a row is locked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    /// Not at all.
    No,
    /// Others are waited for.
    Wait,
    /// What others have is passed over.
    Skip,
}

/// The campaigns that are asked for.
macro_rules! filtered {
    ($filter:expr) => {{
        let filter = $filter;
        let mut query = campaigns::table.into_boxed();
        if let Some(event_id) = filter.event_id {
            query = query.filter(campaigns::event_id.eq(Uid::of(event_id)));
        }
        if let Some(owner) = filter.owner {
            let user = Uid::of(owner.user_id);
            let candidacies = candidates::table
                .inner_join(attendees::table)
                .filter(attendees::user_id.eq(user))
                .select(candidates::id);
            let staffed = event_staff::table
                .filter(event_staff::user_id.eq(user))
                .filter(event_staff::role.eq("manager"))
                .select(event_staff::event_id);
            let own = events::table
                .filter(events::organizer_id.eq(user))
                .select(events::id);
            let theirs = campaigns::candidate_id.eq_any(candidacies);
            let asked = campaigns::requested_by.eq(user);
            query = match owner.runs {
                Runs::Nothing => query.filter(theirs),
                Runs::Staffed => query.filter(theirs.or(asked.and(campaigns::event_id.eq_any(staffed)))),
                Runs::OwnAndStaffed => query.filter(
                    theirs.or(asked.and(
                        campaigns::event_id
                            .eq_any(staffed)
                            .or(campaigns::event_id.eq_any(own)),
                    )),
                ),
                Runs::Everything => query.filter(theirs.or(asked)),
            };
        }
        if let Some(status) = filter.status {
            query = query.filter(campaigns::status.eq(status.as_str()));
        }
        query
    }};
}

impl Tx<'_> {
    fn campaign_of(&mut self, id: CampaignId, lock: Lock) -> Result<Option<Campaign>, StoreError> {
        let found = campaigns::table.find(Uid::of(id));
        let row: Option<CampaignRow> = self.run(|connection| match (connection, lock) {
            (DbConn::Postgres(c), Lock::Wait) => found
                .select(CampaignRow::as_select())
                .for_update()
                .first(c)
                .optional(),
            (DbConn::Postgres(c), Lock::Skip) => found
                .select(CampaignRow::as_select())
                .for_update()
                .skip_locked()
                .first(c)
                .optional(),
            // SQLite has one writer.
            (connection, _) => on!(connection, |c| found
                .select(CampaignRow::as_select())
                .first(c)
                .optional()),
        })?;
        row.map(CampaignRow::into_campaign).transpose()
    }

    /// The votes that stand and were given by links of these campaigns.
    fn votes_won(&mut self, ids: &[Uid]) -> Result<HashMap<Uid, u64>, StoreError> {
        let counts: Vec<(Option<Uid>, i64)> = self.run(|connection| {
            on!(connection, |c| votes::table
                .filter(votes::campaign_id.eq_any(ids))
                .group_by(votes::campaign_id)
                .select((votes::campaign_id, count_star()))
                .load(c))
        })?;
        let named = |(id, count): (Option<Uid>, i64)| Some((id?, u64::try_from(count).unwrap_or(0)));
        Ok(counts.into_iter().filter_map(named).collect())
    }

    fn progress_of(&mut self, ids: &[Uid]) -> Result<HashMap<Uid, Progress>, StoreError> {
        let counts: Vec<(Uid, String, i64)> = self.run(|connection| {
            on!(connection, |c| campaign_deliveries::table
                .filter(campaign_deliveries::campaign_id.eq_any(ids))
                .group_by((campaign_deliveries::campaign_id, campaign_deliveries::status))
                .select((
                    campaign_deliveries::campaign_id,
                    campaign_deliveries::status,
                    count_star(),
                ))
                .load(c))
        })?;
        let mut all: HashMap<Uid, Progress> = ids.iter().map(|id| (*id, Progress::nothing())).collect();
        for (id, status, count) in counts {
            let count = u64::try_from(count).unwrap_or(0);
            let progress = all.entry(id).or_default();
            match status.as_str() {
                "skipped" => continue,
                "sent" => progress.sent += count,
                "failed" => progress.failed += count,
                _ => {}
            }
            progress.total += count;
        }
        for (id, votes) in self.votes_won(ids)? {
            all.entry(id).or_default().votes_won = Some(votes);
        }
        Ok(all)
    }

    /// Deletes the campaigns of an event.
    pub(crate) fn delete_campaigns_at(&mut self, event_id: EventId) -> Result<(), StoreError> {
        let of_event = campaigns::table
            .filter(campaigns::event_id.eq(Uid::of(event_id)))
            .select(campaigns::id);
        let ids = self.run(|connection| on!(connection, |c| of_event.load(c)))?;
        self.delete_campaigns(&ids)
    }

    /// Deletes the campaigns for the candidacies of somebody.
    pub(crate) fn delete_campaigns_for(&mut self, attendee: AttendeeId) -> Result<(), StoreError> {
        let candidacies = candidates::table
            .filter(candidates::attendee_id.eq(Uid::of(attendee)))
            .select(candidates::id);
        let theirs = campaigns::table
            .filter(campaigns::candidate_id.eq_any(candidacies))
            .select(campaigns::id);
        let ids = self.run(|connection| on!(connection, |c| theirs.load(c)))?;
        self.delete_campaigns(&ids)
    }

    /// Deletes campaigns with all that is theirs. What was sent stays in the queue's memory with nothing of what it said; the other
    /// messages go.
    fn delete_campaigns(&mut self, ids: &[Uid]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let theirs = || campaigns::table.filter(campaigns::id.eq_any(ids));
        // Whoever is handing mails over at this moment is waited for, so that all of them are found.
        self.run(|connection| match connection {
            DbConn::Postgres(c) => theirs()
                .order(campaigns::id)
                .select(campaigns::id)
                .for_update()
                .load::<Uid>(c)
                .map(drop),
            DbConn::Sqlite(_) => Ok(()),
        })?;
        let gone: Vec<Uid> = self.run(|connection| {
            let deliveries = campaign_deliveries::table
                .filter(campaign_deliveries::campaign_id.eq_any(ids))
                .select(campaign_deliveries::id);
            on!(connection, |c| diesel::delete(
                outbox::table
                    .filter(outbox::id.eq_any(deliveries))
                    .filter(outbox::status.ne("done"))
            )
            .returning(outbox::id)
            .get_results(c))
        })?;
        self.forget_messages(gone.into_iter().map(Uid::typed::<OutboxId>));
        self.run(|connection| {
            on!(connection, |c| {
                diesel::delete(
                    campaign_deliveries::table.filter(campaign_deliveries::campaign_id.eq_any(ids)),
                )
                .execute(c)?;
                diesel::delete(theirs()).execute(c)
            })
        })?;
        Ok(())
    }

    fn open_campaigns(&mut self, filter: &CampaignFilter, of: OpenOf) -> Result<Vec<CampaignId>, StoreError> {
        let ids: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = filtered!(filter).filter(campaigns::status.eq_any(OPEN));
                query = match of {
                    OpenOf::Filter => query,
                    OpenOf::Candidate(id) => query.filter(campaigns::candidate_id.eq(id)),
                    OpenOf::Requester(id) => query.filter(campaigns::requested_by.eq(id)),
                };
                query.order(campaigns::id).select(campaigns::id).load(c)
            })
        })?;
        Ok(ids.into_iter().map(Uid::typed).collect())
    }
}

/// Whose open campaigns are wanted.
#[derive(Clone, Copy)]
enum OpenOf {
    /// Those of the filter.
    Filter,
    Candidate(Uid),
    Requester(Uid),
}

impl CampaignRepository for Tx<'_> {
    fn insert_campaign(&mut self, campaign: &Campaign) -> Result<(), StoreError> {
        let row = CampaignRow::of(campaign);
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(campaigns::table)
                .values(&row)
                .execute(c))
        })?;
        Ok(())
    }

    fn find_campaign(&mut self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        self.campaign_of(id, Lock::No)
    }

    fn lock_campaign(&mut self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        self.campaign_of(id, Lock::Wait)
    }

    fn lock_free_campaign(&mut self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        self.campaign_of(id, Lock::Skip)
    }

    fn update_campaign(&mut self, campaign: &Campaign) -> Result<(), StoreError> {
        let row = CampaignRow::of(campaign);
        self.run(|connection| {
            on!(connection, |c| diesel::update(campaigns::table.find(row.id))
                .set((
                    (
                        campaigns::status.eq(&row.status),
                        campaigns::subject.eq(&row.subject),
                        campaigns::body.eq(&row.body),
                        campaigns::candidate_name.eq(&row.candidate_name),
                        campaigns::talk_title.eq(&row.talk_title),
                        campaigns::audience.eq(&row.audience),
                        campaigns::send_at.eq(row.send_at),
                        campaigns::reason.eq(&row.reason),
                        campaigns::decided_by.eq(row.decided_by),
                    ),
                    (
                        campaigns::listed_to_time.eq(row.listed_to_time),
                        campaigns::listed_to_id.eq(row.listed_to_id),
                        campaigns::all_listed.eq(row.all_listed),
                        campaigns::at_work.eq(row.at_work),
                        campaigns::fed_at.eq(row.fed_at),
                        campaigns::told_at.eq(row.told_at),
                        campaigns::told.eq(&row.told),
                    ),
                    (
                        campaigns::started_at.eq(row.started_at),
                        campaigns::finished_at.eq(row.finished_at),
                        campaigns::updated_at.eq(row.updated_at),
                    ),
                ))
                .execute(c))
        })?;
        Ok(())
    }

    fn count_open_campaigns(&mut self, candidate_id: CandidateId) -> Result<u64, StoreError> {
        let open = self.list_open_campaigns_for(candidate_id)?;
        Ok(open.len() as u64)
    }

    fn list_open_campaigns_for(&mut self, candidate_id: CandidateId) -> Result<Vec<CampaignId>, StoreError> {
        self.open_campaigns(
            &CampaignFilter::default(),
            OpenOf::Candidate(Uid::of(candidate_id)),
        )
    }

    fn list_open_campaigns_at(&mut self, event_id: EventId) -> Result<Vec<CampaignId>, StoreError> {
        let filter = CampaignFilter {
            event_id: Some(event_id),
            ..CampaignFilter::default()
        };
        self.open_campaigns(&filter, OpenOf::Filter)
    }

    fn list_open_campaigns_by(&mut self, user_id: UserId) -> Result<Vec<CampaignId>, StoreError> {
        self.open_campaigns(&CampaignFilter::default(), OpenOf::Requester(Uid::of(user_id)))
    }

    fn list_campaigns(
        &mut self,
        filter: &CampaignFilter,
        page: PageRequest,
    ) -> Result<Page<CampaignView>, StoreError> {
        let total = if page.include_total {
            let total: i64 =
                self.run(|connection| on!(connection, |c| filtered!(filter).count().get_result(c)))?;
            Some(u64::try_from(total).unwrap_or(0))
        } else {
            None
        };
        // Ids are made in the order of time.
        let rows: Vec<CampaignRow> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = filtered!(filter);
                if let Some(after) = page.after {
                    query = query.filter(campaigns::id.lt(Uid(after.id)));
                }
                query
                    .order(campaigns::id.desc())
                    .limit(i64::from(page.limit) + 1)
                    .select(CampaignRow::as_select())
                    .load(c)
            })
        })?;
        let ids: Vec<Uid> = rows.iter().map(|row| row.id).collect();
        let mut progress = self.progress_of(&ids)?;
        let view = |row: CampaignRow| {
            Ok(CampaignView {
                progress: progress.remove(&row.id).unwrap_or_default(),
                campaign: row.into_campaign()?,
            })
        };
        let views = rows
            .into_iter()
            .map(view)
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Page::from_surplus(views, page, total, |view| Position {
            value: view.campaign.requested_at.timestamp_micros(),
            id: view.campaign.id.uuid(),
        }))
    }

    fn list_campaigns_at_work(&mut self) -> Result<Vec<AtWork>, StoreError> {
        type Row = (Uid, String, Option<Ts>, Option<Ts>);
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| campaigns::table
                .filter(sql::<Bool>(AT_WORK))
                .order(campaigns::id)
                .select((
                    campaigns::id,
                    campaigns::status,
                    campaigns::send_at,
                    campaigns::told_at
                ))
                .load(c))
        })?;
        let at_work = |(id, status, send_at, told_at): Row| {
            Ok(AtWork {
                id: id.typed(),
                status: status_of(id, &status)?,
                send_at: instant(send_at),
                told_at: instant(told_at),
            })
        };
        rows.into_iter().map(at_work).collect()
    }

    fn count_progress(&mut self, id: CampaignId) -> Result<Progress, StoreError> {
        let id = Uid::of(id);
        Ok(self.progress_of(&[id])?.remove(&id).unwrap_or_default())
    }
}
