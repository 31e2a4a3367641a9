//! Up, down and the refusals of the migrations' runner.

use crate::database::{Database, on_both_databases};
use std::sync::Barrier;
use storage::migrations::{self, MigrationError, Standing};

on_both_databases! {
    a_fresh_database_gets_every_migration_and_says_so,
    looking_changes_nothing,
    down_takes_back_the_last_and_up_brings_it_again,
    all_the_way_down_leaves_no_table_of_ours,
    lines_of_waitlists_of_before_are_numbered_in_their_order,
    an_applied_migration_that_was_edited_is_refused_by_name,
    a_migration_without_a_checksum_is_refused,
    a_database_of_a_newer_binary_is_refused,
    two_runners_at_once_apply_each_migration_once,
    a_failing_migration_leaves_nothing,
}

fn ids() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
    let mut ids: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    ids.sort();
    ids
}

fn a_fresh_database_gets_every_migration_and_says_so(database: &Database) {
    let before = database_seconds(database);
    assert_eq!(migrations::pending(&database.connector).unwrap(), ids());
    assert_eq!(migrations::up(&database.connector).unwrap(), ids());
    assert!(migrations::pending(&database.connector).unwrap().is_empty());
    assert!(migrations::up(&database.connector).unwrap().is_empty());
    let states = migrations::status(&database.connector).unwrap();
    assert_eq!(
        states.iter().map(|state| state.id.clone()).collect::<Vec<_>>(),
        ids()
    );
    for state in states {
        assert_eq!(state.standing, Standing::Applied);
        // Recorded to the second on SQLite.
        assert!(state.applied_at.unwrap().timestamp() >= before);
    }
    assert_eq!(database.number("SELECT count(*) FROM roles"), 3);
}

/// The database's own clock in seconds, since that is the one that records.
fn database_seconds(database: &Database) -> i64 {
    match database.connector.url {
        storage::DatabaseUrl::Postgres(_) => database.number("SELECT floor(extract(epoch FROM now()))"),
        storage::DatabaseUrl::Sqlite(_) => database.number("SELECT unixepoch()"),
    }
}

fn looking_changes_nothing(database: &Database) {
    let states = migrations::status(&database.connector).unwrap();
    assert!(
        states
            .iter()
            .all(|state| state.standing == Standing::Pending && state.applied_at.is_none())
    );
    assert!(database.tables().is_empty(), "{:?}", database.tables());
}

/// The migrations from the one on that makes the outbox and the audit log.
fn from_records() -> Vec<String> {
    let from_there = ids().into_iter().skip_while(|id| id != "0003_records");
    from_there.collect()
}

fn down_takes_back_the_last_and_up_brings_it_again(database: &Database) {
    migrations::up(&database.connector).unwrap();
    let tables = database.tables();
    let last = from_records();
    let latest_first: Vec<_> = last.iter().rev().cloned().collect();
    assert_eq!(
        migrations::down(&database.connector, last.len()).unwrap(),
        latest_first
    );
    assert_eq!(migrations::pending(&database.connector).unwrap(), last);
    assert!(database.tables().len() < tables.len());
    assert_eq!(migrations::up(&database.connector).unwrap(), last);
    assert_eq!(database.tables(), tables);
}

fn lines_of_waitlists_of_before_are_numbered_in_their_order(database: &Database) {
    let numbers = "SELECT CAST(id AS TEXT) || ' ' || CAST(event_id AS TEXT) || ' ' || CAST(number AS TEXT) AS value \
                   FROM waitlist_log ORDER BY number, id";
    crate::seeds::seeded(database);
    let before = database.texts(numbers);
    assert!(before.len() >= 3, "{before:?}");
    let steps = ids()
        .into_iter()
        .skip_while(|id| id != "0011_waitlist_log")
        .count();
    migrations::down(&database.connector, steps).unwrap();
    let line = |id: u8| {
        format!(
            "INSERT INTO waitlist_log (id, entry_id, at, action, rank) SELECT '01900000-0000-7000-8000-0000000009{id:02}', \
             entry_id, at, 'moved', rank FROM waitlist_log WHERE id = '01900000-0000-7000-8000-000000000623'"
        )
    };
    database.execute(&line(1));
    migrations::up(&database.connector).unwrap();
    let after = database.texts(numbers);
    let event = "01900000-0000-7000-8000-000000000321";
    let added = |id, number| format!("01900000-0000-7000-8000-0000000009{id:02} {event} {number}");
    // Of one time, the later id is the later line.
    let expected = [before, vec![added(1, 4)]].concat();
    assert_eq!(after, expected);
    if matches!(database.connector.url, storage::DatabaseUrl::Postgres(_)) {
        // A server of the version before goes on writing.
        database.execute(&line(2));
        assert_eq!(database.texts(numbers).last(), Some(&added(2, 5)));
    }
}

