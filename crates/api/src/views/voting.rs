//! Candidates, votes and results in answers.

use chrono::{DateTime, Utc};
use kernel::TypedId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use voting::{CandidateStatus, CandidateView, Results, Vote, VoteVia, VotingState};

/// A person who stands for speaker, or was asked to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct CandidateBody {
    /// The candidacy.
    pub id: Uuid,
    /// Who it is.
    pub attendee: CandidatePerson,
    /// What the talk is called.
    pub talk_title: String,
    /// What it is about.
    #[serde(rename = "abstract")]
    pub summary: String,
    /// Where it stands.
    pub status: CandidateStatusBody,
}

/// The person behind a candidacy.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidatePerson {
    /// The attendee.
    pub id: Uuid,
    /// How the person is called.
    pub name: String,
    /// What the person does, in a line.
    pub profession: Option<String>,
}

/// Where a candidacy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CandidateStatus)]
pub enum CandidateStatusBody {
    /// Named by somebody else; has not agreed yet.
    Nominated,
    /// Can be voted for.
    Listed,
    /// Did not want to.
    Declined,
    /// Given up, by the person or by who runs the event.
    Withdrawn,
    /// The person has no seat any more.
    Left,
}

impl From<CandidateStatus> for CandidateStatusBody {
    fn from(status: CandidateStatus) -> Self {
        match status {
            CandidateStatus::Nominated => Self::Nominated,
            CandidateStatus::Listed => Self::Listed,
            CandidateStatus::Declined => Self::Declined,
            CandidateStatus::Withdrawn => Self::Withdrawn,
            CandidateStatus::Left => Self::Left,
        }
    }
}

impl From<CandidateStatusBody> for CandidateStatus {
    fn from(status: CandidateStatusBody) -> Self {
        match status {
            CandidateStatusBody::Nominated => Self::Nominated,
            CandidateStatusBody::Listed => Self::Listed,
            CandidateStatusBody::Declined => Self::Declined,
            CandidateStatusBody::Withdrawn => Self::Withdrawn,
            CandidateStatusBody::Left => Self::Left,
        }
    }
}

impl CandidateBody {
    /// The candidate.
    pub fn of(view: CandidateView) -> Self {
        let candidate = view.candidate;
        Self {
            id: candidate.id.uuid(),
            attendee: CandidatePerson {
                id: candidate.attendee_id.uuid(),
                name: view.name,
                profession: view.profession,
            },
            talk_title: candidate.talk_title,
            summary: candidate.summary,
            status: candidate.status.into(),
        }
    }
}

/// One's own vote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Vote)]
pub struct VoteBody {
    /// At which event.
    pub event_id: Uuid,
    /// For whom.
    pub candidate_id: Uuid,
    /// How it was cast.
    pub via: VoteViaBody,
    /// When; the last time, if it was changed.
    pub cast_at: DateTime<Utc>,
}

/// How a vote was cast.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VoteVia)]
pub enum VoteViaBody {
    /// Signed in.
    SignedIn,
    /// By the link in a campaign's mail.
    Link,
}

impl VoteBody {
    /// The vote.
    pub fn of(vote: &Vote) -> Self {
        Self {
            event_id: vote.event_id.uuid(),
            candidate_id: vote.candidate_id.uuid(),
            via: match vote.via {
                VoteVia::SignedIn => VoteViaBody::SignedIn,
                VoteVia::Link(_) => VoteViaBody::Link,
            },
            cast_at: vote.cast_at,
        }
    }
}

/// How the votes stand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Results)]
pub struct ResultsBody {
    /// Who is listed, the best first.
    pub candidates: Vec<RankedBody>,
    /// How many took part.
    pub turnout: Turnout,
    /// How voting stands.
    pub state: VotingStateBody,
}

/// A candidate in the results.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RankedCandidate)]
pub struct RankedBody {
    /// The candidacy.
    pub candidate_id: Uuid,
    /// How the person is called.
    pub name: String,
    /// How many voted for them.
    pub votes: u64,
    /// The part of all votes that were cast, from 0 to 1; 0 where nobody voted.
    pub share: f64,
    /// From 1; equals have the same, and the next ones as if they had not.
    pub rank: u32,
}

/// How many took part.
#[derive(Debug, Serialize, ToSchema)]
pub struct Turnout {
    /// Who voted.
    pub voters: u64,
    /// Who holds a seat, or did when the event was called off; no fewer than who voted.
    pub seat_holders: u64,
}

/// How voting stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VotingState)]
pub enum VotingStateBody {
    /// Later.
    NotOpen,
    /// Now.
    Open,
    /// It is over, or there is none any more.
    Closed,
}

impl From<VotingState> for VotingStateBody {
    fn from(state: VotingState) -> Self {
        match state {
            VotingState::NotOpen => Self::NotOpen,
            VotingState::Open => Self::Open,
            VotingState::None | VotingState::Closed => Self::Closed,
        }
    }
}

impl ResultsBody {
    /// The results with how voting stands, down to a rank: of equals none is left out.
    pub fn of(results: &Results, state: VotingState, top: Option<u32>) -> Self {
        let is_shown = |rank: u32| top.is_none_or(|top| rank <= top);
        let ranked = results.candidates.iter().filter(|one| is_shown(one.rank));
        Self {
            candidates: ranked
                .map(|candidate| RankedBody {
                    candidate_id: candidate.candidate_id.uuid(),
                    name: candidate.name.clone(),
                    votes: candidate.votes,
                    share: candidate.share,
                    rank: candidate.rank,
                })
                .collect(),
            turnout: Turnout {
                voters: results.voters,
                seat_holders: results.seat_holders,
            },
            state: VotingStateBody::from(state),
        }
    }
}
