//! Somebody stands for speaker, or names somebody else, who is listed only after agreeing.

use crate::access::{AccessError, require_seat};
use crate::talk::{check_summary, check_title};
use crate::{Candidate, CandidateStatus, CandidateView, VotingState, VotingTx, voting_state};
use kernel::{AttendeeId, Ctx, Denied, EventId, Invalid, StoreError};
use notification::Message;

/// So many others an account may name at one event.
pub const MOST_NOMINATIONS: u32 = 5;
/// So often one stands at one event, giving up and standing anew.
pub const MOST_OWN_CANDIDACIES: u32 = 10;
/// So many stand or are asked to at one event at a time.
pub const MOST_CANDIDATES: u32 = 1_000;
/// So many candidacies of one event are kept, with those that have ended: lists look at all of them.
const MOST_KEPT: u32 = 10_000;

/// Who is to stand, and with what.
#[derive(Debug, Clone)]
pub struct Nominate {
    /// At this event.
    pub event_id: EventId,
    /// None: the actor.
    pub attendee_id: Option<AttendeeId>,
    /// One line of 1 to 200 characters.
    pub talk_title: String,
    /// 1 to 5,000 characters.
    pub summary: String,
    /// Whether only who confirmed their address takes part: what the operator configured.
    pub require_verified_email: bool,
}

/// Why nobody stands.
#[derive(Debug, thiserror::Error)]
pub enum NominateError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The actor has no seat.
    #[error("only who has a seat takes part")]
    SeatNeeded,
    /// Fields do not fit, or nobody can be named by that id.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The event has no voting.
    #[error("there is no voting")]
    NoVoting,
    /// Voting is over.
    #[error("voting is over")]
    Closed,
    /// The person stands already, or was asked to.
    #[error("the person is a candidate already")]
    AlreadyCandidate,
    /// The actor named as many others as one may.
    #[error("no more than {MOST_NOMINATIONS} others")]
    TooMany,
    /// The actor gave up and stood anew as often as one may.
    #[error("no more than {MOST_OWN_CANDIDACIES} times")]
    StoodTooOften,
    /// The event has as many candidates as one can have.
    #[error("no more candidates")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AccessError> for NominateError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound => Self::NotFound,
            AccessError::Denied(denied) => Self::Denied(denied),
            AccessError::SeatNeeded => Self::SeatNeeded,
            AccessError::Store(error) => Self::Store(error),
        }
    }
}

/// Makes a candidate: the actor at once, somebody else once they agree, for which they are asked by mail.
pub fn nominate(tx: &mut dyn VotingTx, ctx: &Ctx, command: Nominate) -> Result<CandidateView, NominateError> {
    let actor = ctx.actor.signed_in()?;
    // Under the lock candidacies come and go one after the other, and no seat is lost meanwhile.
    let seats = tx
        .lock_event_seats(command.event_id)?
        .ok_or(NominateError::NotFound)?;
    let (event, oneself) = require_seat(tx, ctx, command.event_id)?;
    if command.require_verified_email && !actor.email_verified {
        return Err(Denied::EmailNotVerified.into());
    }
    check_words(&command)?;
    let other = match command.attendee_id.filter(|id| *id != oneself.id) {
        None => None,
        // Only who is seen by the others anyway can be named: whatever is wrong with an id is answered alike.
        Some(id) => match tx.find_participant(event.id, id)? {
            Some(other) => Some(other),
            None => return Err(nobody_to_name().into()),
        },
    };
    match voting_state(&event, ctx.now) {
        VotingState::NotOpen | VotingState::Open => {}
        VotingState::None => return Err(NominateError::NoVoting),
        VotingState::Closed => return Err(NominateError::Closed),
    }
    let is_oneself = other.is_none();
    let person = other.unwrap_or(oneself);
    if tx.find_live_candidate(event.id, person.id)?.is_some() {
        return Err(NominateError::AlreadyCandidate);
    }
    let before = tx.count_nominations(event.id, actor.user_id)?;
    if is_oneself && before.oneself >= MOST_OWN_CANDIDACIES {
        return Err(NominateError::StoodTooOften);
    }
    if !is_oneself && before.others >= MOST_NOMINATIONS {
        return Err(NominateError::TooMany);
    }
    let there = tx.count_candidates(event.id)?;
    if there.live >= MOST_CANDIDATES || there.all >= MOST_KEPT {
        return Err(NominateError::Full);
    }
    let candidate = Candidate {
        id: ctx.new_id(),
        event_id: event.id,
        attendee_id: person.id,
        nominated_by: actor.user_id,
        status: if is_oneself {
            CandidateStatus::Listed
        } else {
            CandidateStatus::Nominated
        },
        talk_title: command.talk_title,
        summary: command.summary,
        nominated_at: ctx.now,
        listed_at: is_oneself.then_some(ctx.now),
        ended_at: None,
        updated_at: ctx.now,
    };
    tx.insert_candidate(&candidate)?;
    if !is_oneself {
        let nominator = tx.find_user(actor.user_id)?.ok_or(Denied::Unauthenticated)?;
        let message = Message::Nominated {
            event: seats.facts(),
            candidate_id: candidate.id,
            nominated_by: nominator.name.as_str().to_owned(),
            talk_title: candidate.talk_title.clone(),
        };
        tx.enqueue(ctx, person.recipient(), message);
    }
    let view = tx.find_candidate_view(candidate.id)?;
    view.ok_or_else(|| StoreError::Internal("a candidate was lost at once".into()).into())
}

fn check_words(command: &Nominate) -> Result<(), Invalid> {
    let mut invalid = Invalid::none();
    check_title(&mut invalid, &command.talk_title);
    check_summary(&mut invalid, &command.summary);
    invalid.check()
}

fn nobody_to_name() -> Invalid {
    Invalid::field(
        "/attendee_id",
        "unknown",
        "it is none of the participants of the event",
    )
}
