//! Where candidates and votes are kept.

use crate::{Candidate, CandidateLeft, CandidateView, Vote};
use event::EventRepository;
use kernel::{AttendeeId, AuditLog, CandidateId, EventId, StoreError};
use notification::Outbox;
use realtime::LiveEvents;
use registration::RegistrationRepository;
use user::{AttendeeRepository, UserRepository};

/// Candidates.
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
}

/// Votes.
pub trait VoteRepository {
    /// Whose vote it is, and for whom.
    fn find_vote(&mut self, event_id: EventId, voter_id: AttendeeId) -> Result<Option<Vote>, StoreError>;
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
