//! Somebody has no seat any more, or stands no longer: what stood on that goes, in the same transaction.

use crate::speaker_shown::tell_event_changed;
use crate::{Candidate, CandidateStatus, VotingState, VotingTx, voting_state};
use event::EventSeats;
use kernel::{AttendeeId, Ctx, StoreError};
use notification::Message;
use registration::SeatLoss;
use user::PersonName;

/// Removes the person's vote at the locked event and ends their candidacy. Their registration has ended in this transaction:
/// whoever was voting with it meanwhile has committed, and whoever comes later finds no seat. The vote of a person who is erased
/// stays where voting is over, for an attendee who is nobody.
pub fn leave(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    seats: &EventSeats,
    attendee_id: AttendeeId,
    loss: SeatLoss,
) -> Result<(), StoreError> {
    let stays_counted = loss == SeatLoss::Erased && is_voting_over(tx, ctx, seats)?;
    if !stays_counted {
        tx.delete_vote(seats.id, attendee_id)?;
    }
    match tx.find_live_candidate(seats.id, attendee_id)? {
        Some(candidate) => end_candidacy(tx, ctx, seats, candidate, CandidateStatus::Left, loss),
        None => Ok(()),
    }
}

fn is_voting_over(tx: &mut dyn VotingTx, ctx: &Ctx, seats: &EventSeats) -> Result<bool, StoreError> {
    let event = tx.find_event(seats.id)?;
    Ok(event.is_some_and(|event| voting_state(&event, ctx.now) == VotingState::Closed))
}

/// Ends a live candidacy at the locked event: the votes for it go, and a speaker is unset, which those who choose are told.
pub(crate) fn end_candidacy(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    seats: &EventSeats,
    candidate: Candidate,
    status: CandidateStatus,
    loss: SeatLoss,
) -> Result<(), StoreError> {
    tx.end_candidate(candidate.id, status, ctx.now)?;
    // From here on nobody votes for it any more, and who did has committed.
    tx.delete_votes_for(candidate.event_id, candidate.id)?;
    if tx.unset_speaker(candidate.event_id, candidate.id)? {
        tell_speaker_lost(tx, ctx, seats, &candidate, loss)?;
        tell_event_changed(tx, ctx, seats.id, seats.status);
    }
    let ended = Candidate {
        status,
        ended_at: Some(ctx.now),
        updated_at: ctx.now,
        ..candidate
    };
    tx.candidate_left(ctx, &ended)
}

fn tell_speaker_lost(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    seats: &EventSeats,
    candidate: &Candidate,
    loss: SeatLoss,
) -> Result<(), StoreError> {
    let speaker = match loss {
        SeatLoss::Ended => tx
            .find_attendee(candidate.attendee_id)?
            .map_or_else(PersonName::erased, |attendee| attendee.name),
        SeatLoss::Erased => PersonName::erased(),
    };
    for selector in tx.list_speaker_selectors()? {
        let message = Message::SpeakerLost {
            event: seats.facts(),
            candidate_id: candidate.id,
            speaker: speaker.as_str().to_owned(),
            talk_title: candidate.talk_title.clone(),
        };
        tx.enqueue(ctx, selector, message);
    }
    Ok(())
}
