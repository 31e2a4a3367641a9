//! A manager gives somebody who waits a seat out of turn.

use crate::pass_on::give_out_of_turn;
use crate::{Registration, RegistrationTx};
use event::{EventSeats, EventStatus, manages};
use kernel::{AuditEntry, Ctx, Denied, EventId, Invalid, StoreError, TypedId, WaitlistEntryId};
use user::Attendee;
use waitlist::{EntryStatus, WaitingPerson, check_reason};

/// Who is to have a seat.
#[derive(Debug, Clone)]
pub struct PromoteEntry {
    /// The event.
    pub event_id: EventId,
    /// The entry.
    pub entry_id: WaitlistEntryId,
    /// Why; part of the log.
    pub reason: String,
}

/// The seat that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// The registration.
    pub registration: Registration,
    /// Who has it.
    pub attendee: Attendee,
    /// The event.
    pub seats: EventSeats,
}

/// Why the person goes on waiting.
#[derive(Debug, thiserror::Error)]
pub enum PromoteEntryError {
    /// No such event, or no such entry that waits there.
    #[error("no such entry in this queue")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The reason does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The event is over or called off.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// It costs something, and payments are not set up.
    #[error("payments are not set up")]
    PaymentsNotConfigured,
    /// No seat is free.
    #[error("no seat is free")]
    NoSeat,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

event::refuse_alike!(PromoteEntryError => NotFound);

/// Gives a free seat to the person, whoever else waits. Until the start free seats go to the head of the queue by
/// themselves, so there is one for this only from then on.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command is used up by its operation, as everywhere"
)]
pub fn promote_entry(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    command: PromoteEntry,
) -> Result<Promoted, PromoteEntryError> {
    let mut seats = tx
        .lock_event_seats(command.event_id)?
        .ok_or(PromoteEntryError::NotFound)?;
    manages(tx, &ctx.actor, seats.reference(), PromoteEntryError::NotFound)?;
    let entry = tx
        .find_waitlist_entry(command.entry_id)?
        .filter(|entry| entry.event_id == command.event_id && entry.status == EntryStatus::Waiting)
        .ok_or(PromoteEntryError::NotFound)?;
    check_reason(&command.reason)?;
    if seats.is_read_only_at(ctx.now) {
        return Err(PromoteEntryError::ReadOnly(seats.status));
    }
    if seats.has_fee() {
        return Err(PromoteEntryError::PaymentsNotConfigured);
    }
    let attendee = tx
        .find_attendee(entry.attendee_id)?
        .ok_or(PromoteEntryError::NotFound)?;
    let entry_id = entry.id;
    let person = WaitingPerson {
        entry,
        attendee: attendee.clone(),
    };
    let registration =
        give_out_of_turn(tx, ctx, &mut seats, person, &command.reason)?.ok_or(PromoteEntryError::NoSeat)?;
    tx.record_audit(
        ctx,
        // The reason stands in the entry's own log, which goes when the person is forgotten; this one stays.
        AuditEntry::new("waitlist.promote", "waitlist_entry", entry_id.uuid())
            .with("registration_id", &registration.id),
    )?;
    Ok(Promoted {
        registration,
        attendee,
        seats,
    })
}
