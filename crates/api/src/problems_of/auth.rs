//! Signing up and in.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use auth::{AuthorityError, ErasePersonError, ExportPersonError, LogInError, LogOutError, SignUpError};

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

impl From<AuthorityError> for Problem {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::BeyondOwnPermissions => ProblemType::BeyondOwnPermissions.into(),
            AuthorityError::LastAdmin => ProblemType::LastAdmin.into(),
            AuthorityError::Store(error) => error.into(),
        }
    }
}

impl From<ErasePersonError> for Problem {
    fn from(error: ErasePersonError) -> Self {
        match error {
            ErasePersonError::Denied(denied) => denied.into(),
            ErasePersonError::NotFound => Self::not_found(),
            ErasePersonError::WrongPassword => ProblemType::WrongPassword.into(),
            ErasePersonError::RecentSignInNeeded => ProblemType::RecentSignInNeeded.into(),
            ErasePersonError::OwnsUpcomingEvents => ProblemType::OwnsUpcomingEvents.into(),
            ErasePersonError::Authority(error) => error.into(),
            ErasePersonError::Store(error) => error.into(),
        }
    }
}

impl From<ExportPersonError> for Problem {
    fn from(error: ExportPersonError) -> Self {
        match error {
            ExportPersonError::Denied(denied) => denied.into(),
            ExportPersonError::Store(error) => error.into(),
        }
    }
}
