//! The seeds: applied, taken back, and true to the rules that the rows stand under.

use crate::database::{Database, on_both_databases};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use kernel::Instant;
use storage::seeds::{self, SeedError, SeedOutcome};
use storage::{DatabaseUrl, migrations};

on_both_databases! {
    all_are_applied_once,
    each_is_taken_back_from_the_last_to_the_first,
    one_is_applied_and_taken_back_by_its_name,
    what_is_not_applied_is_not_taken_back,
    one_that_others_point_to_stays_whole,
    one_that_needs_an_earlier_one_says_so,
    none_is_applied_to_a_schema_that_is_behind,
    taking_back_every_migration_forgets_the_seeds,
    seats_and_waitlists_add_up,
    keys_and_dates_are_those_that_the_code_makes,
    every_state_of_an_event_is_there,
    the_known_password_opens_each_account,
    two_runners_at_once_apply_each_seed_once,
}

/// Late in the evening, so that the date differs between the zones of the seeded events.
fn now() -> Instant {
    "2026-11-21T20:30:00.123456Z".parse().unwrap()
}

fn migrated(database: &Database) {
    migrations::up(&database.connector).unwrap();
}

pub fn seeded(database: &Database) {
    migrated(database);
    seeds::apply(&database.connector, &[], now()).unwrap();
}

/// How many rows each table that seeds fill holds.
fn counts(database: &Database) -> Vec<i64> {
    [
        "roles",
        "role_permissions",
        "users",
        "user_roles",
        "attendees",
        "events",
        "registrations",
        "waitlist_entries",
        "waitlist_log",
    ]
    .iter()
    .map(|table| database.number(&format!("SELECT count(*) FROM {table}")))
    .collect()
}

fn all_are_applied_once(database: &Database) {
    migrated(database);
    let steps = seeds::apply(&database.connector, &[], now()).unwrap();
    assert_eq!(
        steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>(),
        seeds::names()
    );
    assert!(steps.iter().all(|step| step.outcome == SeedOutcome::Applied));
    let before = counts(database);
    let again = seeds::apply(&database.connector, &[], now()).unwrap();
    assert!(
        again
            .iter()
            .all(|step| step.outcome == SeedOutcome::AlreadyApplied)
    );
    assert_eq!(counts(database), before);
    assert_eq!(seeds::applied(&database.connector).unwrap(), seeds::names());
}

fn each_is_taken_back_from_the_last_to_the_first(database: &Database) {
    migrated(database);
    let mut stages = vec![counts(database)];
    for name in seeds::names() {
        seeds::apply(&database.connector, &[name], now()).unwrap();
        stages.push(counts(database));
    }
    for name in seeds::names().into_iter().rev() {
        assert_ne!(
            stages.pop().unwrap(),
            *stages.last().unwrap(),
            "{name} adds something"
        );
        let step = seeds::undo(&database.connector, None, now()).unwrap();
        assert_eq!((step.name, step.outcome), (name.clone(), SeedOutcome::TakenBack));
        assert_eq!(counts(database), *stages.last().unwrap(), "{name}");
    }
    assert_eq!(
        seeds::undo(&database.connector, None, now()),
        Err(SeedError::NoneApplied)
    );
    // And there again: taking back left nothing in the way.
    seeds::apply(&database.connector, &[], now()).unwrap();
}

fn one_is_applied_and_taken_back_by_its_name(database: &Database) {
    migrated(database);
    let steps = seeds::apply(&database.connector, &["users".to_owned()], now()).unwrap();
    assert_eq!((steps.len(), steps[0].name.as_str()), (1, "02-users"));
    assert_eq!(database.number("SELECT count(*) FROM users"), 5);
    seeds::apply(&database.connector, &["01-roles".to_owned()], now()).unwrap();
    // The last applied is 01-roles; the name picks the other.
    assert_eq!(
        seeds::undo(&database.connector, Some("users"), now())
            .unwrap()
            .name,
        "02-users"
    );
    assert_eq!(database.number("SELECT count(*) FROM users"), 0);
    assert_eq!(seeds::applied(&database.connector).unwrap(), ["01-roles"]);
}

