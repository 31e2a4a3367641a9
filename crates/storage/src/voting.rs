//! Rows and queries of candidates; those of votes stand in `voting/votes.rs`.

mod records;
mod rows;
mod speaker;
mod votes;

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::prepared::Prepared;
use crate::schema::{attendees, candidates, events, role_permissions, user_roles, users, votes as ballots};
use crate::transaction::{rows as rows_of, uids};
use auth::ADMIN_ROLE;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{AttendeeId, CandidateId, EmailAddress, EventId, Instant, Permission, StoreError, UserId};
use notification::Recipient;
use rows::{CandidateRow, ERASED_TITLE, ViewRow, into_view};
use user::Attendee;
use voting::{Candidate, CandidateCount, CandidateRepository, CandidateStatus, CandidateView, NominationsBy};

/// The predicate of the partial index `candidates_one_live`, in its words.
const LIVE_CANDIDATE: &str = "candidates.status IN ('nominated', 'listed')";

macro_rules! views {
    () => {
        candidates::table
            .inner_join(attendees::table)
            .left_join(users::table.on(attendees::user_id.eq(users::id.nullable())))
            .select((
                CandidateRow::as_select(),
                attendees::name,
                attendees::user_id,
                users::profession.nullable(),
            ))
    };
}

impl CandidateRepository for Tx<'_> {
    fn find_candidate(&mut self, id: CandidateId) -> Result<Option<Candidate>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| candidates::table
                .find(Uid::of(id))
                .select(CandidateRow::as_select())
                .first(c)
                .optional())
        })?
        .map(CandidateRow::into_candidate)
        .transpose()
    }

    fn find_candidate_view(&mut self, id: CandidateId) -> Result<Option<CandidateView>, StoreError> {
        let row: Option<ViewRow> = self.run(|connection| {
            on!(connection, |c| views!()
                .filter(candidates::id.eq(Uid::of(id)))
                .first(c)
                .optional())
        })?;
        row.map(into_view).transpose()
    }

    fn find_live_candidate(
        &mut self,
        event_id: EventId,
        attendee_id: AttendeeId,
    ) -> Result<Option<Candidate>, StoreError> {
        if self
            .tray
            .as_ref()
            .is_some_and(|tray| tray.is_free_of_ties(event_id, attendee_id))
        {
            return Ok(None);
        }
        self.run(|connection| {
            on!(connection, |c| Prepared(
                candidates::table
                    .filter(candidates::event_id.eq(Uid::of(event_id)))
                    .filter(candidates::attendee_id.eq(Uid::of(attendee_id)))
                    .filter(sql::<Bool>(LIVE_CANDIDATE))
                    .select(CandidateRow::as_select())
                    .limit(1)
            )
            .get_result(c)
            .optional())
        })?
        .map(CandidateRow::into_candidate)
        .transpose()
    }

    fn insert_candidate(&mut self, candidate: &Candidate) -> Result<(), StoreError> {
        let row = CandidateRow::of(candidate);
        let inserted = self.run(|connection| {
            on!(connection, |c| diesel::insert_into(candidates::table)
                .values(&row)
                .execute(c))
        });
        self.unless_attendee_went(inserted)?;
        Ok(())
    }

    fn list_candidate(&mut self, id: CandidateId, at: Instant) -> Result<(), StoreError> {
        let set = (
            candidates::status.eq(CandidateStatus::Listed.as_str()),
            candidates::listed_at.eq(Ts(at)),
            candidates::updated_at.eq(Ts(at)),
        );
        let nominated = candidates::table
            .find(Uid::of(id))
            .filter(candidates::status.eq(CandidateStatus::Nominated.as_str()));
        let listed =
            self.run(|connection| on!(connection, |c| diesel::update(nominated).set(set).execute(c)))?;
        self.unless_candidate_changed(id, listed)
    }

    fn reword_candidate(&mut self, candidate: &Candidate) -> Result<(), StoreError> {
        let set = (
            candidates::talk_title.eq(&candidate.talk_title),
            candidates::summary.eq(&candidate.summary),
            candidates::updated_at.eq(Ts(candidate.updated_at)),
        );
        let live = candidates::table
            .find(Uid::of(candidate.id))
            .filter(sql::<Bool>(LIVE_CANDIDATE));
        let changed = self.run(|connection| on!(connection, |c| diesel::update(live).set(set).execute(c)))?;
        self.unless_candidate_changed(candidate.id, changed)?;
        self.show_talk_anew(candidate.id)
    }

    fn end_candidate(
        &mut self,
        id: CandidateId,
        status: CandidateStatus,
        at: Instant,
    ) -> Result<(), StoreError> {
        let set = (
            candidates::status.eq(status.as_str()),
            candidates::ended_at.eq(Ts(at)),
            candidates::updated_at.eq(Ts(at)),
        );
        let live = candidates::table
            .find(Uid::of(id))
            .filter(sql::<Bool>(LIVE_CANDIDATE));
        let ended = self.run(|connection| on!(connection, |c| diesel::update(live).set(set).execute(c)))?;
        self.unless_candidate_changed(id, ended)
    }

    fn list_candidate_ids(
        &mut self,
        event_id: EventId,
        statuses: &[CandidateStatus],
    ) -> Result<Vec<(CandidateId, AttendeeId)>, StoreError> {
        let names: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
        let rows: Vec<(Uid, Uid)> = self.run(|connection| {
            on!(connection, |c| candidates::table
                .filter(candidates::event_id.eq(Uid::of(event_id)))
                .filter(candidates::status.eq_any(names))
                .order(candidates::id)
                .select((candidates::id, candidates::attendee_id))
                .load(c))
        })?;
        Ok(rows
            .into_iter()
            .map(|(id, attendee_id)| (id.typed(), attendee_id.typed()))
            .collect())
    }

    fn list_candidate_views(&mut self, ids: &[CandidateId]) -> Result<Vec<CandidateView>, StoreError> {
        let rows: Vec<ViewRow> = self.run(|connection| {
            on!(connection, |c| views!()
                .filter(candidates::id.eq_any(uids(ids)))
                .load(c))
        })?;
        rows.into_iter().map(into_view).collect()
    }

    fn count_nominations(&mut self, event_id: EventId, by: UserId) -> Result<NominationsBy, StoreError> {
        let whose: Vec<Option<Uid>> = self.run(|connection| {
            on!(connection, |c| candidates::table
                .inner_join(attendees::table)
                .filter(candidates::nominated_by.eq(Uid::of(by)))
                .filter(candidates::event_id.eq(Uid::of(event_id)))
                .select(attendees::user_id)
                .load(c))
        })?;
        let (own, others): (Vec<_>, Vec<_>) = whose.into_iter().partition(|user| *user == Some(Uid::of(by)));
        Ok(NominationsBy {
            oneself: rows_of(own.len()),
            others: rows_of(others.len()),
        })
    }

    fn count_candidates(&mut self, event_id: EventId) -> Result<CandidateCount, StoreError> {
        let of_event = || candidates::table.filter(candidates::event_id.eq(Uid::of(event_id)));
        let (live, all): (i64, i64) = self.run(|connection| {
            on!(connection, |c| Ok((
                of_event()
                    .filter(sql::<Bool>(LIVE_CANDIDATE))
                    .count()
                    .get_result(c)?,
                of_event().count().get_result(c)?,
            )))
        })?;
        Ok(CandidateCount {
            live: u32::try_from(live).unwrap_or(u32::MAX),
            all: u32::try_from(all).unwrap_or(u32::MAX),
        })
    }

    fn find_participant(
        &mut self,
        event_id: EventId,
        attendee_id: AttendeeId,
    ) -> Result<Option<Attendee>, StoreError> {
        self.find_listed_participant(event_id, attendee_id)
    }

    fn set_speaker(&mut self, event_id: EventId, speaker: Option<CandidateId>) -> Result<(), StoreError> {
        self.touch_event(event_id);
        let set = (
            events::speaker_id.eq(speaker.map(Uid::of)),
            events::edit_version.eq(events::edit_version + 1),
        );
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                events::table.find(Uid::of(event_id))
            )
            .set(set)
            .execute(c))
        })?;
        Ok(())
    }

    fn unset_speaker(&mut self, event_id: EventId, speaker: CandidateId) -> Result<bool, StoreError> {
        let is_it = events::table
            .find(Uid::of(event_id))
            .filter(events::speaker_id.eq(Uid::of(speaker)));
        let set = (
            events::speaker_id.eq(None::<Uid>),
            events::edit_version.eq(events::edit_version + 1),
        );
        let unset = self.run(|connection| on!(connection, |c| diesel::update(is_it).set(set).execute(c)))?;
        if unset > 0 {
            self.touch_event(event_id);
        }
        Ok(unset > 0)
    }

    fn list_events_spoken_at(&mut self, user_id: UserId) -> Result<Vec<EventId>, StoreError> {
        let ids: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| events::table
                .inner_join(
                    candidates::table
                        .inner_join(attendees::table)
                        .on(events::speaker_id.eq(candidates::id.nullable())),
                )
                .filter(attendees::user_id.eq(Uid::of(user_id)))
                .order(events::id)
                .select(events::id)
                .load(c))
        })?;
        Ok(ids.into_iter().map(Uid::typed).collect())
    }

    fn show_speaker_anew(&mut self, event_id: EventId) -> Result<(), StoreError> {
        self.touch_event(event_id);
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                events::table.find(Uid::of(event_id))
            )
            .set(events::edit_version.eq(events::edit_version + 1))
            .execute(c))
        })?;
        Ok(())
    }

    fn list_events_stood_at(&mut self, attendee_id: AttendeeId) -> Result<Vec<EventId>, StoreError> {
        let ids: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| candidates::table
                .filter(candidates::attendee_id.eq(Uid::of(attendee_id)))
                .select(candidates::event_id)
                .distinct()
                .load(c))
        })?;
        Ok(ids.into_iter().map(Uid::typed).collect())
    }

    fn list_speaker_selectors(&mut self) -> Result<Vec<Recipient>, StoreError> {
        type Row = (Uid, String, String, String);
        let selecting = role_permissions::table
            .filter(role_permissions::permission.eq(Permission::SpeakerSelect.as_str()))
            .select(role_permissions::role_name);
        let holders = user_roles::table
            .filter(
                user_roles::role_name
                    .eq(ADMIN_ROLE)
                    .or(user_roles::role_name.eq_any(selecting)),
            )
            .select(user_roles::user_id);
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| users::table
                .filter(users::id.eq_any(holders))
                .filter(users::status.eq("active"))
                .filter(users::erased_at.is_null())
                .order(users::id)
                .select((users::id, users::name, users::email, users::email_key))
                .load(c))
        })?;
        Ok(rows
            .into_iter()
            .map(|(id, name, email, key)| Recipient {
                name,
                email: EmailAddress::from_stored(email, key),
                user_id: Some(id.typed()),
            })
            .collect())
    }

    fn delete_voting_of(&mut self, event_id: EventId) -> Result<(), StoreError> {
        let event = Uid::of(event_id);
        self.run(|connection| {
            on!(connection, |c| {
                diesel::update(events::table.find(event))
                    .set(events::speaker_id.eq(None::<Uid>))
                    .execute(c)?;
                diesel::delete(ballots::table.filter(ballots::event_id.eq(event))).execute(c)?;
                diesel::delete(candidates::table.filter(candidates::event_id.eq(event))).execute(c)
            })
        })?;
        Ok(())
    }

    fn delete_votes_and_candidacies_of(&mut self, attendee_id: AttendeeId) -> Result<(), StoreError> {
        let attendee = Uid::of(attendee_id);
        let theirs: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| {
                diesel::delete(ballots::table.filter(ballots::voter_id.eq(attendee))).execute(c)?;
                candidates::table
                    .filter(candidates::attendee_id.eq(attendee))
                    .select(candidates::id)
                    .load(c)
            })
        })?;
        for candidate in theirs {
            let shown: Vec<Uid> = self.run(|connection| {
                on!(connection, |c| {
                    diesel::delete(ballots::table.filter(ballots::candidate_id.eq(candidate))).execute(c)?;
                    let shown = diesel::update(events::table.filter(events::speaker_id.eq(candidate)))
                        .set((
                            events::speaker_id.eq(None::<Uid>),
                            events::edit_version.eq(events::edit_version + 1),
                        ))
                        .returning(events::id)
                        .get_results(c)?;
                    diesel::delete(candidates::table.find(candidate)).execute(c)?;
                    Ok(shown)
                })
            })?;
            for event in shown {
                self.touch_event(event.typed());
            }
        }
        Ok(())
    }

    fn give_votes(&mut self, from: AttendeeId, to: AttendeeId) -> Result<(), StoreError> {
        let (from, to) = (Uid::of(from), Uid::of(to));
        self.run(|connection| {
            on!(connection, |c| {
                let own: Vec<Uid> = ballots::table
                    .filter(ballots::voter_id.eq(to))
                    .select(ballots::event_id)
                    .load(c)?;
                diesel::delete(
                    ballots::table.filter(ballots::voter_id.eq(from)).filter(
                        ballots::candidate_attendee_id
                            .eq(to)
                            .or(ballots::event_id.eq_any(own)),
                    ),
                )
                .execute(c)?;
                diesel::update(ballots::table.filter(ballots::voter_id.eq(from)))
                    .set(ballots::voter_id.eq(to))
                    .execute(c)
            })
        })?;
        Ok(())
    }
}

impl Tx<'_> {
    /// A candidate that does not stand as it was read. Tried again, it is seen as it is.
    fn unless_candidate_changed(&mut self, id: CandidateId, changed: usize) -> Result<(), StoreError> {
        if rows_of(changed) > 0 {
            return Ok(());
        }
        Err(self.contend(format!("the candidate {id} changed meanwhile")))
    }
}
