//! Somebody votes by the link in a campaign's mail, without signing in.

use crate::cast_vote::cast;
use crate::{Vote, VoteError, VoteVia, VotingTx};
use kernel::{AttendeeId, CampaignId, CandidateId, Ctx, EventId, StoreError};

/// What the link votes for. Whoever calls has verified it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkVote {
    /// At which event.
    pub event_id: EventId,
    /// For whom.
    pub candidate_id: CandidateId,
    /// Whose vote it is.
    pub voter: AttendeeId,
    /// Whose mail it was.
    pub campaign_id: CampaignId,
}

/// Why a link gives no vote.
#[derive(Debug, thiserror::Error)]
pub enum LinkVoteError {
    /// As signed in.
    #[error(transparent)]
    Vote(#[from] VoteError),
    /// The person has cast a vote for somebody else signed in, which a link does not replace.
    #[error("a vote was cast signed in")]
    CastSignedIn,
}

impl From<StoreError> for LinkVoteError {
    fn from(error: StoreError) -> Self {
        Self::Vote(error.into())
    }
}

/// Casts the vote of who got the mail, by the rules of [`cast_vote()`](crate::cast_vote()). It takes the place of one by another link, never of
/// one that was cast signed in: [`LinkVoteError::CastSignedIn`]. One for the same candidate stays as it is, however it was cast. That
/// the mail arrived proves the address.
pub fn cast_vote_by_link(tx: &mut dyn VotingTx, ctx: &Ctx, link: LinkVote) -> Result<Vote, LinkVoteError> {
    let (voter_id, window) = tx
        .hold_seat_of_attendee(link.event_id, link.voter)?
        .ok_or(VoteError::SeatNeeded)?;
    let via = VoteVia::Link(link.campaign_id);
    let (vote, is_written) = cast(tx, ctx, link.event_id, voter_id, window, link.candidate_id, via)?;
    if is_written {
        return Ok(vote);
    }
    match tx.find_vote(link.event_id, voter_id)? {
        Some(earlier) if earlier.candidate_id == link.candidate_id => Ok(earlier),
        _ => Err(LinkVoteError::CastSignedIn),
    }
}
