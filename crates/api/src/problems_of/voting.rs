//! Candidates, votes and the speaker.

use super::event::read_only;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use kernel::{Instant, Invalid};
use voting::{
    AccessError, ChangeCandidateError, ChooseSpeakerError, MOST_NOMINATIONS, MOST_OWN_CANDIDACIES,
    NominateError, ResultsError, VoteError,
};

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound => Self::not_found(),
            AccessError::Denied(denied) => denied.into(),
            AccessError::SeatNeeded => ProblemType::SeatNeeded.into(),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl From<NominateError> for Problem {
    fn from(error: NominateError) -> Self {
        match error {
            NominateError::NotFound => Self::not_found(),
            NominateError::Denied(denied) => denied.into(),
            NominateError::SeatNeeded => ProblemType::SeatNeeded.into(),
            NominateError::Invalid(invalid) => invalid.into(),
            NominateError::NoVoting => ProblemType::NoVoting.into(),
            NominateError::Closed => ProblemType::VotingClosed.into(),
            NominateError::AlreadyCandidate => ProblemType::AlreadyCandidate.into(),
            NominateError::TooMany => Self::new(ProblemType::NominationsUsed).detail(format!(
                "One account names at most {MOST_NOMINATIONS} others at one event."
            )),
            NominateError::StoodTooOften => Self::new(ProblemType::CandidaciesUsed).detail(format!(
                "One person stands at most {MOST_OWN_CANDIDACIES} times at one event."
            )),
            NominateError::Full => ProblemType::CandidatesFull.into(),
            NominateError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeCandidateError> for Problem {
    fn from(error: ChangeCandidateError) -> Self {
        match error {
            ChangeCandidateError::NotFound => Self::not_found(),
            ChangeCandidateError::Denied(denied) => denied.into(),
            ChangeCandidateError::Invalid(invalid) => invalid.into(),
            ChangeCandidateError::WrongState(status) => Self::new(ProblemType::WrongState)
                .detail(format!("The candidacy is {}.", status.as_str()))
                .with("candidate_status", status.as_str()),
            ChangeCandidateError::NoVoting => ProblemType::NoVoting.into(),
            ChangeCandidateError::Closed => ProblemType::VotingClosed.into(),
            ChangeCandidateError::ReadOnly(status) => read_only(status),
            ChangeCandidateError::Store(error) => error.into(),
        }
    }
}

impl From<VoteError> for Problem {
    fn from(error: VoteError) -> Self {
        match error {
            VoteError::NotFound => Self::not_found(),
            VoteError::Denied(denied) => denied.into(),
            VoteError::SeatNeeded => ProblemType::SeatNeeded.into(),
            VoteError::NoSuchCandidate => Invalid::field(
                "/candidate_id",
                "unknown",
                "nobody of that id is listed at the event",
            )
            .into(),
            VoteError::Oneself => {
                Invalid::field("/candidate_id", "not_allowed", "nobody votes for themselves").into()
            }
            VoteError::NoVoting => ProblemType::NoVoting.into(),
            VoteError::NotOpen(opens_at) => {
                let problem = Self::new(ProblemType::VotingNotOpen);
                match opens_at {
                    Some(at) => problem.with("opens_at", written(at)),
                    None => problem,
                }
            }
            VoteError::Closed => ProblemType::VotingClosed.into(),
            VoteError::NoVote => ProblemType::NoVote.into(),
            VoteError::Store(error) => error.into(),
        }
    }
}

fn written(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

impl From<ResultsError> for Problem {
    fn from(error: ResultsError) -> Self {
        match error {
            ResultsError::NotFound => Self::not_found(),
            ResultsError::Hidden => ProblemType::ResultsHidden.into(),
            ResultsError::NoVoting => ProblemType::NoVoting.into(),
            ResultsError::Store(error) => error.into(),
        }
    }
}

impl From<ChooseSpeakerError> for Problem {
    fn from(error: ChooseSpeakerError) -> Self {
        match error {
            ChooseSpeakerError::NotFound => Self::not_found(),
            ChooseSpeakerError::Denied(denied) => denied.into(),
            ChooseSpeakerError::Invalid(invalid) => invalid.into(),
            ChooseSpeakerError::ReadOnly(status) => read_only(status),
            ChooseSpeakerError::Store(error) => error.into(),
        }
    }
}
