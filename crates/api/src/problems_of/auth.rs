//! Signing up and in.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use auth::{ChangePasswordError, LogInError, LogOutError, SetSecurityAnswersError, SignUpError};

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

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Denied(denied) => denied.into(),
            ChangePasswordError::WrongPassword => ProblemType::WrongPassword.into(),
            ChangePasswordError::Store(error) => error.into(),
        }
    }
}

impl From<SetSecurityAnswersError> for Problem {
    fn from(error: SetSecurityAnswersError) -> Self {
        match error {
            SetSecurityAnswersError::Denied(denied) => denied.into(),
            SetSecurityAnswersError::NotAllowed => ProblemType::SecurityQuestionsNotAllowed.into(),
            SetSecurityAnswersError::RecentSignInNeeded => ProblemType::RecentSignInNeeded.into(),
            SetSecurityAnswersError::WrongPassword => ProblemType::WrongPassword.into(),
            SetSecurityAnswersError::Store(error) => error.into(),
        }
    }
}
