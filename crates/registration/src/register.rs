//! A person registers, or is registered by a manager.

use crate::pass_on::{announce_availability, seat_for, tell_registration};
use crate::{Decision, Refusal, Registration, RegistrationTx, Standing, decide, pass_on_seats};
use chrono::TimeDelta;
use event::{EventSeats, EventStatus, SeatChange, manages, may_manage};
use kernel::{AttendeeId, AuditEntry, Ctx, Denied, EmailAddress, EventId, Invalid, StoreError, TypedId};
use notification::Message;
use user::{Attendee, AttendeeError, PersonName, attendee_of_guest, attendee_of_user, sees_attendee};
use waitlist::WaitlistEntry;

/// Who is to have the seat.
#[derive(Debug, Clone)]
pub enum Person {
    /// The actor.
    Oneself,
    /// An attendee that exists.
    Attendee(AttendeeId),
    /// Somebody by name and address, found or made.
    Guest {
        /// How the person is called.
        name: PersonName,
        /// Where mail goes.
        email: EmailAddress,
    },
}

/// What the operator configured about registering.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether only a confirmed address may register.
    pub require_verified_email: bool,
    /// How many others one account may register within 24 hours: each of them gets a mail.
    pub invites_per_day: u32,
}

/// What the audit log calls the registration of somebody else.
const REGISTERED_OTHER: &str = "registration.create";

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Register {
    /// The event.
    pub event_id: EventId,
    /// Who is to have the seat.
    pub person: Person,
    /// What the operator configured.
    pub rules: Rules,
}

/// What became of it. Waiting is an outcome, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one value a request, which is taken apart at once"
)]
pub enum Registered {
    /// The seat is the person's.
    Confirmed {
        /// The registration.
        registration: Registration,
        /// Who has it.
        attendee: Attendee,
        /// The event.
        seats: EventSeats,
    },
    /// The person waits.
    Waitlisted {
        /// The place in the queue.
        entry: WaitlistEntry,
        /// From 1.
        position: u32,
        /// Who waits.
        attendee: Attendee,
    },
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// No such event, or a draft that is not the actor's.
    #[error("no such event")]
    EventNotFound,
    /// No such attendee, or none of the actor's.
    #[error("no such attendee")]
    AttendeeNotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The rules say no.
    #[error("{0:?}")]
    Refused(Refusal),
    /// The account registered as many others as it may within 24 hours.
    #[error("no more than {0} others within 24 hours")]
    TooManyInvites(u32),
    /// Name or address do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AttendeeError> for RegisterError {
    fn from(error: AttendeeError) -> Self {
        match error {
            AttendeeError::EmailNotVerified => Self::Denied(Denied::EmailNotVerified),
            AttendeeError::Store(error) => Self::Store(error),
        }
    }
}

/// Gives the person a seat, or a place in the queue.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command is used up by its operation, as everywhere"
)]
pub fn register(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    command: Register,
) -> Result<Registered, RegisterError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let mut seats = tx
        .lock_event_seats(command.event_id)?
        .ok_or(RegisterError::EventNotFound)?;
    if seats.status == EventStatus::Draft && !may_manage(tx, &ctx.actor, seats.reference())? {
        return Err(RegisterError::EventNotFound);
    }
    let mut standing = load_standing(tx, ctx, &seats, &command, user_id)?;
    if let (Some(account), Some(attendee)) = (&standing.account, &standing.attendee) {
        // An attendee that somebody else noted: what it holds is shown to nobody who cannot read its mail.
        standing.attendee = Some(attendee_of_user(tx, ctx, account, Some(attendee.clone()))?);
    }
    if seats.free() > 0 && seats.waiting > 0 {
        pass_on_seats(tx, ctx, &mut seats, 0)?;
    }
    let decision = decide(ctx.now, &seats, &standing).map_err(RegisterError::Refused)?;
    let attendee = match (standing.attendee, &standing.account, &command.person) {
        (Some(attendee), ..) => attendee,
        (None, Some(account), _) => attendee_of_user(tx, ctx, account, None)?,
        (None, None, Person::Guest { name, email }) => attendee_of_guest(tx, ctx, name, email)?,
        (None, None, _) => return Err(RegisterError::AttendeeNotFound),
    };
    let attendee = match command.person {
        Person::Oneself => attendee,
        Person::Attendee(_) | Person::Guest { .. } => settle_who_it_is(tx, ctx, attendee)?,
    };
    if !matches!(command.person, Person::Oneself) {
        let since = ctx.now - TimeDelta::days(1);
        let limit = command.rules.invites_per_day;
        if tx.count_audit(user_id, REGISTERED_OTHER, since)? >= u64::from(limit) {
            return Err(RegisterError::TooManyInvites(limit));
        }
        let entry = AuditEntry::new(REGISTERED_OTHER, "event", seats.id.uuid());
        tx.record_audit(ctx, entry.with("attendee_id", &attendee.id))?;
    }
    match decision {
        Decision::Seat => give_seat(tx, ctx, seats, attendee),
        Decision::Queue => {
            let (entry, position) = waitlist::join(tx, ctx, &mut seats, &attendee)?;
            Ok(Registered::Waitlisted {
                entry,
                position,
                attendee,
            })
        }
    }
}

