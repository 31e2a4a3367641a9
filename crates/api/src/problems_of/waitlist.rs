//! Waitlists.

use super::event::read_only;
use crate::problem::Problem;
use waitlist::{LeaveError, MoveEntryError, ReadWaitlistError, RemoveEntryError};

impl From<ReadWaitlistError> for Problem {
    fn from(error: ReadWaitlistError) -> Self {
        match error {
            ReadWaitlistError::NotFound => Self::not_found(),
            ReadWaitlistError::Denied(denied) => denied.into(),
            ReadWaitlistError::Store(error) => error.into(),
        }
    }
}

impl From<LeaveError> for Problem {
    fn from(error: LeaveError) -> Self {
        match error {
            LeaveError::NotWaiting => Self::not_found(),
            LeaveError::Denied(denied) => denied.into(),
            LeaveError::ReadOnly(status) => read_only(status),
            LeaveError::Store(error) => error.into(),
        }
    }
}

impl From<MoveEntryError> for Problem {
    fn from(error: MoveEntryError) -> Self {
        match error {
            MoveEntryError::NotFound => Self::not_found(),
            MoveEntryError::Denied(denied) => denied.into(),
            MoveEntryError::Invalid(invalid) => invalid.into(),
            MoveEntryError::ReadOnly(status) => read_only(status),
            MoveEntryError::Store(error) => error.into(),
        }
    }
}

impl From<RemoveEntryError> for Problem {
    fn from(error: RemoveEntryError) -> Self {
        match error {
            RemoveEntryError::NotFound => Self::not_found(),
            RemoveEntryError::Denied(denied) => denied.into(),
            RemoveEntryError::Invalid(invalid) => invalid.into(),
            RemoveEntryError::ReadOnly(status) => read_only(status),
            RemoveEntryError::Store(error) => error.into(),
        }
    }
}
