//! Somebody votes, changes the vote or takes it back.
//!
//! Locks, in this order: the voter's registration, then the candidate, both shared, then the vote's own row. The event is not
//! locked: voting waits for nobody who registers. Whoever ends a registration or a candidacy writes that row first, which waits
//! for those who vote with it, and removes the votes then; they hold nothing that a voter takes after it, so nobody waits in a
//! circle. ADR 15 goes through all who lock these rows.
//!
//! The window is asked at `ctx.now`: of an edit that closes it meanwhile, a vote that was sent before counts.

#[cfg(doc)]
use crate::VoteRepository;
use crate::access::{AccessError, require_seat};
use crate::{Vote, VoteVia, VotingState, VotingTx, VotingWindow};
use kernel::{AttendeeId, CandidateId, Ctx, Denied, EventId, Instant, StoreError};

/// Why nobody votes.
#[derive(Debug, thiserror::Error)]
pub enum VoteError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The person has no seat.
    #[error("only who has a seat votes")]
    SeatNeeded,
    /// Nobody of that id is listed at the event.
    #[error("no such candidate")]
    NoSuchCandidate,
    /// It would be a vote for oneself.
    #[error("nobody votes for themselves")]
    Oneself,
    /// The event has no voting.
    #[error("there is no voting")]
    NoVoting,
    /// It is too early.
    #[error("voting has not begun")]
    NotOpen(Option<Instant>),
    /// It is too late.
    #[error("voting is over")]
    Closed,
    /// There is no vote.
    #[error("no vote yet")]
    NoVote,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AccessError> for VoteError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound => Self::NotFound,
            AccessError::Denied(denied) => Self::Denied(denied),
            AccessError::SeatNeeded => Self::SeatNeeded,
            AccessError::Store(error) => Self::Store(error),
        }
    }
}

/// Casts the actor's vote, in the place of an earlier one; whether only who confirmed their address votes is what the operator
/// configured.
pub fn cast_vote(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    candidate_id: CandidateId,
    require_verified_email: bool,
) -> Result<Vote, VoteError> {
    let (voter_id, window) = hold_own_seat(tx, ctx, event_id)?;
    if require_verified_email && !ctx.actor.signed_in()?.email_verified {
        return Err(Denied::EmailNotVerified.into());
    }
    let (vote, _) = cast(
        tx,
        ctx,
        event_id,
        voter_id,
        window,
        candidate_id,
        VoteVia::SignedIn,
    )?;
    Ok(vote)
}

/// Takes the actor's vote back, if there is one.
pub fn withdraw_vote(tx: &mut dyn VotingTx, ctx: &Ctx, event_id: EventId) -> Result<(), VoteError> {
    let (voter_id, window) = hold_own_seat(tx, ctx, event_id)?;
    require_open(&window, ctx.now)?;
    tx.delete_vote(event_id, voter_id)?;
    Ok(())
}

/// The actor's own vote.
pub fn read_vote(tx: &mut dyn VotingTx, ctx: &Ctx, event_id: EventId) -> Result<Vote, VoteError> {
    let (_, attendee) = require_seat(tx, ctx, event_id)?;
    tx.find_vote(event_id, attendee.id)?.ok_or(VoteError::NoVote)
}

/// The actor's seat, held; or why there is none.
fn hold_own_seat(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<(AttendeeId, VotingWindow), VoteError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    if let Some(held) = tx.hold_seat_of_user(event_id, user_id)? {
        return Ok(held);
    }
    // Says why; or finds a seat that became the person's while the other was waited for.
    require_seat(tx, ctx, event_id)?;
    tx.hold_seat_of_user(event_id, user_id)?
        .ok_or(VoteError::SeatNeeded)
}

/// Writes a vote with a seat that is held; gives whether it was written, or another stays ([`VoteRepository::put_vote`]). Where
/// there is no voting, nobody is a candidate; otherwise what is wrong with the content is told before what is wrong with the state.
pub(crate) fn cast(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    voter_id: AttendeeId,
    window: VotingWindow,
    candidate_id: CandidateId,
    via: VoteVia,
) -> Result<(Vote, bool), VoteError> {
    if window.state(ctx.now) == VotingState::None {
        return Err(VoteError::NoVoting);
    }
    let candidate_attendee_id = tx
        .hold_listed_candidate(event_id, candidate_id)?
        .ok_or(VoteError::NoSuchCandidate)?;
    if candidate_attendee_id == voter_id {
        return Err(VoteError::Oneself);
    }
    require_open(&window, ctx.now)?;
    let vote = Vote {
        event_id,
        voter_id,
        candidate_id,
        candidate_attendee_id,
        via,
        cast_at: ctx.now,
    };
    let is_written = tx.put_vote(&vote)?;
    Ok((vote, is_written))
}

fn require_open(window: &VotingWindow, now: Instant) -> Result<(), VoteError> {
    match window.state(now) {
        VotingState::Open => Ok(()),
        VotingState::None => Err(VoteError::NoVoting),
        VotingState::NotOpen => Err(VoteError::NotOpen(window.opens_at)),
        VotingState::Closed => Err(VoteError::Closed),
    }
}
