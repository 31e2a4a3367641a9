//! How many people at once stand with an event.

use super::rows::RegistrationRow;
use super::{LIVE, LIVE_ENTRY};
use crate::Tx;
use crate::columns::Uid;
use crate::connection::{DbConn, on};
use crate::people::AttendeeRow;
use crate::schema::{attendees, registrations, waitlist_entries};
use crate::waitlist::EntryRow;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{AttendeeId, EventId, StoreError};
use registration::Standing;
use std::collections::HashMap;

/// So many addresses are asked for in one statement.
const AT_ONCE: usize = 1_000;

impl Tx<'_> {
    /// See `RegistrationRepository::hold_standings_of_addresses`.
    pub(super) fn standings_of_addresses(
        &mut self,
        event_id: EventId,
        email_keys: &[String],
    ) -> Result<Vec<(String, Standing)>, StoreError> {
        let mut people: HashMap<AttendeeId, (String, Standing)> = HashMap::new();
        for chunk in email_keys.chunks(AT_ONCE) {
            for row in self.hold_addresses(chunk)? {
                let attendee = row.into_attendee()?;
                let key = attendee.email.key().to_owned();
                let standing = Standing {
                    attendee: Some(attendee.clone()),
                    ..Standing::default()
                };
                people.insert(attendee.id, (key, standing));
            }
        }
        let ids: Vec<Uid> = people.keys().map(|id| Uid::of(*id)).collect();
        for chunk in ids.chunks(AT_ONCE) {
            let held: Vec<RegistrationRow> = self.run(|connection| {
                on!(connection, |c| registrations::table
                    .filter(registrations::event_id.eq(Uid::of(event_id)))
                    .filter(registrations::attendee_id.eq_any(chunk))
                    .filter(sql::<Bool>(LIVE))
                    .select(RegistrationRow::as_select())
                    .load(c))
            })?;
            for row in held {
                let registration = row.into_registration()?;
                if let Some((_, standing)) = people.get_mut(&registration.attendee_id) {
                    standing.registration = Some(registration);
                }
            }
            let waiting: Vec<EntryRow> = self.run(|connection| {
                on!(connection, |c| waitlist_entries::table
                    .filter(waitlist_entries::event_id.eq(Uid::of(event_id)))
                    .filter(waitlist_entries::attendee_id.eq_any(chunk))
                    .filter(sql::<Bool>(LIVE_ENTRY))
                    .select(EntryRow::as_select())
                    .load(c))
            })?;
            for row in waiting {
                let entry = row.into_entry()?;
                if let Some((_, standing)) = people.get_mut(&entry.attendee_id) {
                    standing.entry = Some(entry);
                }
            }
        }
        Ok(people.into_values().collect())
    }

    /// The attendees with these addresses, which stay theirs until the end of the transaction. In the order of the ids, so that
    /// two who hold some of the same come one after the other.
    fn hold_addresses(&mut self, email_keys: &[String]) -> Result<Vec<AttendeeRow>, StoreError> {
        let held = attendees::table
            .filter(attendees::email_key.eq_any(email_keys.to_vec()))
            .order(attendees::id);
        self.run(|connection| match connection {
            DbConn::Postgres(c) => held.select(AttendeeRow::as_select()).for_key_share().load(c),
            DbConn::Sqlite(c) => held.select(AttendeeRow::as_select()).load(c),
        })
    }
}
