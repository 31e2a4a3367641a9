//! A person registers, or is registered by a manager.

use crate::invites::{Invites, REGISTERED_OTHER};
use crate::pass_on::{announce_availability, seat_for, tell_registration};
use crate::{Decision, Refusal, Registration, RegistrationTx, Standing, decide, pass_on_seats};
use event::{EventSeats, EventStatus, SeatChange, manages, may_manage};
use kernel::{
    AttendeeId, AuditEntry, Ctx, Denied, EmailAddress, EventId, Invalid, StoreError, TypedId, UserId,
};
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
    /// How many others one account may have written to within 24 hours, by registering them, putting them on a waitlist or
    /// sending a confirmation again.
    pub invites_per_day: u32,
}

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

event::refuse_alike!(RegisterError => EventNotFound);

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
    let mut seats = lock_visible_seats(tx, ctx, command.event_id)?;
    let mut invites = Invites::by(command.rules.invites_per_day);
    register_at(tx, ctx, &mut seats, &command, &mut invites)
}

/// The seats of an event, locked, if the actor may know of it.
pub(crate) fn lock_visible_seats(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<EventSeats, RegisterError> {
    ctx.actor.signed_in()?;
    let seats = tx
        .lock_event_seats(event_id)?
        .ok_or(RegisterError::EventNotFound)?;
    if seats.status == EventStatus::Draft && !may_manage(tx, &ctx.actor, seats.reference())? {
        return Err(RegisterError::EventNotFound);
    }
    Ok(seats)
}

/// The same at an event that is locked already.
fn register_at(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    command: &Register,
    invites: &mut Invites,
) -> Result<Registered, RegisterError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let for_another = !matches!(command.person, Person::Oneself);
    if for_another {
        invites.count(tx, ctx, user_id)?;
    }
    let standing = load_standing(tx, ctx, seats, command, user_id)?;
    register_standing(tx, ctx, seats, command, standing, invites)
}

/// The same for who stands so with the event. What is refused by the rules has written nothing about the person.
pub(crate) fn register_standing(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    command: &Register,
    mut standing: Standing,
    invites: &mut Invites,
) -> Result<Registered, RegisterError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let for_another = !matches!(command.person, Person::Oneself);
    if let (Some(account), Some(attendee)) = (&standing.account, &standing.attendee) {
        // An attendee that somebody else noted: what it holds is shown to nobody who cannot read its mail.
        standing.attendee = Some(attendee_of_user(tx, ctx, account, Some(attendee.clone()))?);
    }
    if seats.free() > 0 && seats.waiting > 0 {
        pass_on_seats(tx, ctx, seats, 0)?;
    }
    let decision = decide(ctx.now, seats, &standing).map_err(RegisterError::Refused)?;
    if for_another {
        invites
            .take(tx, ctx, user_id)?
            .map_err(RegisterError::TooManyInvites)?;
    }
    let attendee = match (standing.attendee, &standing.account, &command.person) {
        (Some(attendee), ..) => attendee,
        (None, Some(account), _) => attendee_of_user(tx, ctx, account, None)?,
        (None, None, Person::Guest { name, email }) => attendee_of_guest(tx, ctx, name, email)?,
        (None, None, _) => return Err(RegisterError::AttendeeNotFound),
    };
    let attendee = if for_another {
        settle_who_it_is(tx, ctx, attendee)?
    } else {
        attendee
    };
    if for_another {
        let entry = AuditEntry::new(REGISTERED_OTHER, "event", seats.id.uuid());
        tx.record_audit(ctx, entry.with("attendee_id", &attendee.id))?;
    }
    match decision {
        Decision::Seat => give_seat(tx, ctx, seats, attendee),
        Decision::Queue => {
            let (entry, position) = waitlist::join(tx, ctx, seats, &attendee)?;
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
pub(crate) fn settle_who_it_is(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    attendee: Attendee,
) -> Result<Attendee, StoreError> {
    if attendee.user_id.is_some() {
        return Ok(attendee);
    }
    tx.hold_address_as_read(&attendee)?;
    let account = tx.find_user_by_email(attendee.email.key())?;
    let Some(user) = account.filter(|user| user.email_verified_at.is_some()) else {
        return Ok(attendee);
    };
    match attendee_of_user(tx, ctx, &user.account(), Some(attendee)) {
        Ok(attendee) => Ok(attendee),
        Err(AttendeeError::Store(error)) => Err(error),
        Err(AttendeeError::EmailNotVerified) => Err(StoreError::Internal("a confirmed address".into())),
    }
}

fn load_standing(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &EventSeats,
    command: &Register,
    user_id: UserId,
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
            visible_standing(tx, ctx, seats.id, *id)?.ok_or(RegisterError::AttendeeNotFound)
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

/// How an attendee stands with an event whom its manager may know of: somebody they noted, or who is there or at an event
/// of theirs.
pub(crate) fn visible_standing(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
    id: AttendeeId,
) -> Result<Option<Standing>, StoreError> {
    let Some(standing) = tx.find_standing_of_attendee(event_id, id)? else {
        return Ok(None);
    };
    let here = standing.registration.is_some() || standing.entry.is_some();
    let visible = match &standing.attendee {
        Some(attendee) => here || sees_attendee(tx, &ctx.actor, attendee)?,
        None => false,
    };
    Ok(visible.then_some(standing))
}

fn give_seat(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    seats: &mut EventSeats,
    attendee: Attendee,
) -> Result<Registered, RegisterError> {
    let before = seats.available();
    tx.change_seats(
        seats,
        SeatChange {
            taken: 1,
            waiting: 0,
            ranks: 0,
        },
    )?;
    let registration = Registration {
        registered_by: ctx.actor.user_id(),
        ..seat_for(ctx, seats, &attendee)?
    };
    tx.insert_registrations(std::slice::from_ref(&registration))?;
    let message = Message::SeatConfirmed {
        event: seats.facts(),
        registration_id: registration.id,
        ticket_code: Some(registration.ticket_code.clone()),
        resent_at: None,
    };
    tx.enqueue(ctx, attendee.recipient(), message);
    tell_registration(tx, ctx, &registration, &attendee);
    announce_availability(tx, ctx, before, seats);
    Ok(Registered::Confirmed {
        registration,
        attendee,
        seats: seats.clone(),
    })
}
