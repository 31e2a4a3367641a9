//! The newest attendees of many events, each event's from an index of its own. They are asked for in one statement, which
//! the two databases spell differently.

use crate::columns::{Uid, sql::Id};
use crate::connection::DbConn;
use crate::explain::Explain;
use crate::registrations::{LIVE, LIVE_ENTRY};
use crate::schema::{registrations, waitlist_entries};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};

/// The predicates of `registrations_ended` and `waitlist_entries_ended`, in their words.
pub(crate) const ENDED: &str = "registrations.status IN ('cancelled', 'expired')";
const ENDED_ENTRY: &str = "waitlist_entries.status NOT IN ('waiting', 'offered')";

/// Where somebody can be at an event: each has an index by event and attendee.
const PLACES: [(&str, &str); 4] = [
    ("registrations", LIVE),
    ("registrations", ENDED),
    ("waitlist_entries", LIVE_ENTRY),
    ("waitlist_entries", ENDED_ENTRY),
];

/// What is wanted of each event.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OfEvent {
    /// The newest attendee alone.
    Head,
    /// So many of the newest.
    First(usize),
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Id)]
    event_id: Uid,
    #[diesel(sql_type = Nullable<Id>)]
    attendee_id: Option<Uid>,
}

/// The newest attendees of each of these events beneath an id, with the events, in no order and some of them twice.
pub(crate) fn top_of_events(
    connection: &mut DbConn,
    events: &[Uid],
    before: Uid,
    wanted: OfEvent,
) -> QueryResult<Vec<(Uid, Uid)>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let most = match wanted {
        OfEvent::Head => 1,
        OfEvent::First(most) => i64::try_from(most).unwrap_or(i64::MAX),
    };
    let found: Vec<Found> = match connection {
        DbConn::Postgres(c) => diesel::sql_query(of_postgres())
            .bind::<Array<Id>, _>(events)
            .bind::<Id, _>(before)
            .bind::<BigInt, _>(most)
            .load(c)?,
        DbConn::Sqlite(c) => match wanted {
            OfEvent::Head => diesel::sql_query(heads_of_sqlite())
                .bind::<Text, _>(list(events))
                .bind::<Id, _>(before)
                .load(c)?,
            OfEvent::First(_) => return first_of_sqlite(c, events, before, most),
        },
    };
    let mut newest: Vec<(Uid, Uid)> = found
        .into_iter()
        .filter_map(|row| Some((row.event_id, row.attendee_id?)))
        .collect();
    if matches!(wanted, OfEvent::Head) {
        newest.sort_unstable();
        newest.reverse();
        newest.dedup_by_key(|(event, _)| *event);
    }
    Ok(newest)
}

/// How the database goes about [`top_of_events`].
pub(crate) fn plan_of_top(connection: &mut DbConn, events: &[Uid], before: Uid) -> QueryResult<String> {
    match connection {
        DbConn::Postgres(c) => {
            let query = diesel::sql_query(of_postgres())
                .bind::<Array<Id>, _>(events)
                .bind::<Id, _>(before)
                .bind::<BigInt, _>(26);
            let lines: Vec<String> = Explain::postgres(query).load(c)?;
            Ok(lines.join("\n"))
        }
        DbConn::Sqlite(c) => {
            let query = diesel::sql_query(heads_of_sqlite())
                .bind::<Text, _>(list(events))
                .bind::<Id, _>(before);
            let steps: Vec<(i32, i32, i32, String)> = Explain::sqlite(query).load(c)?;
            let steps: Vec<String> = steps.into_iter().map(|(.., step)| step).collect();
            Ok(steps.join("\n"))
        }
    }
}

fn of_postgres() -> String {
    let places: Vec<String> = PLACES
        .iter()
        .map(|(table, state)| {
            format!(
                "(SELECT attendee_id FROM {table} WHERE {table}.event_id = e.id AND {state} \
                 AND attendee_id < $2 ORDER BY attendee_id DESC LIMIT $3)"
            )
        })
        .collect();
    format!(
        "SELECT e.id AS event_id, found.attendee_id FROM unnest($1) AS e(id) CROSS JOIN LATERAL ({}) found",
        places.join(" UNION ALL ")
    )
}

fn heads_of_sqlite() -> String {
    let places: Vec<String> = PLACES
        .iter()
        .map(|(table, state)| {
            format!(
                "SELECT e.value AS event_id, (SELECT attendee_id FROM {table} WHERE {table}.event_id = e.value \
                 AND {state} AND attendee_id < ?2 ORDER BY attendee_id DESC LIMIT 1) AS attendee_id \
                 FROM json_each(?1) e"
            )
        })
        .collect();
    places.join(" UNION ALL ")
}

/// The ids as a JSON array.
fn list(ids: &[Uid]) -> String {
    let texts: Vec<String> = ids.iter().map(|id| id.0.hyphenated().to_string()).collect();
    serde_json::json!(texts).to_string()
}

fn first_of_sqlite(
    connection: &mut SqliteConnection,
    events: &[Uid],
    before: Uid,
    most: i64,
) -> QueryResult<Vec<(Uid, Uid)>> {
    let mut found = Vec::new();
    for event in events {
        for state in [LIVE, ENDED] {
            let ids = registrations::table
                .filter(registrations::event_id.eq(event))
                .filter(sql::<Bool>(state))
                .filter(registrations::attendee_id.lt(before))
                .order(registrations::attendee_id.desc())
                .limit(most)
                .select(registrations::attendee_id)
                .load::<Uid>(connection)?;
            found.extend(ids.into_iter().map(|id| (*event, id)));
        }
        for state in [LIVE_ENTRY, ENDED_ENTRY] {
            let ids = waitlist_entries::table
                .filter(waitlist_entries::event_id.eq(event))
                .filter(sql::<Bool>(state))
                .filter(waitlist_entries::attendee_id.lt(before))
                .order(waitlist_entries::attendee_id.desc())
                .limit(most)
                .select(waitlist_entries::attendee_id)
                .load::<Uid>(connection)?;
            found.extend(ids.into_iter().map(|id| (*event, id)));
        }
    }
    Ok(found)
}
