//! Somebody has no seat any more, or stands no longer: what stood on that goes, in the same transaction.

use crate::{Candidate, CandidateStatus, VotingTx};
use event::EventSeats;
use kernel::{AttendeeId, Ctx, StoreError};
use notification::{EventFacts, Message};

/// Removes the person's vote at the locked event and ends their candidacy. Their registration has ended in this transaction:
/// whoever was voting with it meanwhile has committed, and whoever comes later finds no seat.
pub fn leave(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    seats: &EventSeats,
    attendee_id: AttendeeId,
) -> Result<(), StoreError> {
    tx.delete_vote(seats.id, attendee_id)?;
    match tx.find_live_candidate(seats.id, attendee_id)? {
        Some(candidate) => end_candidacy(tx, ctx, &seats.facts(), candidate, CandidateStatus::Left),
        None => Ok(()),
    }
}

/// Ends a live candidacy at the locked event: the votes for it go, and a speaker is unset, which those who choose are told.
pub(crate) fn end_candidacy(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event: &EventFacts,
    candidate: Candidate,
    status: CandidateStatus,
) -> Result<(), StoreError> {
    tx.end_candidate(candidate.id, status, ctx.now)?;
    // From here on nobody votes for it any more, and who did has committed.
    tx.delete_votes_for(candidate.event_id, candidate.id)?;
    if tx.unset_speaker(candidate.event_id, candidate.id)? {
        tell_speaker_lost(tx, ctx, event, &candidate)?;
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
    event: &EventFacts,
    candidate: &Candidate,
) -> Result<(), StoreError> {
    let speaker = tx
        .find_attendee(candidate.attendee_id)?
        .map_or_else(String::new, |attendee| attendee.name.as_str().to_owned());
    for selector in tx.list_speaker_selectors()? {
        let message = Message::SpeakerLost {
            event: event.clone(),
            candidate_id: candidate.id,
            speaker: speaker.clone(),
            talk_title: candidate.talk_title.clone(),
        };
        tx.enqueue(ctx, selector, message);
    }
    Ok(())
}
