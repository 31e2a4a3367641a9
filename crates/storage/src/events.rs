//! Queries of events.

mod rows;

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::prepared::Prepared;
use crate::schema::{event_staff, events, users};
use crate::transaction::{named, rows as rows_of};
use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use event::{
    Event, EventFilter, EventRepository, EventSeats, EventSort, EventStatus, SeatChange, StaffRole,
    Visibility,
};
use kernel::{EventId, Instant, Page, PageRequest, Position, StoreError, TypedId, UserId, like_pattern};
pub(crate) use rows::SeatsRow;
use rows::{EventRow, date};
use user::PersonName;

/// So many events are completed in one transaction at the most; the others in the next sweep.
const COMPLETED_AT_ONCE: i64 = 200;

/// Adds the filters of a list of events to a boxed query.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let (mut query, filter) = ($query, $filter);
        // A draft that was called off was never announced, and stays as private as it was.
        let public = events::status.ne("draft").and(
            events::status
                .ne("cancelled")
                .or(events::published_at.is_not_null()),
        );
        query = match filter.visibility {
            Visibility::All => query,
            Visibility::Public => query.filter(public),
            Visibility::AndPrivateOf { user_id, organizes } => {
                let managed = managed_by(user_id);
                if organizes {
                    query.filter(
                        public
                            .or(events::organizer_id.eq(Uid::of(user_id)))
                            .or(events::id.eq_any(managed)),
                    )
                } else {
                    query.filter(public.or(events::id.eq_any(managed)))
                }
            }
        };
        if let Some(text) = &filter.text {
            query = query.filter(events::search_key.like(like_pattern(text)).escape('\\'));
        }
        if let Some(place) = &filter.location {
            query = query.filter(events::place_key.like(like_pattern(place)).escape('\\'));
        }
        if let Some(from) = filter.from {
            query = query.filter(events::local_date.ge(date(from)));
        }
        if let Some(to) = filter.to {
            query = query.filter(events::local_date.le(date(to)));
        }
        if let Some(format) = filter.format {
            query = query.filter(events::format.eq(format.as_str()));
        }
        if let Some(organizer) = filter.organizer_id {
            query = query.filter(events::organizer_id.eq(Uid::of(organizer)));
        }
        if let Some(user_id) = filter.run_by {
            let organizes = events::organizer_id.eq(Uid::of(user_id));
            query = query.filter(organizes.or(events::id.eq_any(managed_by(user_id))));
        }
        // A published event is completed from its end on, before the sweep writes it.
        let over = events::ends_at.le(Ts(filter.now));
        query = match filter.status {
            None => query,
            Some(EventStatus::Published) => query.filter(
                events::status
                    .eq("published")
                    .and(events::ends_at.gt(Ts(filter.now))),
            ),
            Some(EventStatus::Completed) => query.filter(
                events::status
                    .eq("completed")
                    .or(events::status.eq("published").and(over)),
            ),
            Some(status) => query.filter(events::status.eq(status.as_str())),
        };
        if let Some(has_seats) = filter.has_seats {
            let left = (events::capacity - events::seats_taken).gt(events::waitlist_length);
            query = if has_seats {
                query.filter(left)
            } else {
                query.filter(diesel::dsl::not(left))
            };
        }
        query
    }};
}

/// The events of whose staff a person is a manager.
#[diesel::dsl::auto_type]
fn managed_by(user_id: UserId) -> _ {
    let user: Uid = Uid::of(user_id);
    let manager: &'static str = StaffRole::Manager.as_str();
    event_staff::table
        .filter(event_staff::user_id.eq(user))
        .filter(event_staff::role.eq(manager))
        .select(event_staff::event_id)
}

