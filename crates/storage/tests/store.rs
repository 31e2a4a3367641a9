//! The store itself: what a write does when its operation swallows an error, when others are in the way, when it panics,
//! and when its connection is dead.

use crate::rows::Rows;
use event::EventRepository;
use kernel::StoreError;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use storage::{DbConn, StoreOptions};
use testkit::{Kind, TestDatabase, all_at_once, on_both_databases};
use user::UserRepository;

on_both_databases! {
    a_swallowed_error_commits_nothing_that_it_aborted,
    a_panicking_operation_writes_nothing_and_leaves_the_store_usable,
    a_write_waits_for_a_lock_that_is_given_back,
    a_write_gives_up_on_a_lock_that_is_kept,
    many_writers_beside_each_other_all_get_through,
    connections_that_died_at_rest_are_replaced,
    a_refused_operation_writes_nothing,
    those_who_search_leave_connections_to_others,
}

async fn a_swallowed_error_commits_nothing_that_it_aborted(database: TestDatabase) {
    let rows = Rows::over(&database);
    let (first, second) = (rows.user(), rows.user());
    let (one, other) = (first.clone(), second.clone());
    let outcome = rows
        .store
        .write(move |tx| {
            tx.insert_user(&one)?;
            assert!(matches!(tx.insert_user(&one), Err(StoreError::Duplicate(_))));
            // PostgreSQL has given the transaction up; it would answer a plain COMMIT with a silent ROLLBACK.
            let _ = tx.insert_user(&other);
            Ok::<_, StoreError>(())
        })
        .await;
    let written = rows.count("users").await;
    match database.kind() {
        Kind::Postgres => {
            assert!(outcome.is_err(), "what was not written was said to be");
            assert_eq!(written, 0);
        }
        // SQLite takes back the failed statement alone.
        Kind::Sqlite => {
            assert!(outcome.is_ok(), "{outcome:?}");
            assert_eq!(written, 2);
        }
    }
    rows.saved_user().await;
    assert_eq!(rows.count("users").await, written + 1, "the connection is usable");
}

