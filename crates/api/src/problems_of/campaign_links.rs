//! Links of campaigns' mails.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use campaign::VoteLinkError;
use chrono::SecondsFormat;

impl From<VoteLinkError> for Problem {
    fn from(error: VoteLinkError) -> Self {
        match error {
            VoteLinkError::NotFound => Self::not_found(),
            VoteLinkError::CandidateGone => ProblemType::CandidateGone.into(),
            VoteLinkError::SeatNeeded => ProblemType::SeatNeeded.into(),
            VoteLinkError::Oneself => ProblemType::OwnCandidacy.into(),
            VoteLinkError::CastSignedIn => ProblemType::VotedSignedIn.into(),
            VoteLinkError::NotOpen(Some(opens_at)) => Self::new(ProblemType::VotingNotOpen).with(
                "voting_opens_at",
                opens_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            ),
            VoteLinkError::NotOpen(None) => ProblemType::VotingNotOpen.into(),
            VoteLinkError::Closed => ProblemType::VotingClosed.into(),
            VoteLinkError::Store(error) => error.into(),
        }
    }
}
