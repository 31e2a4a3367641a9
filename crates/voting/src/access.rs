//! Who takes part in the choice of a speaker: who holds a seat. Who runs the event looks on.

use crate::VotingTx;
use event::{Event, may_manage};
use kernel::{Ctx, Denied, EventId, StoreError};
use user::Attendee;

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The person has no seat.
    #[error("only who has a seat takes part")]
    SeatNeeded,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who is let in.
#[derive(Debug, Clone)]
pub struct Insider {
    /// At this event.
    pub event: Event,
    /// As whom they hold a seat, if they do.
    pub attendee: Option<Attendee>,
    /// Whether they run it.
    pub is_manager: bool,
}

/// The event and the attendee by which the actor holds a seat there.
pub fn require_seat(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<(Event, Attendee), AccessError> {
    let insider = look(tx, ctx, event_id)?;
    let attendee = insider.attendee.ok_or(AccessError::SeatNeeded)?;
    Ok((insider.event, attendee))
}

/// Refuses who neither holds a seat at the event nor runs it.
pub fn require_insider(tx: &mut dyn VotingTx, ctx: &Ctx, event_id: EventId) -> Result<Insider, AccessError> {
    let insider = look(tx, ctx, event_id)?;
    if insider.is_manager || insider.attendee.is_some() {
        Ok(insider)
    } else {
        Err(AccessError::SeatNeeded)
    }
}

/// What the actor is to the event; nothing of a private one to others than those who run it.
pub(crate) fn look(tx: &mut dyn VotingTx, ctx: &Ctx, event_id: EventId) -> Result<Insider, AccessError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let event = tx.find_event(event_id)?.ok_or(AccessError::NotFound)?;
    let is_manager = may_manage(tx, &ctx.actor, event.reference())?;
    if event.is_private() && !is_manager {
        return Err(AccessError::NotFound);
    }
    let standing = tx.find_standing_of_user(event_id, user_id)?.unwrap_or_default();
    let has_seat = standing
        .registration
        .is_some_and(|registration| registration.status.has_ticket());
    // A guest with the address of an account that is not confirmed is somebody else.
    let attendee = standing
        .attendee
        .filter(|attendee| has_seat && attendee.user_id == Some(user_id));
    Ok(Insider {
        event,
        attendee,
        is_manager,
    })
}
