//! Check-ins: without the event's lock, each changes one row from what was seen.

use super::{LIVE, RegistrationRow, into_view};
use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::events_of_runner::ENDED;
use crate::prepared::Prepared;
use crate::schema::{attendees, events, registrations, revoked_tickets};
use crate::transaction::parsed;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{AttendeeId, EventId, Instant, RegistrationId, StoreError, UserId};
use registration::{CheckInRepository, Registration, RegistrationStatus, RegistrationView};
use ticket::TicketCode;

impl Tx<'_> {
    /// Keeps an attendee's live registrations as they are until the end of the transaction.
    pub(crate) fn hold_registrations_of(&mut self, attendee_id: AttendeeId) -> Result<(), StoreError> {
        let live = registrations::table
            .filter(registrations::attendee_id.eq(Uid::of(attendee_id)))
            .filter(sql::<Bool>(LIVE))
            .order(registrations::id)
            .select(registrations::id);
        self.run(|connection| match connection {
            DbConn::Postgres(c) => live.for_update().load::<Uid>(c).map(drop),
            DbConn::Sqlite(_) => Ok(()),
        })
    }
}

impl CheckInRepository for Tx<'_> {
    fn find_registration_by_code(
        &mut self,
        code: &TicketCode,
    ) -> Result<Option<RegistrationView>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| registrations::table
                .inner_join(attendees::table)
                .inner_join(events::table)
                .filter(registrations::ticket_code.eq(code.as_str()))
                .select(view_columns!())
                .first(c)
                .optional())
        })?
        .map(into_view)
        .transpose()
    }

    fn mark_attended(
        &mut self,
        registration: &Registration,
        at: Instant,
        by: Option<UserId>,
    ) -> Result<(), StoreError> {
        let seen = registrations::table
            .filter(registrations::id.eq(Uid::of(registration.id)))
            .filter(registrations::attendee_id.eq(Uid::of(registration.attendee_id)))
            .filter(registrations::status.eq(RegistrationStatus::Confirmed.as_str()));
        let set = (
            registrations::status.eq(RegistrationStatus::Attended.as_str()),
            registrations::checked_in_at.eq(Ts(at)),
            registrations::checked_in_by.eq(by.map(Uid::of)),
        );
        let marked = self.run(|connection| {
            on!(connection, |c| Prepared(
                diesel::update(seen).set(set).returning(registrations::id)
            )
            .load::<Uid>(c))
        })?;
        self.unless_changed(registration.id, marked.len())
    }

    fn unmark_attended(&mut self, event_id: EventId, id: RegistrationId) -> Result<bool, StoreError> {
        let attended = registrations::table
            .filter(registrations::id.eq(Uid::of(id)))
            .filter(registrations::event_id.eq(Uid::of(event_id)))
            .filter(registrations::status.eq(RegistrationStatus::Attended.as_str()));
        let set = (
            registrations::status.eq(RegistrationStatus::Confirmed.as_str()),
            registrations::checked_in_at.eq(None::<Ts>),
            registrations::checked_in_by.eq(None::<Uid>),
        );
        let undone =
            self.run(|connection| on!(connection, |c| diesel::update(attended).set(set).execute(c)))?;
        Ok(undone == 1)
    }

    fn list_revoked_codes(&mut self, event_id: EventId) -> Result<Vec<TicketCode>, StoreError> {
        let event = Uid::of(event_id);
        let ended = registrations::table
            .filter(registrations::event_id.eq(event))
            .filter(sql::<Bool>(ENDED))
            .select(registrations::ticket_code);
        let removed = revoked_tickets::table
            .filter(revoked_tickets::event_id.eq(event))
            .select(revoked_tickets::ticket_code);
        let mut codes: Vec<String> = self.run(|connection| on!(connection, |c| ended.load(c)))?;
        codes.append(&mut self.run(|connection| on!(connection, |c| removed.load(c)))?);
        codes.sort_unstable();
        codes.dedup();
        codes
            .iter()
            .map(|code| parsed("registrations", event, "ticket_code", code))
            .collect()
    }
}
