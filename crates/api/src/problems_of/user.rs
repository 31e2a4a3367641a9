//! People.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use user::{RemoveAttendeeError, SetPreferencesError, UpdateProfileError};

impl From<UpdateProfileError> for Problem {
    fn from(error: UpdateProfileError) -> Self {
        match error {
            UpdateProfileError::Denied(denied) => denied.into(),
            UpdateProfileError::Invalid(invalid) => invalid.into(),
            UpdateProfileError::Store(error) => error.into(),
        }
    }
}

impl From<SetPreferencesError> for Problem {
    fn from(error: SetPreferencesError) -> Self {
        match error {
            SetPreferencesError::Denied(denied) => denied.into(),
            SetPreferencesError::TextsNotConfigured => ProblemType::SmsNotConfigured.into(),
            SetPreferencesError::PhoneNotVerified => ProblemType::PhoneNotVerified.into(),
            SetPreferencesError::Store(error) => error.into(),
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