/// Somebody else is registered: who noted the attendee must not put another address under the seat meanwhile, and what is given to a
/// guest whose address is a confirmed account's is the account's.
fn settle_who_it_is(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    attendee: Attendee,
) -> Result<Attendee, RegisterError> {
    if attendee.user_id.is_some() {
        return Ok(attendee);
    }
    tx.hold_address_as_read(&attendee)?;
    let account = tx.find_user_by_email(attendee.email.key())?;
    match account.filter(|user| user.email_verified_at.is_some()) {
        Some(user) => Ok(attendee_of_user(tx, ctx, &user.account(), Some(attendee))?),
        None => Ok(attendee),
    }
}

fn load_standing(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &EventSeats,
    command: &Register,
    user_id: kernel::UserId,
) -> Result<Standing, RegisterError> {
    match &command.person {
        Person::Oneself => {
            let standing = tx
                .find_standing_of_user(seats.id, user_id)?
                .ok_or(Denied::Unauthenticated)?;
            let verified = standing
                .account
                .as_ref()
                .is_some_and(|account| account.email_verified);
            if command.rules.require_verified_email && !verified {
                return Err(Denied::EmailNotVerified.into());
            }
            Ok(standing)
        }
        Person::Attendee(id) => {
            manages(tx, &ctx.actor, seats.reference(), RegisterError::EventNotFound)?;
            let standing = tx
                .find_standing_of_attendee(seats.id, *id)?
                .ok_or(RegisterError::AttendeeNotFound)?;
            let visible = match &standing.attendee {
                Some(attendee) => sees_attendee(tx, &ctx.actor, attendee)?,
                None => false,
            };
            if visible {
                Ok(standing)
            } else {
                Err(RegisterError::AttendeeNotFound)
            }
        }
        Person::Guest { email, .. } => {
            manages(tx, &ctx.actor, seats.reference(), RegisterError::EventNotFound)?;
            match tx.find_attendee_by_email(email.key())? {
                Some(attendee) => {
                    // Before it is read again with what it holds: by then it could have another address.
                    if attendee.user_id.is_none() {
                        tx.hold_address_as_read(&attendee)?;
                    }
                    let standing = tx.find_standing_of_attendee(seats.id, attendee.id)?;
                    Ok(standing.unwrap_or_default())
                }
                None => Ok(Standing::default()),
            }
        }
    }
}

fn give_seat(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    mut seats: EventSeats,
    attendee: Attendee,
) -> Result<Registered, RegisterError> {
    let before = seats.available();
    tx.change_seats(
        &mut seats,
        SeatChange {
            taken: 1,
            waiting: 0,
            ranks: 0,
        },
    )?;
    let registration = Registration {
        registered_by: ctx.actor.user_id(),
        ..seat_for(ctx, &seats, &attendee)?
    };
    tx.insert_registrations(std::slice::from_ref(&registration))?;
    let message = Message::SeatConfirmed {
        event: seats.facts(),
        registration_id: registration.id,
    };
    tx.enqueue(ctx, attendee.recipient(), message);
    tell_registration(tx, ctx, &registration, &attendee);
    announce_availability(tx, ctx, before, &seats);
    Ok(Registered::Confirmed {
        registration,
        attendee,
        seats,
    })
}
