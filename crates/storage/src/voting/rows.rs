//! A candidate's row, and what is read beside it.

use crate::columns::{Ts, Uid};
use crate::schema::candidates;
use crate::transaction::named;
use ::voting::{Candidate, CandidateStatus, CandidateView};
use diesel::prelude::*;
use kernel::StoreError;

/// What stands in the place of a title that was erased.
pub(crate) const ERASED_TITLE: &str = "(erased)";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = candidates, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(super) struct CandidateRow {
    id: Uid,
    event_id: Uid,
    attendee_id: Uid,
    nominated_by: Uid,
    status: String,
    talk_title: String,
    summary: String,
    nominated_at: Ts,
    listed_at: Option<Ts>,
    ended_at: Option<Ts>,
    updated_at: Ts,
}

/// The candidate with the person's name, account and profession.
pub(super) type ViewRow = (CandidateRow, String, Option<Uid>, Option<String>);

impl CandidateRow {
    pub(super) fn of(candidate: &Candidate) -> Self {
        Self {
            id: Uid::of(candidate.id),
            event_id: Uid::of(candidate.event_id),
            attendee_id: Uid::of(candidate.attendee_id),
            nominated_by: Uid::of(candidate.nominated_by),
            status: candidate.status.as_str().to_owned(),
            talk_title: candidate.talk_title.clone(),
            summary: candidate.summary.clone(),
            nominated_at: Ts(candidate.nominated_at),
            listed_at: candidate.listed_at.map(Ts),
            ended_at: candidate.ended_at.map(Ts),
            updated_at: Ts(candidate.updated_at),
        }
    }

    pub(super) fn into_candidate(self) -> Result<Candidate, StoreError> {
        Ok(Candidate {
            id: self.id.typed(),
            event_id: self.event_id.typed(),
            attendee_id: self.attendee_id.typed(),
            nominated_by: self.nominated_by.typed(),
            status: named(
                "candidates",
                self.id,
                "status",
                &self.status,
                CandidateStatus::from_name,
            )?,
            talk_title: self.talk_title,
            summary: self.summary,
            nominated_at: self.nominated_at.0,
            listed_at: self.listed_at.map(|at| at.0),
            ended_at: self.ended_at.map(|at| at.0),
            updated_at: self.updated_at.0,
        })
    }
}

pub(super) fn into_view((row, name, user_id, profession): ViewRow) -> Result<CandidateView, StoreError> {
    Ok(CandidateView {
        candidate: row.into_candidate()?,
        name,
        user_id: user_id.map(Uid::typed),
        profession,
    })
}
