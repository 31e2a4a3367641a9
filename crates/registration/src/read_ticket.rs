//! The ticket of a seat is read: by who holds the seat, by who runs the event, or by who has its code.

use crate::read_registration::is_told;
use crate::{ReadRegistrationError, RegistrationStatus, RegistrationTx, RegistrationView};
use event::{Event, EventStatus};
use kernel::{Ctx, Denied, RegistrationId, StoreError};
use ticket::TicketCode;

/// A ticket: the registration that it is for, and its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The registration with its attendee. The code is that of the registration.
    pub view: RegistrationView,
    /// The event.
    pub event: Event,
}

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
pub enum ReadTicketError {
    /// None with that id, or nothing of the actor's.
    #[error("no such registration")]
    NotFound,
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The registration holds no seat.
    #[error("the registration is {}", .0.as_str())]
    NoSeat(RegistrationStatus),
    /// The event is called off.
    #[error("the event is called off")]
    EventCancelled,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReadRegistrationError> for ReadTicketError {
    fn from(error: ReadRegistrationError) -> Self {
        match error {
            ReadRegistrationError::NotFound => Self::NotFound,
            ReadRegistrationError::Denied(denied) => Self::Denied(denied),
            ReadRegistrationError::Store(error) => Self::Store(error),
        }
    }
}

/// The ticket of the actor's own registration, or of one at an event that the actor runs. Who may read all registrations gets
/// no tickets by that: a ticket lets in.
pub fn read_ticket(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    id: RegistrationId,
) -> Result<Ticket, ReadTicketError> {
    ctx.actor.signed_in()?;
    let view = tx.find_registration_view(id)?.ok_or(ReadTicketError::NotFound)?;
    if !is_told(tx, ctx, &view)? {
        return Err(ReadTicketError::NotFound);
    }
    if view.event_status == EventStatus::Cancelled {
        return Err(ReadTicketError::EventCancelled);
    }
    if !view.registration.status.has_ticket() {
        return Err(ReadTicketError::NoSeat(view.registration.status));
    }
    with_event(tx, view)?.ok_or(ReadTicketError::NotFound)
}

/// The ticket of that code, whoever asks: who has the code has the ticket. Says also what has become of a seat that is no more,
/// so that nobody comes in vain; but nothing of an event that is private, whatever it was before.
pub fn find_ticket(tx: &mut dyn RegistrationTx, code: &TicketCode) -> Result<Option<Ticket>, StoreError> {
    match tx.find_registration_by_code(code)? {
        Some(view) if !view.event().is_private => with_event(tx, view),
        _ => Ok(None),
    }
}

fn with_event(tx: &mut dyn RegistrationTx, view: RegistrationView) -> Result<Option<Ticket>, StoreError> {
    let event = tx.find_event(view.registration.event_id)?;
    Ok(event.map(|event| Ticket { view, event }))
}
