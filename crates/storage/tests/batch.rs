//! People who register or cancel at the same time are written together: the same comes of it as one by one, and what fails inside of
//! a batch is that one's alone. On both desks: `SQLite`'s writer and those before PostgreSQL.

mod faults;
mod killed;
mod lost;
mod scene;

use kernel::{StoreError, UserId};
use registration::{Refusal, RegisterError};
use scene::{Scene, Told, settle};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use storage::Together;
use testkit::{Kind, TestDatabase, environment, on_both_databases};
use user::UserRepository;

on_both_databases! {
    many_who_register_together_get_the_seats_that_there_are_and_a_queue,
    seats_given_back_together_go_to_the_head_of_the_queue,
    who_joins_and_who_leaves_in_one_batch_are_as_one_after_the_other,
    the_second_request_of_a_person_sees_the_first,
    two_with_one_key_are_told_the_same,
    who_gave_up_is_dropped_before_it_is_decided,
    one_too_many_is_told_so_at_once,
    who_comes_alone_is_run_once,
    thousands_at_once_get_the_seats_and_a_queue_and_then_the_next_the_seats_given_back,
}

/// As many as one desk takes at once, on the database where that is fewer.
const MANY: usize = 64;

async fn many_who_register_together_get_the_seats_that_there_are_and_a_queue(database: TestDatabase) {
    let scene = Scene::over(&database, 20).await;
    let people = scene.people(MANY).await;

    scene.desk.hold_for(MANY);
    let told = settle(
        people
            .iter()
            .map(|person| scene.register(scene.event, person, None)),
    )
    .await;

    scene.assert_together(&database, MANY);
    let told: Vec<Told> = told.into_iter().map(|told| told.expect("an answer")).collect();
    let seats = told.iter().filter(|told| matches!(told, Told::Seat(_))).count();
    assert_eq!(seats, 20);
    let mut waiting: Vec<_> = told.iter().filter_map(Told::place).collect();
    waiting.sort_unstable();
    assert!(
        waiting.iter().map(|(position, _)| *position).eq(1..=44),
        "{waiting:?}"
    );
    let queue: Vec<_> = waiting.iter().map(|(_, entry)| *entry).collect();
    assert_eq!(scene.queue(scene.event).await, queue);
    assert_eq!(scene.counts(scene.event).await, (20, 44));
    for (rows, many) in [
        ("attendees", 64),
        ("outbox WHERE kind = 'seat_confirmed'", 20),
        ("outbox WHERE kind = 'waitlist_joined'", 44),
        ("outbox WHERE kind = 'registration-changed'", 20),
        ("outbox WHERE kind = 'waitlist-moved'", 44),
        ("waitlist_log WHERE action = 'joined'", 44),
    ] {
        assert_eq!(scene.rows.count(rows).await, many, "{rows}");
    }
    scene.assert_invariants().await;
}

async fn seats_given_back_together_go_to_the_head_of_the_queue(database: TestDatabase) {
    let scene = Scene::over(&database, 20).await;
    let people = scene.people(MANY).await;
    scene.desk.hold_for(MANY);
    let told = settle(
        people
            .iter()
            .map(|person| scene.register(scene.event, person, None)),
    )
    .await;
    let queue = scene.queue(scene.event).await;

    scene.desk.hold_for(20);
    let holders =
        people
            .iter()
            .zip(&told)
            .filter_map(|(person, told)| match told.as_ref().expect("an answer") {
                Told::Seat(id) => Some((person, *id)),
                Told::Waits(..) => None,
            });
    let cancelled = settle(holders.map(|(person, id)| scene.cancel(scene.event, person, id))).await;

    for promoted in cancelled {
        assert_eq!(promoted.expect("an answer"), 1);
    }
    scene.assert_together(&database, 20);
    assert_eq!(scene.counts(scene.event).await, (20, 24));
    assert_eq!(scene.queue(scene.event).await, queue[20..]);
    assert_eq!(scene.promoted_in_order(scene.event).await, queue[..20]);
    scene.assert_invariants().await;
}

