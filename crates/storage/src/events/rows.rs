//! Rows of events, to and from what the domain knows.

use crate::columns::{Ts, Uid};
use crate::schema::events;
use crate::transaction::{count, named, parsed};
use chrono::NaiveDate;
use diesel::prelude::*;
use event::{Event, EventDetails, EventFormat, EventSeats, EventStatus, Organizer, StreamStatus};
use kernel::{Money, StoreError};

const TABLE: &str = "events";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(super) struct EventRow {
    pub(super) id: Uid,
    pub(super) organizer_id: Uid,
    pub(super) status: String,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) agenda: Option<String>,
    pub(super) search_key: String,
    pub(super) format: String,
    pub(super) location: Option<String>,
    pub(super) place_key: Option<String>,
    pub(super) stream_url: Option<String>,
    pub(super) stream_status: String,
    pub(super) starts_at: Ts,
    pub(super) ends_at: Ts,
    pub(super) time_zone: String,
    pub(super) local_date: String,
    pub(super) capacity: i32,
    pub(super) seats_taken: i32,
    pub(super) waitlist_enabled: bool,
    pub(super) waitlist_length: i32,
    pub(super) next_rank: i64,
    pub(super) fee_amount: i64,
    pub(super) fee_currency: Option<String>,
    pub(super) refund_until_hours: i32,
    pub(super) registration_opens_at: Option<Ts>,
    pub(super) registration_closes_at: Option<Ts>,
    pub(super) voting_opens_at: Option<Ts>,
    pub(super) voting_closes_at: Option<Ts>,
    pub(super) live_results: bool,
    pub(super) edit_version: i64,
    pub(super) seats_version: i64,
    pub(super) published_at: Option<Ts>,
    pub(super) created_at: Ts,
    pub(super) updated_at: Ts,
    pub(super) speaker_id: Option<Uid>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct SeatsRow {
    id: Uid,
    organizer_id: Uid,
    status: String,
    title: String,
    location: Option<String>,
    starts_at: Ts,
    ends_at: Ts,
    time_zone: String,
    fee_amount: i64,
    registration_opens_at: Option<Ts>,
    registration_closes_at: Option<Ts>,
    capacity: i32,
    seats_taken: i32,
    waitlist_enabled: bool,
    waitlist_length: i32,
    next_rank: i64,
    published_at: Option<Ts>,
}

pub(super) fn date(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

fn signed(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl EventRow {
    pub(super) fn of(event: &Event) -> Self {
        let details = &event.details;
        Self {
            id: Uid::of(event.id),
            organizer_id: Uid::of(event.organizer.id),
            status: event.status.as_str().to_owned(),
            title: details.title.clone(),
            description: details.description.clone(),
            agenda: details.agenda.clone(),
            search_key: details.search_key(),
            format: details.format.as_str().to_owned(),
            location: details.location.clone(),
            place_key: details.place_key(),
            stream_url: details.stream_url.clone(),
            stream_status: event.stream_status.as_str().to_owned(),
            starts_at: Ts(details.starts_at),
            ends_at: Ts(details.ends_at),
            time_zone: details.time_zone.name().to_owned(),
            local_date: date(details.local_date()),
            capacity: signed(details.capacity),
            seats_taken: signed(event.seats_taken),
            waitlist_enabled: details.waitlist_enabled,
            waitlist_length: signed(event.waitlist_length),
            next_rank: event.next_rank,
            fee_amount: details.fee.map_or(0, |fee| fee.amount()),
            fee_currency: details.fee.map(|fee| fee.currency().to_owned()),
            refund_until_hours: signed(details.refund_until_hours),
            registration_opens_at: details.registration_opens_at.map(Ts),
            registration_closes_at: details.registration_closes_at.map(Ts),
            voting_opens_at: details.voting_opens_at.map(Ts),
            voting_closes_at: details.voting_closes_at.map(Ts),
            live_results: details.live_results,
            edit_version: event.edit_version,
            seats_version: event.seats_version,
            published_at: event.published_at.map(Ts),
            created_at: Ts(event.created_at),
            updated_at: Ts(event.updated_at),
            speaker_id: event
                .speaker
                .as_ref()
                .map(|speaker| Uid::of(speaker.candidate_id)),
        }
    }

    pub(super) fn into_event(self, organizer_name: String) -> Result<Event, StoreError> {
        let row = self.id;
        let fee = match self.fee_currency {
            None => None,
            Some(currency) => {
                Some(
                    Money::new(self.fee_amount, &currency).map_err(|error| StoreError::Corrupt {
                        table: TABLE,
                        row: row.0.to_string(),
                        reason: format!("fee: {error}"),
                    })?,
                )
            }
        };
        Ok(Event {
            id: row.typed(),
            organizer: Organizer {
                id: self.organizer_id.typed(),
                name: organizer_name,
            },
            speaker: None,
            status: named(TABLE, row, "status", &self.status, EventStatus::from_name)?,
            details: EventDetails {
                title: self.title,
                description: self.description,
                agenda: self.agenda,
                format: named(TABLE, row, "format", &self.format, EventFormat::from_name)?,
                location: self.location,
                stream_url: self.stream_url,
                starts_at: self.starts_at.0,
                ends_at: self.ends_at.0,
                time_zone: parsed(TABLE, row, "time_zone", &self.time_zone)?,
                capacity: count(TABLE, row, "capacity", self.capacity)?,
                fee,
                registration_opens_at: self.registration_opens_at.map(|at| at.0),
                registration_closes_at: self.registration_closes_at.map(|at| at.0),
                voting_opens_at: self.voting_opens_at.map(|at| at.0),
                voting_closes_at: self.voting_closes_at.map(|at| at.0),
                waitlist_enabled: self.waitlist_enabled,
                live_results: self.live_results,
                refund_until_hours: count(TABLE, row, "refund_until_hours", self.refund_until_hours)?,
            },
            seats_taken: count(TABLE, row, "seats_taken", self.seats_taken)?,
            waitlist_length: count(TABLE, row, "waitlist_length", self.waitlist_length)?,
            next_rank: self.next_rank,
            stream_status: named(
                TABLE,
                row,
                "stream_status",
                &self.stream_status,
                StreamStatus::from_name,
            )?,
            edit_version: self.edit_version,
            seats_version: self.seats_version,
            published_at: self.published_at.map(|at| at.0),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl SeatsRow {
    pub(crate) fn into_seats(self) -> Result<EventSeats, StoreError> {
        let row = self.id;
        Ok(EventSeats {
            id: row.typed(),
            organizer_id: self.organizer_id.typed(),
            status: named(TABLE, row, "status", &self.status, EventStatus::from_name)?,
            published_at: self.published_at.map(|at| at.0),
            title: self.title,
            location: self.location,
            starts_at: self.starts_at.0,
            ends_at: self.ends_at.0,
            time_zone: self.time_zone,
            fee_amount: self.fee_amount,
            registration_opens_at: self.registration_opens_at.map(|at| at.0),
            registration_closes_at: self.registration_closes_at.map(|at| at.0),
            capacity: count(TABLE, row, "capacity", self.capacity)?,
            taken: count(TABLE, row, "seats_taken", self.seats_taken)?,
            waitlist_enabled: self.waitlist_enabled,
            waiting: count(TABLE, row, "waitlist_length", self.waitlist_length)?,
            next_rank: self.next_rank,
        })
    }
}
