//! Events.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use event::{
    CancelEventError, CopyEventError, CreateEventError, DeleteEventError, EditEventError, EventStatus,
    ManageEventError, PublishEventError, ReadEventError, StaffError, UnpublishEventError,
};
use kernel::{EventId, Invalid};

impl From<ReadEventError> for Problem {
    fn from(error: ReadEventError) -> Self {
        match error {
            ReadEventError::NotFound(_) => Self::not_found(),
            ReadEventError::Store(error) => error.into(),
        }
    }
}

impl From<ManageEventError> for Problem {
    fn from(error: ManageEventError) -> Self {
        match error {
            ManageEventError::NotFound => Self::not_found(),
            ManageEventError::Denied(denied) => denied.into(),
            ManageEventError::Store(error) => error.into(),
        }
    }
}

impl From<CreateEventError> for Problem {
    fn from(error: CreateEventError) -> Self {
        match error {
            CreateEventError::Denied(denied) => denied.into(),
            CreateEventError::Invalid(invalid) => invalid.into(),
            CreateEventError::PlaceTaken(by) => place_taken(by),
            CreateEventError::PaymentsNotConfigured => ProblemType::PaymentsNotConfigured.into(),
            CreateEventError::Store(error) => error.into(),
        }
    }
}

impl From<PublishEventError> for Problem {
    fn from(error: PublishEventError) -> Self {
        match error {
            PublishEventError::NotFound => Self::not_found(),
            PublishEventError::Denied(denied) => denied.into(),
            PublishEventError::NotDraft(status) => wrong_state(status),
            PublishEventError::StartIsPast => {
                Invalid::field("/starts_at", "past", "the start is in the future").into()
            }
            PublishEventError::PlaceTaken(by) => place_taken(by),
            PublishEventError::PaymentsNotConfigured => ProblemType::PaymentsNotConfigured.into(),
            PublishEventError::Store(error) => error.into(),
        }
    }
}

impl From<EditEventError> for Problem {
    fn from(error: EditEventError) -> Self {
        match error {
            EditEventError::NotFound => Self::not_found(),
            EditEventError::Denied(denied) => denied.into(),
            EditEventError::Outdated => ProblemType::PreconditionFailed.into(),
            EditEventError::Invalid(invalid) => invalid.into(),
            EditEventError::ReadOnly(status) => read_only(status),
            EditEventError::PlaceTaken(by) => place_taken(by),
            EditEventError::CapacityBelowTaken { taken } => Self::new(ProblemType::CapacityBelowTaken)
                .detail(format!("{taken} seats are taken."))
                .with("seats_taken", taken),
            EditEventError::PaymentsNotConfigured => ProblemType::PaymentsNotConfigured.into(),
            EditEventError::Store(error) => error.into(),
        }
    }
}

impl From<CancelEventError> for Problem {
    fn from(error: CancelEventError) -> Self {
        match error {
            CancelEventError::NotFound => Self::not_found(),
            CancelEventError::Denied(denied) => denied.into(),
            CancelEventError::Invalid(invalid) => invalid.into(),
            CancelEventError::ReadOnly(status) => read_only(status),
            CancelEventError::Store(error) => error.into(),
        }
    }
}

impl From<CopyEventError> for Problem {
    fn from(error: CopyEventError) -> Self {
        match error {
            CopyEventError::NotFound => Self::not_found(),
            CopyEventError::Denied(denied) => denied.into(),
            CopyEventError::Invalid(invalid) => invalid.into(),
            CopyEventError::PlaceTaken(by) => place_taken(by),
            CopyEventError::Store(error) => error.into(),
        }
    }
}

impl From<UnpublishEventError> for Problem {
    fn from(error: UnpublishEventError) -> Self {
        match error {
            UnpublishEventError::NotFound => Self::not_found(),
            UnpublishEventError::Denied(denied) => denied.into(),
            UnpublishEventError::NotPublished(status) => wrong_state(status),
            UnpublishEventError::Taken { seats, waiting } => Self::new(ProblemType::EventHasRegistrations)
                .detail(format!("Seats taken: {seats}; waiting: {waiting}."))
                .with("seats_taken", seats)
                .with("waitlist_length", waiting),
            UnpublishEventError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteEventError> for Problem {
    fn from(error: DeleteEventError) -> Self {
        match error {
            DeleteEventError::NotFound => Self::not_found(),
            DeleteEventError::Denied(denied) => denied.into(),
            DeleteEventError::Store(error) => error.into(),
        }
    }
}

impl From<StaffError> for Problem {
    fn from(error: StaffError) -> Self {
        match error {
            StaffError::NotFound => Self::not_found(),
            StaffError::Denied(denied) => denied.into(),
            StaffError::IsOrganizer => Self::new(ProblemType::WrongState)
                .detail("The person organises the event, and so is not of its staff."),
            StaffError::Unconfirmed => Self::new(ProblemType::WrongState)
                .detail("The person has not confirmed their address, and so cannot run an event."),
            StaffError::ReadOnly(status) => read_only(status),
            StaffError::Store(error) => error.into(),
        }
    }
}

/// The event is over or called off.
pub(super) fn read_only(status: EventStatus) -> Problem {
    // A published event is read-only from its end on, before the sweep marks it.
    let shown = if status == EventStatus::Published {
        EventStatus::Completed
    } else {
        status
    };
    Problem::new(ProblemType::EventReadOnly).detail(format!("The event is {}.", shown.as_str()))
}

fn wrong_state(status: EventStatus) -> Problem {
    match status {
        EventStatus::Cancelled | EventStatus::Completed => read_only(status),
        EventStatus::Draft | EventStatus::Published => {
            Problem::new(ProblemType::WrongState).detail(format!("The event is {}.", status.as_str()))
        }
    }
}

/// Names the event that is in the way: published events are public.
fn place_taken(by: Option<EventId>) -> Problem {
    let problem = Problem::new(ProblemType::PlaceTaken);
    match by {
        Some(event) => problem.with("event_id", event.to_string()),
        None => problem,
    }
}