async fn who_joins_and_who_leaves_in_one_batch_are_as_one_after_the_other(database: TestDatabase) {
    let scene = Scene::over(&database, 5).await;
    let people = scene.people(25).await;
    // Five have a seat, ten wait; then the five go, the ten ask again, and ten more come.
    let mut seats = Vec::new();
    for person in &people[..15] {
        let told = scene.register(scene.event, person, None).await;
        if let Told::Seat(id) = told.expect("an answer") {
            seats.push((person, id));
        }
    }
    assert_eq!(scene.counts(scene.event).await, (5, 10));

    scene.desk.hold_for(25);
    let ask = |some: &[UserId]| {
        let asked = some
            .iter()
            .map(|person| tokio::spawn(scene.register(scene.event, person, None)));
        asked.collect::<Vec<_>>()
    };
    let going: Vec<_> = seats
        .iter()
        .map(|(person, id)| tokio::spawn(scene.cancel(scene.event, person, *id)))
        .collect();
    scene.all_wait(5).await;
    let (again, new) = (ask(&people[5..15]), ask(&people[15..]));

    for gone in going {
        assert_eq!(gone.await.expect("a task").expect("an answer"), 1);
    }
    let (mut seated, mut queued) = (0, 0);
    for task in again {
        match task.await.expect("a task") {
            Err(RegisterError::Refused(Refusal::AlreadyRegistered(_))) => seated += 1,
            Err(RegisterError::Refused(Refusal::AlreadyWaiting(_))) => queued += 1,
            told => panic!("they are in the queue, or have left it for a seat: {told:?}"),
        }
    }
    assert_eq!(
        (seated, queued),
        (5, 5),
        "who got a seat in this very batch has one"
    );
    for task in new {
        let told = task.await.expect("a task");
        assert!(
            matches!(told, Ok(Told::Waits(..))),
            "nobody passes those who wait: {told:?}"
        );
    }
    assert_eq!(scene.counts(scene.event).await, (5, 15));
    scene.assert_invariants().await;
}

async fn the_second_request_of_a_person_sees_the_first(database: TestDatabase) {
    let scene = Scene::over(&database, 20).await;
    let people = scene.people(4).await;

    scene.desk.hold_for(8);
    let told = settle(
        people
            .iter()
            .chain(&people)
            .map(|person| scene.register(scene.event, person, None)),
    )
    .await;

    let seats = told
        .iter()
        .filter(|told| matches!(told, Ok(Told::Seat(_))))
        .count();
    let refused = told
        .iter()
        .filter(|told| matches!(told, Err(RegisterError::Refused(Refusal::AlreadyRegistered(_)))))
        .count();
    assert_eq!((seats, refused), (4, 4), "{told:?}");
    assert_eq!(scene.counts(scene.event).await, (4, 0));
    scene.assert_invariants().await;
}

async fn two_with_one_key_are_told_the_same(database: TestDatabase) {
    let scene = Scene::over(&database, 20).await;
    let people = scene.people(4).await;

    scene.desk.hold_for(8);
    let told = settle(
        people
            .iter()
            .chain(&people)
            .map(|person| scene.register(scene.event, person, Some("the-same"))),
    )
    .await;

    let told: Vec<Told> = told.into_iter().map(|told| told.expect("an answer")).collect();
    assert_eq!(told[..4], told[4..]);
    assert_eq!(scene.counts(scene.event).await, (4, 0));
    assert_eq!(
        scene.rows.count("idempotency_keys WHERE body IS NOT NULL").await,
        4
    );
    let repeated = scene.register(scene.event, &people[0], Some("the-same")).await;
    assert_eq!(repeated.expect("an answer"), told[0]);
    scene.assert_invariants().await;
}

async fn who_gave_up_is_dropped_before_it_is_decided(database: TestDatabase) {
    let scene = Scene::over(&database, 20).await;
    let people = scene.people(3).await;
    let runs = Arc::new(AtomicU32::new(0));
    let ask = |number: usize| {
        let (store, runs) = (scene.rows.store.clone(), Arc::clone(&runs));
        let about = scene.about(scene.event, &people[number], None);
        tokio::spawn(async move {
            store
                .write_about(Some(about), move |_| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, StoreError>(())
                })
                .await
        })
    };

    scene.desk.hold_for(3);
    let (gone, stays) = (ask(0), ask(1));
    scene.all_wait(2).await;
    gone.abort();
    assert!(gone.await.expect_err("it was aborted").is_cancelled());
    let third = ask(2);
    stays.await.expect("a task").expect("a write");
    third.await.expect("a task").expect("a write");

    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

