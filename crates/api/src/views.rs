//! What things look like in answers. Dates are RFC 3339 in UTC, ids are UUIDs.

mod admin;
mod campaign;
mod campaign_links;
mod event;
mod person;
mod registration;
mod session;
mod statistics;
mod ticket;
mod voting;

pub use admin::{AuditBody, JobBody, PermissionBody, RoleBody};
pub use campaign::{
    AudienceBody, CampaignBody, CampaignPreviewBody, CampaignStatusBody, DeliveryBody, DeliveryStatusBody,
};
pub use campaign_links::{CandidateOfLink, EventOfLink, UnsubscribeBody, VoteLinkBody};
pub use event::{EventBody, FormatBody, MoneyBody, OrganizerBody, SpeakerBody, StatusBody};
pub use person::{ParticipantBody, PersonBody, PreferencesBody, PublicProfile, UserBody};
pub use registration::{
    AttendeeBody, EventOfRegistration, LogLineBody, RegistrationBody, RegistrationStatusBody,
    ScannedAttendee, ScannedRegistrationBody, WaitlistEntryBody, WaitlistPlaceBody, WaitlistStandingBody,
};
pub use session::SessionBody;
pub use statistics::{
    AttendanceFigures, DayBody, DayFigure, EventStatisticsBody, InvariantsBody, SeatFigures, StatisticsBody,
    ViolationBody, VoteFigures, WaitlistFigures,
};
pub use ticket::{TicketBody, TicketKeysBody};
pub use voting::{CandidateBody, CandidateStatusBody, ResultsBody, VoteBody};