impl EventRepository for Tx<'_> {
    fn find_event(&mut self, id: EventId) -> Result<Option<Event>, StoreError> {
        let row: Option<(EventRow, String)> = self.run(|connection| {
            on!(connection, |c| events::table
                .inner_join(users::table)
                .filter(events::id.eq(Uid::of(id)))
                .select((EventRow::as_select(), users::name))
                .first(c)
                .optional())
        })?;
        let Some((row, organizer)) = row else {
            return Ok(None);
        };
        let speaker = row.speaker_id;
        let event = row.into_event(organizer)?;
        self.with_speaker(event, speaker).map(Some)
    }

    fn lock_event(&mut self, id: EventId) -> Result<Option<Event>, StoreError> {
        let guarded = self.is_guarded();
        let event = events::table.find(Uid::of(id));
        let row = self.run(|connection| match connection {
            DbConn::Postgres(c) if guarded => event
                .select(EventRow::as_select())
                .for_update()
                .first(c)
                .optional(),
            connection => on!(connection, |c| event
                .select(EventRow::as_select())
                .first(c)
                .optional()),
        })?;
        let Some(row) = row else { return Ok(None) };
        let organizer = self
            .find_organizer_name(row.organizer_id.typed())?
            .unwrap_or_else(|| PersonName::erased().as_str().to_owned());
        let speaker = row.speaker_id;
        let event = row.into_event(organizer)?;
        self.with_speaker(event, speaker).map(Some)
    }

    fn lock_event_seats(&mut self, id: EventId) -> Result<Option<EventSeats>, StoreError> {
        if let Some(Ok(seats)) = self.tray.as_ref().map(|tray| tray.seats(id)) {
            return Ok(seats);
        }
        let guarded = self.is_guarded();
        let event = events::table.find(Uid::of(id));
        let row = self.run(|connection| match connection {
            DbConn::Postgres(c) if guarded => event
                .select(SeatsRow::as_select())
                .for_update()
                .first(c)
                .optional(),
            connection => on!(connection, |c| event
                .select(SeatsRow::as_select())
                .first(c)
                .optional()),
        })?;
        row.map(SeatsRow::into_seats).transpose()
    }

    fn list_events(&mut self, filter: &EventFilter, page: PageRequest) -> Result<Page<Event>, StoreError> {
        let total = if page.include_total {
            Some(self.count_events(filter)?)
        } else {
            None
        };
        let rows: Vec<(EventRow, String)> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = filtered!(
                    events::table
                        .inner_join(users::table)
                        .select((EventRow::as_select(), users::name))
                        .into_boxed(),
                    filter
                );
                if let Some(after) = page.after {
                    let (at, id) = (Ts(instant_of(after)), Uid(after.id));
                    query = match filter.sort {
                        EventSort::StartsAt => query.filter(
                            events::starts_at
                                .ge(at)
                                .and(events::starts_at.gt(at).or(events::id.gt(id))),
                        ),
                        EventSort::StartsAtDescending => query.filter(
                            events::starts_at
                                .le(at)
                                .and(events::starts_at.lt(at).or(events::id.lt(id))),
                        ),
                        EventSort::CreatedAt => query.filter(
                            events::created_at
                                .ge(at)
                                .and(events::created_at.gt(at).or(events::id.gt(id))),
                        ),
                        EventSort::CreatedAtDescending => query.filter(
                            events::created_at
                                .le(at)
                                .and(events::created_at.lt(at).or(events::id.lt(id))),
                        ),
                    };
                }
                query = match filter.sort {
                    EventSort::StartsAt => query.order((events::starts_at.asc(), events::id.asc())),
                    EventSort::StartsAtDescending => {
                        query.order((events::starts_at.desc(), events::id.desc()))
                    }
                    EventSort::CreatedAt => query.order((events::created_at.asc(), events::id.asc())),
                    EventSort::CreatedAtDescending => {
                        query.order((events::created_at.desc(), events::id.desc()))
                    }
                };
                query.limit(i64::from(page.limit) + 1).load(c)
            })
        })?;
        let events = rows
            .into_iter()
            .map(|(row, organizer)| {
                let speaker = row.speaker_id;
                Ok((row.into_event(organizer)?, speaker))
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let events = self.with_speakers(events)?;
        Ok(Page::from_surplus(events, page, total, |event| Position {
            value: match filter.sort {
                EventSort::StartsAt | EventSort::StartsAtDescending => {
                    event.details.starts_at.timestamp_micros()
                }
                EventSort::CreatedAt | EventSort::CreatedAtDescending => event.created_at.timestamp_micros(),
            },
            id: event.id.uuid(),
        }))
    }

    fn insert_event(&mut self, event: &Event) -> Result<(), StoreError> {
        let row = EventRow::of(event);
        self.hold_account(event.organizer.id)?;
        self.touch_event(event.id);
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(events::table)
                .values(&row)
                .execute(c))
        })?;
        Ok(())
    }

    fn update_event(&mut self, event: &Event) -> Result<(), StoreError> {
        let row = EventRow::of(event);
        let id = row.id;
        let details = (
            events::status.eq(row.status),
            events::title.eq(row.title),
            events::description.eq(row.description),
            events::agenda.eq(row.agenda),
            events::search_key.eq(row.search_key),
            events::format.eq(row.format),
            events::location.eq(row.location),
            events::place_key.eq(row.place_key),
            events::stream_url.eq(row.stream_url),
            events::starts_at.eq(row.starts_at),
            events::ends_at.eq(row.ends_at),
            events::time_zone.eq(row.time_zone),
            events::local_date.eq(row.local_date),
            events::capacity.eq(row.capacity),
            events::waitlist_enabled.eq(row.waitlist_enabled),
        );
        let rest = (
            events::fee_amount.eq(row.fee_amount),
            events::fee_currency.eq(row.fee_currency),
            events::refund_until_hours.eq(row.refund_until_hours),
            events::registration_opens_at.eq(row.registration_opens_at),
            events::registration_closes_at.eq(row.registration_closes_at),
            events::voting_opens_at.eq(row.voting_opens_at),
            events::voting_closes_at.eq(row.voting_closes_at),
            events::live_results.eq(row.live_results),
            events::edit_version.eq(row.edit_version),
            events::published_at.eq(row.published_at),
            events::updated_at.eq(row.updated_at),
        );
        self.touch_event(event.id);
        self.run(|connection| {
            on!(connection, |c| diesel::update(events::table.find(id))
                .set((details, rest))
                .execute(c))
        })?;
        Ok(())
    }

    fn hand_over_event(&mut self, id: EventId, to: UserId) -> Result<(), StoreError> {
        self.hold_account(to)?;
        self.touch_event(id);
        self.run(|connection| {
            on!(connection, |c| diesel::update(events::table.find(Uid::of(id)))
                .set(events::organizer_id.eq(Uid::of(to)))
                .execute(c))
        })?;
        Ok(())
    }

    fn set_cancelled(&mut self, id: EventId, at: Instant, reason: Option<&str>) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(events::table.find(Uid::of(id)))
                .set((events::cancelled_at.eq(Ts(at)), events::cancel_reason.eq(reason)))
                .execute(c))
        })?;
        Ok(())
    }

    fn change_seats(&mut self, seats: &mut EventSeats, change: SeatChange) -> Result<(), StoreError> {
        let beyond = StoreError::Internal(format!(
            "the seats of event {} would leave their bounds",
            seats.id
        ));
        if let Some(tray) = &mut self.tray {
            match tray.change_seats(seats.id, change) {
                Some(true) => {}
                Some(false) => return Err(beyond),
                None => return self.run(|_| Ok(())),
            }
        } else {
            self.write_change_of_seats(seats.id, change, beyond)?;
        }
        self.touch_seats(seats.id);
        seats.taken = seats.taken.saturating_add_signed(change.taken);
        seats.waiting = seats.waiting.saturating_add_signed(change.waiting);
        seats.next_rank += change.ranks;
        Ok(())
    }

    fn find_event_at(
        &mut self,
        place_key: &str,
        local_date: NaiveDate,
        except: EventId,
    ) -> Result<Option<EventId>, StoreError> {
        let id: Option<Uid> = self.run(|connection| {
            on!(connection, |c| events::table
                .filter(events::place_key.eq(place_key))
                .filter(events::local_date.eq(date(local_date)))
                .filter(sql::<Bool>(
                    "status IN ('published', 'completed') AND place_key IS NOT NULL"
                ))
                .filter(events::id.ne(Uid::of(except)))
                .select(events::id)
                .first(c)
                .optional())
        })?;
        Ok(id.map(Uid::typed))
    }

    fn delete_event(&mut self, id: EventId) -> Result<(), StoreError> {
        self.touch_event(id);
        self.run(|connection| {
            on!(connection, |c| diesel::delete(events::table.find(Uid::of(id)))
                .execute(c))
        })?;
        Ok(())
    }

    fn complete_events(&mut self, now: Instant) -> Result<u64, StoreError> {
        let ended = events::status.eq("published").and(events::ends_at.le(Ts(now)));
        let ids: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| events::table
                .filter(ended)
                .order(events::id)
                .limit(COMPLETED_AT_ONCE)
                .select(events::id)
                .load(c))
        })?;
        let mut completed = 0;
        // One by one: a single UPDATE would lock the rows in any order.
        for id in ids {
            let changed = self.run(|connection| {
                on!(connection, |c| diesel::update(
                    events::table.find(id).filter(ended)
                )
                .set((
                    events::status.eq("completed"),
                    events::edit_version.eq(events::edit_version + 1)
                ))
                .execute(c))
            })?;
            if changed == 1 {
                completed += 1;
                self.touch_event(id.typed());
            }
        }
        Ok(completed)
    }

    fn ids_of_events_of(&mut self, organizer: UserId) -> Result<Vec<EventId>, StoreError> {
        let ids: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| events::table
                .filter(events::organizer_id.eq(Uid::of(organizer)))
                .select(events::id)
                .load(c))
        })?;
        Ok(ids.into_iter().map(Uid::typed).collect())
    }

    fn find_staff_role(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<StaffRole>, StoreError> {
        let role: Option<String> = self.run(|connection| {
            on!(connection, |c| event_staff::table
                .find((Uid::of(event_id), Uid::of(user_id)))
                .select(event_staff::role)
                .first(c)
                .optional())
        })?;
        role.map(|role| {
            named(
                "event_staff",
                Uid::of(event_id),
                "role",
                &role,
                StaffRole::from_name,
            )
        })
        .transpose()
    }

    fn manages_any_event(&mut self, user_id: UserId) -> Result<bool, StoreError> {
        let managed = diesel::dsl::exists(managed_by(user_id));
        self.run(|connection| on!(connection, |c| diesel::select(managed).get_result(c)))
    }

    fn copy_staff(&mut self, from: EventId, to: &Event, at: Instant) -> Result<u32, StoreError> {
        let helpers: Vec<(Uid, String)> = self.run(|connection| {
            on!(connection, |c| event_staff::table
                .filter(event_staff::event_id.eq(Uid::of(from)))
                .filter(event_staff::user_id.ne(Uid::of(to.organizer.id)))
                .order(event_staff::user_id)
                .select((event_staff::user_id, event_staff::role))
                .load(c))
        })?;
        for (user_id, role) in &helpers {
            self.hold_account(user_id.typed())?;
            let row = (
                event_staff::event_id.eq(Uid::of(to.id)),
                event_staff::user_id.eq(user_id),
                event_staff::role.eq(role),
                event_staff::added_by.eq(Uid::of(to.organizer.id)),
                event_staff::added_at.eq(Ts(at)),
            );
            self.run(|connection| {
                on!(connection, |c| diesel::insert_into(event_staff::table)
                    .values(row)
                    .execute(c))
            })?;
        }
        Ok(rows_of(helpers.len()))
    }

    fn find_organizer_name(&mut self, id: UserId) -> Result<Option<String>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| users::table
                .find(Uid::of(id))
                .filter(users::erased_at.is_null())
                .select(users::name)
                .first(c)
                .optional())
        })
    }
}