async fn one_too_many_is_told_so_at_once(database: TestDatabase) {
    const MOST_WAITING: usize = 16_384;
    let scene = Scene::over(&database, 20).await;
    let ask = || {
        let store = scene.rows.store.clone();
        // Of nobody, so that nobody waits for another of the same.
        let about = Together::register(scene.now(), scene.event, scene.rows.id(), None);
        async move { store.write_about(Some(about), |_| Ok::<_, StoreError>(())).await }
    };

    scene.desk.hold_for(usize::MAX);
    // The desk has one in its hand, and the others wait before it.
    let tasks: Vec<_> = (0..=MOST_WAITING).map(|_| tokio::spawn(ask())).collect();
    scene.all_wait(MOST_WAITING + 1).await;
    let refused = ask().await;
    scene.desk.hold_for(0);

    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    for task in tasks {
        task.await.expect("a task").expect("a write");
    }
}

async fn who_comes_alone_is_run_once(database: TestDatabase) {
    let scene = Scene::over(&database, 20).await;
    let people = scene.people(5).await;
    let runs = Arc::new(AtomicU32::new(0));
    let ask = |number: usize| {
        let (store, runs, user_id) = (scene.rows.store.clone(), Arc::clone(&runs), people[number]);
        let about = scene.about(scene.event, &user_id, None);
        async move {
            store
                .write_about(Some(about), move |tx| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    // No batch reads that.
                    tx.find_user(user_id)
                })
                .await
        }
    };

    assert!(ask(0).await.expect("a write").is_some());
    assert_eq!(runs.load(Ordering::SeqCst), 1, "alone it need not be run again");

    scene.desk.hold_for(4);
    for found in settle((1..5).map(ask)).await {
        assert!(found.expect("a write").is_some());
    }
    let again = match database.kind() {
        Kind::Postgres => 4,
        Kind::Sqlite => 0,
    };
    assert_eq!(
        runs.load(Ordering::SeqCst),
        1 + 4 + again,
        "who asks for more than a batch has read is done again by itself"
    );
}

/// Ten thousand people and five hundred seats, at the full scale.
async fn thousands_at_once_get_the_seats_and_a_queue_and_then_the_next_the_seats_given_back(
    database: TestDatabase,
) {
    let seats = environment::scaled(500).max(20);
    let people = 20 * seats;
    let scene = Scene::over(&database, u32::try_from(seats).expect("few")).await;
    let people = scene.people(people).await;

    let begun = Instant::now();
    let told = settle(
        people
            .iter()
            .map(|person| scene.register(scene.event, person, Some("mine"))),
    )
    .await;
    let registering = begun.elapsed();

    let told: Vec<Told> = told
        .into_iter()
        .map(|told| told.unwrap_or_else(|error| panic!("{error:?}")))
        .collect();
    let holders: Vec<_> = people
        .iter()
        .zip(&told)
        .filter_map(|(person, told)| match told {
            Told::Seat(id) => Some((person, *id)),
            Told::Waits(..) => None,
        })
        .collect();
    assert_eq!(holders.len(), seats);
    let mut waiting: Vec<_> = told.iter().filter_map(Told::place).collect();
    waiting.sort_unstable();
    let many = u32::try_from(people.len() - seats).expect("few");
    assert!(waiting.iter().map(|(position, _)| *position).eq(1..=many));
    let queue: Vec<_> = waiting.into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(
        scene.queue(scene.event).await,
        queue,
        "in the order in which they were told"
    );
    scene.assert_invariants().await;

    let begun = Instant::now();
    let cancelled = settle(
        holders
            .into_iter()
            .map(|(person, id)| scene.cancel(scene.event, person, id)),
    )
    .await;
    let cancelling = begun.elapsed();

    for promoted in cancelled {
        assert_eq!(promoted.expect("an answer"), 1);
    }
    assert_eq!(scene.queue(scene.event).await, queue[seats..]);
    assert_eq!(scene.promoted_in_order(scene.event).await, queue[..seats]);
    scene.counts(scene.event).await;
    scene.assert_invariants().await;
    let (taken, most) = (scene.desk.committed(), scene.desk.committed().into_iter().max());
    println!(
        "{}: {} people within {registering:?}, {seats} seats given back within {cancelling:?}; {} commits of up to {most:?}",
        database.kind(),
        people.len(),
        taken.len(),
    );
}
