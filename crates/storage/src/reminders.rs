//! Queries of reminders: which rounds are due, and who is to be told.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::schema::{attendees, events, registrations, reminder_rounds, users};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use kernel::{EmailAddress, EventId, Instant, StoreError};
use notification::{Recipient, ReminderLead};
use registration::{PersonToRemind, ReminderRepository};

impl ReminderRepository for Tx<'_> {
    fn events_without_round(
        &mut self,
        lead: ReminderLead,
        after: Instant,
        until: Instant,
        most: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        let round = reminder_rounds::table
            .filter(reminder_rounds::event_id.eq(events::id))
            .filter(reminder_rounds::starts_at.eq(events::starts_at))
            .filter(reminder_rounds::hours_before.eq(i16::from(lead.hours())));
        let ids: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| events::table
                .filter(events::starts_at.gt(Ts(after)))
                .filter(events::starts_at.le(Ts(until)))
                .filter(events::status.eq("published"))
                .filter(not(exists(round)))
                .order((events::starts_at, events::id))
                .limit(i64::from(most))
                .select(events::id)
                .load(c))
        })?;
        Ok(ids.into_iter().map(Uid::typed).collect())
    }

    fn begin_reminder_round(
        &mut self,
        event_id: EventId,
        lead: ReminderLead,
        starts_at: Instant,
        at: Instant,
    ) -> Result<bool, StoreError> {
        let row = (
            reminder_rounds::event_id.eq(Uid::of(event_id)),
            reminder_rounds::hours_before.eq(i16::from(lead.hours())),
            reminder_rounds::starts_at.eq(Ts(starts_at)),
            reminder_rounds::created_at.eq(Ts(at)),
        );
        let inserted = self.run(|connection| {
            on!(connection, |c| diesel::insert_into(reminder_rounds::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(c))
        })?;
        Ok(inserted == 1)
    }

    fn list_people_to_remind(
        &mut self,
        event_id: EventId,
        registered_by: Instant,
    ) -> Result<Vec<PersonToRemind>, StoreError> {
        type Row = (Uid, Option<Uid>, String, String, String);
        // Who has no account has no wishes on record.
        let wants_them = attendees::user_id
            .is_null()
            .or(users::email_reminders.nullable().eq(true));
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| registrations::table
                .inner_join(attendees::table)
                .left_join(users::table.on(attendees::user_id.eq(users::id.nullable())))
                .filter(registrations::event_id.eq(Uid::of(event_id)))
                .filter(registrations::registered_at.le(Ts(registered_by)))
                .filter(registrations::status.eq_any(["confirmed", "attended"]))
                .filter(wants_them)
                .order(registrations::id)
                .select((
                    registrations::id,
                    attendees::user_id,
                    attendees::name,
                    attendees::email,
                    attendees::email_key,
                ))
                .load(c))
        })?;
        let people = rows
            .into_iter()
            .map(|(id, user_id, name, email, email_key)| PersonToRemind {
                registration_id: id.typed(),
                recipient: Recipient {
                    name,
                    email: EmailAddress::from_stored(email, email_key),
                    user_id: user_id.map(Uid::typed),
                },
            });
        Ok(people.collect())
    }
}
