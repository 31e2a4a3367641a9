//! Registrations.

use super::event::read_only;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use event::EventStatus;
use registration::{
    AnnounceError, CancelError, ReadRegistrationError, ReadStatisticsError, Refusal, RegisterError,
    ResendError,
};

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

impl From<AnnounceError> for Problem {
    fn from(error: AnnounceError) -> Self {
        match error {
            AnnounceError::NotFound => Self::not_found(),
            AnnounceError::Denied(denied) => denied.into(),
            AnnounceError::Invalid(invalid) => invalid.into(),
            AnnounceError::NotPublished => ProblemType::EventNotPublished.into(),
            AnnounceError::CalledOff => read_only(EventStatus::Cancelled),
            // The oldest of them may be a day old in an hour; nothing better is known without looking.
            AnnounceError::TooMany(limit) => Self::rate_limited(3_600).detail(format!(
                "One event makes at most {limit} announcements within 24 hours."
            )),
            AnnounceError::Store(error) => error.into(),
        }
    }
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound => Self::not_found(),
            ResendError::Denied(denied) => denied.into(),
            ResendError::NoSeat(status) => {
                Self::new(ProblemType::WrongState).detail(format!("The registration is {}.", status.as_str()))
            }
            ResendError::Store(error) => error.into(),
        }
    }
}

impl From<ReadStatisticsError> for Problem {
    fn from(error: ReadStatisticsError) -> Self {
        error.0.into()
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
