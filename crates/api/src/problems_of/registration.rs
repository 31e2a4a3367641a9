//! Registrations.

use super::event::read_only;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use registration::{CancelError, ReadRegistrationError, ReadTicketError, Refusal, RegisterError};

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EventNotFound | RegisterError::AttendeeNotFound => Self::not_found(),
            RegisterError::Denied(denied) => denied.into(),
            RegisterError::Refused(refusal) => refused(refusal),
            // The oldest of them may be a day old in an hour; nothing better is known without looking.
            RegisterError::TooManyInvites(limit) => Self::rate_limited(3_600).detail(format!(
                "One account registers at most {limit} others within 24 hours."
            )),
            RegisterError::Invalid(invalid) => invalid.into(),
            RegisterError::Store(error) => error.into(),
        }
    }
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NotPublished => ProblemType::EventNotPublished.into(),
        Refusal::PaymentsNotConfigured => ProblemType::PaymentsNotConfigured.into(),
        Refusal::NotOpen(opens_at) => {
            let problem = Problem::new(ProblemType::RegistrationNotOpen);
            match opens_at {
                Some(at) => problem.with(
                    "opens_at",
                    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
                ),
                None => problem,
            }
        }
        Refusal::Closed => ProblemType::RegistrationClosed.into(),
        Refusal::AlreadyRegistered(id) => {
            Problem::new(ProblemType::AlreadyRegistered).with("registration_id", id.to_string())
        }
        Refusal::AlreadyWaiting(id) => {
            Problem::new(ProblemType::AlreadyWaiting).with("waitlist_entry_id", id.to_string())
        }
        Refusal::Full => ProblemType::EventFull.into(),
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Self::not_found(),
            CancelError::Denied(denied) => denied.into(),
            CancelError::AlreadyAttended => ProblemType::AlreadyAttended.into(),
            CancelError::NotLive(status) => Self::new(ProblemType::NotCancellable)
                .detail(format!("The registration is {}.", status.as_str())),
            CancelError::ReadOnly(status) => read_only(status),
            CancelError::Store(error) => error.into(),
        }
    }
}

impl From<ReadRegistrationError> for Problem {
    fn from(error: ReadRegistrationError) -> Self {
        match error {
            ReadRegistrationError::NotFound => Self::not_found(),
            ReadRegistrationError::Denied(denied) => denied.into(),
            ReadRegistrationError::Store(error) => error.into(),
        }
    }
}

impl From<ReadTicketError> for Problem {
    fn from(error: ReadTicketError) -> Self {
        match error {
            ReadTicketError::NotFound => Self::not_found(),
            ReadTicketError::Denied(denied) => denied.into(),
            ReadTicketError::NoSeat(status) => {
                Self::new(ProblemType::NoTicket).detail(format!("The registration is {}.", status.as_str()))
            }
            ReadTicketError::EventCancelled => {
                Self::new(ProblemType::NoTicket).detail("The event is called off.")
            }
            ReadTicketError::Store(error) => error.into(),
        }
    }
}
