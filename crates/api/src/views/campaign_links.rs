//! What the links of campaigns' mails are for.

use super::registration::EventOfRegistration;
use super::voting::VotingStateBody;
use campaign::{UnsubscribeLink, VoteLink};
use chrono::{DateTime, Utc};
use kernel::TypedId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The event of a link.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventOfLink {
    /// The event.
    pub id: Uuid,
    /// What else there is to know of it.
    #[serde(flatten)]
    pub event: EventOfRegistration,
    /// From when on it is voted.
    pub voting_opens_at: Option<DateTime<Utc>>,
    /// Until when.
    pub voting_closes_at: Option<DateTime<Utc>>,
}

/// The candidate of a link.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidateOfLink {
    /// The candidate.
    pub id: Uuid,
    /// How the person is called.
    pub name: String,
    /// What the person does, in a line.
    pub profession: Option<String>,
    /// What the talk is called.
    pub talk_title: String,
    /// What it is about.
    pub r#abstract: String,
    /// Whether the candidate can still be voted for.
    pub is_listed: bool,
}

/// What a link votes for. It says nothing of a vote that was cast.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoteLink)]
pub struct VoteLinkBody {
    /// At which event.
    pub event: EventOfLink,
    /// For whom.
    pub candidate: CandidateOfLink,
    /// Whether it can be voted.
    pub state: VotingStateBody,
}

impl VoteLinkBody {
    /// What the link votes for.
    pub fn of(link: VoteLink) -> Self {
        let is_listed = link.candidate_stands();
        let VoteLink {
            event,
            candidate,
            state,
        } = link;
        let details = event.details;
        Self {
            event: EventOfLink {
                id: event.id.uuid(),
                event: EventOfRegistration {
                    title: details.title,
                    starts_at: details.starts_at,
                    time_zone: details.time_zone.name().to_owned(),
                    location: details.location,
                },
                voting_opens_at: details.voting_opens_at,
                voting_closes_at: details.voting_closes_at,
            },
            candidate: CandidateOfLink {
                id: candidate.candidate.id.uuid(),
                name: candidate.name,
                profession: candidate.profession,
                talk_title: candidate.candidate.talk_title,
                r#abstract: candidate.candidate.summary,
                is_listed,
            },
            state: state.into(),
        }
    }
}

/// Who unsubscribes by a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Unsubscribe)]
pub struct UnsubscribeBody {
    /// The address, with most of it left out; null when it was erased.
    #[schema(example = "m…@example.org")]
    pub address: Option<String>,
    /// Whether somebody unsubscribed it.
    pub unsubscribed: bool,
}

impl UnsubscribeBody {
    /// Who unsubscribes.
    pub fn of(link: UnsubscribeLink) -> Self {
        Self {
            address: link.masked_address,
            unsubscribed: link.is_unsubscribed,
        }
    }
}
