//! Somebody votes by the link in a campaign's mail, without signing in.

use crate::cast_vote::cast;
use crate::{Vote, VoteError, VoteVia, VotingTx};
use kernel::{AttendeeId, CampaignId, CandidateId, Ctx, EventId};

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

/// Casts the vote of who got the mail, by the rules of [`cast_vote()`](crate::cast_vote()). It takes the place of one by another link, never of
/// one that was cast signed in: [`VoteError::CastSignedIn`], unless that is for the same candidate; then it stays as it is.
pub fn cast_vote_by_link(tx: &mut dyn VotingTx, ctx: &Ctx, link: LinkVote) -> Result<Vote, VoteError> {
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
        _ => Err(VoteError::CastSignedIn),
    }
}