impl Tx<'_> {
    /// Within the bounds, or not at all.
    fn write_change_of_seats(
        &mut self,
        id: EventId,
        change: SeatChange,
        beyond: StoreError,
    ) -> Result<(), StoreError> {
        let id = Uid::of(id);
        let guarded = self.is_guarded();
        self.let_others_in();
        let set = (
            events::seats_taken.eq(events::seats_taken + change.taken),
            events::waitlist_length.eq(events::waitlist_length + change.waiting),
            events::next_rank.eq(events::next_rank + change.ranks),
            events::seats_version.eq(events::seats_version + 1),
        );
        let within = (events::seats_taken + change.taken)
            .between(0.into_sql::<diesel::sql_types::Integer>(), events::capacity);
        let changed = self.run(|connection| {
            on!(connection, |c| if guarded {
                Prepared(
                    diesel::update(events::table.find(id).filter(within))
                        .set(set)
                        .returning(events::id),
                )
                .load::<Uid>(c)
                .map(|changed| changed.len())
            } else {
                diesel::update(events::table.find(id)).set(set).execute(c)
            })
        })?;
        if changed == 1 { Ok(()) } else { Err(beyond) }
    }

    fn count_events(&mut self, filter: &EventFilter) -> Result<u64, StoreError> {
        let total: i64 = self.run(|connection| {
            on!(connection, |c| {
                let query = filtered!(events::table.inner_join(users::table).into_boxed(), filter);
                query.count().get_result(c)
            })
        })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }
}

/// The instant of a cursor's place in a list that is sorted by one.
pub(crate) fn instant_of(position: Position) -> Instant {
    // Cursors and filters come from outside: PostgreSQL refuses an instant before 4713 BC, and text of another length
    // sorts wrongly.
    const LAST_OF_9999: i64 = 253_402_300_799_999_999;
    chrono::DateTime::from_timestamp_micros(position.value.clamp(0, LAST_OF_9999)).unwrap_or_default()
}

/// The instant, or the nearest one that both databases can compare with theirs.
pub(crate) fn within_calendar(instant: Instant) -> Instant {
    instant_of(Position {
        value: instant.timestamp_micros(),
        id: uuid::Uuid::nil(),
    })
}
