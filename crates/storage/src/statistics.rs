//! What statistics count. Each query is served by an index alone, or groups one small table.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::messages::first_id_of;
use crate::schema::{events, outbox, registrations, users, waitlist_entries};
use crate::transaction::named;
use admin::{DayOfStatistics, JobStatus, Statistics, StatisticsSource};
use chrono::NaiveDate;
use diesel::dsl::{count_star, max, min, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use event::EventStatus;
use kernel::{EventId, Instant, StoreError, TypedId};
use registration::{RegistrationStatus, StatisticsRepository};
use std::collections::BTreeMap;

#[derive(QueryableByName)]
struct InSpan {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

#[derive(QueryableByName)]
struct InStatus {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn counted(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}

/// Where the instants are that are counted: a table, a column of it that an index begins with or has behind the
/// condition's, and the condition.
struct Counted<'a> {
    table: &'a str,
    column: &'a str,
    condition: String,
}

/// All registrations, by their ids: these begin with the time at which they were made, so that no index by time is needed.
/// Rows that something else wrote under ids of another kind, as seeds do, count for no day.
const ALL_BY_ID: Counted<'static> = Counted {
    table: "registrations",
    column: "id",
    condition: String::new(),
};

impl Counted<'_> {
    /// One row for each span, in their order, with how many fall into it. All that is put into the text are instants and
    /// ids of ours.
    fn query(&self, spans: &[(Instant, Instant)], is_postgres: bool) -> String {
        let instant = |at: &Instant| {
            if self.column == "id" {
                let id = first_id_of(*at);
                return if is_postgres {
                    format!("CAST('{id}' AS uuid)")
                } else {
                    format!("'{id}'")
                };
            }
            let text = at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            if is_postgres {
                format!("TIMESTAMPTZ '{text}'")
            } else {
                format!("'{text}'")
            }
        };
        let values: Vec<String> = spans
            .iter()
            .enumerate()
            .map(|(number, (from, to))| format!("({number}, {}, {})", instant(from), instant(to)))
            .collect();
        let Self {
            table,
            column,
            condition,
        } = self;
        format!(
            "WITH spans(number, since, until) AS (VALUES {}) \
             SELECT (SELECT count(*) FROM {table} WHERE {condition}{column} >= since AND {column} < until) AS rows \
             FROM spans ORDER BY number",
            values.join(", ")
        )
    }

    fn of_event(event_id: EventId) -> Self {
        Self {
            table: "registrations",
            column: "registered_at",
            condition: format!("event_id = '{}' AND ", event_id.uuid()),
        }
    }
}

impl Tx<'_> {
    fn count_in_spans(
        &mut self,
        of: &Counted<'_>,
        spans: &[(Instant, Instant)],
    ) -> Result<Vec<u64>, StoreError> {
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<InSpan> = self.run(|connection| {
            let query = of.query(spans, matches!(connection, DbConn::Postgres(_)));
            on!(connection, |c| diesel::sql_query(&query).load(c))
        })?;
        Ok(rows.into_iter().map(|row| counted(row.rows)).collect())
    }

    fn count_by_status(&mut self, query: &str) -> Result<BTreeMap<String, u64>, StoreError> {
        let rows: Vec<InStatus> =
            self.run(|connection| on!(connection, |c| diesel::sql_query(query).load(c)))?;
        Ok(rows
            .into_iter()
            .map(|row| (row.status, counted(row.rows)))
            .collect())
    }

    /// How the database answers what statistics ask, for tests that look whether an index serves it.
    pub fn explain_statistics(
        &mut self,
        event_id: EventId,
        now: Instant,
    ) -> Result<Vec<(&'static str, String)>, StoreError> {
        let span = [(now - chrono::TimeDelta::days(1), now)];
        let asked = |is_postgres| {
            let of = |table, column| Counted {
                table,
                column,
                condition: String::new(),
            };
            [
                ("registrations of an event", of_event(event_id, Standing::Any)),
                (
                    "registrations of an event by status",
                    of_event(event_id, Standing::NotConfirmed),
                ),
                (
                    "registrations of an event by day",
                    Counted::of_event(event_id).query(&span, is_postgres),
                ),
                ("registrations by status", NOT_CONFIRMED.to_owned()),
                ("messages by status", MESSAGES.to_owned()),
                ("registrations by day", ALL_BY_ID.query(&span, is_postgres)),
                (
                    "check-ins by day",
                    of("registrations", "checked_in_at").query(&span, is_postgres),
                ),
                (
                    "sign-ups by day",
                    of("users", "created_at").query(&span, is_postgres),
                ),
            ]
        };
        let is_postgres = self.run(|connection| Ok(matches!(connection, DbConn::Postgres(_))))?;
        let mut plans = Vec::new();
        for (what, query) in asked(is_postgres) {
            plans.push((what, self.explain_text(&query)?));
        }
        Ok(plans)
    }
}

