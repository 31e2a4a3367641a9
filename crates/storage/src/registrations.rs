//! Rows and queries of registrations.

use crate::Tx;
use crate::attendee_words::beginning_with;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::events::instant_of;
use crate::people::{AccountRow, AttendeeRow};
use crate::prepared::Prepared;
use crate::schema::{
    attendee_words, attendees, events, registrations, revoked_tickets, users, waitlist_entries,
};
use crate::transaction::{named, parsed, rows, uids};
use crate::waitlist::EntryRow;
use diesel::dsl::{not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use event::EventStatus;
use kernel::{
    AttendeeId, EventId, Instant, Page, PageRequest, Position, RegistrationId, StoreError, TypedId, UserId,
};
use registration::{
    Participant, Registration, RegistrationFilter, RegistrationRepository, RegistrationStatus,
    RegistrationView, SeatHolder, Standing,
};
use std::collections::HashMap;

const TABLE: &str = "registrations";

const CONFIRMED: &str = RegistrationStatus::Confirmed.as_str();
const ATTENDED: &str = RegistrationStatus::Attended.as_str();

/// The predicate of the partial index `registrations_one_live`, in its words.
pub(crate) const LIVE: &str = "registrations.status IN ('pending_payment', 'confirmed', 'attended')";
/// The predicate of the partial index `waitlist_entries_one_live`, in its words.
pub(crate) const LIVE_ENTRY: &str = "waitlist_entries.status IN ('waiting', 'offered')";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = registrations, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct RegistrationRow {
    id: Uid,
    event_id: Uid,
    attendee_id: Uid,
    status: String,
    registered_by: Option<Uid>,
    registered_at: Ts,
    checked_in_at: Option<Ts>,
    hold_expires_at: Option<Ts>,
    ticket_code: String,
}

impl RegistrationRow {
    fn of(registration: &Registration) -> Self {
        Self {
            id: Uid::of(registration.id),
            event_id: Uid::of(registration.event_id),
            attendee_id: Uid::of(registration.attendee_id),
            status: registration.status.as_str().to_owned(),
            registered_by: registration.registered_by.map(Uid::of),
            registered_at: Ts(registration.registered_at),
            checked_in_at: registration.checked_in_at.map(Ts),
            hold_expires_at: registration.hold_expires_at.map(Ts),
            ticket_code: registration.ticket_code.as_str().to_owned(),
        }
    }

    fn into_registration(self) -> Result<Registration, StoreError> {
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
            ticket_code: parsed(TABLE, self.id, "ticket_code", &self.ticket_code)?,
        })
    }
}

/// What a view shows beside the registration: of its attendee and of its event.
type Beside = (
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

fn into_view((row, beside): (RegistrationRow, Beside)) -> Result<RegistrationView, StoreError> {
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

/// A condition in which the databases see the predicate of a partial index: of `registrations_by_status` and its like.
pub(crate) const fn status_is(status: RegistrationStatus) -> &'static str {
    match status {
        RegistrationStatus::PendingPayment => {
            "registrations.status = 'pending_payment' AND registrations.status <> 'confirmed'"
        }
        RegistrationStatus::Confirmed => "registrations.status = 'confirmed'",
        RegistrationStatus::Attended => {
            "registrations.status = 'attended' AND registrations.status <> 'confirmed'"
        }
        RegistrationStatus::Cancelled => {
            "registrations.status = 'cancelled' AND registrations.status <> 'confirmed'"
        }
        RegistrationStatus::Expired => {
            "registrations.status = 'expired' AND registrations.status <> 'confirmed'"
        }
    }
}
fn into_seat_holder(
    (registration, attendee): (RegistrationRow, AttendeeRow),
) -> Result<SeatHolder, StoreError> {
    Ok(SeatHolder {
        registration: registration.into_registration()?,
        attendee: attendee.into_attendee()?,
    })
}
// Below the macro that it uses.
mod check_ins;

/// `EventStatus::is_private`, the other way round.
const OF_PUBLIC_EVENT: &str = "NOT EXISTS (SELECT 1 FROM events private WHERE private.id = registrations.event_id \
     AND (private.status = 'draft' OR (private.status = 'cancelled' AND private.published_at IS NULL)))";

macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let (mut query, filter) = ($query, $filter);
        if let Some(event_id) = filter.event_id {
            query = query.filter(registrations::event_id.eq(Uid::of(event_id)));
        }
        if let Some(attendee_id) = filter.attendee_id {
            query = query.filter(registrations::attendee_id.eq(Uid::of(attendee_id)));
        }
        if let Some(user_id) = filter.user_id {
            query = query.filter(attendees::user_id.eq(Uid::of(user_id)));
        }
        if let Some(status) = filter.status {
            query = query.filter(sql::<Bool>(status_is(status)));
        }
        if filter.without_private {
            query = query.filter(sql::<Bool>(OF_PUBLIC_EVENT));
        }
        query
    }};
}

