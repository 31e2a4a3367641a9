//! One text goes to all who hold a seat, a few hundred at a time.
//!
//! Invariants: however many they are, no transaction writes to more than [`PEOPLE_AT_ONCE`] of them, so that registrations
//! and other writes come in between; what is left over stands in a row until it is done, whoever does it and whatever stops
//! in between. The outbox' unique key sees to it that nobody gets it twice.

use crate::RegistrationTx;
use kernel::{Ctx, EventId, Instant, MailingId, RegistrationId, StoreError};
use notification::{Message, Recipient};

/// So many people are written to in one transaction at the most.
pub const PEOPLE_AT_ONCE: u32 = 200;

/// A text on its way to all who hold a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailing {
    /// Its id.
    pub id: MailingId,
    /// Whose seat holders get it.
    pub event_id: EventId,
    /// What it says.
    pub message: Message,
    /// Who got the seat later has been told otherwise.
    pub registered_by: Instant,
    /// Up to which seat, in the order of registering, it was written.
    pub written_to: Option<(Instant, RegistrationId)>,
}

impl Mailing {
    /// One that nobody was written to yet, to all who hold a seat at this moment. Under the event's lock, which may have been
    /// waited for: others took their seats meanwhile, later than what the operation takes for now.
    pub fn to_all_holders(
        tx: &mut dyn RegistrationTx,
        ctx: &Ctx,
        event_id: EventId,
        message: Message,
    ) -> Result<Self, StoreError> {
        let last = tx.last_registered_at(event_id)?;
        let registered_by = last.map_or(ctx.now, |last| last.max(ctx.now));
        Ok(Self::to_holders(ctx, event_id, message, registered_by))
    }

    /// One that nobody was written to yet, to who registered by then.
    pub fn to_holders(ctx: &Ctx, event_id: EventId, message: Message, registered_by: Instant) -> Self {
        Self {
            id: ctx.new_id(),
            event_id,
            message,
            registered_by,
            written_to: None,
        }
    }
}

/// A person with a seat who is to be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatRecipient {
    /// The registration that holds the seat.
    pub registration_id: RegistrationId,
    /// When it came to be.
    pub registered_at: Instant,
    /// Who it is.
    pub recipient: Recipient,
}

/// What a transaction of a mailing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How many people it wrote to.
    pub people: u32,
    /// What has to go on, if anything is left.
    pub left: Option<MailingId>,
}

/// Begins to write to all who hold a seat at the event: the first few hundred at once, the others by
/// [`continue_mailing`].
pub fn begin_mailing(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    mailing: Mailing,
) -> Result<Written, StoreError> {
    let id = mailing.id;
    let (people, rest) = write_some(tx, ctx, mailing)?;
    if let Some(rest) = &rest {
        tx.insert_mailing(rest, ctx.now)?;
    }
    Ok(Written {
        people,
        left: rest.map(|_| id),
    })
}

/// Writes to the next few hundred. Another may be doing the same: they come one after the other.
pub fn continue_mailing(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    id: MailingId,
) -> Result<Written, StoreError> {
    let Some(mailing) = tx.lock_mailing(id)? else {
        return Ok(Written {
            people: 0,
            left: None,
        });
    };
    let (people, rest) = write_some(tx, ctx, mailing)?;
    match rest.as_ref().and_then(|rest| rest.written_to) {
        Some(written_to) => tx.note_mailing(id, written_to)?,
        None => tx.delete_mailing(id)?,
    }
    Ok(Written {
        people,
        left: rest.map(|_| id),
    })
}

/// Writes to the next; gives how many, and the mailing as it stands if some are left.
fn write_some(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    mailing: Mailing,
) -> Result<(u32, Option<Mailing>), StoreError> {
    let people = tx.list_seat_recipients(&mailing, PEOPLE_AT_ONCE)?;
    for person in &people {
        let message = mailing.message.clone().to_holder(person.registration_id);
        tx.enqueue(ctx, person.recipient.clone(), message);
    }
    let count = u32::try_from(people.len()).unwrap_or(u32::MAX);
    let last = people.last().filter(|_| count == PEOPLE_AT_ONCE);
    let rest = last.map(|last| Mailing {
        written_to: Some((last.registered_at, last.registration_id)),
        ..mailing
    });
    Ok((count, rest))
}
