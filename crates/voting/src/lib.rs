//! The community chooses the speaker: candidates, votes, results.
//!
//! Invariants: nobody is listed without having agreed; one vote per person and event, for a listed candidate who is somebody
//! else, from somebody who holds a seat at that moment; who loses the seat loses vote and candidacy, in the same transaction;
//! nobody is shown another's ballot. A vote locks the voter's registration, then the candidate, both shared; whoever ends one of
//! them locks it first and removes the votes then: so no vote outlives what it stands on, and voters wait for nobody else.

mod access;
mod cast_vote;
mod cast_vote_by_link;
mod change_candidate;
mod choose_speaker;
mod leave;
mod list_candidates;
mod model;
mod nominate;
mod ports;
mod read_figures;
mod repository;
mod results;
mod speaker_shown;
mod talk;

pub use access::{AccessError, Insider, require_insider, require_seat};
pub use cast_vote::{VoteError, cast_vote, read_vote, withdraw_vote};
pub use cast_vote_by_link::{LinkVote, LinkVoteError, cast_vote_by_link};
pub use change_candidate::{
    CandidatePatch, ChangeCandidateError, accept, edit_candidate, require_candidate, require_nominee,
    withdraw,
};
pub use choose_speaker::{
    ChooseSpeaker, ChooseSpeakerError, choose_speaker, require_selector, unset_speaker,
};
pub use leave::leave;
pub use list_candidates::list_candidates;
pub use model::{
    Candidate, CandidateStatus, CandidateView, Vote, VoteVia, VotingState, VotingWindow, voting_state,
};
pub use nominate::{
    MOST_CANDIDATES, MOST_NOMINATIONS, MOST_OWN_CANDIDACIES, Nominate, NominateError, nominate,
};
pub use ports::CandidateLeft;
pub use read_figures::read_figures;
pub use repository::{
    CandidateCount, CandidateRepository, CandidateVotes, NominationsBy, VoteRepository, VotingFigures,
    VotingTx,
};
pub use results::{
    Ranked, Results, ResultsError, ResultsShown, count_results, find_results_shown,
    require_manager_of_results, results_are_public,
};
pub use speaker_shown::{lock_events_spoken_at, speaker_renamed};
