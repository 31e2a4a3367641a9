//! The negative control: with the guards taken out, the same races oversell. Were it otherwise, the races would show
//! nothing.

use crate::crowd::{count_of, register_all};
use storage::SeatGuard;
use testkit::{Harness, HarnessOptions, TestDatabase, on_both_databases};

on_both_databases! {
    without_guards_the_rush_oversells,
    without_guards_one_person_gets_several_seats,
}

async fn unguarded(database: TestDatabase) -> Harness {
    database.take_seat_guards_out();
    let options = HarnessOptions {
        guard: SeatGuard::Off,
        ..HarnessOptions::default()
    };
    Harness::start_with(database, options).await
}

async fn without_guards_the_rush_oversells(database: TestDatabase) {
    let harness = unguarded(database).await;
    let organizer = harness.organizer().await;
    let crowd = harness.crowd(500).await;

    // Who reads before others have written is chance: one race can pass by luck, ten in a row cannot.
    let mut most = 0;
    for _ in 0..10 {
        let event = harness.published_event(&organizer, 50).await;
        let answers = register_all(&crowd, event).await;
        most = most.max(count_of(&answers, 201));
        if most > 50 {
            break;
        }
    }

    assert!(most > 50, "{most} seats were given of 50");
    let broken = harness.violations().await;
    let rules: Vec<&str> = broken.iter().map(|violation| violation.rule).collect();
    assert!(
        rules.contains(&"seats_taken is from 0 to the capacity"),
        "{rules:?}"
    );
}

async fn without_guards_one_person_gets_several_seats(database: TestDatabase) {
    let harness = unguarded(database).await;
    let organizer = harness.organizer().await;
    // An attendee of their own, so that the race is for the seat alone.
    let elsewhere = harness.published_event(&organizer, 1).await;
    let person = harness.attendee("eager").await;
    harness.registered(&person, elsewhere).await;

    // The same holds for the races of one person.
    let mut most = 0;
    for _ in 0..30 {
        let event = harness.published_event(&organizer, 500).await;
        let answers = register_all(&vec![person.clone(); 100], event).await;
        most = most.max(count_of(&answers, 201));
        if most > 1 {
            break;
        }
    }

    assert!(most > 1, "in no race one person got more than {most} seats");
    let broken = harness.violations().await;
    let rules: Vec<&str> = broken.iter().map(|violation| violation.rule).collect();
    assert!(
        rules.contains(&"one live registration or entry per attendee and event"),
        "{rules:?}"
    );
}
