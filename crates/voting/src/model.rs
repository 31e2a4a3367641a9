//! Candidates and votes.

use event::{Event, EventStatus};
use kernel::{AttendeeId, CampaignId, CandidateId, EventId, Instant, UserId};

/// Where a candidacy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CandidateStatus {
    /// Somebody else named the person, who has not agreed yet.
    Nominated,
    /// Can be voted for.
    Listed,
    /// The person did not want to.
    Declined,
    /// Given up, by the person or by who runs the event.
    Withdrawn,
    /// The person has no seat any more.
    Left,
}

impl CandidateStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Nominated,
        Self::Listed,
        Self::Declined,
        Self::Withdrawn,
        Self::Left,
    ];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nominated => "nominated",
            Self::Listed => "listed",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Left => "left",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the person stands, or may still agree to.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Nominated | Self::Listed)
    }
}

/// A person who stands for speaker of an event, or was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: CandidateId,
    /// For which event.
    pub event_id: EventId,
    /// Who it is.
    pub attendee_id: AttendeeId,
    /// The account that named the person; their own where they did it themselves.
    pub nominated_by: UserId,
    /// Where it stands.
    pub status: CandidateStatus,
    /// What the talk is called.
    pub talk_title: String,
    /// What it is about.
    pub summary: String,
    /// When the person was named.
    pub nominated_at: Instant,
    /// When the person agreed.
    pub listed_at: Option<Instant>,
    /// When the candidacy was over.
    pub ended_at: Option<Instant>,
    /// When it was last changed.
    pub updated_at: Instant,
}

/// A candidate with what is shown beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateView {
    /// The candidate.
    pub candidate: Candidate,
    /// How the person is called.
    pub name: String,
    /// The person's account; a candidate has one.
    pub user_id: Option<UserId>,
    /// What the person does, in a line.
    pub profession: Option<String>,
}

/// How a vote was cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoteVia {
    /// By the person, signed in.
    SignedIn,
    /// By the link of a campaign's mail.
    Link(CampaignId),
}

/// A vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// At which event.
    pub event_id: EventId,
    /// Whose.
    pub voter_id: AttendeeId,
    /// For whom.
    pub candidate_id: CandidateId,
    /// The person behind the candidacy.
    pub candidate_attendee_id: AttendeeId,
    /// How.
    pub via: VoteVia,
    /// When, the last time that it changed.
    pub cast_at: Instant,
}

/// Whether an event can be voted at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VotingState {
    /// There is no voting.
    None,
    /// Later.
    NotOpen,
    /// Now.
    Open,
    /// It is over.
    Closed,
}

/// What decides about when an event can be voted at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VotingWindow {
    /// Where the event stands, as last written.
    pub status: EventStatus,
    /// None: there is no voting.
    pub opens_at: Option<Instant>,
    /// None: at the start.
    pub closes_at: Option<Instant>,
    /// When the event starts.
    pub starts_at: Instant,
}

impl VotingWindow {
    /// The window of an event.
    pub fn of(event: &Event) -> Self {
        Self {
            status: event.status,
            opens_at: event.details.voting_opens_at,
            closes_at: event.details.voting_closes_at,
            starts_at: event.details.starts_at,
        }
    }

    /// How voting stands at that time: it closes at the latest with the start, and when the event is called off.
    pub fn state(&self, now: Instant) -> VotingState {
        let Some(opens_at) = self.opens_at else {
            return VotingState::None;
        };
        let closes_at = self
            .closes_at
            .map_or(self.starts_at, |closes| closes.min(self.starts_at));
        if matches!(self.status, EventStatus::Cancelled | EventStatus::Completed) || now >= closes_at {
            VotingState::Closed
        } else if now < opens_at || self.status == EventStatus::Draft {
            VotingState::NotOpen
        } else {
            VotingState::Open
        }
    }
}

/// How voting at an event stands at that time.
pub fn voting_state(event: &Event, now: Instant) -> VotingState {
    VotingWindow::of(event).state(now)
}
