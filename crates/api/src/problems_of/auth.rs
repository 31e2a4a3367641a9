//! Signing up and in.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use auth::{LogInError, LogOutError, SignUpError};

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Invalid(invalid) => invalid.into(),
            SignUpError::RoleNotPublic => ProblemType::RoleNotPublic.into(),
            SignUpError::EmailTaken => ProblemType::EmailTaken.into(),
            SignUpError::Store(error) => error.into(),
        }
    }
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::Refused => ProblemType::BadCredentials.into(),
            LogInError::Store(error) => error.into(),
        }
    }
}

impl From<LogOutError> for Problem {
    fn from(error: LogOutError) -> Self {
        match error {
            LogOutError::Denied(denied) => denied.into(),
            LogOutError::Store(error) => error.into(),
        }
    }
}
