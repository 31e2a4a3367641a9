//! The link of a campaign's mail, by which whoever got it votes without signing in.
//!
//! Invariants: what the link says was verified by whoever calls; looking at it changes nothing and tells nothing of a vote, as a mail
//! can be passed on; what it votes for, and for whom it counts, follows from the copy that it came with.

use crate::{DeliveryRepository, LinkedDelivery};
use event::{Event, EventStatus};
use kernel::{AttendeeId, Ctx, DeliveryId, Instant, StoreError};
use voting::{
    CandidateStatus, CandidateView, LinkVote, Vote, VoteError, VotingState, VotingTx, voting_state,
};

/// What a link votes for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteLink {
    /// At which event.
    pub event: Event,
    /// For whom.
    pub candidate: CandidateView,
    /// Whether it can be voted now.
    pub state: VotingState,
}

impl VoteLink {
    /// Whether the candidate can still be voted for.
    pub fn candidate_stands(&self) -> bool {
        self.candidate.candidate.status == CandidateStatus::Listed
    }
}

/// Why a link gives no vote.
#[derive(Debug, thiserror::Error)]
pub enum VoteLinkError {
    /// The copy that it came with is gone, or its event is or is a draft again.
    #[error("no such link")]
    NotFound,
    /// The candidate stands no longer.
    #[error("the candidate stands no longer")]
    CandidateGone,
    /// Whoever got the mail has no seat, or not any more.
    #[error("only who has a seat votes")]
    SeatNeeded,
    /// It would be a vote for oneself.
    #[error("nobody votes for themselves")]
    Oneself,
    /// The person has voted for somebody else signed in, which a link does not replace.
    #[error("a vote was cast signed in")]
    CastSignedIn,
    /// It is too early.
    #[error("voting has not begun")]
    NotOpen(Option<Instant>),
    /// It is too late, or there is no voting any more.
    #[error("voting is over")]
    Closed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<VoteError> for VoteLinkError {
    fn from(error: VoteError) -> Self {
        match error {
            VoteError::NotFound | VoteError::NoVote | VoteError::Denied(_) => Self::NotFound,
            VoteError::SeatNeeded => Self::SeatNeeded,
            VoteError::NoSuchCandidate => Self::CandidateGone,
            VoteError::Oneself => Self::Oneself,
            VoteError::CastSignedIn => Self::CastSignedIn,
            VoteError::NotOpen(opens_at) => Self::NotOpen(opens_at),
            VoteError::NoVoting | VoteError::Closed => Self::Closed,
            VoteError::Store(error) => Self::Store(error),
        }
    }
}

/// What the operations on links need of a transaction.
pub trait VoteLinkTx: VotingTx + DeliveryRepository {}

/// What the link votes for.
pub fn read_vote_link(tx: &mut dyn VoteLinkTx, ctx: &Ctx, id: DeliveryId) -> Result<VoteLink, VoteLinkError> {
    let (_, link) = find(tx, ctx, id)?;
    Ok(link)
}

/// Casts the vote, in the place of one by another link. Doing so again changes nothing.
pub fn confirm_vote_link(
    tx: &mut dyn VoteLinkTx,
    ctx: &Ctx,
    id: DeliveryId,
) -> Result<(Vote, VoteLink), VoteLinkError> {
    let (delivery, link) = find(tx, ctx, id)?;
    // It is asked again under the voter's lock; here so that whose seat went with the event is told of the event.
    match link.state {
        VotingState::Open => {}
        VotingState::NotOpen => return Err(VoteLinkError::NotOpen(link.event.details.voting_opens_at)),
        VotingState::None | VotingState::Closed => return Err(VoteLinkError::Closed),
    }
    let voter = voter_of(tx, &delivery)?.ok_or(VoteLinkError::SeatNeeded)?;
    let vote = voting::cast_vote_by_link(
        tx,
        ctx,
        LinkVote {
            event_id: delivery.event_id,
            candidate_id: delivery.candidate_id,
            voter,
            campaign_id: delivery.campaign_id,
        },
    )?;
    Ok((vote, link))
}

fn find(
    tx: &mut dyn VoteLinkTx,
    ctx: &Ctx,
    id: DeliveryId,
) -> Result<(LinkedDelivery, VoteLink), VoteLinkError> {
    let delivery = tx.find_delivery(id)?.ok_or(VoteLinkError::NotFound)?;
    let event = tx
        .find_event(delivery.event_id)?
        .filter(|event| event.status != EventStatus::Draft)
        .ok_or(VoteLinkError::NotFound)?;
    let candidate = tx
        .find_candidate_view(delivery.candidate_id)?
        .ok_or(VoteLinkError::NotFound)?;
    let link = VoteLink {
        state: voting_state(&event, ctx.now),
        event,
        candidate,
    };
    Ok((delivery, link))
}

/// The attendee that the mail was written to, or who has the account that it was written to.
fn voter_of(tx: &mut dyn VoteLinkTx, delivery: &LinkedDelivery) -> Result<Option<AttendeeId>, StoreError> {
    if let Some(attendee_id) = delivery.attendee_id {
        return Ok(Some(attendee_id));
    }
    let Some(user_id) = delivery.user_id else {
        return Ok(None);
    };
    Ok(tx.find_attendee_of_user(user_id)?.map(|attendee| attendee.id))
}
