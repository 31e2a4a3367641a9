//! The community chooses the speaker: candidates, votes, results.
//!
//! Invariants: nobody is listed without having agreed; one vote per person and event, for a listed candidate who is somebody
//! else, from somebody who holds a seat at that moment; who loses the seat loses vote and candidacy, in the same transaction;
//! nobody is shown another's ballot. A vote locks the voter's registration, then the candidate, both shared; whoever ends one of
//! them locks it first and removes the votes then: so no vote outlives what it stands on, and voters wait for nobody else.

mod model;
mod ports;
mod repository;

pub use model::{Candidate, CandidateStatus, CandidateView, Vote, VoteVia, VotingState, voting_state};
pub use ports::CandidateLeft;
pub use repository::{CandidateRepository, VoteRepository, VotingTx};
