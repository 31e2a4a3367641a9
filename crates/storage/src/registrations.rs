//! Rows and queries of registrations.

use crate::Tx;
use crate::batch::tray::Ended;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::events::instant_of;
use crate::people::{AccountRow, AttendeeRow, IS_SOMEBODY};
use crate::prepared::Prepared;
use crate::schema::{attendees, events, registrations, revoked_tickets, users, waitlist_entries};
use crate::transaction::{rows, uids};
use crate::waitlist::EntryRow;
use diesel::dsl::{not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{
    AttendeeId, EventId, Instant, Page, PageRequest, Position, RegistrationId, StoreError, TypedId, UserId,
};
use registration::{
    Participant, Registration, RegistrationFilter, RegistrationRepository, RegistrationStatus,
    RegistrationView, SeatHolder, Standing,
};

#[macro_use]
mod rows;
#[macro_use]
mod lists;
mod check_ins;
mod plans;
mod standings;

pub(crate) use lists::{
    OF_PUBLIC_EVENT, after_place, filtered, in_order, is_of_all, of_registrations, place, status_is,
};
use rows::into_seat_holder;
pub(crate) use rows::{RegistrationRow, into_view, view_columns};

const TABLE: &str = "registrations";

const CONFIRMED: &str = RegistrationStatus::Confirmed.as_str();
const ATTENDED: &str = RegistrationStatus::Attended.as_str();

/// The predicate of the partial index `registrations_one_live`, in its words.
pub(crate) const LIVE: &str = "registrations.status IN ('pending_payment', 'confirmed', 'attended')";
/// The predicate of the partial index `waitlist_entries_one_live`, in its words.
pub(crate) const LIVE_ENTRY: &str = "waitlist_entries.status IN ('waiting', 'offered')";

/// An account with what it has at an event.
pub(crate) type StandingRow = (
    AccountRow,
    Option<AttendeeRow>,
    Option<RegistrationRow>,
    Option<EntryRow>,
);

impl RegistrationRepository for Tx<'_> {
    fn find_standing_of_user(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<Standing>, StoreError> {
        let on_tray = self.tray.as_ref().map(|tray| tray.standing(event_id, user_id));
        if let Some(Ok(standing)) = on_tray {
            return Ok(standing);
        }
        let event = Uid::of(event_id);
        let row: Option<StandingRow> = self.run(|connection| {
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

    fn hold_standings_of_addresses(
        &mut self,
        event_id: EventId,
        email_keys: &[String],
    ) -> Result<Vec<(String, Standing)>, StoreError> {
        self.standings_of_addresses(event_id, email_keys)
    }

    fn find_registration(&mut self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        if let Some(Ok(view)) = self.tray.as_ref().map(|tray| tray.view(id)) {
            return Ok(view.map(|view| view.registration));
        }
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
        if let Some(Ok(view)) = self.tray.as_ref().map(|tray| tray.view(id)) {
            return Ok(view);
        }
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
        if let (Some(_), Some(first)) = (&self.tray, registrations.first()) {
            return self.lay_at(first.event_id, |to_write| {
                to_write.registrations.extend_from_slice(registrations);
            });
        }
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
        if self.tray.is_some() {
            let ended = Ended {
                id: registration.id,
                event_id: registration.event_id,
                attendee_id: registration.attendee_id,
                was: registration.status,
                status,
                at,
            };
            return self.lay_at(ended.event_id, |to_write| to_write.ended.push(ended));
        }
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
        let rows: Vec<(RegistrationRow, AttendeeRow)> =
            self.run(|connection| on!(connection, |c| next_seat_holders!(event_id, after, limit).load(c)))?;
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
        self.page_of_registrations(filter, page)
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
}
