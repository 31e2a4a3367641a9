//! Votes: cast under shared locks of the voter's registration and of the candidate, without the event's.

use crate::Tx;
use crate::columns::sql::{Id, Instant as SqlInstant};
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::explain::plan;
use crate::prepared::Prepared;
use crate::registrations::LIVE;
use crate::schema::{attendees, candidates, events, registrations, votes};
use crate::transaction::{named, rows};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use event::EventStatus;
use kernel::{AttendeeId, CandidateId, EventId, StoreError, TypedId, UserId};
use std::collections::HashMap;
use voting::{CandidateVotes, Vote, VoteRepository, VoteVia, VotingFigures, VotingWindow};

use super::ERASED_TITLE;

const SIGNED_IN: &str = "signed_in";
const LINK: &str = "link";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = votes, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct VoteRow {
    event_id: Uid,
    voter_id: Uid,
    candidate_id: Uid,
    candidate_attendee_id: Uid,
    via: String,
    campaign_id: Option<Uid>,
    cast_at: Ts,
}

/// A held seat with the window of its event.
#[derive(QueryableByName)]
struct HeldSeat {
    #[diesel(sql_type = Id)]
    attendee_id: Uid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<SqlInstant>)]
    opens_at: Option<Ts>,
    #[diesel(sql_type = Nullable<SqlInstant>)]
    closes_at: Option<Ts>,
    #[diesel(sql_type = SqlInstant)]
    starts_at: Ts,
}

/// The seat of an attendee at an event, by `registrations_one_live`. The event's row is read and not locked.
const SEAT: &str = "SELECT registrations.attendee_id, e.status, e.voting_opens_at AS opens_at, \
    e.voting_closes_at AS closes_at, e.starts_at \
    FROM registrations JOIN events e ON e.id = registrations.event_id JOIN attendees a ON a.id = registrations.attendee_id \
    WHERE registrations.event_id = $1 AND registrations.status IN ('pending_payment', 'confirmed', 'attended') \
    AND registrations.status <> 'pending_payment' AND ";

/// How many voted for whom at an event.
macro_rules! by_candidate {
    ($event:expr) => {
        votes::table
            .filter(votes::event_id.eq($event))
            .group_by(votes::candidate_id)
            .select((votes::candidate_id, count_star()))
    };
}

impl VoteRow {
    fn of(vote: &Vote) -> Self {
        let (via, campaign_id) = match vote.via {
            VoteVia::SignedIn => (SIGNED_IN, None),
            VoteVia::Link(id) => (LINK, Some(Uid::of(id))),
        };
        Self {
            event_id: Uid::of(vote.event_id),
            voter_id: Uid::of(vote.voter_id),
            candidate_id: Uid::of(vote.candidate_id),
            candidate_attendee_id: Uid::of(vote.candidate_attendee_id),
            via: via.to_owned(),
            campaign_id,
            cast_at: Ts(vote.cast_at),
        }
    }

    fn into_vote(self) -> Vote {
        Vote {
            event_id: self.event_id.typed(),
            voter_id: self.voter_id.typed(),
            candidate_id: self.candidate_id.typed(),
            candidate_attendee_id: self.candidate_attendee_id.typed(),
            // The database sees to it that one by link has a campaign, and no other.
            via: self
                .campaign_id
                .map_or(VoteVia::SignedIn, |id| VoteVia::Link(id.typed())),
            cast_at: self.cast_at.0,
        }
    }
}

