//! A person's own vote.

use chrono::{DateTime, Utc};
use kernel::TypedId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use voting::{Vote, VoteVia};

/// How a vote was cast.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VoteVia)]
pub enum VoteViaBody {
    /// By the person, signed in.
    SignedIn,
    /// By the link of a campaign's mail.
    Link,
}

/// A vote; shown to nobody but who cast it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Vote)]
pub struct VoteBody {
    /// At which event.
    pub event_id: Uuid,
    /// For whom.
    pub candidate_id: Uuid,
    /// How.
    pub via: VoteViaBody,
    /// When, the last time that it changed.
    pub cast_at: DateTime<Utc>,
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
