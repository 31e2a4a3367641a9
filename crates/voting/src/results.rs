//! How the votes stand.

use crate::{CandidateVotes, VotingState, VotingTx, VotingWindow};
use event::{EventRef, may_manage};
use kernel::{CandidateId, Ctx, EventId, Instant, StoreError};

/// A candidate in the results.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// The candidate.
    pub candidate_id: CandidateId,
    /// How the person is called.
    pub name: String,
    /// How many voted for them.
    pub votes: u64,
    /// The part of all votes, from 0 to 1; 0 where nobody voted.
    pub share: f64,
    /// 1 is the best; equals have the same, and the next ones as if they had not.
    pub rank: u32,
}

/// How the votes at an event stood at a moment. Who is told says [`ResultsShown`].
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// Everybody who is listed, the best first.
    pub candidates: Vec<Ranked>,
    /// How many voted.
    pub voters: u64,
    /// How many could.
    pub seat_holders: u64,
}

/// What decides about who is told how the votes at an event stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultsShown {
    /// Whose event it is.
    pub event: EventRef,
    /// When it can be voted.
    pub window: VotingWindow,
    /// Whether all are told while voting runs.
    pub is_live: bool,
}

/// Why nobody is told.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// They are told to all when voting has closed.
    #[error("the results are not shown yet")]
    Hidden,
    /// The event has no voting.
    #[error("there is no voting")]
    NoVoting,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ResultsShown {
    /// How voting stands at that time.
    pub fn state(&self, now: Instant) -> VotingState {
        self.window.state(now)
    }

    /// Whether all are told at that time: when voting has closed, or from its opening where the event says so. If not,
    /// [`require_manager_of_results`] says who is. Before it opens results would say no more than who stands, which is for those who
    /// take part.
    pub fn are_public(&self, now: Instant) -> bool {
        results_are_public(self.event.is_private, self.state(now), self.is_live)
    }
}

/// The rule of it.
pub fn results_are_public(is_private: bool, state: VotingState, is_live: bool) -> bool {
    !is_private
        && match state {
            VotingState::None | VotingState::NotOpen => false,
            VotingState::Open => is_live,
            VotingState::Closed => true,
        }
}

/// What decides about who is told of an event's results, whoever asks.
pub fn find_results_shown(tx: &mut dyn VotingTx, event_id: EventId) -> Result<ResultsShown, ResultsError> {
    let event = tx.find_event(event_id)?.ok_or(ResultsError::NotFound)?;
    Ok(ResultsShown {
        event: event.reference(),
        window: VotingWindow::of(&event),
        is_live: event.details.live_results,
    })
}

/// Counts the votes, for who was found to be told.
pub fn count_results(tx: &mut dyn VotingTx, event_id: EventId) -> Result<Results, ResultsError> {
    let counted = tx.count_votes(event_id)?;
    let voters = counted.iter().map(|candidate| candidate.votes).sum();
    Ok(Results {
        candidates: ranked(counted),
        voters,
        // Who was erased since voting closed has no seat, and is counted.
        seat_holders: tx.count_seat_holders(event_id)?.max(voters),
    })
}

/// Refuses who is not told of results that are not for all: everybody who does not run the event.
pub fn require_manager_of_results(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    shown: &ResultsShown,
) -> Result<(), ResultsError> {
    let is_manager = may_manage(tx, &ctx.actor, shown.event)?;
    if shown.event.is_private && !is_manager {
        Err(ResultsError::NotFound)
    } else if shown.state(ctx.now) == VotingState::None {
        Err(ResultsError::NoVoting)
    } else if is_manager || shown.are_public(ctx.now) {
        Ok(())
    } else {
        Err(ResultsError::Hidden)
    }
}

/// In the order of their votes; of two alike the one who was named first.
pub(crate) fn ranked(mut counted: Vec<CandidateVotes>) -> Vec<Ranked> {
    let all: u64 = counted.iter().map(|candidate| candidate.votes).sum();
    counted.sort_by_key(|candidate| (std::cmp::Reverse(candidate.votes), candidate.candidate_id));
    let mut ranked: Vec<Ranked> = Vec::with_capacity(counted.len());
    for (place, candidate) in (1..).zip(counted) {
        let rank = match ranked.last() {
            Some(before) if before.votes == candidate.votes => before.rank,
            _ => place,
        };
        ranked.push(Ranked {
            candidate_id: candidate.candidate_id,
            name: candidate.name,
            votes: candidate.votes,
            share: share_of(candidate.votes, all),
            rank,
        });
    }
    ranked
}

#[expect(clippy::cast_precision_loss, reason = "a million votes at the most")]
fn share_of(votes: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { votes as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::TypedId;
    use uuid::Uuid;

    fn counted(votes: &[u64]) -> Vec<CandidateVotes> {
        let candidate = |(id, votes): (u128, &u64)| CandidateVotes {
            candidate_id: CandidateId::from_uuid(Uuid::from_u128(id)),
            name: String::new(),
            votes: *votes,
        };
        (1..).zip(votes).map(candidate).collect()
    }

    #[test]
    fn equals_have_the_same_rank_and_the_next_as_if_they_had_not() {
        let of = |votes: &[u64]| -> Vec<(u128, u64, u32)> {
            ranked(counted(votes))
                .into_iter()
                .map(|one| (one.candidate_id.uuid().as_u128(), one.votes, one.rank))
                .collect()
        };
        assert_eq!(of(&[1, 5, 0, 5]), [(2, 5, 1), (4, 5, 1), (1, 1, 3), (3, 0, 4)]);
        assert_eq!(of(&[0, 0]), [(1, 0, 1), (2, 0, 1)]);
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn shares_are_of_the_votes_that_were_cast() {
        let shares: Vec<f64> = ranked(counted(&[1, 3])).iter().map(|one| one.share).collect();
        assert_eq!(shares, [0.75, 0.25]);
        assert!(ranked(counted(&[0])).iter().all(|one| one.share == 0.0));
    }
}