impl VoteRepository for Tx<'_> {
    fn find_vote(&mut self, event_id: EventId, voter_id: AttendeeId) -> Result<Option<Vote>, StoreError> {
        let row: Option<VoteRow> = self.run(|connection| {
            on!(connection, |c| votes::table
                .find((Uid::of(event_id), Uid::of(voter_id)))
                .select(VoteRow::as_select())
                .first(c)
                .optional())
        })?;
        Ok(row.map(VoteRow::into_vote))
    }

    fn hold_seat_of_user(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<(AttendeeId, VotingWindow)>, StoreError> {
        self.hold_seat(event_id, "a.user_id = $2", Uid::of(user_id))
    }

    fn hold_seat_of_attendee(
        &mut self,
        event_id: EventId,
        attendee_id: AttendeeId,
    ) -> Result<Option<(AttendeeId, VotingWindow)>, StoreError> {
        self.hold_seat(event_id, "registrations.attendee_id = $2", Uid::of(attendee_id))
    }

    fn hold_listed_candidate(
        &mut self,
        event_id: EventId,
        id: CandidateId,
    ) -> Result<Option<AttendeeId>, StoreError> {
        let guarded = self.is_guarded();
        let listed = candidates::table
            .filter(candidates::id.eq(Uid::of(id)))
            .filter(candidates::event_id.eq(Uid::of(event_id)))
            .filter(candidates::status.eq("listed"))
            .select(candidates::attendee_id);
        let held: Option<Uid> = self.run(|connection| match connection {
            DbConn::Postgres(c) if guarded => Prepared(listed.for_share()).get_result(c).optional(),
            connection => on!(connection, |c| Prepared(listed).get_result(c).optional()),
        })?;
        self.let_others_in();
        Ok(held.map(Uid::typed))
    }

    fn put_vote(&mut self, vote: &Vote) -> Result<bool, StoreError> {
        let row = VoteRow::of(vote);
        let set = (
            votes::candidate_id.eq(row.candidate_id),
            votes::candidate_attendee_id.eq(row.candidate_attendee_id),
            votes::via.eq(row.via.clone()),
            votes::campaign_id.eq(row.campaign_id),
            votes::cast_at.eq(row.cast_at),
        );
        let (is_link, candidate) = (row.via == LINK, row.candidate_id);
        let written = self.run(|connection| {
            on!(connection, |c| {
                let upsert = diesel::insert_into(votes::table)
                    .values(row)
                    .on_conflict((votes::event_id, votes::voter_id))
                    .do_update()
                    .set(set);
                if is_link {
                    let over_other_links = votes::via.eq(LINK).and(votes::candidate_id.ne(candidate));
                    let over_links = diesel::query_dsl::methods::FilterDsl::filter(upsert, over_other_links);
                    Prepared(over_links.returning(votes::event_id)).load::<Uid>(c)
                } else {
                    Prepared(upsert.returning(votes::event_id)).load::<Uid>(c)
                }
            })
        });
        let written = self.unless_attendee_went(written.map(|rows| rows.len()))?;
        Ok(written > 0)
    }

    fn delete_vote(&mut self, event_id: EventId, voter_id: AttendeeId) -> Result<bool, StoreError> {
        if self
            .tray
            .as_ref()
            .is_some_and(|tray| tray.is_free_of_ties(event_id, voter_id))
        {
            return Ok(false);
        }
        let vote = votes::table.find((Uid::of(event_id), Uid::of(voter_id)));
        let deleted = self.run(|connection| {
            on!(connection, |c| Prepared(
                diesel::delete(vote).returning(votes::event_id)
            )
            .load::<Uid>(c))
        })?;
        Ok(!deleted.is_empty())
    }

    fn delete_votes_for(&mut self, event_id: EventId, id: CandidateId) -> Result<u32, StoreError> {
        let deleted = self.run(|connection| {
            on!(connection, |c| diesel::delete(
                votes::table
                    .filter(votes::event_id.eq(Uid::of(event_id)))
                    .filter(votes::candidate_id.eq(Uid::of(id)))
            )
            .execute(c))
        })?;
        Ok(rows(deleted))
    }

    fn count_votes(&mut self, event_id: EventId) -> Result<Vec<CandidateVotes>, StoreError> {
        let event = Uid::of(event_id);
        let listed: Vec<(Uid, String)> = self.run(|connection| {
            on!(connection, |c| candidates::table
                .inner_join(attendees::table)
                .filter(candidates::event_id.eq(event))
                .filter(candidates::status.eq("listed"))
                .order(candidates::id)
                .select((candidates::id, attendees::name))
                .load(c))
        })?;
        // By `votes_by_candidate`; on PostgreSQL without the rows where they have not changed since the last vacuum.
        let counted: Vec<(Uid, i64)> =
            self.run(|connection| on!(connection, |c| by_candidate!(event).load(c)))?;
        let counted: HashMap<Uid, i64> = counted.into_iter().collect();
        Ok(listed
            .into_iter()
            .map(|(id, name)| CandidateVotes {
                candidate_id: id.typed(),
                name,
                votes: counted
                    .get(&id)
                    .and_then(|votes| u64::try_from(*votes).ok())
                    .unwrap_or(0),
            })
            .collect())
    }

    fn count_voting(&mut self, event_id: EventId) -> Result<VotingFigures, StoreError> {
        let event = Uid::of(event_id);
        let (listed, votes): (i64, i64) = self.run(|connection| {
            on!(connection, |c| Ok((
                candidates::table
                    .filter(candidates::event_id.eq(event))
                    .filter(candidates::status.eq("listed"))
                    .count()
                    .get_result(c)?,
                votes::table
                    .filter(votes::event_id.eq(event))
                    .count()
                    .get_result(c)?,
            )))
        })?;
        Ok(VotingFigures {
            listed: u64::try_from(listed).unwrap_or(0),
            votes: u64::try_from(votes).unwrap_or(0),
        })
    }

    fn count_seat_holders(&mut self, event_id: EventId) -> Result<u64, StoreError> {
        let called_off: Option<Ts> = self.run(|connection| {
            on!(connection, |c| events::table
                .find(Uid::of(event_id))
                .select(events::cancelled_at)
                .first(c)
                .optional())
            .map(Option::flatten)
        })?;
        if let Some(at) = called_off {
            return self.count_ended_at(event_id, at);
        }
        let count: i64 = self.run(|connection| {
            on!(connection, |c| registrations::table
                .filter(registrations::event_id.eq(Uid::of(event_id)))
                .filter(sql::<Bool>(LIVE))
                .filter(registrations::status.ne("pending_payment"))
                .count()
                .get_result(c))
        })?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

impl Tx<'_> {
    /// How the database counts the votes of an event.
    pub(crate) fn plan_of_counting(&mut self, event: EventId) -> Result<String, StoreError> {
        self.run(|connection| plan!(connection, by_candidate!(Uid::of(event))))
    }

    /// How many seats of the event ended at that moment.
    fn count_ended_at(&mut self, event_id: EventId, at: Ts) -> Result<u64, StoreError> {
        let count: i64 = self.run(|connection| {
            on!(connection, |c| registrations::table
                .filter(registrations::event_id.eq(Uid::of(event_id)))
                .filter(registrations::status.eq("cancelled"))
                .filter(registrations::ended_at.eq(at))
                .count()
                .get_result(c))
        })?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// An attendee who is nobody takes over the votes and candidacies of a person who is forgotten: the candidacies have ended or are
    /// of events that are over, and of the votes those are left that stay counted. What the person wrote is emptied, and no event
    /// goes on showing it; the events at which they stood are locked.
    pub(crate) fn hand_over_votes(&mut self, from: Uid, to: Uid) -> Result<(), StoreError> {
        let theirs: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| {
                diesel::update(votes::table.filter(votes::voter_id.eq(from)))
                    .set(votes::voter_id.eq(to))
                    .execute(c)?;
                diesel::update(candidates::table.filter(candidates::attendee_id.eq(from)))
                    .set((
                        candidates::attendee_id.eq(to),
                        candidates::talk_title.eq(ERASED_TITLE),
                        candidates::summary.eq(""),
                    ))
                    .returning(candidates::id)
                    .get_results(c)
            })
        })?;
        for candidate in theirs {
            self.show_talk_anew(candidate.typed())?;
        }
        Ok(())
    }

    fn hold_seat(
        &mut self,
        event_id: EventId,
        whose: &str,
        id: Uid,
    ) -> Result<Option<(AttendeeId, VotingWindow)>, StoreError> {
        let guarded = self.is_guarded();
        let row: Option<HeldSeat> = self.run(|connection| {
            let lock = match connection {
                DbConn::Postgres(_) if guarded => " FOR SHARE OF registrations",
                _ => "",
            };
            let seat = diesel::sql_query(format!("{SEAT}{whose}{lock}"))
                .bind::<Id, _>(Uid::of(event_id))
                .bind::<Id, _>(id);
            on!(connection, |c| Prepared(seat).get_result(c).optional())
        })?;
        self.let_others_in();
        let Some(row) = row else { return Ok(None) };
        let window = VotingWindow {
            status: named(
                "events",
                Uid(event_id.uuid()),
                "status",
                &row.status,
                EventStatus::from_name,
            )?,
            opens_at: row.opens_at.map(|at| at.0),
            closes_at: row.closes_at.map(|at| at.0),
            starts_at: row.starts_at.0,
        };
        Ok(Some((row.attendee_id.typed(), window)))
    }
}