/// The registrations of a page. Over all of them there is no index by time; ids are in the order of time.
macro_rules! page_of {
    ($filter:expr, $page:expr) => {{
        let (filter, page) = ($filter, $page);
        let of_all = filter.event_id.is_none() && filter.attendee_id.is_none() && filter.user_id.is_none();
        let mut query = filtered!(
            registrations::table
                .inner_join(attendees::table)
                .inner_join(events::table)
                .select(view_columns!())
                .limit(i64::from(page.limit) + 1)
                .into_boxed(),
            filter
        );
        if of_all {
            if let Some(after) = page.after {
                query = query.filter(registrations::id.lt(Uid(after.id)));
            }
            query.order(registrations::id.desc())
        } else {
            if let Some(after) = page.after {
                let (at, id) = (Ts(instant_of(after)), Uid(after.id));
                query = query.filter(
                    registrations::registered_at
                        .le(at)
                        .and(registrations::registered_at.lt(at).or(registrations::id.lt(id))),
                );
            }
            query.order((registrations::registered_at.desc(), registrations::id.desc()))
        }
    }};
}

mod plans;

impl RegistrationRepository for Tx<'_> {
    fn find_standing_of_user(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<Standing>, StoreError> {
        type Row = (
            AccountRow,
            Option<AttendeeRow>,
            Option<RegistrationRow>,
            Option<EntryRow>,
        );
        let event = Uid::of(event_id);
        let row: Option<Row> = self.run(|connection| {
            on!(connection, |c| Prepared(
                users::table
                    .left_join(attendees::table.on(attendees::email_key.eq(users::email_key)))
                    .left_join(
                        registrations::table.on(registrations::attendee_id
                            .nullable()
                            .eq(attendees::id.nullable())
                            .and(registrations::event_id.nullable().eq(event))
                            .and(sql::<Bool>(LIVE)))
                    )
                    .left_join(
                        waitlist_entries::table.on(waitlist_entries::attendee_id
                            .nullable()
                            .eq(attendees::id.nullable())
                            .and(waitlist_entries::event_id.nullable().eq(event))
                            .and(sql::<Bool>(LIVE_ENTRY)))
                    )
                    .filter(users::id.eq(Uid::of(user_id)))
                    .filter(users::erased_at.is_null())
                    .select((
                        AccountRow::as_select(),
                        Option::<AttendeeRow>::as_select(),
                        Option::<RegistrationRow>::as_select(),
                        Option::<EntryRow>::as_select(),
                    ))
                    .limit(1)
            )
            .get_result(c)
            .optional())
        })?;
        let Some((account, attendee, registration, entry)) = row else {
            return Ok(None);
        };
        Ok(Some(Standing {
            account: Some(account.into_account()?),
            attendee: attendee.map(AttendeeRow::into_attendee).transpose()?,
            registration: registration.map(RegistrationRow::into_registration).transpose()?,
            entry: entry.map(EntryRow::into_entry).transpose()?,
        }))
    }

    fn find_standing_of_attendee(
        &mut self,
        event_id: EventId,
        attendee_id: AttendeeId,
    ) -> Result<Option<Standing>, StoreError> {
        type Row = (AttendeeRow, Option<RegistrationRow>, Option<EntryRow>);
        let event = Uid::of(event_id);
        let row: Option<Row> = self.run(|connection| {
            on!(connection, |c| Prepared(
                attendees::table
                    .left_join(
                        registrations::table.on(registrations::attendee_id
                            .eq(attendees::id)
                            .and(registrations::event_id.eq(event))
                            .and(sql::<Bool>(LIVE)))
                    )
                    .left_join(
                        waitlist_entries::table.on(waitlist_entries::attendee_id
                            .eq(attendees::id)
                            .and(waitlist_entries::event_id.eq(event))
                            .and(sql::<Bool>(LIVE_ENTRY)))
                    )
                    .filter(attendees::id.eq(Uid::of(attendee_id)))
                    .select((
                        AttendeeRow::as_select(),
                        Option::<RegistrationRow>::as_select(),
                        Option::<EntryRow>::as_select(),
                    ))
                    .limit(1)
            )
            .get_result(c)
            .optional())
        })?;
        let Some((attendee, registration, entry)) = row else {
            return Ok(None);
        };
        Ok(Some(Standing {
            account: None,
            attendee: Some(attendee.into_attendee()?),
            registration: registration.map(RegistrationRow::into_registration).transpose()?,
            entry: entry.map(EntryRow::into_entry).transpose()?,
        }))
    }

    fn find_registration(&mut self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| registrations::table
                .find(Uid::of(id))
                .select(RegistrationRow::as_select())
                .first(c)
                .optional())
        })?
        .map(RegistrationRow::into_registration)
        .transpose()
    }

    fn find_registration_view(&mut self, id: RegistrationId) -> Result<Option<RegistrationView>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| registrations::table
                .inner_join(attendees::table)
                .inner_join(events::table)
                .filter(registrations::id.eq(Uid::of(id)))
                .select(view_columns!())
                .first(c)
                .optional())
        })?
        .map(into_view)
        .transpose()
    }

    fn insert_registrations(&mut self, registrations: &[Registration]) -> Result<(), StoreError> {
        if let [only] = registrations {
            let row = RegistrationRow::of(only);
            let inserted = self.run(|connection| {
                on!(connection, |c| diesel::insert_into(registrations::table)
                    .values(&row)
                    .execute(c))
            });
            self.unless_attendee_went(inserted)?;
            return Ok(());
        }
        for chunk in registrations.chunks(1_000) {
            let rows: Vec<_> = chunk.iter().map(RegistrationRow::of).collect();
            let inserted = self.run(|connection| {
                on!(connection, |c| diesel::insert_into(registrations::table)
                    .values(&rows)
                    .execute(c))
            });
            self.unless_attendee_went(inserted)?;
        }
        Ok(())
    }

    fn end_registration(
        &mut self,
        registration: &Registration,
        status: RegistrationStatus,
        at: Instant,
    ) -> Result<(), StoreError> {
        let set = (
            registrations::status.eq(status.as_str()),
            registrations::hold_expires_at.eq(None::<Ts>),
            registrations::ended_at.eq(Ts(at)),
        );
        let seen = registrations::table
            .filter(registrations::id.eq(Uid::of(registration.id)))
            .filter(registrations::status.eq(registration.status.as_str()));
        let ended = self.run(|connection| {
            on!(connection, |c| Prepared(
                diesel::update(seen).set(set).returning(registrations::id)
            )
            .load::<Uid>(c))
        })?;
        self.unless_changed(registration.id, ended.len())
    }

    fn end_registrations(
        &mut self,
        ids: &[RegistrationId],
        status: RegistrationStatus,
        at: Instant,
    ) -> Result<u32, StoreError> {
        let set = (
            registrations::status.eq(status.as_str()),
            registrations::hold_expires_at.eq(None::<Ts>),
            registrations::ended_at.eq(Ts(at)),
        );
        let mut ended = 0;
        for chunk in ids.chunks(1_000) {
            let live = registrations::table
                .filter(registrations::id.eq_any(uids(chunk)))
                .filter(sql::<Bool>(LIVE));
            ended += self.run(|connection| on!(connection, |c| diesel::update(live).set(set).execute(c)))?;
        }
        Ok(rows(ended))
    }

    fn list_seat_holders(&mut self, event_id: EventId) -> Result<Vec<SeatHolder>, StoreError> {
        let rows: Vec<(RegistrationRow, AttendeeRow)> = self.run(|connection| {
            on!(connection, |c| registrations::table
                .inner_join(attendees::table)
                .filter(registrations::event_id.eq(Uid::of(event_id)))
                .filter(sql::<Bool>(LIVE))
                .order(registrations::id)
                .select((RegistrationRow::as_select(), AttendeeRow::as_select()))
                .load(c))
        })?;
        rows.into_iter().map(into_seat_holder).collect()
    }

    fn list_seat_holders_after(
        &mut self,
        event_id: EventId,
        after: Option<Position>,
        limit: u32,
    ) -> Result<Vec<SeatHolder>, StoreError> {
        let rows: Vec<(RegistrationRow, AttendeeRow)> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = registrations::table
                    .inner_join(attendees::table)
                    .filter(registrations::event_id.eq(Uid::of(event_id)))
                    .filter(registrations::status.eq_any([CONFIRMED, ATTENDED]))
                    .select((RegistrationRow::as_select(), AttendeeRow::as_select()))
                    .into_boxed();
                if let Some(after) = after {
                    let (at, id) = (Ts(instant_of(after)), Uid(after.id));
                    // As one value, both databases go straight to the place, however many registered at one moment.
                    query = query.filter(
                        sql::<Bool>("(registrations.registered_at, registrations.id) > (")
                            .bind::<crate::columns::sql::Instant, _>(at)
                            .sql(", ")
                            .bind::<crate::columns::sql::Id, _>(id)
                            .sql(")"),
                    );
                }
                query
                    .order((registrations::registered_at, registrations::id))
                    .limit(i64::from(limit))
                    .load(c)
            })
        })?;
        rows.into_iter().map(into_seat_holder).collect()
    }

    fn live_registrations_of_attendee(&mut self, id: AttendeeId) -> Result<Vec<Registration>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| registrations::table
                .filter(registrations::attendee_id.eq(Uid::of(id)))
                .filter(sql::<Bool>(LIVE))
                .select(RegistrationRow::as_select())
                .load(c))
        })?
        .into_iter()
        .map(RegistrationRow::into_registration)
        .collect()
    }

    fn list_registrations(
        &mut self,
        filter: &RegistrationFilter,
        page: PageRequest,
    ) -> Result<Page<RegistrationView>, StoreError> {
        let total = if page.include_total {
            Some(self.count_registrations(filter)?)
        } else {
            None
        };
        let rows = match (filter.event_id, &filter.words) {
            (Some(event_id), Some(words)) => {
                let found = self.search_registrations(event_id, words, filter, page)?;
                self.rows_in_order(&found)?
            }
            // Words are looked for within an event only.
            _ => self.run(|connection| on!(connection, |c| page_of!(filter, page).load(c)))?,
        };
        let views = rows.into_iter().map(into_view).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_surplus(views, page, total, |view| Position {
            value: view.registration.registered_at.timestamp_micros(),
            id: view.registration.id.uuid(),
        }))
    }

    fn list_participants(
        &mut self,
        event_id: EventId,
        page: PageRequest,
    ) -> Result<Page<Participant>, StoreError> {
        self.page_of_participants(event_id, page)
    }

    fn delete_taking_part_in(&mut self, event_id: EventId) -> Result<(), StoreError> {
        let id = Uid::of(event_id);
        self.run(|connection| {
            on!(connection, |c| {
                diesel::delete(registrations::table.filter(registrations::event_id.eq(id))).execute(c)?;
                diesel::delete(waitlist_entries::table.filter(waitlist_entries::event_id.eq(id))).execute(c)
            })
        })?;
        Ok(())
    }

    fn give_taking_part(
        &mut self,
        from: AttendeeId,
        to: AttendeeId,
        events: &[EventId],
    ) -> Result<(), StoreError> {
        let (from, to, events) = (Uid::of(from), Uid::of(to), uids(events));
        // What is live at another event came to be after the events were looked up: it stands in the way of removing the
        // attendee, so that the whole operation is tried again under that event's lock too.
        let given = self.run(|connection| {
            on!(connection, |c| {
                diesel::update(
                    registrations::table
                        .filter(registrations::attendee_id.eq(from))
                        .filter(not(sql::<Bool>(LIVE)).or(registrations::event_id.eq_any(events.clone()))),
                )
                .set(registrations::attendee_id.eq(to))
                .execute(c)?;
                diesel::update(
                    waitlist_entries::table
                        .filter(waitlist_entries::attendee_id.eq(from))
                        .filter(
                            not(sql::<Bool>(LIVE_ENTRY))
                                .or(waitlist_entries::event_id.eq_any(events.clone())),
                        ),
                )
                .set(waitlist_entries::attendee_id.eq(to))
                .execute(c)
            })
        });
        self.unless_attendee_went(given)?;
        Ok(())
    }

    fn delete_taking_part_of(&mut self, attendee_id: AttendeeId) -> Result<(), StoreError> {
        let id = Uid::of(attendee_id);
        // What is live came to be after the events were looked up, and holds a seat: it stays, and stands in the way of
        // the attendee's row, so that the whole operation is tried again and frees that seat too.
        self.run(|connection| {
            on!(connection, |c| {
                // Who verifies tickets without asking must go on knowing that these are worth nothing.
                diesel::insert_into(revoked_tickets::table)
                    .values(
                        registrations::table
                            .filter(registrations::attendee_id.eq(id))
                            .filter(not(sql::<Bool>(LIVE)))
                            .select((registrations::ticket_code, registrations::event_id)),
                    )
                    .into_columns((revoked_tickets::ticket_code, revoked_tickets::event_id))
                    .execute(c)?;
                diesel::delete(
                    registrations::table
                        .filter(registrations::attendee_id.eq(id))
                        .filter(not(sql::<Bool>(LIVE))),
                )
                .execute(c)?;
                diesel::delete(
                    waitlist_entries::table
                        .filter(waitlist_entries::attendee_id.eq(id))
                        .filter(not(sql::<Bool>(LIVE_ENTRY))),
                )
                .execute(c)
            })
        })?;
        Ok(())
    }
}