/// By the partial index `registrations_by_status`. Most are confirmed: what is left of all.
const NOT_CONFIRMED: &str =
    "SELECT status, count(*) AS rows FROM registrations WHERE status <> 'confirmed' GROUP BY status";
const MESSAGES: &str =
    "SELECT status, count(*) AS rows FROM outbox WHERE channel = 'message' GROUP BY status";

/// Which registrations of an event are counted.
#[derive(Clone, Copy)]
enum Standing {
    /// All, by `registrations_by_event`.
    Any,
    /// Those that something became of, by the partial index `registrations_by_event_and_status`.
    NotConfirmed,
}

fn of_event(event_id: EventId, standing: Standing) -> String {
    let id = event_id.uuid();
    match standing {
        Standing::Any => {
            format!("SELECT 'all' AS status, count(*) AS rows FROM registrations WHERE event_id = '{id}'")
        }
        Standing::NotConfirmed => format!(
            "SELECT status, count(*) AS rows FROM registrations WHERE event_id = '{id}' AND status <> 'confirmed' \
             GROUP BY status"
        ),
    }
}

/// What the others leave of all is confirmed.
fn with_confirmed(mut others: BTreeMap<String, u64>, all: u64) -> BTreeMap<String, u64> {
    let rest = all.saturating_sub(others.values().sum());
    if rest > 0 {
        others.insert(RegistrationStatus::Confirmed.as_str().to_owned(), rest);
    }
    others
}

impl StatisticsRepository for Tx<'_> {
    fn count_registrations_of(
        &mut self,
        event_id: EventId,
    ) -> Result<Vec<(RegistrationStatus, u64)>, StoreError> {
        let all = self.count_by_status(&of_event(event_id, Standing::Any))?;
        let others = self.count_by_status(&of_event(event_id, Standing::NotConfirmed))?;
        with_confirmed(others, all.values().sum())
            .into_iter()
            .map(|(status, rows)| {
                let event = Uid::of(event_id);
                let status = named(
                    "registrations",
                    event,
                    "status",
                    &status,
                    RegistrationStatus::from_name,
                )?;
                Ok((status, rows))
            })
            .collect()
    }

    fn count_promoted(&mut self, event_id: EventId) -> Result<u64, StoreError> {
        let count: i64 = self.run(|connection| {
            on!(connection, |c| waitlist_entries::table
                .filter(waitlist_entries::event_id.eq(Uid::of(event_id)))
                .filter(waitlist_entries::status.eq("promoted"))
                .count()
                .get_result(c))
        })?;
        Ok(counted(count))
    }

    fn first_and_last_registration(
        &mut self,
        event_id: EventId,
    ) -> Result<Option<(Instant, Instant)>, StoreError> {
        let of_event = registrations::table.filter(registrations::event_id.eq(Uid::of(event_id)));
        // One at a time: each is an end of the index, both together would be all of it.
        let (first, last): (Option<Ts>, Option<Ts>) = self.run(|connection| {
            on!(connection, |c| Ok((
                of_event.select(min(registrations::registered_at)).first(c)?,
                of_event.select(max(registrations::registered_at)).first(c)?,
            )))
        })?;
        Ok(first.zip(last).map(|(first, last)| (first.0, last.0)))
    }

    fn count_registrations_in(
        &mut self,
        event_id: EventId,
        spans: &[(Instant, Instant)],
    ) -> Result<Vec<u64>, StoreError> {
        self.count_in_spans(&Counted::of_event(event_id), spans)
    }
}

