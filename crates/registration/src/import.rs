//! A manager registers many at once, from a list.

use crate::invites::Invites;
use crate::register::{lock_visible_seats, register_standing};
use crate::{
    Person, Refusal, Register, RegisterError, Registered, RegistrationTx, Rules, Standing, pass_on_seats,
};
use event::manages;
use kernel::{Ctx, EmailAddress, EventId, Invalid, RegistrationId, StoreError, WaitlistEntryId};
use std::collections::{BTreeSet, HashMap};
use user::PersonName;

/// A line of the list.
#[derive(Debug, Clone)]
pub struct ImportLine {
    /// Where it stands, from 1.
    pub number: u32,
    /// Who is to be registered, or what is wrong with the line.
    pub person: Result<(PersonName, EmailAddress), Invalid>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Import {
    /// The event.
    pub event_id: EventId,
    /// The list, in the order in which it is worked off.
    pub lines: Vec<ImportLine>,
    /// Whether the good lines count where others are bad; else one bad line undoes all.
    pub partial: bool,
    /// What the operator configured.
    pub rules: Rules,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineOutcome {
    /// The person has a seat now.
    Confirmed(RegistrationId),
    /// The person waits now, at this position.
    Waitlisted(WaitlistEntryId, u32),
    /// The person had a seat, or got one by a line before.
    AlreadyRegistered(RegistrationId),
    /// The person waited, or does by a line before.
    AlreadyWaiting(WaitlistEntryId),
    /// No seat is left, and there is no queue.
    EventFull,
    /// The account has registered as many others as it may within 24 hours.
    TooManyInvites,
    /// The line does not fit.
    Invalid(Invalid),
}

impl LineOutcome {
    /// Whether the person has got what the line asked for.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::EventFull | Self::TooManyInvites | Self::Invalid(_))
    }
}

/// A line and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedLine {
    /// Where it stands.
    pub number: u32,
    /// What became of it.
    pub outcome: LineOutcome,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What refuses every line.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// Lines that do not fit, all of them bad.
    #[error("{} line(s) do not fit", .0.len())]
    BadLines(Vec<ImportedLine>),
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Register(error.into())
    }
}

/// Registers everybody on the list, each by the rules of [`crate::register`], in one transaction under one lock.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command is used up by its operation, as everywhere"
)]
pub fn import(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    command: Import,
) -> Result<Vec<ImportedLine>, ImportError> {
    let mut seats = lock_visible_seats(tx, ctx, command.event_id)?;
    manages::<_, RegisterError>(tx, &ctx.actor, seats.reference(), RegisterError::EventNotFound)?;
    let unfit = command.lines.iter().filter_map(|line| {
        let invalid = line.person.as_ref().err()?.clone();
        Some(line.became(LineOutcome::Invalid(invalid)))
    });
    let unfit: Vec<ImportedLine> = if command.partial {
        Vec::new()
    } else {
        unfit.collect()
    };
    if !unfit.is_empty() {
        return Err(ImportError::BadLines(unfit));
    }
    let mut invites = Invites::by(command.rules.invites_per_day);
    invites.count(
        tx,
        ctx,
        ctx.actor.signed_in().map_err(RegisterError::from)?.user_id,
    )?;
    // Who waits comes before all of the list, and stands otherwise then.
    if seats.free() > 0 && seats.waiting > 0 {
        pass_on_seats(tx, ctx, &mut seats, 0)?;
    }
    let mut standings = standings_of(tx, &command)?;
    let mut imported = Vec::with_capacity(command.lines.len());
    for line in &command.lines {
        let outcome = match &line.person {
            Err(invalid) => LineOutcome::Invalid(invalid.clone()),
            Ok((name, email)) => {
                let one = Register {
                    event_id: command.event_id,
                    person: Person::Guest {
                        name: name.clone(),
                        email: email.clone(),
                    },
                    rules: command.rules,
                };
                let standing = standings.get(email.key()).cloned().unwrap_or_default();
                let registered = register_standing(tx, ctx, &mut seats, &one, standing, &mut invites);
                if let Ok(registered) = &registered {
                    standings.insert(email.key().to_owned(), standing_after(registered));
                }
                outcome_of(registered, command.partial)?
            }
        };
        imported.push(line.became(outcome));
    }
    let is_bad = |line: &ImportedLine| line.outcome.is_bad();
    if !command.partial && imported.iter().any(is_bad) {
        imported.retain(is_bad);
        return Err(ImportError::BadLines(imported));
    }
    Ok(imported)
}

/// How those on the list stand with the event that have an attendee, by their folded addresses; looked up at once, since
/// others wait for the event.
fn standings_of(
    tx: &mut dyn RegistrationTx,
    command: &Import,
) -> Result<HashMap<String, Standing>, StoreError> {
    let addresses = command.lines.iter().filter_map(|line| line.person.as_ref().ok());
    let keys: BTreeSet<String> = addresses.map(|(_, email)| email.key().to_owned()).collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let found = tx.hold_standings_of_addresses(command.event_id, &keys)?;
    Ok(found.into_iter().collect())
}

/// How the person stands then, if another line names them again.
fn standing_after(registered: &Registered) -> Standing {
    match registered.clone() {
        Registered::Confirmed {
            registration,
            attendee,
            ..
        } => Standing {
            attendee: Some(attendee),
            registration: Some(registration),
            ..Standing::default()
        },
        Registered::Waitlisted { entry, attendee, .. } => Standing {
            attendee: Some(attendee),
            entry: Some(entry),
            ..Standing::default()
        },
    }
}

impl ImportLine {
    fn became(&self, outcome: LineOutcome) -> ImportedLine {
        ImportedLine {
            number: self.number,
            outcome,
        }
    }
}

/// What concerns the person is an outcome of the line; what concerns the event or the actor refuses the list.
fn outcome_of(
    registered: Result<Registered, RegisterError>,
    partial: bool,
) -> Result<LineOutcome, RegisterError> {
    match registered {
        Ok(Registered::Confirmed { registration, .. }) => Ok(LineOutcome::Confirmed(registration.id)),
        Ok(Registered::Waitlisted { entry, position, .. }) => Ok(LineOutcome::Waitlisted(entry.id, position)),
        Err(RegisterError::Refused(Refusal::AlreadyRegistered(id))) => Ok(LineOutcome::AlreadyRegistered(id)),
        Err(RegisterError::Refused(Refusal::AlreadyWaiting(id))) => Ok(LineOutcome::AlreadyWaiting(id)),
        Err(RegisterError::Refused(Refusal::Full)) => Ok(LineOutcome::EventFull),
        Err(RegisterError::TooManyInvites(_)) if partial => Ok(LineOutcome::TooManyInvites),
        Err(error) => Err(error),
    }
}
