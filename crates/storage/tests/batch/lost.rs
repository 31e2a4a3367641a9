//! PostgreSQL dies under a batch, or its answer is lost: who was told yes has a seat, and who was told no may ask again by their key
//! and is counted once.

use super::scene::{Scene, Told, settle};
use kernel::StoreError;
use registration::{Refusal, RegisterError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use storage::connection::Connector;
use storage::{DatabaseUrl, migrations};
use testkit::cluster::{Cluster, Durability};
use testkit::{Kind, Proxy, TestDatabase, environment};

#[test]
fn a_batch_whose_commit_was_not_answered_is_not_done_again() {
    testkit::both::run(Kind::Postgres, without_an_answer);
}

async fn without_an_answer(database: TestDatabase) {
    let proxy = Arc::new(Proxy::before(database.url()).await);
    let scene = Scene::at(proxy.url().parse().expect("a URL"), 100).await;
    let people = scene.people(20).await;
    // One of them asks for what they have, and is refused in the same batch.
    let has_a_seat = scene.people(1).await[0];
    scene
        .register(scene.event, &has_a_seat, None)
        .await
        .expect("a seat");
    let mut line = Some(Arc::clone(&proxy));
    scene.desk.before_commit(Some(Box::new(move |_| {
        if let Some(line) = line.take() {
            line.lose_an_answer();
        }
    })));

    scene.desk.hold_for(21);
    let again = tokio::spawn(scene.register(scene.event, &has_a_seat, None));
    let key = |index: usize| index.is_multiple_of(2).then_some("mine");
    let told = settle(
        people
            .iter()
            .enumerate()
            .map(|(index, person)| scene.register(scene.event, person, key(index))),
    )
    .await;

    let refused = again.await.expect("a task");
    for told in told.into_iter().chain([refused]) {
        assert!(
            matches!(told, Err(RegisterError::Store(StoreError::Unavailable(_)))),
            "nobody knows what became of it, or of what it rests on: {told:?}"
        );
    }
    assert_eq!(scene.counts(scene.event).await, (21, 0), "it was committed");
    for (index, person) in people.iter().enumerate() {
        let again = scene.register(scene.event, person, key(index)).await;
        let is_right = match key(index) {
            Some(_) => matches!(again, Ok(Told::Seat(_))),
            None => matches!(again, Err(RegisterError::Refused(Refusal::AlreadyRegistered(_)))),
        };
        assert!(is_right, "{index}: {again:?}");
    }
    assert_eq!(scene.counts(scene.event).await, (21, 0));
    scene.assert_invariants().await;
}

/// When the server dies.
#[derive(Debug, Clone, Copy)]
enum Dies {
    BeforeTheCommit,
    AfterTheCommit,
    SomewhereAround(Duration),
}

#[test]
fn a_server_that_dies_under_a_batch_loses_nobody_who_was_told_yes() {
    if testkit::database::available(Kind::Postgres).is_err() {
        return;
    }
    let cluster = Cluster::start(Durability::Durable).expect("a server of the test's own");
    let url = cluster.url("postgres");
    let parsed: DatabaseUrl = url.parse().expect("a URL");
    migrations::up(&Connector::new(parsed.clone())).expect("a schema");
    let mut moments = vec![Dies::BeforeTheCommit, Dies::AfterTheCommit];
    for round in 0..u64::try_from(environment::scaled(20).max(3)).expect("few") {
        moments.push(Dies::SomewhereAround(Duration::from_micros(300 * round)));
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        for moment in moments {
            dying(&parsed, moment).await;
        }
    });
}

async fn dying(url: &DatabaseUrl, moment: Dies) {
    let scene = Scene::at(url.clone(), 20).await;
    let people = scene.people(30).await;
    let (place, killers) = (url.clone(), Arc::new(Mutex::new(Vec::new())));
    let begun = Arc::clone(&killers);
    let kill = Box::new(move |_| match moment {
        Dies::BeforeTheCommit | Dies::AfterTheCommit => kill(&place),
        Dies::SomewhereAround(after) => {
            let place = place.clone();
            let killer = std::thread::spawn(move || {
                std::thread::sleep(after);
                kill(&place);
            });
            begun.lock().expect("no panic").push(killer);
        }
    });
    match moment {
        Dies::AfterTheCommit => scene.desk.after_commit(Some(kill)),
        Dies::BeforeTheCommit | Dies::SomewhereAround(_) => scene.desk.before_commit(Some(kill)),
    }

    scene.desk.hold_for(30);
    let ask = || {
        settle(
            people
                .iter()
                .map(|person| scene.register(scene.event, person, Some("mine"))),
        )
    };
    let first = ask().await;
    scene.desk.before_commit(None);
    scene.desk.after_commit(None);
    // None of them is to come later, over those who ask again.
    let killers = std::mem::take(&mut *killers.lock().expect("no panic"));
    for killer in killers {
        killer.join().expect("a thread");
    }
    wait_for(url);
    match moment {
        Dies::BeforeTheCommit => assert!(first.iter().all(Result::is_err), "{first:?}"),
        Dies::AfterTheCommit => assert!(first.iter().all(Result::is_ok), "{first:?}"),
        Dies::SomewhereAround(_) => {}
    }

    let second = ask().await;
    for (first, second) in first.iter().zip(&second) {
        let second = second
            .as_ref()
            .unwrap_or_else(|error| panic!("{moment:?}: {error:?}"));
        if let Ok(told) = first {
            assert_eq!(told, second, "{moment:?}: what was promised");
        }
    }
    assert_eq!(scene.counts(scene.event).await, (20, 10), "{moment:?}");
    let keys = "idempotency_keys WHERE body IS NULL";
    assert_eq!(scene.rows.count(keys).await, 0);
    scene.assert_invariants().await;
}

/// All connections die without a word, as when the server's process is killed; then the server recovers from its log.
fn kill(url: &DatabaseUrl) {
    let mut connection = Connector::new(url.clone()).open().expect("a connection");
    // The one that says it dies too.
    let _ = connection.execute_batch(
        "COPY (SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()) \
         TO PROGRAM 'xargs kill -9'",
    );
    // Until the server has noticed.
    let begun = Instant::now();
    while connection.execute_batch("SELECT 1").is_ok() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    wait_for(url);
}

fn wait_for(url: &DatabaseUrl) {
    let begun = Instant::now();
    loop {
        let opened = Connector::new(url.clone()).open();
        if opened.is_ok_and(|mut connection| connection.execute_batch("SELECT 1").is_ok()) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the server does not recover"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
