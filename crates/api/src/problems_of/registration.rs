//! Registrations.

use super::event::read_only;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use kernel::{FieldError, Invalid};
use registration::{
    CancelError, ImportError, ImportedLine, LineOutcome, ReadRegistrationError, Refusal, RegisterError,
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

/// Errors that a refused list tells at the most: an answer must not grow far beyond what it answers.
const MOST_LINE_ERRORS: usize = 200;

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Register(error) => error.into(),
            ImportError::BadLines(lines) => {
                let bad = lines.len();
                let errors = lines.into_iter().flat_map(errors_of).take(MOST_LINE_ERRORS);
                Self::from(Invalid(errors.collect()))
                    .detail("Lines of the list do not fit, and nothing was written; `errors` lists them.")
                    .with("bad_lines", bad)
            }
        }
    }
}

fn errors_of(line: ImportedLine) -> Vec<FieldError> {
    let whole = |code, detail: &'static str| FieldError {
        pointer: format!("/{}", line.number),
        code,
        detail: detail.into(),
    };
    match line.outcome {
        LineOutcome::Invalid(invalid) => invalid.0,
        LineOutcome::EventFull => vec![whole("event_full", ProblemType::EventFull.explanation())],
        LineOutcome::TooManyInvites => {
            vec![whole("too_many_invites", ProblemType::RateLimited.explanation())]
        }
        LineOutcome::Confirmed(_)
        | LineOutcome::Waitlisted(..)
        | LineOutcome::AlreadyRegistered(_)
        | LineOutcome::AlreadyWaiting(_) => Vec::new(),
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
