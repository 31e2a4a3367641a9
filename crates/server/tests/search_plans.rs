//! Each list and search of people and registrations, and the counting of votes, takes the index that is meant for it, where there are many.

use crate::support::sql;
use kernel::{Position, WordQuery};
use std::collections::BTreeSet;
use testkit::{Harness, Kind, Person, TestDatabase, on_both_databases};

on_both_databases! {
    every_list_and_search_takes_its_index,
}

/// The names of queries, and the indexes that they take: on PostgreSQL, and on SQLite.
type Expected = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const BY_EVENT: &[&str] = &["registrations_by_event"];
const BY_STATUS_AT_EVENT: &[&str] = &["registrations_by_event_and_status"];
const BY_ATTENDEE: &[&str] = &["registrations_by_attendee"];
const ALL_REGISTRATIONS: (&[&str], &[&str]) =
    (&["registrations_pkey"], &["sqlite_autoindex_registrations_1"]);
const ALL_ATTENDEES: (&[&str], &[&str]) = (&["attendees_pkey"], &["sqlite_autoindex_attendees_1"]);
const WORDS: (&[&str], &[&str]) = (&["attendee_words_pkey"], &["attendee_words"]);

const EXPECTED: &[Expected] = &[
    (
        &[
            "registrations at an event, searched",
            "registrations at an event, compared",
            "registrations at an event, counted off",
            "registrations of an event",
        ],
        BY_EVENT,
        BY_EVENT,
    ),
    (
        // So few were cancelled at an event that they are as well sorted.
        &[
            "registrations cancelled at an event, searched",
            "registrations cancelled at an event, compared",
        ],
        &["registrations_by_event_and_status or registrations_ended"],
        BY_STATUS_AT_EVENT,
    ),
    (
        &["registrations cancelled at an event, counted off"],
        BY_STATUS_AT_EVENT,
        BY_STATUS_AT_EVENT,
    ),
    (
        &[
            "registrations at all events, searched",
            "registrations at all events, compared",
            "registrations at all events, counted off",
            "registrations of all",
        ],
        ALL_REGISTRATIONS.0,
        ALL_REGISTRATIONS.1,
    ),
    (
        &[
            "registrations at an event, of a few people",
            "registrations cancelled at an event, of a few people",
            "registrations at all events, of a few people",
            "registrations of an attendee",
        ],
        BY_ATTENDEE,
        BY_ATTENDEE,
    ),
    (
        &["registrations of all with a rare status"],
        &["registrations_by_status"],
        &["registrations_by_status"],
    ),
    (
        &["one's own registrations"],
        &["attendees_user_unique", "registrations_by_attendee"],
        &["sqlite_autoindex_attendees_2", "registrations_by_attendee"],
    ),
    (
        &["the newest of all", "all, counted off", "a few people"],
        ALL_ATTENDEES.0,
        ALL_ATTENDEES.1,
    ),
    (
        &["the newest of all, asked whether they are here"],
        &[
            "attendees_pkey",
            "registrations_by_attendee",
            "waitlist_entries_by_attendee",
        ],
        &[
            "sqlite_autoindex_attendees_1",
            "registrations_by_attendee",
            "waitlist_entries_by_attendee",
        ],
    ),
    (
        &["a few, asked whether they are here"],
        &[
            "registrations_by_attendee",
            "waitlist_entries_by_attendee",
            "attendees_by_creator",
        ],
        &[
            "registrations_by_attendee",
            "waitlist_entries_by_attendee",
            "attendees_by_creator",
        ],
    ),
    (
        &[
            "people with two words",
            "people with this very word",
            "words that begin alike",
        ],
        WORDS.0,
        WORDS.1,
    ),
    (
        &["votes at an event, counted"],
        &["votes_by_candidate"],
        &["votes_by_candidate"],
    ),
    (
        &["whom an organiser noted"],
        &["attendees_by_creator"],
        &["attendees_by_creator"],
    ),
    (
        &["the newest of events"],
        &[
            "registrations_one_live",
            "registrations_ended",
            "waitlist_entries_one_live",
            "waitlist_entries_ended",
        ],
        &[
            "registrations_one_live",
            "registrations_ended",
            "waitlist_entries_one_live",
            "waitlist_entries_ended",
        ],
    ),
    (
        &["all of events"],
        &[
            "registrations_one_live",
            "registrations_ended",
            "waitlist_entries_one_live",
            "waitlist_entries_ended",
            "attendees_by_creator",
            "attendee_words_pkey",
        ],
        &[
            "registrations_one_live",
            "registrations_ended",
            "waitlist_entries_one_live",
            "waitlist_entries_ended",
            "attendees_by_creator",
            "attendee_words",
        ],
    ),
];

const PEOPLE: usize = 20_000;

