//! Signing up and in.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use auth::{
    AuthorityError, ChangePasswordError, EndSessionError, ErasePersonError, ExportPersonError,
    ExternalSignInError, LogInError, LogOutError, ProviderError, RequestEmailChangeError,
    RequestPhoneVerificationError, RequestVerificationError, SessionsError, SetSecurityAnswersError,
    SignUpError,
};

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

/// The oldest of several mails may be an hour old in a moment or in an hour; nothing better is known without looking.
const HOUR: u64 = 3_600;

impl From<RequestVerificationError> for Problem {
    fn from(error: RequestVerificationError) -> Self {
        match error {
            RequestVerificationError::Denied(denied) => denied.into(),
            RequestVerificationError::TooMany => Self::rate_limited(HOUR),
            RequestVerificationError::Store(error) => error.into(),
        }
    }
}

impl From<RequestPhoneVerificationError> for Problem {
    fn from(error: RequestPhoneVerificationError) -> Self {
        match error {
            RequestPhoneVerificationError::Denied(denied) => denied.into(),
            RequestPhoneVerificationError::TextsNotConfigured => ProblemType::SmsNotConfigured.into(),
            RequestPhoneVerificationError::NoPhone => ProblemType::PhoneMissing.into(),
            // A second more than the part of one that is left.
            RequestPhoneVerificationError::TooMany { wait } => {
                Self::rate_limited(u64::try_from(wait.num_seconds()).unwrap_or(0) + 1)
            }
            RequestPhoneVerificationError::Store(error) => error.into(),
        }
    }
}

impl From<RequestEmailChangeError> for Problem {
    fn from(error: RequestEmailChangeError) -> Self {
        match error {
            RequestEmailChangeError::Denied(denied) => denied.into(),
            RequestEmailChangeError::WrongPassword => ProblemType::WrongPassword.into(),
            RequestEmailChangeError::TooMany => Self::rate_limited(HOUR),
            RequestEmailChangeError::Store(error) => error.into(),
        }
    }
}

impl From<SessionsError> for Problem {
    fn from(error: SessionsError) -> Self {
        match error {
            SessionsError::Denied(denied) => denied.into(),
            SessionsError::Store(error) => error.into(),
        }
    }
}

impl From<EndSessionError> for Problem {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::Denied(denied) => denied.into(),
            EndSessionError::NotFound => Self::not_found(),
            EndSessionError::Store(error) => error.into(),
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
