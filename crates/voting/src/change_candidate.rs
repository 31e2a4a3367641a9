//! A candidacy is accepted, reworded, declined or given up.

use crate::access::{AccessError, look};
use crate::leave::end_candidacy;
use crate::speaker_shown::tell_event_changed;
use crate::talk::{check_summary, check_title};
use crate::{Candidate, CandidateStatus, CandidateView, VotingState, VotingTx, voting_state};
use event::{Event, EventStatus};
use kernel::{AuditEntry, CandidateId, Change, Ctx, Denied, EventId, Invalid, StoreError, TypedId};
use registration::SeatLoss;

/// What is to change, field by field.
#[derive(Debug, Clone, Default)]
pub struct CandidatePatch {
    /// One line of 1 to 200 characters.
    pub talk_title: Change<String>,
    /// 1 to 5,000 characters.
    pub summary: Change<String>,
}

/// Why a candidacy stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeCandidateError {
    /// There is no such event or candidate, or none that the actor may know of.
    #[error("no such candidate")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It has ended, or was accepted before.
    #[error("the candidacy is {}", .0.as_str())]
    WrongState(CandidateStatus),
    /// The event has no voting any more.
    #[error("there is no voting")]
    NoVoting,
    /// Voting is over.
    #[error("voting is over")]
    Closed,
    /// The event is over or called off.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AccessError> for ChangeCandidateError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound => Self::NotFound,
            AccessError::Denied(denied) => Self::Denied(denied),
            AccessError::SeatNeeded => Self::Denied(Denied::NotYours),
            AccessError::Store(error) => Self::Store(error),
        }
    }
}

/// A candidate whom the actor may change.
struct Within {
    event: Event,
    candidate: Candidate,
    is_own: bool,
}

/// Asks whether the actor may change a candidate: who it is, or who runs the event.
pub fn require_candidate(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    id: CandidateId,
) -> Result<(), ChangeCandidateError> {
    within(tx, ctx, event_id, id).map(drop)
}

/// Asks whether the actor was asked to stand, or stands.
pub fn require_nominee(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    id: CandidateId,
) -> Result<(), ChangeCandidateError> {
    own(tx, ctx, event_id, id).map(drop)
}

/// Agrees to stand. The person holds a seat, or the candidacy had ended with it.
pub fn accept(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    id: CandidateId,
    require_verified_email: bool,
) -> Result<CandidateView, ChangeCandidateError> {
    let actor = ctx.actor.signed_in()?;
    tx.lock_event_seats(event_id)?
        .ok_or(ChangeCandidateError::NotFound)?;
    let Within { event, candidate, .. } = own(tx, ctx, event_id, id)?;
    if require_verified_email && !actor.email_verified {
        return Err(Denied::EmailNotVerified.into());
    }
    require_before_closing(&event, ctx)?;
    if candidate.status != CandidateStatus::Nominated {
        return Err(ChangeCandidateError::WrongState(candidate.status));
    }
    tx.list_candidate(id, ctx.now)?;
    view_of(tx, id)
}

