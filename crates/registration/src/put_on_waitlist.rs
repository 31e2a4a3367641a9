//! A manager puts somebody on the waitlist.

use crate::invites::{Invites, PUT_ON_WAITLIST};
use crate::register::{settle_who_it_is, visible_standing};
use crate::{RegistrationTx, pass_on_seats};
use event::{EventStatus, manages};
use kernel::{
    AttendeeId, AuditEntry, Ctx, Denied, EventId, Invalid, RegistrationId, StoreError, TypedId,
    WaitlistEntryId,
};
use waitlist::{JoinAt, WaitlistEntry, check_reason, join_at};

/// Who is to wait, and where.
#[derive(Debug, Clone)]
pub struct PutOnWaitlist {
    /// The event.
    pub event_id: EventId,
    /// Who.
    pub attendee_id: AttendeeId,
    /// From 1 to one more than wait already; none is the end.
    pub position: Option<u32>,
    /// Why; part of the log.
    pub reason: String,
    /// How many others one account may have written to within 24 hours; see [`Rules`](crate::Rules).
    pub invites_per_day: u32,
}

/// Why nobody was put there.
#[derive(Debug, thiserror::Error)]
pub enum PutOnWaitlistError {
    /// No such event, or a draft that is not the actor's; or no such attendee, or none of the actor's.
    #[error("no such event or attendee")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The position is not one of the queue, or the reason does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The event is a draft, called off or over.
    #[error("the event is not published")]
    NotPublished,
    /// The event has begun, or has no waitlist.
    #[error("nobody can join the waitlist")]
    Closed,
    /// It costs something, and payments are not set up.
    #[error("payments are not set up")]
    PaymentsNotConfigured,
    /// There is a live registration.
    #[error("registered already")]
    AlreadyRegistered(RegistrationId),
    /// There is a live entry in the queue.
    #[error("waits already")]
    AlreadyWaiting(WaitlistEntryId),
    /// A seat is free and nobody waits for it: the person can be registered.
    #[error("a seat is free")]
    SeatFree,
    /// The account had as many others written to as it may within 24 hours.
    #[error("no more than {0} others within 24 hours")]
    TooMany(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

event::refuse_alike!(PutOnWaitlistError => NotFound);

/// Puts an attendee on the queue of a full event, at its end or at a position; also when registering is over, until the
/// start. Nobody waits while a seat is free.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command is used up by its operation, as everywhere"
)]
pub fn put_on_waitlist(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    command: PutOnWaitlist,
) -> Result<(WaitlistEntry, u32), PutOnWaitlistError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let mut seats = tx
        .lock_event_seats(command.event_id)?
        .ok_or(PutOnWaitlistError::NotFound)?;
    manages(tx, &ctx.actor, seats.reference(), PutOnWaitlistError::NotFound)?;
    let mut invites = Invites::by(command.invites_per_day);
    invites.count(tx, ctx, user_id)?;
    let standing =
        visible_standing(tx, ctx, seats.id, command.attendee_id)?.ok_or(PutOnWaitlistError::NotFound)?;
    let attendee = standing.attendee.ok_or(PutOnWaitlistError::NotFound)?;
    check_reason(&command.reason)?;
    if command.position == Some(0) {
        return Err(Invalid::field("/position", "range", "a position from 1").into());
    }
    if seats.is_read_only_at(ctx.now) || seats.status == EventStatus::Draft {
        return Err(PutOnWaitlistError::NotPublished);
    }
    if seats.has_fee() {
        return Err(PutOnWaitlistError::PaymentsNotConfigured);
    }
    if !seats.promotes_at(ctx.now) || !seats.waitlist_enabled {
        return Err(PutOnWaitlistError::Closed);
    }
    if let Some(registration) = standing.registration {
        return Err(PutOnWaitlistError::AlreadyRegistered(registration.id));
    }
    if let Some(entry) = standing.entry {
        return Err(PutOnWaitlistError::AlreadyWaiting(entry.id));
    }
    if seats.free() > 0 && seats.waiting > 0 {
        pass_on_seats(tx, ctx, &mut seats, 0)?;
    }
    if seats.free() > 0 {
        return Err(PutOnWaitlistError::SeatFree);
    }
    let last = seats.waiting + 1;
    let position = command.position.unwrap_or(last);
    if position > last {
        let detail = format!("a position from 1 to {last}");
        return Err(Invalid::field("/position", "range", detail).into());
    }
    invites
        .take(tx, ctx, user_id)?
        .map_err(PutOnWaitlistError::TooMany)?;
    let attendee = settle_who_it_is(tx, ctx, attendee)?;
    let at = JoinAt {
        position,
        reason: &command.reason,
    };
    let (entry, position) = join_at(tx, ctx, &mut seats, &attendee, at)?;
    tx.record_audit(
        ctx,
        // The reason stands in the entry's own log, which goes when the person is forgotten; this one stays.
        AuditEntry::new(PUT_ON_WAITLIST, "waitlist_entry", entry.id.uuid())
            .with("attendee_id", &attendee.id)
            .with("position", &position),
    )?;
    Ok((entry, position))
}