async fn a_refused_operation_writes_nothing(database: TestDatabase) {
    let rows = Rows::over(&database);
    let new = rows.user();
    let refused = rows
        .store
        .write(move |tx| {
            tx.insert_user(&new)?;
            Err::<(), _>(StoreError::Internal("no".into()))
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(rows.count("users").await, 0);
}

async fn a_panicking_operation_writes_nothing_and_leaves_the_store_usable(database: TestDatabase) {
    let rows = Rows::over(&database);
    for _ in 0..20 {
        let new = rows.user();
        let outcome = rows
            .store
            .write(move |tx| -> Result<(), StoreError> {
                tx.insert_user(&new)?;
                panic!("as a mistake of ours would")
            })
            .await;
        assert!(matches!(outcome, Err(StoreError::Internal(_))), "{outcome:?}");
    }
    let read = rows
        .store
        .read(|_| -> Result<(), StoreError> { panic!("as a mistake of ours would") })
        .await;
    assert!(matches!(read, Err(StoreError::Internal(_))), "{read:?}");
    assert_eq!(rows.count("users").await, 0);
    rows.saved_user().await;
    assert_eq!(rows.count("users").await, 1);
}

/// Another connection that holds what the write needs.
fn holding(database: &TestDatabase, event: kernel::EventId) -> DbConn {
    let mut connection = database.connect();
    let lock = match database.kind() {
        Kind::Postgres => format!("BEGIN; SELECT 1 FROM events WHERE id = '{event}' FOR UPDATE"),
        Kind::Sqlite => "BEGIN IMMEDIATE".to_owned(),
    };
    connection.execute_batch(&lock).expect("the lock");
    connection
}

async fn a_write_waits_for_a_lock_that_is_given_back(database: TestDatabase) {
    let rows = Rows::over(&database);
    let id = rows.saved_event().await.id;
    let mut holder = holding(&database, id);
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let mut write = Box::pin(rows.store.write(move |tx| {
        counted.fetch_add(1, Ordering::Relaxed);
        tx.lock_event(id)
    }));
    // Longer than a statement waits on PostgreSQL: the whole operation is tried again.
    let waiting = tokio::time::timeout(Duration::from_millis(700), &mut write).await;
    assert!(waiting.is_err(), "it did not wait: {waiting:?}");
    holder.execute_batch("COMMIT").expect("the end of the lock");
    let locked = write.await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(locked.map(|event| event.id), Some(id));
    if database.kind() == Kind::Postgres {
        assert!(tries.load(Ordering::Relaxed) > 1, "it was tried again");
    }
}

async fn a_write_gives_up_on_a_lock_that_is_kept(database: TestDatabase) {
    let mut options = StoreOptions::new(database.parsed_url());
    options.contention_patience = Duration::from_millis(300);
    let rows = Rows::with(&options);
    let id = rows.saved_event().await.id;
    let mut holder = holding(&database, id);
    let outcome = rows.store.write(move |tx| tx.lock_event(id)).await;
    assert!(matches!(outcome, Err(StoreError::Contention(_))), "{outcome:?}");
    holder.execute_batch("COMMIT").expect("the end of the lock");
    rows.write(move |tx| tx.lock_event(id)).await;
}

/// Several stores over one database, as several processes have; each transaction reads before it writes. None may need
/// a second try: on SQLite a transaction that did not begin as a writer would.
async fn many_writers_beside_each_other_all_get_through(database: TestDatabase) {
    let mut options = StoreOptions::new(database.parsed_url());
    options.contention_patience = Duration::ZERO;
    options.pool_size = 4;
    let stores: Vec<Rows> = (0..8).map(|_| Rows::with(&options)).collect();
    let outcomes = all_at_once(80, |index| {
        let rows = &stores[index % 8];
        let (store, new) = (rows.store.clone(), rows.user());
        async move {
            store
                .write(move |tx| {
                    tx.find_user(new.user.id)?;
                    tx.insert_user(&new)
                })
                .await
        }
    })
    .await;
    for outcome in outcomes {
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(stores[0].count("users").await, 80);
}

async fn connections_that_died_at_rest_are_replaced(database: TestDatabase) {
    if database.kind() == Kind::Sqlite {
        // A file has no server that could end a connection.
        return;
    }
    let rows = Rows::over(&database);
    for round in 1..=3 {
        open_all(&rows).await;
        let mut admin = database.connect();
        admin
            .execute_batch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .expect("the end of all other connections");
        if round == 2 {
            rows.saved_user().await;
        }
        let reads = all_at_once(32, |_| {
            let store = rows.store.clone();
            async move { store.read(|tx| tx.count_rows("users")).await }
        })
        .await;
        for read in reads {
            read.unwrap_or_else(|error| panic!("{error}"));
        }
        rows.saved_user().await;
    }
    assert_eq!(rows.count("users").await, 4);
}

/// Opens as many connections as the pool has: all are in use at one moment.
async fn open_all(rows: &Rows) {
    let size = StoreOptions::new("sqlite:x".parse().expect("a URL")).pool_size;
    let meeting = Arc::new(std::sync::Barrier::new(size as usize));
    let reads = all_at_once(size as usize, |_| {
        let (store, meeting) = (rows.store.clone(), Arc::clone(&meeting));
        async move {
            store
                .read(move |tx| {
                    tx.count_rows("users")?;
                    meeting.wait();
                    Ok::<_, StoreError>(())
                })
                .await
        }
    })
    .await;
    assert!(reads.iter().all(Result::is_ok), "{reads:?}");
    assert_eq!(rows.store.connections().0 + rows.store.connections().1, size);
}

/// Of eight connections two are for those who search; the other searches wait for them, and nobody else does.
async fn those_who_search_leave_connections_to_others(database: TestDatabase) {
    let mut options = StoreOptions::new(database.parsed_url());
    options.pool_size = 8;
    let rows = Rows::with(&options);
    let (running, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let end = Arc::new((Mutex::new(false), Condvar::new()));
    let search = |_: u32| {
        let (store, end) = (rows.store.clone(), Arc::clone(&end));
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        tokio::spawn(async move {
            store
                .search(move |tx| {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let ended = end.0.lock().expect("the gate");
                    drop(end.1.wait_while(ended, |ended| !*ended).expect("the gate"));
                    running.fetch_sub(1, Ordering::SeqCst);
                    tx.count_rows("users")
                })
                .await
        })
    };
    let given_up: Vec<_> = (0..20).map(search).collect();
    while running.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // What was begun goes on, and keeps its turn.
    for search in given_up {
        search.abort();
        assert!(search.await.is_err(), "it was given up");
    }
    let searches: Vec<_> = (0..20).map(search).collect();
    let reads = all_at_once(100, |_| {
        let store = rows.store.clone();
        async move { store.read(|tx| tx.count_rows("users")).await }
    });
    let reads = tokio::time::timeout(Duration::from_secs(20), reads).await;
    *end.0.lock().expect("the gate") = true;
    end.1.notify_all();
    assert!(
        reads.expect("others read meanwhile").iter().all(Result::is_ok),
        "a read failed"
    );
    for search in searches {
        let found = search.await.expect("it ends");
        assert_eq!(found.unwrap_or_else(|error| panic!("{error}")), 0);
    }
    assert_eq!(most.load(Ordering::SeqCst), 2, "searches at one moment");
}