/// Writes another title or abstract, until voting closes.
pub fn edit_candidate(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    id: CandidateId,
    patch: CandidatePatch,
) -> Result<CandidateView, ChangeCandidateError> {
    ctx.actor.signed_in()?;
    tx.lock_event_seats(event_id)?
        .ok_or(ChangeCandidateError::NotFound)?;
    let Within {
        event,
        candidate,
        is_own,
    } = within(tx, ctx, event_id, id)?;
    let changed = Candidate {
        talk_title: patched(patch.talk_title, &candidate.talk_title),
        summary: patched(patch.summary, &candidate.summary),
        updated_at: ctx.now,
        ..candidate.clone()
    };
    let mut invalid = Invalid::none();
    check_title(&mut invalid, &changed.talk_title);
    check_summary(&mut invalid, &changed.summary);
    invalid.check()?;
    require_before_closing(&event, ctx)?;
    if !candidate.status.is_live() {
        return Err(ChangeCandidateError::WrongState(candidate.status));
    }
    let fields: Vec<&str> = [
        ("talk_title", changed.talk_title != candidate.talk_title),
        ("abstract", changed.summary != candidate.summary),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect();
    if !fields.is_empty() {
        tx.reword_candidate(&changed)?;
        if event.speaker.is_some_and(|speaker| speaker.candidate_id == id) {
            tell_event_changed(tx, ctx, event.id, event.status);
        }
        if !is_own {
            let entry = AuditEntry::new("candidate.edit", "candidate", id.uuid());
            tx.record_audit(ctx, entry.with("fields", &fields.join(",")))?;
        }
    }
    view_of(tx, id)
}

/// Ends a candidacy: declined by who was asked, withdrawn by who stands or who runs the event. The votes for it go.
pub fn withdraw(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    id: CandidateId,
) -> Result<(), ChangeCandidateError> {
    ctx.actor.signed_in()?;
    let seats = tx
        .lock_event_seats(event_id)?
        .ok_or(ChangeCandidateError::NotFound)?;
    let Within {
        candidate, is_own, ..
    } = within(tx, ctx, event_id, id)?;
    if seats.is_read_only_at(ctx.now) {
        return Err(ChangeCandidateError::ReadOnly(seats.status));
    }
    let ending = match candidate.status {
        CandidateStatus::Nominated if is_own => CandidateStatus::Declined,
        CandidateStatus::Nominated | CandidateStatus::Listed => CandidateStatus::Withdrawn,
        ended => return Err(ChangeCandidateError::WrongState(ended)),
    };
    end_candidacy(tx, ctx, &seats, candidate, ending, SeatLoss::Ended)?;
    if !is_own {
        tx.record_audit(ctx, AuditEntry::new("candidate.withdraw", "candidate", id.uuid()))?;
    }
    Ok(())
}

/// The candidate, if the actor may change it. Nobody else learns of one who is not listed. Whose own it is may, also without a seat:
/// what became of it says its state, or the event's.
fn within(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    id: CandidateId,
) -> Result<Within, ChangeCandidateError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let insider = look(tx, ctx, event_id)?;
    let view = tx
        .find_candidate_view(id)?
        .filter(|view| view.candidate.event_id == event_id)
        .ok_or(ChangeCandidateError::NotFound)?;
    let is_own = view.user_id == Some(user_id);
    let candidate = view.candidate;
    if is_own || insider.is_manager {
        Ok(Within {
            event: insider.event,
            candidate,
            is_own,
        })
    } else if candidate.status == CandidateStatus::Listed {
        Err(Denied::NotYours.into())
    } else {
        Err(ChangeCandidateError::NotFound)
    }
}

/// The actor's own candidacy. Of others nothing is said.
fn own(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    id: CandidateId,
) -> Result<Within, ChangeCandidateError> {
    match within(tx, ctx, event_id, id) {
        Ok(within) if within.is_own => Ok(within),
        Ok(_) | Err(ChangeCandidateError::Denied(Denied::NotYours)) => Err(ChangeCandidateError::NotFound),
        Err(error) => Err(error),
    }
}

fn require_before_closing(event: &Event, ctx: &Ctx) -> Result<(), ChangeCandidateError> {
    match voting_state(event, ctx.now) {
        VotingState::NotOpen | VotingState::Open => Ok(()),
        VotingState::None => Err(ChangeCandidateError::NoVoting),
        VotingState::Closed => Err(ChangeCandidateError::Closed),
    }
}

/// A field that is emptied is refused as a missing one.
fn patched(change: Change<String>, before: &str) -> String {
    change.apply(Some(before.to_owned())).unwrap_or_default()
}

fn view_of(tx: &mut dyn VotingTx, id: CandidateId) -> Result<CandidateView, ChangeCandidateError> {
    let view = tx.find_candidate_view(id)?;
    view.ok_or(ChangeCandidateError::NotFound)
}