fn what_is_not_applied_is_not_taken_back(database: &Database) {
    migrated(database);
    seeds::apply(&database.connector, &["roles".to_owned()], now()).unwrap();
    let refused = seeds::undo(&database.connector, Some("02-users"), now());
    assert_eq!(refused, Err(SeedError::NotApplied("02-users".to_owned())));
    let unknown = seeds::undo(&database.connector, Some("nonsense"), now()).unwrap_err();
    assert!(unknown.to_string().contains("02-users"), "{unknown}");
    assert!(matches!(
        seeds::apply(&database.connector, &["nonsense".to_owned()], now()),
        Err(SeedError::Unknown { .. })
    ));
}

fn one_that_others_point_to_stays_whole(database: &Database) {
    seeded(database);
    let before = counts(database);
    let refused = seeds::undo(&database.connector, Some("users"), now());
    assert_eq!(refused, Err(SeedError::StillUsed("02-users".to_owned())));
    assert_eq!(counts(database), before);
    assert_eq!(seeds::applied(&database.connector).unwrap(), seeds::names());
}

fn one_that_needs_an_earlier_one_says_so(database: &Database) {
    migrated(database);
    let before = counts(database);
    let refused = seeds::apply(&database.connector, &["events".to_owned()], now());
    assert_eq!(refused, Err(SeedError::NeedsEarlier("03-events".to_owned())));
    assert_eq!(counts(database), before);
    assert!(seeds::applied(&database.connector).unwrap().is_empty());
}

fn none_is_applied_to_a_schema_that_is_behind(database: &Database) {
    let refused = seeds::apply(&database.connector, &[], now()).unwrap_err();
    assert!(matches!(refused, SeedError::SchemaBehind(_)), "{refused}");
    assert!(database.tables().is_empty());
}

fn taking_back_every_migration_forgets_the_seeds(database: &Database) {
    seeded(database);
    let all = migrations::status(&database.connector).unwrap().len();
    migrations::down(&database.connector, all).unwrap();
    seeded(database);
    assert_eq!(database.number("SELECT count(*) FROM users"), 5);
}

fn seats_and_waitlists_add_up(database: &Database) {
    seeded(database);
    let wrong_seats = "SELECT count(*) FROM events WHERE seats_taken <> \
        (SELECT count(*) FROM registrations WHERE event_id = events.id \
         AND status IN ('pending_payment', 'confirmed', 'attended')) \
        + (SELECT count(*) FROM waitlist_entries WHERE event_id = events.id AND status = 'offered')";
    let wrong_length = "SELECT count(*) FROM events WHERE waitlist_length <> \
        (SELECT count(*) FROM waitlist_entries WHERE event_id = events.id AND status = 'waiting')";
    let wrong_rank = "SELECT count(*) FROM events WHERE next_rank <> 1048576 * (1 + \
        (SELECT count(*) FROM waitlist_entries WHERE event_id = events.id))";
    let unlogged = "SELECT count(*) FROM waitlist_entries WHERE NOT EXISTS (SELECT 1 FROM waitlist_log \
        WHERE entry_id = waitlist_entries.id AND action = 'joined' AND at = joined_at \
        AND waitlist_log.rank = waitlist_entries.rank)";
    let past_the_queue = "SELECT count(*) FROM events WHERE waitlist_length > 0 AND seats_taken < capacity";
    let in_twice = "SELECT count(*) FROM waitlist_entries AS w JOIN registrations AS r \
        ON r.event_id = w.event_id AND r.attendee_id = w.attendee_id";
    for question in [
        wrong_seats,
        wrong_length,
        wrong_rank,
        unlogged,
        past_the_queue,
        in_twice,
    ] {
        assert_eq!(database.number(question), 0, "{question}");
    }
    assert_eq!(
        database.number("SELECT count(*) FROM events WHERE waitlist_length >= 2 AND seats_taken = capacity"),
        1
    );
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Nullable<Text>)]
    location: Option<String>,
    #[diesel(sql_type = Text)]
    search_key: String,
    #[diesel(sql_type = Nullable<Text>)]
    place_key: Option<String>,
    #[diesel(sql_type = Text)]
    time_zone: String,
    #[diesel(sql_type = Text)]
    local_date: String,
    /// Microseconds since 1970.
    #[diesel(sql_type = BigInt)]
    starts_at: i64,
}

