//! Each list and search of people and registrations takes the index that is meant for it, where there are many.

use crate::people_search::fill;
use crate::support::sql;
use kernel::{Position, WordQuery};
use testkit::{Harness, Kind, TestDatabase, on_both_databases};

on_both_databases! {
    every_search_takes_its_index,
}

/// The beginning of a query's name and the indexes that it must take: on PostgreSQL, and on SQLite.
type Expected = (&'static str, &'static [&'static str], &'static [&'static str]);

const EXPECTED: &[Expected] = &[];

async fn every_search_takes_its_index(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (big, small) = (
        harness.published_event(&organizer, 50_000).await,
        harness.published_event(&organizer, 9).await,
    );
    fill(&harness, big, &organizer, 20_000);
    // One of a hundred gave the seat back, and as many waited once.
    sql(
        &harness,
        "UPDATE registrations SET status = 'cancelled' WHERE CAST(id AS TEXT) LIKE '%77';
         INSERT INTO waitlist_entries (id, event_id, attendee_id, status, rank, joined_at)
         SELECT id, event_id, attendee_id, 'left', 1, registered_at FROM registrations WHERE status = 'cancelled';
         ANALYZE;",
    );
    let place = Position {
        value: harness.system().now.timestamp_micros(),
        id: "01900000-0002-7000-8000-000000001000".parse().expect("an id"),
    };
    let words = WordQuery::parse("q", "early").expect("words");
    for event in [big, small] {
        let (user, words) = (organizer.id, words.clone());
        let plans = harness
            .store()
            .read(move |tx| tx.plans_of_searches(event, user, &words, place))
            .await
            .expect("plans");
        for (name, plan) in plans {
            println!("{name}\n{plan}\n");
        }
    }
}