impl StatisticsSource for Tx<'_> {
    fn count_all(&mut self, now: Instant) -> Result<Statistics, StoreError> {
        let users: Vec<(String, i64)> = self.run(|connection| {
            on!(connection, |c| users::table
                .filter(users::erased_at.is_null())
                .group_by(users::status)
                .select((users::status, count_star()))
                .load(c))
        })?;
        // A published event is completed from its end on, before the sweep writes it.
        let over: i64 = self.run(|connection| {
            on!(connection, |c| events::table
                .filter(sql::<Bool>("status = 'published'"))
                .filter(events::ends_at.le(Ts(now)))
                .count()
                .get_result(c))
        })?;
        let mut events =
            self.count_by_status("SELECT status, count(*) AS rows FROM events GROUP BY status")?;
        let over = counted(over).min(events.get("published").copied().unwrap_or(0));
        if over > 0 {
            *events.entry("published".to_owned()).or_default() -= over;
            *events.entry("completed".to_owned()).or_default() += over;
        }
        let mut messages = self.count_by_status(MESSAGES)?;
        let lapsed: i64 = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(sql::<Bool>("channel = 'message'"))
                .filter(outbox::status.eq("dead"))
                .filter(outbox::wiped_at.is_not_null())
                .count()
                .get_result(c))
        })?;
        let lapsed = counted(lapsed).min(messages.get("dead").copied().unwrap_or(0));
        if lapsed > 0 {
            *messages.entry("dead".to_owned()).or_default() -= lapsed;
        }
        messages.insert("lapsed".to_owned(), lapsed);
        let all = |names: &[&str], counts: BTreeMap<String, u64>| {
            let mut whole: BTreeMap<String, u64> = names.iter().map(|name| ((*name).to_owned(), 0)).collect();
            whole.extend(counts);
            whole
        };
        let users = users
            .into_iter()
            .map(|(status, rows)| (status, counted(rows)))
            .collect();
        let all_registrations = counted(self.count_rows("registrations")?);
        let registrations = with_confirmed(self.count_by_status(NOT_CONFIRMED)?, all_registrations);
        let waiting = self.count_rows("waitlist_entries WHERE status = 'waiting'")?;
        let attendees = self.count_rows("attendees")?;
        Ok(Statistics {
            counted_at: now,
            users: all(&["active", "suspended"], users),
            attendees: counted(attendees),
            events: all(&EventStatus::ALL.map(EventStatus::as_str), events),
            registrations: all(
                &RegistrationStatus::ALL.map(RegistrationStatus::as_str),
                registrations,
            ),
            waiting: counted(waiting),
            messages: all(&JobStatus::ALL.map(JobStatus::as_str), messages),
            days: Vec::new(),
        })
    }

    fn count_days(
        &mut self,
        days: &[(NaiveDate, Instant, Instant)],
    ) -> Result<Vec<DayOfStatistics>, StoreError> {
        let spans: Vec<(Instant, Instant)> = days.iter().map(|(_, from, to)| (*from, *to)).collect();
        let mut count = |table, column| {
            let of = Counted {
                table,
                column,
                condition: String::new(),
            };
            self.count_in_spans(&of, &spans)
        };
        let sign_ups = count("users", "created_at")?;
        let check_ins = count("registrations", "checked_in_at")?;
        let registrations = self.count_in_spans(&ALL_BY_ID, &spans)?;
        let counts = sign_ups.into_iter().zip(registrations).zip(check_ins);
        Ok(days
            .iter()
            .zip(counts)
            .map(
                |((date, ..), ((sign_ups, registrations), check_ins))| DayOfStatistics {
                    date: *date,
                    sign_ups,
                    registrations,
                    check_ins,
                },
            )
            .collect())
    }
}
