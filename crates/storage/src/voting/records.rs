//! What is held on a person of candidacies and votes, as it is given to them.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::schema::{candidates, events, votes};
use auth::{CandidacyRecord, NominationRecord, VoteRecord};
use diesel::prelude::*;
use kernel::StoreError;

impl Tx<'_> {
    pub(crate) fn candidacy_records(
        &mut self,
        attendee: Option<Uid>,
    ) -> Result<Vec<CandidacyRecord>, StoreError> {
        type Row = (
            (Uid, Uid, String, Uid, String),
            (String, String, Ts, Option<Ts>, Option<Ts>),
        );
        let Some(attendee) = attendee else {
            return Ok(Vec::new());
        };
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| candidates::table
                .inner_join(events::table.on(events::id.eq(candidates::event_id)))
                .filter(candidates::attendee_id.eq(attendee))
                .order(candidates::id)
                .select((
                    (
                        candidates::id,
                        candidates::event_id,
                        events::title,
                        candidates::nominated_by,
                        candidates::status,
                    ),
                    (
                        candidates::talk_title,
                        candidates::summary,
                        candidates::nominated_at,
                        candidates::listed_at,
                        candidates::ended_at,
                    ),
                ))
                .load(c))
        })?;
        let of = |((id, event, event_title, by, status), (title, summary, at, listed, ended)): Row| {
            CandidacyRecord {
                id: id.typed(),
                event_id: event.typed(),
                event_title,
                nominated_by: by.typed(),
                status,
                talk_title: title,
                summary,
                nominated_at: at.0,
                listed_at: listed.map(|at| at.0),
                ended_at: ended.map(|at| at.0),
            }
        };
        Ok(rows.into_iter().map(of).collect())
    }

    /// Those whom the account named, but for itself.
    pub(crate) fn nomination_records(
        &mut self,
        user: Uid,
        oneself: Option<Uid>,
    ) -> Result<Vec<NominationRecord>, StoreError> {
        let rows: Vec<(Uid, Uid, Uid, Ts)> = self.run(|connection| {
            on!(connection, |c| candidates::table
                .filter(candidates::nominated_by.eq(user))
                .order(candidates::id)
                .select((
                    candidates::id,
                    candidates::attendee_id,
                    candidates::event_id,
                    candidates::nominated_at,
                ))
                .load(c))
        })?;
        Ok(rows
            .into_iter()
            .filter(|(_, attendee, ..)| Some(*attendee) != oneself)
            .map(|(id, _, event, at)| NominationRecord {
                candidate_id: id.typed(),
                event_id: event.typed(),
                nominated_at: at.0,
            })
            .collect())
    }

    pub(crate) fn vote_records(&mut self, attendee: Option<Uid>) -> Result<Vec<VoteRecord>, StoreError> {
        type Row = (Uid, Uid, String, Option<Uid>, Ts);
        let Some(attendee) = attendee else {
            return Ok(Vec::new());
        };
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| votes::table
                .filter(votes::voter_id.eq(attendee))
                .order(votes::event_id)
                .select((
                    votes::event_id,
                    votes::candidate_id,
                    votes::via,
                    votes::campaign_id,
                    votes::cast_at,
                ))
                .load(c))
        })?;
        let of = |(event, candidate, via, campaign, at): Row| VoteRecord {
            event_id: event.typed(),
            candidate_id: candidate.typed(),
            via,
            campaign_id: campaign.map(Uid::typed),
            cast_at: at.0,
        };
        Ok(rows.into_iter().map(of).collect())
    }
}
