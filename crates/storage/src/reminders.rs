//! Queries of reminders: which rounds are due.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::schema::{events, reminder_rounds};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use kernel::{EventId, Instant, StoreError};
use notification::ReminderLead;
use registration::ReminderRepository;

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
}
