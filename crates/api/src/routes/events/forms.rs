//! What clients send about events: bodies and queries, and the commands that they become.

use crate::views::{FormatBody, StatusBody};
use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use event::{CreateEvent, EventFields, EventFilter, EventPatch, EventSort, FeeFields, Visibility};
use kernel::{Change, TypedId, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What a seat costs.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Fee)]
pub struct FeeRequest {
    /// In minor units; 0 is free.
    #[schema(minimum = 0)]
    amount: i64,
    /// A code of ISO 4217.
    #[schema(example = "INR")]
    currency: String,
}

impl From<FeeRequest> for FeeFields {
    fn from(fee: FeeRequest) -> Self {
        Self {
            amount: fee.amount,
            currency: fee.currency,
        }
    }
}

/// An event to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    #[schema(max_length = 20_000)]
    description: Option<String>,
    #[schema(max_length = 20_000)]
    agenda: Option<String>,
    format: FormatBody,
    /// Needed but for virtual events, refused there.
    #[schema(max_length = 300)]
    location: Option<String>,
    /// An https URL, shown to managers only.
    stream_url: Option<String>,
    /// In the future.
    starts_at: DateTime<Utc>,
    /// After the start.
    ends_at: DateTime<Utc>,
    /// A zone of the IANA database.
    #[schema(example = "Asia/Kolkata")]
    time_zone: String,
    #[schema(minimum = 1, maximum = 1_000_000)]
    capacity: i64,
    /// Absent: free.
    fee: Option<FeeRequest>,
    /// Absent: with publishing.
    registration_opens_at: Option<DateTime<Utc>>,
    /// Absent: with the start.
    registration_closes_at: Option<DateTime<Utc>>,
    /// Absent: no voting.
    voting_opens_at: Option<DateTime<Utc>>,
    /// Absent: with the start.
    voting_closes_at: Option<DateTime<Utc>>,
    /// Absent: true.
    waitlist_enabled: Option<bool>,
    /// Absent: false.
    live_results: Option<bool>,
    /// Absent: 24.
    refund_until_hours: Option<i64>,
    /// Whether it is announced at once.
    publish: Option<bool>,
}

impl NewEvent {
    pub(super) fn into_command(self, require_verified_email: bool) -> CreateEvent {
        let fields = EventFields {
            title: Some(self.title),
            description: self.description,
            agenda: self.agenda,
            format: Some(self.format.into()),
            location: self.location,
            stream_url: self.stream_url,
            starts_at: Some(micros(self.starts_at)),
            ends_at: Some(micros(self.ends_at)),
            time_zone: Some(self.time_zone),
            capacity: Some(self.capacity),
            fee: self.fee.map(FeeFields::from),
            registration_opens_at: self.registration_opens_at.map(micros),
            registration_closes_at: self.registration_closes_at.map(micros),
            voting_opens_at: self.voting_opens_at.map(micros),
            voting_closes_at: self.voting_closes_at.map(micros),
            waitlist_enabled: self.waitlist_enabled,
            live_results: self.live_results,
            refund_until_hours: self.refund_until_hours,
        };
        CreateEvent {
            fields,
            publish: self.publish.unwrap_or(false),
            require_verified_email,
        }
    }
}

/// What the databases keep of an instant.
fn micros(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.trunc_subsecs(6)
}

/// Fields of an event to be changed; null clears one.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventChanges {
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    title: Change<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    description: Change<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    agenda: Change<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    format: Change<FormatBody>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    location: Change<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    stream_url: Change<String>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    starts_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    ends_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    time_zone: Change<String>,
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000)]
    #[serde(default)]
    capacity: Change<i64>,
    #[schema(value_type = Option<FeeRequest>)]
    #[serde(default)]
    fee: Change<FeeRequest>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    registration_opens_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    registration_closes_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    voting_opens_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    voting_closes_at: Change<DateTime<Utc>>,
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    waitlist_enabled: Change<bool>,
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    live_results: Change<bool>,
    #[schema(value_type = Option<i64>)]
    #[serde(default)]
    refund_until_hours: Change<i64>,
    /// For who holds `event:manage:any`: an account that may organise.
    #[schema(value_type = Option<Uuid>)]
    #[serde(default)]
    organizer_id: Change<Uuid>,
}

impl EventChanges {
    pub(super) fn into_patch(self, require_verified_email: bool) -> EventPatch {
        EventPatch {
            require_verified_email,
            title: self.title,
            description: self.description,
            agenda: self.agenda,
            format: self.format.map(FormatBody::into),
            location: self.location,
            stream_url: self.stream_url,
            starts_at: self.starts_at.map(micros),
            ends_at: self.ends_at.map(micros),
            time_zone: self.time_zone,
            capacity: self.capacity,
            fee: self.fee.map(FeeFields::from),
            registration_opens_at: self.registration_opens_at.map(micros),
            registration_closes_at: self.registration_closes_at.map(micros),
            voting_opens_at: self.voting_opens_at.map(micros),
            voting_closes_at: self.voting_closes_at.map(micros),
            waitlist_enabled: self.waitlist_enabled,
            live_results: self.live_results,
            refund_until_hours: self.refund_until_hours,
            organizer_id: self.organizer_id.map(UserId::from_uuid),
        }
    }
}

/// Why an event is called off.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// Told to everybody who had a seat or waited.
    #[schema(max_length = 1_000)]
    pub(super) reason: Option<String>,
}

/// The order of a list of events.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub enum SortParameter {
    /// The soonest first.
    #[serde(rename = "starts_at")]
    StartsAt,
    /// The latest first.
    #[serde(rename = "-starts_at")]
    StartsAtDescending,
    /// The oldest first.
    #[serde(rename = "created_at")]
    CreatedAt,
    /// The newest first.
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

/// Which events are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// Part of title or description, in any case.
    q: Option<String>,
    /// The first local date of the start, inclusive.
    from: Option<NaiveDate>,
    /// The last local date of the start, inclusive.
    to: Option<NaiveDate>,
    /// Part of the location, in any case.
    location: Option<String>,
    /// How people take part.
    #[param(inline)]
    format: Option<FormatBody>,
    /// Where it stands.
    #[param(inline)]
    status: Option<StatusBody>,
    /// Who runs it.
    organizer_id: Option<Uuid>,
    /// Whether seats are left.
    has_seats: Option<bool>,
    /// The order; without it the soonest first.
    #[param(inline)]
    sort: Option<SortParameter>,
}

impl EventParams {
    pub(in crate::routes) fn into_filter(self, now: DateTime<Utc>) -> (EventFilter, &'static str) {
        let (sort, order) = match self.sort {
            None | Some(SortParameter::StartsAt) => (EventSort::StartsAt, "events:starts_at"),
            Some(SortParameter::StartsAtDescending) => (EventSort::StartsAtDescending, "events:-starts_at"),
            Some(SortParameter::CreatedAt) => (EventSort::CreatedAt, "events:created_at"),
            Some(SortParameter::CreatedAtDescending) => {
                (EventSort::CreatedAtDescending, "events:-created_at")
            }
        };
        let filter = EventFilter {
            visibility: Visibility::Public,
            text: self.q,
            from: self.from,
            to: self.to,
            location: self.location,
            format: self.format.map(FormatBody::into),
            status: self.status.map(StatusBody::into),
            organizer_id: self.organizer_id.map(UserId::from_uuid),
            run_by: None,
            has_seats: self.has_seats,
            sort,
            now,
        };
        (filter, order)
    }
}
