//! People.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use user::{
    CreateAttendeeError, EditAttendeeError, ReadAttendeeError, RemoveAttendeeError, SetPreferencesError,
    UpdateProfileError,
};

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

impl From<ReadAttendeeError> for Problem {
    fn from(error: ReadAttendeeError) -> Self {
        match error {
            ReadAttendeeError::NotFound => Self::not_found(),
            ReadAttendeeError::Denied(denied) => denied.into(),
            ReadAttendeeError::Store(error) => error.into(),
        }
    }
}

impl From<CreateAttendeeError> for Problem {
    fn from(error: CreateAttendeeError) -> Self {
        match error {
            CreateAttendeeError::Denied(denied) => denied.into(),
            CreateAttendeeError::TooMany(limit) => too_many(&format!(
                "One account notes at most {limit} attendees within 24 hours."
            )),
            CreateAttendeeError::Store(error) => error.into(),
        }
    }
}

impl From<EditAttendeeError> for Problem {
    fn from(error: EditAttendeeError) -> Self {
        match error {
            EditAttendeeError::NotFound => Self::not_found(),
            EditAttendeeError::Denied(denied) => denied.into(),
            EditAttendeeError::Invalid(invalid) => invalid.into(),
            EditAttendeeError::HasAccount => ProblemType::AttendeeHasAccount.into(),
            EditAttendeeError::TooMany(limit) => too_many(&format!(
                "One account changes at most {limit} addresses of attendees within 24 hours."
            )),
            EditAttendeeError::Store(error) => error.into(),
        }
    }
}

/// The oldest of them may be a day old in an hour; nothing better is known without looking.
fn too_many(what: &str) -> Problem {
    Problem::rate_limited(3_600).detail(what.to_owned())
}
