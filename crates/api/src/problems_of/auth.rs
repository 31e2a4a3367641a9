//! Signing up and in.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use auth::{ExternalSignInError, LogInError, LogOutError, ProviderError, SignUpError};

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

/// What is refused is refused in one way; why is for the log.
impl From<ExternalSignInError> for Problem {
    fn from(error: ExternalSignInError) -> Self {
        match error {
            ExternalSignInError::EmailNotVerified
            | ExternalSignInError::AccountNotUsable
            | ExternalSignInError::NoName => Self::new(ProblemType::ExternalSignInRefused).caused_by(error),
            ExternalSignInError::Store(error) => error.into(),
        }
    }
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Away(_) => Self::unavailable(error),
            ProviderError::Refused(_) => Self::new(ProblemType::ExternalSignInRefused).caused_by(error),
        }
    }
}
