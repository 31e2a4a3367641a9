//! The people and events of a run in an SQLite file: the same as `fixtures` makes in PostgreSQL.

use super::fixtures::{Size, Thing, id};
use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::path::Path;
use storage::{Connector, DatabaseUrl};

/// Fills a migrated, empty file.
pub fn fill(file: &Path, size: Size, now: DateTime<Utc>) -> Result<()> {
    let connector = Connector::new(DatabaseUrl::Sqlite(file.to_owned()));
    let mut connection = connector
        .open()
        .map_err(|error| anyhow!("{}: {error}", file.display()))?;
    connection
        .execute_batch(&statements(size, now))
        .context("the file cannot be filled")
}

fn statements(size: Size, now: DateTime<Utc>) -> String {
    let Size {
        people,
        events,
        rush_seats,
        hot_events,
    } = size;
    let series = |last: usize| {
        format!(
            "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {last}) SELECT n FROM s)"
        )
    };
    let (everyone, all_events) = (series(people - 1), series(events + hot_events));
    let (user, session) = (sql_id(Thing::User), sql_id(Thing::Session));
    let (attendee, event) = (sql_id(Thing::Attendee), sql_id(Thing::Event));
    let organizer = id(Thing::User, 0);
    let start = now + TimeDelta::days(30);
    let date = start.format("%Y-%m-%d");
    let about = "What it is about. ".repeat(20);
    let about_key = about.to_lowercase();
    let (tomorrow, start, end) = (
        instant(now + TimeDelta::days(1)),
        instant(start),
        instant(start + TimeDelta::hours(2)),
    );
    let now = instant(now);
    format!(
        "BEGIN;
         INSERT INTO users (id, email, email_key, name, name_key, time_zone, listed, status, email_verified_at, created_at, updated_at)
         SELECT {user}, 'person' || n || '@podium.example', 'person' || n || '@podium.example', 'Person ' || n,
                'person ' || n, 'Asia/Kolkata', FALSE, 'active', '{now}', '{now}', '{now}' FROM {everyone};
         INSERT INTO user_roles (user_id, role_name) SELECT {user}, 'attendee' FROM {everyone};
         INSERT INTO sessions (id, user_id, device, address, created_at, last_seen_at, expires_at)
         SELECT {session}, {user}, 'bench', '127.0.0.1', '{now}', '{now}', '{tomorrow}' FROM {everyone};
         INSERT INTO attendees (id, user_id, name, name_key, email, email_key, words_kept, created_at, updated_at)
         SELECT {attendee}, {user}, 'Person ' || n, 'person ' || n, 'person' || n || '@podium.example',
                'person' || n || '@podium.example', TRUE, '{now}', '{now}' FROM {everyone};
         INSERT INTO events (id, organizer_id, status, title, description, search_key, format, location, place_key,
                stream_status, starts_at, ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled,
                waitlist_length, next_rank, fee_amount, refund_until_hours, live_results, edit_version, seats_version,
                published_at, created_at, updated_at)
         SELECT {event}, '{organizer}', 'published', 'Event ' || n, '{about}', 'event ' || n || ' {about_key}',
                'in_person', 'Hall ' || n, 'hall ' || n, 'idle', '{start}', '{end}', 'UTC', '{date}',
                CASE WHEN n = {events} THEN {rush_seats} ELSE 1000000 END, 0, TRUE, 0, 1048576, 0, 24, FALSE, 1, 1,
                '{now}', '{now}', '{now}'
         FROM {all_events};
         COMMIT;"
    )
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The SQL for the id of the thing with the number `n`.
fn sql_id(thing: Thing) -> String {
    format!("printf('01900000-000{}-7000-8000-%012x', n)", thing as u8)
}
