//! Rows and queries of events.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::prepared::Prepared;
use crate::schema::{events, users};
use crate::transaction::{count, named, parsed};
use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use event::{
    Event, EventDetails, EventFilter, EventFormat, EventRepository, EventSeats, EventSort, EventStatus,
    Organizer, SeatChange, StreamStatus, Visibility,
};
use kernel::{
    EventId, Instant, Money, Page, PageRequest, Position, StoreError, TypedId, UserId, like_pattern,
};

const TABLE: &str = "events";

/// Adds the filters of a list of events to a boxed query.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let (mut query, filter) = ($query, $filter);
        query = match filter.visibility {
            Visibility::All => query,
            Visibility::Public => query.filter(events::status.ne("draft")),
            Visibility::AndDraftsOf(organizer) => query.filter(
                events::status
                    .ne("draft")
                    .or(events::organizer_id.eq(Uid::of(organizer))),
            ),
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

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct EventRow {
    id: Uid,
    organizer_id: Uid,
    status: String,
    title: String,
    description: Option<String>,
    agenda: Option<String>,
    search_key: String,
    format: String,
    location: Option<String>,
    place_key: Option<String>,
    stream_url: Option<String>,
    stream_status: String,
    starts_at: Ts,
    ends_at: Ts,
    time_zone: String,
    local_date: String,
    capacity: i32,
    seats_taken: i32,
    waitlist_enabled: bool,
    waitlist_length: i32,
    next_rank: i64,
    fee_amount: i64,
    fee_currency: Option<String>,
    refund_until_hours: i32,
    registration_opens_at: Option<Ts>,
    registration_closes_at: Option<Ts>,
    voting_opens_at: Option<Ts>,
    voting_closes_at: Option<Ts>,
    live_results: bool,
    edit_version: i64,
    seats_version: i64,
    published_at: Option<Ts>,
    created_at: Ts,
    updated_at: Ts,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct SeatsRow {
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
}

fn date(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

fn signed(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl EventRow {
    fn of(event: &Event) -> Self {
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
        }
    }

    fn into_event(self, organizer_name: String) -> Result<Event, StoreError> {
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
    fn into_seats(self) -> Result<EventSeats, StoreError> {
        let row = self.id;
        Ok(EventSeats {
            id: row.typed(),
            organizer_id: self.organizer_id.typed(),
            status: named(TABLE, row, "status", &self.status, EventStatus::from_name)?,
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
        row.map(|(row, organizer)| row.into_event(organizer)).transpose()
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
            .unwrap_or_default();
        row.into_event(organizer).map(Some)
    }

    fn lock_event_seats(&mut self, id: EventId) -> Result<Option<EventSeats>, StoreError> {
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
            .map(|(row, organizer)| row.into_event(organizer))
            .collect::<Result<Vec<_>, _>>()?;
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

    fn set_cancelled(&mut self, id: EventId, at: Instant, reason: Option<&str>) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(events::table.find(Uid::of(id)))
                .set((events::cancelled_at.eq(Ts(at)), events::cancel_reason.eq(reason)))
                .execute(c))
        })?;
        Ok(())
    }

    fn change_seats(&mut self, seats: &mut EventSeats, change: SeatChange) -> Result<(), StoreError> {
        let id = Uid::of(seats.id);
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
        if changed != 1 {
            return Err(StoreError::Internal(format!(
                "the seats of event {} would leave their bounds",
                seats.id
            )));
        }
        self.touch_event(seats.id);
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
        let ended: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| diesel::update(events::table.filter(
                events::status.eq("published").and(events::ends_at.le(Ts(now)))
            ))
            .set((
                events::status.eq("completed"),
                events::edit_version.eq(events::edit_version + 1)
            ))
            .returning(events::id)
            .get_results(c))
        })?;
        for id in &ended {
            self.touch_event(id.typed());
        }
        Ok(ended.len() as u64)
    }

    fn find_organizer_name(&mut self, id: UserId) -> Result<Option<String>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| users::table
                .find(Uid::of(id))
                .select(users::name)
                .first(c)
                .optional())
        })
    }
}

impl Tx<'_> {
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
    // A cursor comes from outside: PostgreSQL refuses an instant before 4713 BC, and text of another length sorts wrongly.
    const LAST_OF_9999: i64 = 253_402_300_799_999_999;
    chrono::DateTime::from_timestamp_micros(position.value.clamp(0, LAST_OF_9999)).unwrap_or_default()
}
