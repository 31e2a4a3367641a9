//! The negative control of the races between votes and what they stand on: without the locks votes outlive seats and candidacies.
//! Were it otherwise, the races would show nothing.

use crate::voting::Hall;
use storage::SeatGuard;
use testkit::{Harness, HarnessOptions, TestDatabase, on_both_databases};

on_both_databases! {
    without_locks_votes_outlive_the_seats_that_they_stand_on,
    without_locks_votes_outlive_the_candidacies_that_they_are_for,
}

const SEATLESS: &str =
    "who voted holds a seat, unless the event is over or called off, or the person was erased";
const UNLISTED: &str = "a vote is for somebody who is listed at an event that is there";

async fn unguarded(database: TestDatabase) -> Harness {
    let options = HarnessOptions {
        guard: SeatGuard::Off,
        ..HarnessOptions::default()
    };
    Harness::start_with(database, options).await
}

async fn is_broken(harness: &Harness, rule: &str) -> bool {
    harness
        .violations()
        .await
        .iter()
        .any(|broken| broken.rule == rule)
}

/// Who reads before others have written is chance: one race can pass by luck, so many of them cannot. The one who leaves does so a
/// little later each time.
const RACES: usize = 120;

async fn a_little_later(hall: &Hall, race: usize) {
    for _ in 0..race % 12 {
        hall.results().await;
    }
}

async fn without_locks_votes_outlive_the_seats_that_they_stand_on(database: TestDatabase) {
    let harness = unguarded(database).await;
    let hall = Hall::open(&harness, 2).await;
    let candidate = hall.stands(0).await;
    hall.leaves(1).await;
    for race in 0..RACES {
        let (seat, _) = harness.registered(&hall.people[1], hall.event).await;
        let leaves = async {
            a_little_later(&hall, race).await;
            let path = format!("/registrations/{seat}");
            hall.people[1].client.delete(&path).await
        };
        tokio::join!(hall.votes(1, &candidate), leaves);
        if is_broken(&harness, SEATLESS).await {
            return;
        }
    }
    panic!("no vote outlived its seat");
}

async fn without_locks_votes_outlive_the_candidacies_that_they_are_for(database: TestDatabase) {
    let harness = unguarded(database).await;
    let hall = Hall::open(&harness, 16).await;
    for race in 0..RACES {
        let who = 4 + race % 12;
        let candidate = hall.stands(who).await;
        let path = hall.path(&format!("candidates/{candidate}"));
        let withdraws = async {
            a_little_later(&hall, race / 12 + race).await;
            hall.people[who].client.delete(&path).await
        };
        let votes = |voter| hall.votes(voter, &candidate);
        tokio::join!(votes(0), votes(1), votes(2), votes(3), withdraws);
        if is_broken(&harness, UNLISTED).await {
            return;
        }
    }
    panic!("no vote outlived the candidacy that it was for");
}
