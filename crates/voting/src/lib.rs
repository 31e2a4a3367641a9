//! The community chooses the speaker: candidates, votes, results.
//!
//! Invariants: nobody is listed without having agreed; one vote per person and event, for a listed candidate who is somebody
//! else, from somebody who holds a seat at that moment; who loses the seat loses vote and candidacy, in the same transaction;
//! nobody is shown another's ballot. A vote locks the voter's registration, then the candidate, both shared; whoever ends one of
//! them locks it first and removes the votes then: so no vote outlives what it stands on, and voters wait for nobody else.

mod access;
mod cast_vote;
mod cast_vote_by_link;
mod leave;
mod model;
mod ports;
mod repository;

pub use access::{AccessError, Insider, require_insider, require_seat};
pub use cast_vote::{VoteError, cast_vote, read_vote, withdraw_vote};
pub use cast_vote_by_link::{LinkVote, cast_vote_by_link};
pub use leave::leave;
pub use model::{
    Candidate, CandidateStatus, CandidateView, Vote, VoteVia, VotingState, VotingWindow, voting_state,
};
pub use ports::CandidateLeft;
pub use repository::{CandidateRepository, CandidateVotes, VoteRepository, VotingTx};
