//! Campaigns.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use campaign::{
    ApproveCampaignError, CampaignRefused, CampaignStatus, CancelCampaignError, EditCampaignError,
    OPEN_AT_ONCE, PauseCampaignError, PreviewCampaignError, RejectCampaignError, RequestCampaignError,
    ResumeCampaignError,
};
use kernel::Invalid;

fn wrong_state(status: CampaignStatus) -> Problem {
    Problem::new(ProblemType::WrongState)
        .detail(format!("The campaign is {}.", status.as_str()))
        .with("campaign_status", status.as_str())
}

impl From<CampaignRefused> for Problem {
    fn from(error: CampaignRefused) -> Self {
        match error {
            CampaignRefused::NotFound => Self::not_found(),
            CampaignRefused::Denied(denied) => denied.into(),
            CampaignRefused::Store(error) => error.into(),
        }
    }
}

impl From<RequestCampaignError> for Problem {
    fn from(error: RequestCampaignError) -> Self {
        match error {
            RequestCampaignError::NotFound => Self::not_found(),
            RequestCampaignError::Denied(denied) => denied.into(),
            RequestCampaignError::Invalid(invalid) => invalid.into(),
            RequestCampaignError::VotingClosed => ProblemType::VotingClosed.into(),
            RequestCampaignError::TooMany => Self::new(ProblemType::WrongState).detail(format!(
                "At most {OPEN_AT_ONCE} campaigns of one candidacy are open at a time."
            )),
            RequestCampaignError::Store(error) => error.into(),
        }
    }
}

impl From<EditCampaignError> for Problem {
    fn from(error: EditCampaignError) -> Self {
        match error {
            EditCampaignError::NotFound => Self::not_found(),
            EditCampaignError::Denied(denied) => denied.into(),
            EditCampaignError::Invalid(invalid) => invalid.into(),
            EditCampaignError::WrongState(status) => wrong_state(status),
            EditCampaignError::Store(error) => error.into(),
        }
    }
}

impl From<PreviewCampaignError> for Problem {
    fn from(error: PreviewCampaignError) -> Self {
        match error {
            PreviewCampaignError::NotFound => Self::not_found(),
            PreviewCampaignError::Denied(denied) => denied.into(),
            PreviewCampaignError::Template(problem) => {
                Invalid::field("/body", "format", problem.to_string()).into()
            }
            PreviewCampaignError::Store(error) => error.into(),
        }
    }
}

impl From<ApproveCampaignError> for Problem {
    fn from(error: ApproveCampaignError) -> Self {
        match error {
            ApproveCampaignError::NotFound => Self::not_found(),
            ApproveCampaignError::Denied(denied) => denied.into(),
            ApproveCampaignError::Invalid(invalid) => invalid.into(),
            ApproveCampaignError::WrongState(status) => wrong_state(status),
            ApproveCampaignError::Changed => ProblemType::PreconditionFailed.into(),
            ApproveCampaignError::VotingClosed => ProblemType::VotingClosed.into(),
            ApproveCampaignError::Store(error) => error.into(),
        }
    }
}

impl From<RejectCampaignError> for Problem {
    fn from(error: RejectCampaignError) -> Self {
        match error {
            RejectCampaignError::NotFound => Self::not_found(),
            RejectCampaignError::Denied(denied) => denied.into(),
            RejectCampaignError::Invalid(invalid) => invalid.into(),
            RejectCampaignError::WrongState(status) => wrong_state(status),
            RejectCampaignError::Store(error) => error.into(),
        }
    }
}

impl From<PauseCampaignError> for Problem {
    fn from(error: PauseCampaignError) -> Self {
        match error {
            PauseCampaignError::NotFound => Self::not_found(),
            PauseCampaignError::Denied(denied) => denied.into(),
            PauseCampaignError::Invalid(invalid) => invalid.into(),
            PauseCampaignError::WrongState(status) => wrong_state(status),
            PauseCampaignError::Store(error) => error.into(),
        }
    }
}

impl From<ResumeCampaignError> for Problem {
    fn from(error: ResumeCampaignError) -> Self {
        match error {
            ResumeCampaignError::NotFound => Self::not_found(),
            ResumeCampaignError::Denied(denied) => denied.into(),
            ResumeCampaignError::WrongState(status) => wrong_state(status),
            ResumeCampaignError::Store(error) => error.into(),
        }
    }
}

impl From<CancelCampaignError> for Problem {
    fn from(error: CancelCampaignError) -> Self {
        match error {
            CancelCampaignError::NotFound => Self::not_found(),
            CancelCampaignError::Denied(denied) => denied.into(),
            CancelCampaignError::Invalid(invalid) => invalid.into(),
            CancelCampaignError::WrongState(status) => wrong_state(status),
            CancelCampaignError::Store(error) => error.into(),
        }
    }
}
