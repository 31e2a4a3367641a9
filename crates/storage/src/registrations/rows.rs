//! A registration's row, and what is read beside it.

use super::TABLE;
use crate::columns::{Ts, Uid};
use crate::people::AttendeeRow;
use crate::schema::registrations;
use crate::transaction::{named, parsed};
use diesel::prelude::*;
use event::EventStatus;
use kernel::StoreError;
use registration::{Registration, RegistrationStatus, RegistrationView, SeatHolder};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = registrations, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct RegistrationRow {
    pub(super) id: Uid,
    event_id: Uid,
    attendee_id: Uid,
    status: String,
    registered_by: Option<Uid>,
    registered_at: Ts,
    checked_in_at: Option<Ts>,
    hold_expires_at: Option<Ts>,
    ended_at: Option<Ts>,
    ticket_code: String,
}

impl RegistrationRow {
    pub(super) fn of(registration: &Registration) -> Self {
        Self {
            id: Uid::of(registration.id),
            event_id: Uid::of(registration.event_id),
            attendee_id: Uid::of(registration.attendee_id),
            status: registration.status.as_str().to_owned(),
            registered_by: registration.registered_by.map(Uid::of),
            registered_at: Ts(registration.registered_at),
            checked_in_at: registration.checked_in_at.map(Ts),
            hold_expires_at: registration.hold_expires_at.map(Ts),
            ended_at: registration.ended_at.map(Ts),
            ticket_code: registration.ticket_code.as_str().to_owned(),
        }
    }

    pub(crate) fn into_registration(self) -> Result<Registration, StoreError> {
        Ok(Registration {
            id: self.id.typed(),
            event_id: self.event_id.typed(),
            attendee_id: self.attendee_id.typed(),
            status: named(
                TABLE,
                self.id,
                "status",
                &self.status,
                RegistrationStatus::from_name,
            )?,
            registered_by: self.registered_by.map(Uid::typed),
            registered_at: self.registered_at.0,
            checked_in_at: self.checked_in_at.map(|at| at.0),
            hold_expires_at: self.hold_expires_at.map(|at| at.0),
            ended_at: self.ended_at.map(|at| at.0),
            ticket_code: parsed(TABLE, self.id, "ticket_code", &self.ticket_code)?,
        })
    }
}

/// What a view shows beside the registration: of its attendee and of its event.
pub(crate) type Beside = (
    Option<Uid>,
    String,
    String,
    String,
    (Ts, Ts, Option<Ts>),
    String,
    Option<String>,
    Uid,
    String,
);

macro_rules! view_columns {
    () => {
        (
            RegistrationRow::as_select(),
            (
                attendees::user_id,
                attendees::name,
                attendees::email,
                events::title,
                (events::starts_at, events::ends_at, events::published_at),
                events::time_zone,
                events::location,
                events::organizer_id,
                events::status,
            ),
        )
    };
}
pub(crate) use view_columns;

pub(crate) fn into_view((row, beside): (RegistrationRow, Beside)) -> Result<RegistrationView, StoreError> {
    let (user_id, name, email, title, times, time_zone, location, organizer_id, status) = beside;
    let (starts_at, ends_at, published_at) = times;
    let event_status = named("events", row.event_id, "status", &status, EventStatus::from_name)?;
    Ok(RegistrationView {
        registration: row.into_registration()?,
        attendee_user_id: user_id.map(Uid::typed),
        attendee_name: name,
        attendee_email: email,
        event_title: title,
        event_starts_at: starts_at.0,
        event_ends_at: ends_at.0,
        event_time_zone: time_zone,
        event_location: location,
        organizer_id: organizer_id.typed(),
        event_status,
        event_published_at: published_at.map(|at| at.0),
    })
}

pub(super) fn into_seat_holder(
    (registration, attendee): (RegistrationRow, AttendeeRow),
) -> Result<SeatHolder, StoreError> {
    Ok(SeatHolder {
        registration: registration.into_registration()?,
        attendee: attendee.into_attendee()?,
    })
}