async fn every_list_and_search_takes_its_index(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut events = Vec::new();
    for _ in 0..40 {
        events.push(harness.published_event(&organizer, 50_000).await.to_string());
    }
    fill(&harness, &events, &organizer);
    let kind = harness.database().kind();
    let place = Position {
        value: harness.system().now.timestamp_micros() + 10_000_000_000,
        id: "01900000-0002-7000-8000-000000002000".parse().expect("an id"),
    };
    let words = WordQuery::parse("q", "rare").expect("words");
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    let (event, user) = (events[0].parse().expect("an id"), organizer.id);
    let plans = harness
        .store()
        .read(move |tx| tx.plans_of_searches(event, user, &words, place))
        .await;
    for (name, plan) in plans.expect("plans") {
        let expected = EXPECTED.iter().find(|(names, ..)| names.contains(&name.as_str()));
        let Some((_, on_postgres, on_sqlite)) = expected else {
            panic!("no index is named for: {name}\n{plan}");
        };
        let indexes = match kind {
            Kind::Postgres => on_postgres,
            Kind::Sqlite => on_sqlite,
        };
        for index in *indexes {
            if !takes(&plan, index) {
                wrong.push(format!("{name} does without {index}:\n{plan}"));
            }
        }
        seen.insert(name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let named: usize = EXPECTED.iter().map(|(names, ..)| names.len()).sum();
    assert_eq!(seen.len(), named, "every query that is named is asked for");
}

/// Whether a plan goes through an index, or through a table that is one; or through one of two.
fn takes(plan: &str, index: &str) -> bool {
    let indexes: Vec<&str> = index.split(" or ").collect();
    plan.lines().any(|line| {
        let goes_through = line.contains("Index") || line.contains("SEARCH") || line.contains("USING");
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        goes_through && words.any(|word| indexes.contains(&word))
    })
}

/// Many people, each with a registration, most at the first event and the rest at the others; some of them cancelled, with some who
/// wait or waited, and some who were noted by the organiser.
fn fill(harness: &Harness, events: &[String], organizer: &Person) {
    let is_postgres = harness.database().kind() == Kind::Postgres;
    let numbers = if is_postgres {
        format!("generate_series(1, {PEOPLE}) AS s(n)")
    } else {
        format!(
            "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {PEOPLE}) SELECT n FROM s)"
        )
    };
    let uuid = |text: String| {
        if is_postgres {
            format!("CAST({text} AS uuid)")
        } else {
            text
        }
    };
    let id = uuid(if is_postgres {
        "'01900000-0002-7000-8000-' || lpad(to_hex(n), 12, '0')".to_owned()
    } else {
        "printf('01900000-0002-7000-8000-%012x', n)".to_owned()
    });
    let cases: Vec<String> = (1..events.len())
        .map(|number| format!("WHEN {number} THEN '{}'", events[number]))
        .collect();
    let event = uuid(format!(
        "CASE WHEN n % 4 = 0 THEN '{first}' ELSE CASE n % {many} {cases} ELSE '{first}' END END",
        first = events[0],
        many = events.len(),
        cases = cases.join(" ")
    ));
    let creator = uuid(format!("'{}'", organizer.id));
    let at = if is_postgres {
        "u.created_at + make_interval(secs => n)"
    } else {
        "strftime('%Y-%m-%dT%H:%M:%f000Z', u.created_at, '+' || n || ' seconds')"
    };
    let stands = uuid("'01900000-0002-7000-8000-000000000001'".to_owned());
    let name = "'common ' || CASE WHEN n % 100 = 0 THEN 'rare' ELSE 'name' || n END";
    let of_organizer = format!("FROM {numbers}, users u WHERE u.id = {creator}");
    sql(
        harness,
        &format!(
            "INSERT INTO attendees (id, name, name_key, email, email_key, created_by, created_at, updated_at, words_kept)
             SELECT {id}, {name}, {name}, 'p' || n || '@example.org', 'p' || n || '@example.org',
                    CASE WHEN n % 50 = 0 THEN {creator} END, u.created_at, u.created_at, true {of_organizer};
             INSERT INTO attendee_words (word, attendee_id) SELECT 'common', {id} FROM {numbers};
             INSERT INTO attendee_words (word, attendee_id) SELECT 'p' || n, {id} FROM {numbers};
             INSERT INTO attendee_words (word, attendee_id) SELECT '@p' || n || '@example.org', {id} FROM {numbers};
             INSERT INTO attendee_words (word, attendee_id) SELECT 'rare', {id} FROM {numbers} WHERE n % 100 = 0;
             INSERT INTO registrations (id, event_id, attendee_id, status, registered_at)
             SELECT {id}, {event}, {id}, CASE WHEN n % 30 = 0 THEN 'cancelled' ELSE 'confirmed' END, {at} {of_organizer};
             INSERT INTO waitlist_entries (id, event_id, attendee_id, status, rank, joined_at)
             SELECT {id}, {event}, {id}, CASE WHEN n % 6 = 0 THEN 'waiting' ELSE 'left' END, n, {at} {of_organizer} AND n % 3 = 0;
             INSERT INTO candidates (id, event_id, attendee_id, nominated_by, status, talk_title, abstract, nominated_at, listed_at, updated_at)
             SELECT e.id, e.id, {stands}, {creator}, 'listed', 'T', 'A', e.created_at, e.created_at, e.created_at FROM events e;
             INSERT INTO votes (event_id, voter_id, candidate_id, candidate_attendee_id, via, cast_at)
             SELECT r.event_id, r.attendee_id, r.event_id, {stands}, 'signed_in', r.registered_at
             FROM registrations r WHERE r.attendee_id <> {stands};"
        ),
    );
    let statistics = if is_postgres {
        "VACUUM (ANALYZE)"
    } else {
        "ANALYZE"
    };
    sql(harness, statistics);
}
