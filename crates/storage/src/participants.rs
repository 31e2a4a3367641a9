//! Participants: seat holders with an account who agreed to be seen by the others.

use crate::Tx;
use crate::columns::Uid;
use crate::connection::on;
use crate::people::AttendeeRow;
use crate::registrations::LIVE;
use crate::schema::{attendees, registrations, users};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{AttendeeId, EventId, Page, PageRequest, Position, StoreError};
use registration::Participant;
use user::Attendee;
use uuid::Uuid;

type Row = (Uid, Uid, String, Option<String>, Option<String>);

/// The listed at an event, by the index of its live registrations.
macro_rules! listed {
    ($event:expr) => {
        registrations::table
            .inner_join(
                attendees::table.inner_join(users::table.on(attendees::user_id.eq(users::id.nullable()))),
            )
            .filter(registrations::event_id.eq(Uid::of($event)))
            .filter(sql::<Bool>(LIVE))
            .filter(registrations::status.ne("pending_payment"))
            .filter(users::listed.eq(true))
            .filter(users::status.eq("active"))
            .filter(users::erased_at.is_null())
    };
}

impl Tx<'_> {
    /// See `RegistrationRepository::list_participants`.
    pub(crate) fn page_of_participants(
        &mut self,
        event_id: EventId,
        page: PageRequest,
    ) -> Result<Page<Participant>, StoreError> {
        let after = Uid(page.after.map_or(Uuid::nil(), |after| after.id));
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| listed!(event_id)
                .filter(registrations::attendee_id.gt(after))
                .order(registrations::attendee_id)
                .limit(i64::from(page.limit) + 1)
                .select((
                    registrations::attendee_id,
                    users::id,
                    users::name,
                    users::profession,
                    users::avatar_url,
                ))
                .load(c))
        })?;
        let total = if page.include_total {
            let total: i64 =
                self.run(|connection| on!(connection, |c| listed!(event_id).count().get_result(c)))?;
            Some(u64::try_from(total).unwrap_or(0))
        } else {
            None
        };
        let people = rows
            .into_iter()
            .map(
                |(attendee_id, user_id, name, profession, avatar_url)| Participant {
                    attendee_id: attendee_id.typed(),
                    user_id: user_id.typed(),
                    name,
                    profession,
                    avatar_url,
                },
            )
            .collect();
        Ok(Page::from_surplus(people, page, total, |person| Position {
            value: 0,
            id: kernel::TypedId::uuid(person.attendee_id),
        }))
    }

    /// See `CandidateRepository::find_participant`.
    pub(crate) fn find_listed_participant(
        &mut self,
        event_id: EventId,
        attendee_id: AttendeeId,
    ) -> Result<Option<Attendee>, StoreError> {
        let row: Option<AttendeeRow> = self.run(|connection| {
            on!(connection, |c| listed!(event_id)
                .filter(registrations::attendee_id.eq(Uid::of(attendee_id)))
                .select(AttendeeRow::as_select())
                .first(c)
                .optional())
        })?;
        row.map(AttendeeRow::into_attendee).transpose()
    }
}
