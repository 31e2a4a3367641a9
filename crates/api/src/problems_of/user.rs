//! People.

use crate::problem::Problem;
use user::{RemoveAttendeeError, UpdateProfileError};

impl From<UpdateProfileError> for Problem {
    fn from(error: UpdateProfileError) -> Self {
        match error {
            UpdateProfileError::Denied(denied) => denied.into(),
            UpdateProfileError::Invalid(invalid) => invalid.into(),
            UpdateProfileError::Store(error) => error.into(),
        }
    }
}

impl From<RemoveAttendeeError> for Problem {
    fn from(error: RemoveAttendeeError) -> Self {
        match error {
            RemoveAttendeeError::NotFound => Self::not_found(),
            RemoveAttendeeError::Denied(denied) => denied.into(),
            RemoveAttendeeError::Store(error) => error.into(),
        }
    }
}
