//! What fails inside of a batch, or stands in its way.

use super::scene::{Besides, Scene, Told, settle};
use kernel::{AttendeeId, CandidateId, EventId, StoreError, TypedId};
use registration::{RegisterError, RegistrationRepository};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use storage::{Connector, Together};
use testkit::{Kind, TestDatabase, on_both_databases};
use user::{AttendeeRepository, UserRepository};

on_both_databases! {
    what_fails_in_a_batch_is_that_ones_alone,
    a_broken_constraint_is_that_ones_alone,
    nobody_is_answered_before_the_commit,
}

/// Refused, panicking, asking for more than was read: these break no batch.
async fn what_fails_in_a_batch_is_that_ones_alone(database: TestDatabase) {
    let scene = Scene::over(&database, 100).await;
    let people = scene.people(40).await;
    let nowhere: EventId = scene.rows.id();
    let stays: Besides = |_, _, _, _| Ok(());
    let panics: Besides = |_, _, _, _| panic!("as a mistake of ours would");
    let is_refused: Besides = |_, _, _, _| Err(StoreError::Internal("no".into()).into());
    let asks_more: Besides = |tx, ctx, _, _| {
        let found = tx.find_user(ctx.actor.user_id().expect("somebody"))?;
        assert!(found.is_some());
        Ok(())
    };

    scene.desk.hold_for(40);
    let told = settle(people.iter().enumerate().map(|(index, person)| {
        let (event, besides) = match index % 5 {
            0 => (scene.event, stays),
            1 => (scene.event, panics),
            2 => (scene.event, is_refused),
            3 => (nowhere, stays),
            _ => (scene.event, asks_more),
        };
        scene.register_and(event, person, Some("mine"), besides)
    }))
    .await;

    for (index, told) in told.iter().enumerate() {
        let is_right = match index % 5 {
            0 | 4 => matches!(told, Ok(Told::Seat(_))),
            3 => matches!(told, Err(RegisterError::EventNotFound)),
            _ => matches!(told, Err(RegisterError::Store(StoreError::Internal(_)))),
        };
        assert!(is_right, "{index}: {told:?}");
    }
    match database.kind() {
        Kind::Sqlite => scene.assert_together(&database, 40),
        Kind::Postgres => {
            // Each desk had those of its event; who asked for more was done again.
            let many = scene.desk.committed().into_iter().filter(|many| *many > 1);
            assert!(many.sum::<usize>() >= 24, "{:?}", scene.desk.committed());
        }
    }
    assert_eq!(scene.counts(scene.event).await, (16, 0));
    for rows in [
        "attendees",
        "idempotency_keys",
        "outbox WHERE kind = 'seat_confirmed'",
    ] {
        assert_eq!(scene.rows.count(rows).await, 16, "{rows}");
    }
    scene.assert_invariants().await;
}

/// What the database alone finds out: PostgreSQL takes the whole batch back, and each is done again by itself.
async fn a_broken_constraint_is_that_ones_alone(database: TestDatabase) {
    let scene = Scene::over(&database, 100).await;
    let people = scene.people(30).await;
    let stays: Besides = |_, _, _, _| Ok(());
    let writes_twice: Besides = |tx, _, event_id, told| {
        let Told::Seat(id) = told else {
            return Err(StoreError::Internal("there are seats for all".into()).into());
        };
        let twice = registration::Registration {
            id,
            event_id,
            attendee_id: TypedId::from_uuid(id.uuid()),
            status: registration::RegistrationStatus::Confirmed,
            registered_by: None,
            registered_at: kernel::Instant::UNIX_EPOCH,
            checked_in_at: None,
            hold_expires_at: None,
            ended_at: None,
            ticket_code: ticket::TicketCode::random().expect("randomness"),
        };
        tx.insert_registrations(&[twice])?;
        Ok(())
    };

    scene.desk.hold_for(30);
    let told = settle(people.iter().enumerate().map(|(index, person)| {
        let besides = if index % 10 == 3 { writes_twice } else { stays };
        scene.register_and(scene.event, person, Some("mine"), besides)
    }))
    .await;

    for (index, told) in told.iter().enumerate() {
        assert_eq!(told.is_err(), index % 10 == 3, "{index}: {told:?}");
    }
    assert_eq!(scene.counts(scene.event).await, (27, 0));
    for rows in [
        "attendees",
        "idempotency_keys",
        "outbox WHERE kind = 'seat_confirmed'",
    ] {
        assert_eq!(scene.rows.count(rows).await, 27, "{rows}");
    }
    scene.assert_invariants().await;
}