fn all_the_way_down_leaves_no_table_of_ours(database: &Database) {
    migrations::up(&database.connector).unwrap();
    let mut expected = ids();
    expected.reverse();
    assert_eq!(
        migrations::down(&database.connector, expected.len()).unwrap(),
        expected
    );
    assert_eq!(
        database.tables(),
        ["__diesel_schema_migrations", "schema_checksums"]
    );
    assert_eq!(
        migrations::down(&database.connector, 1),
        Err(MigrationError::NothingApplied)
    );
    assert_eq!(migrations::up(&database.connector).unwrap(), ids());
}

fn an_applied_migration_that_was_edited_is_refused_by_name(database: &Database) {
    migrations::up(&database.connector).unwrap();
    database.execute("UPDATE schema_checksums SET checksum = 'another' WHERE migration = '0002_events'");
    let refused = MigrationError::Changed {
        id: "0002_events".to_owned(),
    };
    assert_eq!(migrations::up(&database.connector), Err(refused.clone()));
    assert_eq!(migrations::down(&database.connector, 1), Err(refused.clone()));
    assert_eq!(migrations::pending(&database.connector), Err(refused.clone()));
    assert!(refused.to_string().contains("0002_events"));
    let states = migrations::status(&database.connector).unwrap();
    assert_eq!(states[1].standing, Standing::Changed);
    assert_eq!(states[0].standing, Standing::Applied);
}

fn a_migration_without_a_checksum_is_refused(database: &Database) {
    migrations::up(&database.connector).unwrap();
    database.execute("DELETE FROM schema_checksums WHERE migration = '0001_people'");
    let refused = MigrationError::Changed {
        id: "0001_people".to_owned(),
    };
    assert_eq!(migrations::up(&database.connector), Err(refused));
}

fn a_database_of_a_newer_binary_is_refused(database: &Database) {
    migrations::up(&database.connector).unwrap();
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999_future')");
    let refused = MigrationError::NewerDatabase {
        id: "9999_future".to_owned(),
    };
    assert_eq!(migrations::up(&database.connector), Err(refused.clone()));
    assert_eq!(migrations::down(&database.connector, 1), Err(refused.clone()));
    assert!(refused.to_string().contains("newer"));
    let states = migrations::status(&database.connector).unwrap();
    assert_eq!(states.last().unwrap().standing, Standing::Unknown);
}

fn two_runners_at_once_apply_each_migration_once(database: &Database) {
    let barrier = Barrier::new(4);
    let applied: Vec<Vec<String>> = std::thread::scope(|scope| {
        let runners: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    migrations::up(&database.connector).unwrap()
                })
            })
            .collect();
        runners.into_iter().map(|runner| runner.join().unwrap()).collect()
    });
    let mut all: Vec<String> = applied.concat();
    all.sort();
    assert_eq!(all, ids());
}

fn a_failing_migration_leaves_nothing(database: &Database) {
    let last = from_records();
    migrations::up(&database.connector).unwrap();
    migrations::down(&database.connector, last.len()).unwrap();
    // The last table of that migration is in the way: by then the others are made.
    database.execute("CREATE TABLE audit_log (id integer)");
    let error = migrations::up(&database.connector).unwrap_err();
    assert!(
        matches!(&error, MigrationError::Failed { id, .. } if *id == last[0]),
        "{error}"
    );
    assert!(!database.tables().contains(&"outbox".to_owned()));
    database.execute("DROP TABLE audit_log");
    assert_eq!(migrations::up(&database.connector).unwrap(), last);
}
