//! The link of a campaign's mail, by which whoever got it votes without signing in.
//!
//! Invariants: what the link says was verified by whoever calls; looking at it changes nothing and tells nothing of a vote, as a mail
//! can be passed on; what it votes for, and for whom it counts, follows from the copy that it came with.

use crate::{DeliveryRepository, LinkedDelivery};
use event::Event;
use kernel::{AttendeeId, Ctx, DeliveryId, EmailAddress, Instant, StoreError};
use user::UserStatus;
use voting::{
    CandidateStatus, CandidateView, LinkVote, LinkVoteError, Vote, VoteError, VotingState, VotingTx,
    voting_state,
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
    /// The copy that it came with is gone or went to an address that is not the person's any more, or its event is nobody's business.
    #[error("no such link")]
    NotFound,
    /// The candidate stands no longer.
    #[error("the candidate stands no longer")]
    CandidateGone,
    /// Whoever got the mail has no seat, or not any more; or their account is suspended.
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
            VoteError::NotOpen(opens_at) => Self::NotOpen(opens_at),
            VoteError::NoVoting | VoteError::Closed => Self::Closed,
            VoteError::Store(error) => Self::Store(error),
        }
    }
}

impl From<LinkVoteError> for VoteLinkError {
    fn from(error: LinkVoteError) -> Self {
        match error {
            LinkVoteError::Vote(error) => error.into(),
            LinkVoteError::CastSignedIn => Self::CastSignedIn,
        }
    }
}

/// What the operations on links need of a transaction.
pub trait VoteLinkTx: VotingTx + DeliveryRepository {}

/// What the link votes for.
pub fn read_vote_link(tx: &mut dyn VoteLinkTx, ctx: &Ctx, id: DeliveryId) -> Result<VoteLink, VoteLinkError> {
    let (_, _, link) = find(tx, ctx, id)?;
    Ok(link)
}

/// Casts the vote, in the place of one by another link. Doing so again changes nothing.
pub fn confirm_vote_link(
    tx: &mut dyn VoteLinkTx,
    ctx: &Ctx,
    id: DeliveryId,
) -> Result<(Vote, VoteLink), VoteLinkError> {
    let (delivery, reader, link) = find(tx, ctx, id)?;
    // It is asked again under the voter's lock; here so that whose seat went with the event is told of the event.
    match link.state {
        VotingState::Open => {}
        VotingState::NotOpen => return Err(VoteLinkError::NotOpen(link.event.details.voting_opens_at)),
        VotingState::None | VotingState::Closed => return Err(VoteLinkError::Closed),
    }
    let voter = reader
        .filter(|reader| reader.is_active)
        .and_then(|reader| reader.attendee_id)
        .ok_or(VoteLinkError::SeatNeeded)?;
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

/// Who reads the mails of a copy's address, as they are now.
struct Reader {
    /// None for an account that takes part nowhere.
    attendee_id: Option<AttendeeId>,
    email: EmailAddress,
    /// Not so where the account is suspended, which can do nothing.
    is_active: bool,
}

fn find(
    tx: &mut dyn VoteLinkTx,
    ctx: &Ctx,
    id: DeliveryId,
) -> Result<(LinkedDelivery, Option<Reader>, VoteLink), VoteLinkError> {
    let delivery = tx.find_delivery(id)?.ok_or(VoteLinkError::NotFound)?;
    let reader = reader_of(tx, &delivery)?;
    // Whoever reads a former address is not to vote for the person. A guest's is the person's when the guest turns out to be them.
    if let (Some(reader), Some(sent_to)) = (&reader, &delivery.email)
        && reader.email.key() != sent_to.key()
    {
        return Err(VoteLinkError::NotFound);
    }
    let event = tx
        .find_event(delivery.event_id)?
        .filter(|event| !event.is_private())
        .ok_or(VoteLinkError::NotFound)?;
    let candidate = tx
        .find_candidate_view(delivery.candidate_id)?
        .ok_or(VoteLinkError::NotFound)?;
    let link = VoteLink {
        state: voting_state(&event, ctx.now),
        event,
        candidate,
    };
    Ok((delivery, reader, link))
}

/// The attendee that the mail was written to, or who has the account that it was written to. None who was erased.
fn reader_of(tx: &mut dyn VoteLinkTx, delivery: &LinkedDelivery) -> Result<Option<Reader>, StoreError> {
    let (attendee, user_id) = match (delivery.attendee_id, delivery.user_id) {
        (Some(id), _) => {
            let Some(attendee) = tx.find_attendee(id)? else {
                return Ok(None);
            };
            let user_id = attendee.user_id;
            (Some(attendee), user_id)
        }
        (None, Some(user_id)) => (tx.find_attendee_of_user(user_id)?, Some(user_id)),
        (None, None) => return Ok(None),
    };
    let user = match user_id {
        Some(id) => tx.find_user(id)?,
        None => None,
    };
    let is_active = user_id.is_none()
        || user
            .as_ref()
            .is_some_and(|user| user.status == UserStatus::Active);
    let attendee_id = attendee.as_ref().map(|attendee| attendee.id);
    let email = attendee.map(|attendee| attendee.email);
    Ok(email.or(user.map(|user| user.email)).map(|email| Reader {
        attendee_id,
        email,
        is_active,
    }))
}
