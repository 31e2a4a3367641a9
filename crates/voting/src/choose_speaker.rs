//! Who chooses speakers chooses one of the candidates, on the basis of the votes.

use crate::results::ranked;
use crate::speaker_shown::tell_event_changed;
use crate::{CandidateStatus, VotingState, VotingTx, voting_state};
use event::{Event, EventStatus, Speaker, may_manage};
use kernel::{AuditEntry, CandidateId, Ctx, Denied, EventId, Invalid, Permission, StoreError, TypedId};
use notification::Message;

/// Characters of a reason at the most.
const LONGEST_REASON: usize = 1_000;

/// Who is to speak.
#[derive(Debug, Clone)]
pub struct ChooseSpeaker {
    /// At this event.
    pub event_id: EventId,
    /// Who is listed there.
    pub candidate_id: CandidateId,
    /// Needed before voting closes, and for another than the winner.
    pub reason: Option<String>,
}

/// Why nobody was chosen.
#[derive(Debug, thiserror::Error)]
pub enum ChooseSpeakerError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nobody of that id is listed, or a reason is needed.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The event is over or called off.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks whether the actor chooses the speaker of the event.
pub fn require_selector(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<(), ChooseSpeakerError> {
    ctx.actor.require(Permission::SpeakerSelect)?;
    let event = tx.find_event(event_id)?.ok_or(ChooseSpeakerError::NotFound)?;
    require_known(tx, ctx, &event)
}

/// Makes a listed candidate the speaker, and tells them. Whoever speaks already stays and is not told again.
pub fn choose_speaker(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    command: ChooseSpeaker,
) -> Result<Event, ChooseSpeakerError> {
    let mut event = lock(tx, ctx, command.event_id)?;
    let candidate = tx
        .find_candidate(command.candidate_id)?
        .filter(|candidate| candidate.event_id == event.id && candidate.status == CandidateStatus::Listed)
        .ok_or_else(|| {
            Invalid::field(
                "/candidate_id",
                "unknown",
                "nobody of that id is listed at the event",
            )
        })?;
    if let Some(reason) = &command.reason
        && reason.chars().count() > LONGEST_REASON
    {
        let detail = format!("at most {LONGEST_REASON} characters");
        return Err(Invalid::field("/reason", "length", detail).into());
    }
    let standings = ranked(tx.count_votes(event.id)?);
    let standing = standings.iter().find(|one| one.candidate_id == candidate.id);
    // Without any vote all are the first, and nobody has won.
    let has_won = standing.is_some_and(|one| one.rank == 1 && one.votes > 0);
    let is_closed = voting_state(&event, ctx.now) == VotingState::Closed;
    if command.reason.is_none() && !(has_won && is_closed) {
        let detail = "a reason is needed before voting has closed, and for another than the winner";
        return Err(Invalid::field("/reason", "missing", detail).into());
    }
    require_writable(&event, ctx)?;
    let is_so = |speaker: &Speaker| speaker.candidate_id == candidate.id;
    if event.speaker.as_ref().is_some_and(is_so) {
        return Ok(event);
    }
    let attendee = tx
        .find_attendee(candidate.attendee_id)?
        .ok_or_else(|| StoreError::Internal("a candidate is nobody".into()))?;
    tx.set_speaker(event.id, Some(candidate.id))?;
    event.edit_version += 1;
    let message = Message::SpeakerChosen {
        event: event.seats().facts(),
        candidate_id: candidate.id,
        talk_title: candidate.talk_title.clone(),
        edit: event.edit_version,
    };
    tx.enqueue(ctx, attendee.recipient(), message);
    event.speaker = Some(Speaker {
        candidate_id: candidate.id,
        attendee_id: attendee.id,
        name: attendee.name.as_str().to_owned(),
        talk_title: candidate.talk_title,
    });
    tell_event_changed(tx, ctx, event.id, event.status);
    let mut entry = AuditEntry::new("speaker.select", "event", event.id.uuid())
        .with("candidate_id", &candidate.id)
        .with("voting_closed", &is_closed)
        .because(command.reason);
    if let Some(standing) = standing {
        entry = entry.with("rank", &standing.rank);
    }
    tx.record_audit(ctx, entry)?;
    Ok(event)
}

/// Leaves the event without a speaker; nothing happens where it has none.
pub fn unset_speaker(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<Event, ChooseSpeakerError> {
    let mut event = lock(tx, ctx, event_id)?;
    require_writable(&event, ctx)?;
    let Some(speaker) = event.speaker.take() else {
        return Ok(event);
    };
    tx.set_speaker(event.id, None)?;
    event.edit_version += 1;
    tell_event_changed(tx, ctx, event.id, event.status);
    let entry = AuditEntry::new("speaker.unset", "event", event.id.uuid());
    tx.record_audit(ctx, entry.with("candidate_id", &speaker.candidate_id))?;
    Ok(event)
}

fn lock(tx: &mut dyn VotingTx, ctx: &Ctx, event_id: EventId) -> Result<Event, ChooseSpeakerError> {
    ctx.actor.require(Permission::SpeakerSelect)?;
    let event = tx.lock_event(event_id)?.ok_or(ChooseSpeakerError::NotFound)?;
    require_known(tx, ctx, &event)?;
    Ok(event)
}

/// A private event is known to those who run it.
fn require_known(tx: &mut dyn VotingTx, ctx: &Ctx, event: &Event) -> Result<(), ChooseSpeakerError> {
    if !event.is_private() || may_manage(tx, &ctx.actor, event.reference())? {
        Ok(())
    } else {
        Err(ChooseSpeakerError::NotFound)
    }
}

fn require_writable(event: &Event, ctx: &Ctx) -> Result<(), ChooseSpeakerError> {
    match event.status_at(ctx.now) {
        status @ (EventStatus::Cancelled | EventStatus::Completed) => {
            Err(ChooseSpeakerError::ReadOnly(status))
        }
        EventStatus::Draft | EventStatus::Published => Ok(()),
    }
}
