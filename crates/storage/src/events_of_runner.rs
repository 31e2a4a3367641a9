//! The newest attendees of many events, each event's from an index of its own. They are asked for in one statement, which
//! the two databases spell differently.

use crate::columns::{Uid, sql::Id};
use crate::connection::DbConn;
use crate::explain::Explain;
use crate::prepared::Prepared;
use crate::registrations::{LIVE, LIVE_ENTRY};
use crate::schema::{registrations, waitlist_entries};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The predicates of `registrations_ended` and `waitlist_entries_ended`, in their words.
pub(crate) const ENDED: &str = "registrations.status IN ('cancelled', 'expired')";
const ENDED_ENTRY: &str = "waitlist_entries.status NOT IN ('waiting', 'offered')";

/// Where somebody can be at an event: each has an index by event and attendee.
pub(crate) const PLACES: [(&str, &str); 4] = [
    ("registrations", LIVE),
    ("registrations", ENDED),
    ("waitlist_entries", LIVE_ENTRY),
    ("waitlist_entries", ENDED_ENTRY),
];

/// So many are taken of each of many events at the least.
const LEAST_OF_EACH: usize = 32;

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
        DbConn::Postgres(c) => Prepared(
            diesel::sql_query(of_postgres())
                .bind::<Array<Id>, _>(events)
                .bind::<Id, _>(before)
                .bind::<BigInt, _>(most),
        )
        .load(c)?,
        DbConn::Sqlite(c) => match wanted {
            OfEvent::Head => Prepared(
                diesel::sql_query(heads_of_sqlite())
                    .bind::<Text, _>(list(events))
                    .bind::<Id, _>(before),
            )
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

/// The newest attendees beneath an id of whom there are, and of those at these events: at most so many and at least one, in order;
/// and whether these are all. An event whose newest comes after as many others as are asked for has nothing to give. Of the rest,
/// where they are many, few are taken of each: one that gave as many as it could has others beneath its last.
pub(crate) fn newest_of_events(
    connection: &mut DbConn,
    events: &[Uid],
    before: Uid,
    most: usize,
    others: Vec<Uid>,
) -> QueryResult<(Vec<Uid>, bool)> {
    let mut heads = top_of_events(connection, events, before, OfEvent::Head)?;
    heads.sort_unstable_by_key(|head| Reverse(head.1));
    // The ids down to this one are known, whatever else there is.
    let mut horizon = Uid(Uuid::nil());
    let mut different = BTreeSet::new();
    let mut giving = Vec::new();
    for (event, head) in heads {
        different.insert(head);
        if different.len() > most {
            horizon = head;
            break;
        }
        giving.push(event);
    }
    let each = (most * 4 / giving.len().max(1)).max(LEAST_OF_EACH).min(most);
    let mut found: BTreeMap<Uid, Vec<Uid>> = BTreeMap::new();
    for (event, id) in top_of_events(connection, &giving, before, OfEvent::First(each))? {
        found.entry(event).or_default().push(id);
    }
    if others.len() >= most {
        horizon = horizon.max(others.last().copied().unwrap_or(horizon));
    }
    let mut all: BTreeSet<Uid> = others.into_iter().collect();
    for ids in found.values_mut() {
        ids.sort_unstable_by_key(|id| Reverse(*id));
        ids.truncate(each);
        if ids.len() == each {
            horizon = horizon.max(ids.last().copied().unwrap_or(horizon));
        }
        all.extend(ids.iter());
    }
    let newest: Vec<Uid> = all.range(horizon..).rev().take(most).copied().collect();
    let is_all = horizon == Uid(Uuid::nil()) && newest.len() == all.len();
    Ok((newest, is_all))
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
pub(crate) fn list(ids: &[Uid]) -> String {
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
