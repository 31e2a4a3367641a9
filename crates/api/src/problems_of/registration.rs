//! Registrations.

use super::event::read_only;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use event::EventStatus;
use kernel::{FieldError, Instant, Invalid, RegistrationId, WaitlistEntryId};
use registration::{
    AnnounceError, CancelError, CheckInError, ImportError, ImportedLine, LineOutcome, PromoteEntryError,
    PutOnWaitlistError, ReadRegistrationError, ReadStatisticsError, ReadTicketError, Refusal, RegisterError,
    ResendError, UndoCheckInError,
};

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EventNotFound | RegisterError::AttendeeNotFound => Self::not_found(),
            RegisterError::Denied(denied) => denied.into(),
            RegisterError::Refused(refusal) => refused(refusal),
            RegisterError::TooManyInvites(limit) => too_many_others("registers", limit),
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
                Some(at) => problem.with("opens_at", written(at)),
                None => problem,
            }
        }
        Refusal::Closed => ProblemType::RegistrationClosed.into(),
        Refusal::AlreadyRegistered(id) => already_registered(id),
        Refusal::AlreadyWaiting(id) => already_waiting(id),
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

fn already_registered(id: RegistrationId) -> Problem {
    Problem::new(ProblemType::AlreadyRegistered).with("registration_id", id.to_string())
}

fn already_waiting(id: WaitlistEntryId) -> Problem {
    Problem::new(ProblemType::AlreadyWaiting).with("waitlist_entry_id", id.to_string())
}

/// The oldest of them may be a day old in an hour; nothing better is known without looking.
fn too_many_others(does: &str, limit: u32) -> Problem {
    Problem::rate_limited(3_600).detail(format!(
        "One account {does} at most {limit} others within 24 hours."
    ))
}

fn written(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

impl From<CheckInError> for Problem {
    fn from(error: CheckInError) -> Self {
        match error {
            CheckInError::EventNotFound => Self::not_found(),
            CheckInError::Denied(denied) => denied.into(),
            CheckInError::Closed(status) => check_in_closed(status),
            CheckInError::UnknownTicket => ProblemType::UnknownTicket.into(),
            CheckInError::OtherEvent => ProblemType::TicketForAnotherEvent.into(),
            CheckInError::Void(status) => {
                Self::new(ProblemType::TicketVoid).with("registration_status", status.as_str())
            }
            CheckInError::Unpaid => ProblemType::TicketUnpaid.into(),
            CheckInError::AlreadyCheckedIn(at) => {
                Self::new(ProblemType::AlreadyCheckedIn).with("checked_in_at", written(at))
            }
            CheckInError::Store(error) => error.into(),
        }
    }
}

impl From<UndoCheckInError> for Problem {
    fn from(error: UndoCheckInError) -> Self {
        match error {
            UndoCheckInError::NotFound => Self::not_found(),
            UndoCheckInError::Denied(denied) => denied.into(),
            UndoCheckInError::Closed(status) => check_in_closed(status),
            UndoCheckInError::Store(error) => error.into(),
        }
    }
}

fn check_in_closed(status: EventStatus) -> Problem {
    match status {
        EventStatus::Draft => ProblemType::EventNotPublished.into(),
        EventStatus::Cancelled => {
            Problem::new(ProblemType::CheckInClosed).detail("The event was called off.")
        }
        EventStatus::Published | EventStatus::Completed => ProblemType::CheckInClosed.into(),
    }
}

impl From<PutOnWaitlistError> for Problem {
    fn from(error: PutOnWaitlistError) -> Self {
        match error {
            PutOnWaitlistError::NotFound => Self::not_found(),
            PutOnWaitlistError::Denied(denied) => denied.into(),
            PutOnWaitlistError::Invalid(invalid) => invalid.into(),
            PutOnWaitlistError::NotPublished => ProblemType::EventNotPublished.into(),
            PutOnWaitlistError::Closed => ProblemType::WaitlistClosed.into(),
            PutOnWaitlistError::PaymentsNotConfigured => ProblemType::PaymentsNotConfigured.into(),
            PutOnWaitlistError::AlreadyRegistered(id) => already_registered(id),
            PutOnWaitlistError::AlreadyWaiting(id) => already_waiting(id),
            PutOnWaitlistError::SeatFree => ProblemType::SeatFree.into(),
            PutOnWaitlistError::TooMany(limit) => too_many_others("puts on waitlists", limit),
            PutOnWaitlistError::Store(error) => error.into(),
        }
    }
}

impl From<PromoteEntryError> for Problem {
    fn from(error: PromoteEntryError) -> Self {
        match error {
            PromoteEntryError::NotFound => Self::not_found(),
            PromoteEntryError::Denied(denied) => denied.into(),
            PromoteEntryError::Invalid(invalid) => invalid.into(),
            PromoteEntryError::ReadOnly(status) => read_only(status),
            PromoteEntryError::PaymentsNotConfigured => ProblemType::PaymentsNotConfigured.into(),
            PromoteEntryError::NoSeat => ProblemType::NothingToPromote.into(),
            PromoteEntryError::Store(error) => error.into(),
        }
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
            ResendError::TooManyInvites(limit) => too_many_others("sends confirmations to", limit),
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
