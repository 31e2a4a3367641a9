//! Administration.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use admin::{
    CreateRoleError, CreateUserError, DeleteRoleError, DropJobError, EditRoleError, EditUserError,
    ReadAuditLogError, ReadJobsError, ReadStatisticsError, RetryJobError, RoleAccessError, SetUserRolesError,
    UserAccessError,
};

impl From<RoleAccessError> for Problem {
    fn from(error: RoleAccessError) -> Self {
        match error {
            RoleAccessError::NotFound => Self::not_found(),
            RoleAccessError::Denied(denied) => denied.into(),
            RoleAccessError::Authority(error) => error.into(),
            RoleAccessError::Store(error) => error.into(),
        }
    }
}

impl From<CreateRoleError> for Problem {
    fn from(error: CreateRoleError) -> Self {
        match error {
            CreateRoleError::Denied(denied) => denied.into(),
            CreateRoleError::Invalid(invalid) => invalid.into(),
            CreateRoleError::Authority(error) => error.into(),
            CreateRoleError::AlreadyExists => ProblemType::AlreadyExists.into(),
            CreateRoleError::Store(error) => error.into(),
        }
    }
}

impl From<EditRoleError> for Problem {
    fn from(error: EditRoleError) -> Self {
        match error {
            EditRoleError::NotFound => Self::not_found(),
            EditRoleError::Denied(denied) => denied.into(),
            EditRoleError::Authority(error) => error.into(),
            EditRoleError::Invalid(invalid) => invalid.into(),
            EditRoleError::BuiltIn => ProblemType::RoleBuiltIn.into(),
            EditRoleError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteRoleError> for Problem {
    fn from(error: DeleteRoleError) -> Self {
        match error {
            DeleteRoleError::NotFound => Self::not_found(),
            DeleteRoleError::Denied(denied) => denied.into(),
            DeleteRoleError::Authority(error) => error.into(),
            DeleteRoleError::UnknownTarget => Self::bad_query("move_to", "choice", "There is no such role."),
            DeleteRoleError::SameTarget => {
                Self::bad_query("move_to", "choice", "It is the role that is to go.")
            }
            DeleteRoleError::BuiltIn => ProblemType::RoleBuiltIn.into(),
            DeleteRoleError::InUse(holders) => Self::new(ProblemType::RoleInUse)
                .detail(format!(
                    "Held by {holders}. Say with `move_to` which role they get instead."
                ))
                .with("holders", holders),
            DeleteRoleError::Store(error) => error.into(),
        }
    }
}

impl From<UserAccessError> for Problem {
    fn from(error: UserAccessError) -> Self {
        match error {
            UserAccessError::NotFound => Self::not_found(),
            UserAccessError::Denied(denied) => denied.into(),
            UserAccessError::Authority(error) => error.into(),
            UserAccessError::Store(error) => error.into(),
        }
    }
}

impl From<CreateUserError> for Problem {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::Denied(denied) => denied.into(),
            CreateUserError::Invalid(invalid) => invalid.into(),
            CreateUserError::Authority(error) => error.into(),
            CreateUserError::EmailTaken => ProblemType::EmailTaken.into(),
            CreateUserError::Store(error) => error.into(),
        }
    }
}

impl From<EditUserError> for Problem {
    fn from(error: EditUserError) -> Self {
        match error {
            EditUserError::NotFound => Self::not_found(),
            EditUserError::Denied(denied) => denied.into(),
            EditUserError::Authority(error) => error.into(),
            EditUserError::Invalid(invalid) => invalid.into(),
            EditUserError::Store(error) => error.into(),
        }
    }
}

impl From<SetUserRolesError> for Problem {
    fn from(error: SetUserRolesError) -> Self {
        match error {
            SetUserRolesError::NotFound => Self::not_found(),
            SetUserRolesError::Denied(denied) => denied.into(),
            SetUserRolesError::Authority(error) => error.into(),
            SetUserRolesError::Invalid(invalid) => invalid.into(),
            SetUserRolesError::Store(error) => error.into(),
        }
    }
}

impl From<ReadAuditLogError> for Problem {
    fn from(error: ReadAuditLogError) -> Self {
        match error {
            ReadAuditLogError::Denied(denied) => denied.into(),
            ReadAuditLogError::Store(error) => error.into(),
        }
    }
}

impl From<ReadStatisticsError> for Problem {
    fn from(error: ReadStatisticsError) -> Self {
        match error {
            ReadStatisticsError::Denied(denied) => denied.into(),
            ReadStatisticsError::Store(error) => error.into(),
        }
    }
}

impl From<ReadJobsError> for Problem {
    fn from(error: ReadJobsError) -> Self {
        match error {
            ReadJobsError::Denied(denied) => denied.into(),
            ReadJobsError::Store(error) => error.into(),
        }
    }
}

impl From<RetryJobError> for Problem {
    fn from(error: RetryJobError) -> Self {
        match error {
            RetryJobError::NotFound => Self::not_found(),
            RetryJobError::Denied(denied) => denied.into(),
            RetryJobError::NotDead(status) => Self::new(ProblemType::WrongState).detail(format!(
                "The message is {}; only a dead one is tried again.",
                status.as_str()
            )),
            RetryJobError::Gone => ProblemType::MessageGone.into(),
            RetryJobError::Store(error) => error.into(),
        }
    }
}

impl From<DropJobError> for Problem {
    fn from(error: DropJobError) -> Self {
        match error {
            DropJobError::NotFound => Self::not_found(),
            DropJobError::Denied(denied) => denied.into(),
            DropJobError::Sent => Self::new(ProblemType::WrongState).detail("The message was sent."),
            DropJobError::InProgress => ProblemType::MessageInProgress.into(),
            DropJobError::Store(error) => error.into(),
        }
    }
}