async fn nobody_is_answered_before_the_commit(database: TestDatabase) {
    let scene = Scene::over(&database, 100).await;
    let people = scene.people(10).await;
    let (written, is_written) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    scene.desk.before_commit(Some(Box::new(move |many| {
        written.send(many).expect("a test that listens");
        // Until the test lets go of it.
        let _ = released.recv();
    })));

    scene.desk.hold_for(10);
    let tasks: Vec<_> = people
        .iter()
        .map(|person| tokio::spawn(scene.register(scene.event, person, None)))
        .collect();
    let many = tokio::task::spawn_blocking(move || is_written.recv()).await;
    assert_eq!(many.expect("a task"), Ok(10));
    // Time for an answer that should not be.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        tasks.iter().all(|task| !task.is_finished()),
        "somebody was answered"
    );
    assert_eq!(scene.counts(scene.event).await, (0, 0), "nobody sees it");

    drop(release);
    for task in tasks {
        let told = task.await.expect("a task");
        assert!(matches!(told, Ok(Told::Seat(_))), "{told:?}");
    }
    assert_eq!(scene.counts(scene.event).await, (10, 0));
}

#[test]
fn a_vote_goes_with_the_seat_also_one_that_is_cast_under_the_batch() {
    testkit::both::run(Kind::Postgres, with_votes);
}

async fn with_votes(database: TestDatabase) {
    let scene = Scene::over(&database, 100).await;
    let people = scene.people(4).await;
    let mut seats = Vec::new();
    for person in &people {
        match scene.register(scene.event, person, None).await {
            Ok(Told::Seat(id)) => seats.push(id),
            told => panic!("{told:?}"),
        }
    }
    let users = people.clone();
    let attendees: Vec<AttendeeId> = scene
        .rows
        .read(move |tx| {
            users
                .iter()
                .map(|user| Ok(tx.find_attendee_of_user(*user)?.expect("an attendee").id))
                .collect()
        })
        .await;
    let candidate: CandidateId = scene.rows.id();
    let (event, stands, nominator) = (scene.event, attendees[0], people[0]);
    let vote_of = |voter: AttendeeId| {
        format!(
            "INSERT INTO votes (event_id, voter_id, candidate_id, candidate_attendee_id, via, cast_at) \
             VALUES ('{event}', '{voter}', '{candidate}', '{stands}', 'signed_in', now())"
        )
    };
    let listed = format!(
        "INSERT INTO candidates (id, event_id, attendee_id, nominated_by, status, talk_title, abstract, nominated_at, listed_at, \
         updated_at) VALUES ('{candidate}', '{event}', '{stands}', '{nominator}', 'listed', 'A talk', 'Of it', now(), now(), now()); {}",
        vote_of(attendees[1])
    );
    database
        .connect()
        .execute_batch(&listed)
        .expect("a candidate and a vote");

    scene.desk.hold_for(3);
    let before = tokio::spawn(scene.cancel(event, &people[1], seats[1]));
    let neither = tokio::spawn(scene.cancel(event, &people[2], seats[2]));
    let meanwhile = {
        let (store, ctx, id) = (scene.rows.store.clone(), scene.rows.acting(people[3]), seats[3]);
        let about = Together::cancel(scene.now(), event, people[3], id);
        let (url, vote, voted) = (
            database.parsed_url(),
            vote_of(attendees[3]),
            AtomicBool::new(false),
        );
        store
            .write_about(Some(about), move |tx| {
                // Once, from somewhere else, when the batch has been read.
                if !voted.swap(true, Ordering::SeqCst) {
                    let mut elsewhere = Connector::new(url.clone()).open().expect("a connection");
                    elsewhere.execute_batch(&vote).expect("a vote");
                }
                registration::cancel(tx, &ctx, id).map(|cancelled| cancelled.promoted)
            })
            .await
    };

    meanwhile.expect("an answer");
    before.await.expect("a task").expect("an answer");
    neither.await.expect("a task").expect("an answer");
    assert_eq!(scene.rows.count("votes").await, 0, "nobody votes without a seat");
    assert_eq!(scene.counts(event).await, (1, 0));
    scene.assert_invariants().await;
}

#[test]
fn a_held_event_makes_its_people_wait_and_nobody_else() {
    testkit::both::run(Kind::Postgres, beside_a_held_event);
}

async fn beside_a_held_event(database: TestDatabase) {
    let scene = Scene::over(&database, 10).await;
    let people = scene.people(90).await;
    let other = scene.neighbour(10).await;
    let mut holder = database.connect();
    let lock = format!(
        "BEGIN; SELECT 1 FROM events WHERE id = '{}' FOR UPDATE",
        scene.event
    );
    holder.execute_batch(&lock).expect("the lock");

    scene.desk.hold_for(usize::MAX);
    let held: Vec<_> = people[..30]
        .iter()
        .map(|person| tokio::spawn(scene.register(scene.event, person, None)))
        .collect();
    scene.all_wait(30).await;
    scene.desk.hold_for(0);
    // One after the other: were the desk to look for the held event each time, those who want that one would have given up by the
    // end of it.
    for person in &people[30..] {
        scene.register(other, person, None).await.expect("an answer");
    }
    assert_eq!(scene.counts(other).await, (10, 50));
    assert!(
        held.iter().all(|task| !task.is_finished()),
        "somebody did not wait"
    );

    holder.execute_batch("COMMIT").expect("the end of the lock");
    for task in held {
        task.await.expect("a task").expect("an answer");
    }
    assert_eq!(scene.counts(scene.event).await, (10, 20));
    scene.assert_invariants().await;
}

