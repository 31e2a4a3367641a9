//! SQLite's one writer: who is written together, whose failure is whose, and who is not written at all.

use crate::rows::Rows;
use kernel::StoreError;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testkit::TestDatabase;
use tokio::sync::Notify;
use user::{NewUser, UserRepository};

/// What an operation does after it wrote its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Stays,
    IsRefused,
    Panics,
    WritesTwice,
}

fn writing(
    rows: &Rows,
    new: NewUser,
    then: Then,
) -> impl Future<Output = Result<(), StoreError>> + Send + 'static {
    let store = rows.store.clone();
    async move {
        store
            .write(move |tx| {
                tx.insert_user(&new)?;
                match then {
                    Then::Stays => Ok(()),
                    Then::IsRefused => Err(StoreError::Internal("no".into())),
                    Then::Panics => panic!("as a mistake of ours would"),
                    Then::WritesTwice => tx.insert_user(&new),
                }
            })
            .await
    }
}

/// Keeps the writer busy until it is told, so that all who come meanwhile wait.
struct Busy {
    release: Arc<Notify>,
    ended: tokio::task::JoinHandle<Result<(), StoreError>>,
}

impl Busy {
    async fn with(rows: &Rows) -> Self {
        let (release, begun) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (store, wait, say) = (rows.store.clone(), Arc::clone(&release), Arc::clone(&begun));
        let runtime = tokio::runtime::Handle::current();
        let ended = tokio::spawn(async move {
            store
                .write(move |_| {
                    say.notify_one();
                    runtime.block_on(wait.notified());
                    Ok(())
                })
                .await
        });
        begun.notified().await;
        Self { release, ended }
    }

    async fn end(self) {
        self.release.notify_one();
        self.ended.await.expect("a task").expect("a write");
    }
}

/// Waits until so many wait for the writer.
async fn all_wait(rows: &Rows, many: usize) {
    while rows.store.writes_waiting() < many {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_that_ones_alone_among_those_written_together() {
    let database = TestDatabase::sqlite();
    let rows = Rows::over(&database);
    let busy = Busy::with(&rows).await;
    let tasks: Vec<_> = (0..40)
        .map(|index| {
            let then = [Then::Stays, Then::IsRefused, Then::Panics, Then::WritesTwice][index % 4];
            (then, tokio::spawn(writing(&rows, rows.user(), then)))
        })
        .collect();
    all_wait(&rows, 40).await;
    busy.end().await;
    for (then, task) in tasks {
        let outcome = task.await.expect("a task");
        match then {
            Then::Stays => assert!(outcome.is_ok(), "{outcome:?}"),
            Then::IsRefused | Then::Panics => {
                assert!(matches!(outcome, Err(StoreError::Internal(_))), "{outcome:?}");
            }
            Then::WritesTwice => assert!(matches!(outcome, Err(StoreError::Duplicate(_))), "{outcome:?}"),
        }
    }
    assert_eq!(rows.count("users").await, 10, "those alone who were told so");
}

/// SQLite takes a whole transaction back by itself where the disk is full or fails; here a trigger does.
#[tokio::test(flavor = "multi_thread")]
async fn those_whose_transaction_was_taken_back_are_written_one_by_one() {
    let database = TestDatabase::sqlite();
    database
        .connect()
        .execute_batch(
            "CREATE TRIGGER taken_back BEFORE INSERT ON users WHEN NEW.name = 'Broken' \
             BEGIN SELECT RAISE(ROLLBACK, 'taken back'); END",
        )
        .expect("a trigger");
    let rows = Rows::over(&database);
    let busy = Busy::with(&rows).await;
    let tasks: Vec<_> = (0..30)
        .map(|index| {
            let mut new = rows.user();
            let breaks = index % 10 == 5;
            if breaks {
                new.user.name = "Broken".parse().expect("a name");
            }
            // One of them does not say what happened to it: the commit finds out.
            let is_silent = index == 25;
            let store = rows.store.clone();
            let task = tokio::spawn(async move {
                store
                    .write(move |tx| match tx.insert_user(&new) {
                        Err(_) if is_silent => Ok(()),
                        other => other,
                    })
                    .await
            });
            (breaks, task)
        })
        .collect();
    all_wait(&rows, 30).await;
    busy.end().await;
    for (breaks, task) in tasks {
        let outcome = task.await.expect("a task");
        assert_eq!(outcome.is_err(), breaks, "{outcome:?}");
    }
    assert_eq!(rows.count("users").await, 27);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gave_up_is_not_written() {
    let database = TestDatabase::sqlite();
    let rows = Rows::over(&database);
    let busy = Busy::with(&rows).await;
    let runs = Arc::new(AtomicU32::new(0));
    let write = |counted: Arc<AtomicU32>| {
        let store = rows.store.clone();
        async move {
            store
                .write(move |_| {
                    counted.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, StoreError>(())
                })
                .await
        }
    };
    let (gone, stays) = (
        tokio::spawn(write(Arc::clone(&runs))),
        tokio::spawn(write(Arc::clone(&runs))),
    );
    all_wait(&rows, 2).await;
    gone.abort();
    assert!(gone.await.expect_err("it was aborted").is_cancelled());
    busy.end().await;
    stays.await.expect("a task").expect("a write");
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_too_many_is_told_so_at_once() {
    const MOST_WAITING: usize = 16_384;
    let database = TestDatabase::sqlite();
    let rows = Rows::over(&database);
    let busy = Busy::with(&rows).await;
    let tasks: Vec<_> = (0..MOST_WAITING)
        .map(|_| {
            let store = rows.store.clone();
            tokio::spawn(async move { store.write(|_| Ok::<_, StoreError>(())).await })
        })
        .collect();
    all_wait(&rows, MOST_WAITING).await;
    let refused = rows.store.write(|_| Ok::<_, StoreError>(())).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    busy.end().await;
    for task in tasks {
        task.await.expect("a task").expect("a write");
    }
}
