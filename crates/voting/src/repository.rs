//! Where candidates and votes are kept.

use crate::{Candidate, CandidateLeft, CandidateStatus, CandidateView, Vote, VotingWindow};
use event::EventRepository;
use kernel::{AttendeeId, AuditLog, CandidateId, EventId, Instant, StoreError, UserId};
use notification::{Outbox, Recipient};
use realtime::LiveEvents;
use registration::RegistrationRepository;
use user::{Attendee, AttendeeRepository, UserRepository};

/// Candidates. Whatever changes one locks its event first, but for [`VoteRepository::hold_listed_candidate`].
pub trait CandidateRepository {
    /// The candidate with that id.
    fn find_candidate(&mut self, id: CandidateId) -> Result<Option<Candidate>, StoreError>;
    /// The same with what is shown beside it.
    fn find_candidate_view(&mut self, id: CandidateId) -> Result<Option<CandidateView>, StoreError>;
    /// The person's candidacy at the event that is nominated or listed.
    fn find_live_candidate(
        &mut self,
        event_id: EventId,
        attendee_id: AttendeeId,
    ) -> Result<Option<Candidate>, StoreError>;
    /// Makes a candidate.
    fn insert_candidate(&mut self, candidate: &Candidate) -> Result<(), StoreError>;
    /// Lists a nominated candidate.
    fn list_candidate(&mut self, id: CandidateId, at: Instant) -> Result<(), StoreError>;
    /// Writes title and abstract; if it is the speaker's, the event's edit is counted.
    fn reword_candidate(&mut self, candidate: &Candidate) -> Result<(), StoreError>;
    /// Ends a live candidacy, whoever votes for it waits and finds it ended; [`StoreError::Contention`] if it is not live any
    /// more.
    fn end_candidate(
        &mut self,
        id: CandidateId,
        status: CandidateStatus,
        at: Instant,
    ) -> Result<(), StoreError>;
    /// The ids of an event's candidates that stand so, and whose they are, the first first.
    fn list_candidate_ids(
        &mut self,
        event_id: EventId,
        statuses: &[CandidateStatus],
    ) -> Result<Vec<(CandidateId, AttendeeId)>, StoreError>;
    /// These candidates, in any order.
    fn list_candidate_views(&mut self, ids: &[CandidateId]) -> Result<Vec<CandidateView>, StoreError>;
    /// How often an account named somebody at the event, whatever became of it.
    fn count_nominations(&mut self, event_id: EventId, by: UserId) -> Result<NominationsBy, StoreError>;
    /// How many candidacies there are and were at the event.
    fn count_candidates(&mut self, event_id: EventId) -> Result<CandidateCount, StoreError>;
    /// Somebody who is listed among the participants of the event, with an account in use.
    fn find_participant(
        &mut self,
        event_id: EventId,
        attendee_id: AttendeeId,
    ) -> Result<Option<Attendee>, StoreError>;
    /// Sets the speaker of an event or none, and counts the edit.
    fn set_speaker(&mut self, event_id: EventId, speaker: Option<CandidateId>) -> Result<(), StoreError>;
    /// Sets none if it is that one, and counts the edit; whether it was.
    fn unset_speaker(&mut self, event_id: EventId, speaker: CandidateId) -> Result<bool, StoreError>;
    /// The events that show the person as their speaker, in the order of their ids.
    fn list_events_spoken_at(&mut self, user_id: UserId) -> Result<Vec<EventId>, StoreError>;
    /// What the event shows of its speaker is another than before: counts the edit.
    fn show_speaker_anew(&mut self, event_id: EventId) -> Result<(), StoreError>;
    /// The events at which the person stood or stands, whatever became of it.
    fn list_events_stood_at(&mut self, attendee_id: AttendeeId) -> Result<Vec<EventId>, StoreError>;
    /// Everybody with an account in use who chooses speakers.
    fn list_speaker_selectors(&mut self) -> Result<Vec<Recipient>, StoreError>;
    /// Removes the votes and candidates of an event, and its speaker. Its registrations have ended, and its campaigns are gone.
    fn delete_voting_of(&mut self, event_id: EventId) -> Result<(), StoreError>;
    /// Removes the votes and candidacies of an attendee at all events, with the votes and campaigns for them. Their
    /// registrations have ended.
    fn delete_votes_and_candidacies_of(&mut self, attendee_id: AttendeeId) -> Result<(), StoreError>;
    /// Gives one attendee the votes of another who never had an account, but for those at events where they have one of
    /// their own and those for themselves, which go. The registrations of the other are locked.
    fn give_votes(&mut self, from: AttendeeId, to: AttendeeId) -> Result<(), StoreError>;
}