impl Tx<'_> {
    /// A registration that does not stand as it was read: somebody was checked in with it, or it ended, or it is another
    /// attendee's. Tried again, it is seen as it is.
    fn unless_changed(&mut self, id: RegistrationId, changed: usize) -> Result<(), StoreError> {
        if changed > 0 {
            return Ok(());
        }
        Err(self.contend(format!("the registration {id} changed meanwhile")))
    }

    /// A row that refers to an attendee who was removed since they were found: tried again, they are made anew.
    pub(crate) fn unless_attendee_went(
        &mut self,
        inserted: Result<usize, StoreError>,
    ) -> Result<usize, StoreError> {
        match inserted {
            Err(StoreError::Referenced(what)) => Err(self.contend(what)),
            result => result,
        }
    }

    fn rows_in_order(&mut self, ids: &[Uid]) -> Result<Vec<(RegistrationRow, Beside)>, StoreError> {
        let rows: Vec<(RegistrationRow, Beside)> = self.run(|connection| {
            on!(connection, |c| registrations::table
                .inner_join(attendees::table)
                .inner_join(events::table)
                .filter(registrations::id.eq_any(ids))
                .select(view_columns!())
                .load(c))
        })?;
        let mut rows: HashMap<Uid, _> = rows.into_iter().map(|row| (row.0.id, row)).collect();
        Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
    }

    fn count_registrations(&mut self, filter: &RegistrationFilter) -> Result<u64, StoreError> {
        let total: i64 = self.run(|connection| {
            on!(connection, |c| {
                let mut query = filtered!(
                    registrations::table.inner_join(attendees::table).into_boxed(),
                    filter
                );
                if let Some(words) = &filter.words {
                    if words.words().is_empty() {
                        return Ok(0);
                    }
                    for word in words.words() {
                        let with_it = beginning_with!(word).select(attendee_words::attendee_id);
                        query = query.filter(registrations::attendee_id.eq_any(with_it));
                    }
                }
                query.count().get_result(c)
            })
        })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }
}