#[test]
fn a_held_account_keeps_nobody_else_waiting() {
    testkit::both::run(Kind::Postgres, beside_a_held_account);
}

async fn beside_a_held_account(database: TestDatabase) {
    let scene = Scene::over(&database, 40).await;
    let people = scene.people(40).await;
    let mut holder = database.connect();
    // As an erasure does, and a change of the address.
    let lock = format!("BEGIN; SELECT 1 FROM users WHERE id = '{}' FOR UPDATE", people[7]);
    holder.execute_batch(&lock).expect("the lock");

    scene.desk.hold_for(40);
    let mut tasks: Vec<_> = people
        .iter()
        .map(|person| tokio::spawn(scene.register(scene.event, person, Some("mine"))))
        .collect();
    let held = tasks.remove(7);
    for task in tasks {
        task.await.expect("a task").expect("an answer");
    }
    assert_eq!(scene.desk.committed().first(), Some(&39));
    assert!(!held.is_finished(), "whose account is held waits");
    holder.execute_batch("COMMIT").expect("the end of the lock");
    held.await.expect("a task").expect("an answer");
    assert_eq!(scene.counts(scene.event).await, (40, 0));
    scene.assert_invariants().await;
}

#[test]
fn one_account_that_asks_many_times_keeps_nobody_from_the_batches() {
    testkit::both::run(Kind::Postgres, beside_one_who_asks_many_times);
}

async fn beside_one_who_asks_many_times(database: TestDatabase) {
    let scene = Scene::over(&database, 100).await;
    let people = scene.people(101).await;
    let (many, others) = people.split_first().expect("people");
    let flood: Vec<_> = (0..600)
        .map(|_| {
            let store = scene.rows.store.clone();
            let about = scene.about(scene.event, many, None);
            async move { store.write_about(Some(about), |_| Ok::<_, StoreError>(())).await }
        })
        .collect();

    scene.desk.hold_for(700);
    let flood: Vec<_> = flood.into_iter().map(tokio::spawn).collect();
    scene.all_wait(600).await;
    let told = settle(
        others
            .iter()
            .map(|person| scene.register(scene.event, person, None)),
    )
    .await;
    assert!(told.iter().all(Result::is_ok), "{told:?}");
    let committed = scene.desk.committed();
    assert!(
        committed.iter().take(6).sum::<usize>() >= 100,
        "the others were written one by one: {committed:?}"
    );
    for one in flood {
        one.await.expect("a task").expect("a write");
    }
}

/// Somebody else writes the very attendee between the batch's reading and its writing: it is read once more, not done one by one.
#[test]
fn what_came_between_reading_and_writing_is_read_again() {
    testkit::both::run(Kind::Postgres, between_reading_and_writing);
}

async fn between_reading_and_writing(database: TestDatabase) {
    let scene = Scene::over(&database, 100).await;
    let other = scene.another(100).await;
    let people = scene.people(30).await;
    let elsewhere = Scene::beside(database.parsed_url(), other);
    let (late, runtime) = (
        elsewhere.register(other, &people[20], None),
        tokio::runtime::Handle::current(),
    );
    let late = std::sync::Mutex::new(Some(late));
    let meanwhile = move || {
        if let Some(registers) = late.lock().expect("no panic").take() {
            runtime.block_on(registers).expect("an answer");
        }
    };
    let (store, ctx) = (scene.rows.store.clone(), scene.rows.acting(people[0]));
    let about = scene.about(scene.event, &people[0], None);
    let (event_id, first) = (scene.event, Arc::new(meanwhile));
    let first = async move {
        let first = Arc::clone(&first);
        store
            .write_about(Some(about), move |tx| {
                first();
                super::scene::register_once(tx, &ctx, None, event_id)
            })
            .await
    };

    scene.desk.hold_for(30);
    let first = tokio::spawn(first);
    let told = settle(
        people[1..]
            .iter()
            .map(|person| scene.register(scene.event, person, None)),
    )
    .await;
    assert!(told.iter().all(Result::is_ok), "{told:?}");
    first.await.expect("a task").expect("an answer");
    assert_eq!(scene.desk.committed(), [30]);
    assert_eq!(scene.counts(scene.event).await, (30, 0));
    assert_eq!(scene.counts(other).await, (1, 0));
    scene.assert_invariants().await;
}