/// Votes. None of these locks the event.
pub trait VoteRepository {
    /// Whose vote it is, and for whom.
    fn find_vote(&mut self, event_id: EventId, voter_id: AttendeeId) -> Result<Option<Vote>, StoreError>;
    /// The attendee by which an account holds a seat at the event (confirmed or attended), with the event's window. Until the
    /// end of the transaction nobody ends the registration; others may hold it too.
    fn hold_seat_of_user(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<(AttendeeId, VotingWindow)>, StoreError>;
    /// The same for an attendee with or without account.
    fn hold_seat_of_attendee(
        &mut self,
        event_id: EventId,
        attendee_id: AttendeeId,
    ) -> Result<Option<(AttendeeId, VotingWindow)>, StoreError>;
    /// The person behind a candidate who is listed at the event. Until the end of the transaction nobody ends the candidacy;
    /// others may hold it too.
    fn hold_listed_candidate(
        &mut self,
        event_id: EventId,
        id: CandidateId,
    ) -> Result<Option<AttendeeId>, StoreError>;
    /// Writes a vote, in the place of the voter's earlier one. One by link takes neither the place of one that was cast
    /// signed in, nor of one for the same candidate: false then, and nothing is written.
    fn put_vote(&mut self, vote: &Vote) -> Result<bool, StoreError>;
    /// Removes the person's vote; whether there was one.
    fn delete_vote(&mut self, event_id: EventId, voter_id: AttendeeId) -> Result<bool, StoreError>;
    /// Removes all votes for a candidate; gives how many there were.
    fn delete_votes_for(&mut self, event_id: EventId, id: CandidateId) -> Result<u32, StoreError>;
    /// The votes for each listed candidate with how they are called, none included; in the order of their ids.
    fn count_votes(&mut self, event_id: EventId) -> Result<Vec<CandidateVotes>, StoreError>;
    /// The voting of an event in figures.
    fn count_voting(&mut self, event_id: EventId) -> Result<VotingFigures, StoreError>;
    /// How many hold a seat at the event (confirmed or attended); at one that was called off, how many did then.
    fn count_seat_holders(&mut self, event_id: EventId) -> Result<u64, StoreError>;
}

/// How often an account named somebody at an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NominationsBy {
    /// Itself.
    pub oneself: u32,
    /// Others.
    pub others: u32,
}

/// How many candidacies there are at an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandidateCount {
    /// Listed, or asked to stand.
    pub live: u32,
    /// With those that have ended.
    pub all: u32,
}

/// How many votes a candidate has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateVotes {
    /// The candidate.
    pub candidate_id: CandidateId,
    /// How the person is called.
    pub name: String,
    /// How many voted for them.
    pub votes: u64,
}

/// The voting of an event in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VotingFigures {
    /// How many are listed.
    pub listed: u64,
    /// How many votes were cast.
    pub votes: u64,
}

/// What the operations on candidates and votes need of a transaction.
pub trait VotingTx:
    CandidateRepository
    + VoteRepository
    + CandidateLeft
    + RegistrationRepository
    + EventRepository
    + AttendeeRepository
    + UserRepository
    + Outbox
    + LiveEvents
    + AuditLog
{
}