fn keys_and_dates_are_those_that_the_code_makes(database: &Database) {
    seeded(database);
    let start = match database.connector.url {
        DatabaseUrl::Postgres(_) => "CAST(extract(epoch FROM starts_at) * 1000000 AS bigint)",
        DatabaseUrl::Sqlite(_) => {
            "unixepoch(starts_at) * 1000000 + CAST(substr(starts_at, 21, 6) AS integer)"
        }
    };
    let events: Vec<EventRow> = database.rows(&format!(
        "SELECT title, description, location, search_key, place_key, time_zone, local_date, {start} AS starts_at FROM events"
    ));
    assert!(events.len() >= 7);
    for event in events {
        assert_eq!(
            event.search_key,
            kernel::fold(&format!("{} {}", event.title, event.description))
        );
        assert_eq!(event.place_key, event.location.as_deref().map(kernel::fold));
        let zone: kernel::TimeZone = event.time_zone.parse().unwrap();
        let starts_at = Instant::from_timestamp_micros(event.starts_at).unwrap();
        assert_eq!(starts_at.timestamp_subsec_micros(), 123_456, "{}", event.title);
        assert_eq!(
            event.local_date,
            zone.local_date(starts_at).to_string(),
            "{}",
            event.title
        );
    }
    let keys = "SELECT email || ' ' || email_key AS value FROM users UNION SELECT email || ' ' || email_key FROM attendees";
    for pair in database.texts(keys) {
        let (email, key) = pair.split_once(' ').unwrap();
        assert_eq!(email.parse::<kernel::EmailAddress>().unwrap().key(), key);
    }
    for pair in database.texts("SELECT name || '|' || name_key AS value FROM attendees") {
        let (name, key) = pair.split_once('|').unwrap();
        assert_eq!(kernel::fold(name), key);
    }
    for permission in database.texts("SELECT permission AS value FROM role_permissions") {
        assert!(permission.parse::<kernel::Permission>().is_ok(), "{permission}");
    }
    assert_eq!(
        database
            .number("SELECT count(DISTINCT password_hash) FROM users WHERE email_verified_at IS NOT NULL"),
        1
    );
}

fn the_known_password_opens_each_account(database: &Database) {
    migrated(database);
    seeds::apply(&database.connector, &["users".to_owned()], now()).unwrap();
    let hashes = database.texts("SELECT DISTINCT password_hash AS value FROM users");
    assert_eq!(hashes.len(), 1);
    assert!(bcrypt::verify("Podium-demo-2026", &hashes[0]).unwrap());
    let closed = "SELECT count(*) FROM users WHERE email_verified_at IS NULL OR status <> 'active'";
    assert_eq!(database.number(closed), 0);
}

fn every_state_of_an_event_is_there(database: &Database) {
    seeded(database);
    let states = database.texts("SELECT DISTINCT status AS value FROM events ORDER BY 1");
    assert_eq!(states, ["cancelled", "completed", "draft", "published"]);
    let voting = format!(
        "SELECT count(*) FROM events WHERE status = 'published' AND voting_opens_at <= '{0}' AND voting_closes_at > '{0}'",
        now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
    );
    assert_eq!(database.number(&voting), 1);
    assert_eq!(
        database.number("SELECT count(*) FROM events WHERE format = 'virtual' AND stream_url IS NOT NULL"),
        1
    );
}

fn two_runners_at_once_apply_each_seed_once(database: &Database) {
    migrated(database);
    let outcomes: Vec<SeedOutcome> = std::thread::scope(|scope| {
        let runners: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| seeds::apply(&database.connector, &[], now()).unwrap()))
            .collect();
        runners
            .into_iter()
            .flat_map(|runner| runner.join().unwrap())
            .map(|step| step.outcome)
            .collect()
    });
    let applied = outcomes
        .iter()
        .filter(|outcome| **outcome == SeedOutcome::Applied)
        .count();
    assert_eq!(applied, seeds::names().len());
}
