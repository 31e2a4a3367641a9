//! One test, run on both databases.
//!
//! ```ignore
//! on_both_databases! { a_full_event_refuses, an_empty_list_has_no_items }
//!
//! async fn a_full_event_refuses(database: TestDatabase) { /* … */ }
//! fn an_empty_list_has_no_items(database: &TestDatabase) -> anyhow::Result<()> { /* … */ }
//! ```
//! makes `sqlite::a_full_event_refuses`, `postgres::a_full_event_refuses` and so on. One list stands at the head of a
//! module and names its tests; the functions stay plain ones, which formatter and compiler read as such, and one that
//! the list forgets is reported as dead code.

use crate::database::{Kind, TestDatabase, Way};
use std::fmt::Debug;

/// Turns functions that take a [`TestDatabase`] into tests on each database; see [`crate::both`].
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[test]
            fn $name() {
                $crate::both::run($crate::Kind::Sqlite, super::$name);
            }
        )+}
        mod postgres {$(
            #[test]
            fn $name() {
                $crate::both::run($crate::Kind::Postgres, super::$name);
            }
        )+}
    };
}

/// The same for tests of what comes at the same time: with all written together that can be, and on PostgreSQL, where that is a way
/// of its own, each by itself too.
#[macro_export]
macro_rules! on_both_databases_each_way {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[test]
            fn $name() {
                $crate::both::run_written($crate::Kind::Sqlite, $crate::Way::InCompany, super::$name);
            }
        )+}
        mod postgres {$(
            #[test]
            fn $name() {
                $crate::both::run_written($crate::Kind::Postgres, $crate::Way::InCompany, super::$name);
            }
        )+}
        mod postgres_alone {$(
            #[test]
            fn $name() {
                $crate::both::run_written($crate::Kind::Postgres, $crate::Way::Alone, super::$name);
            }
        )+}
    };
}

/// What a test may come back with.
pub trait Outcome {
    /// Panics if it failed.
    fn check(self);
}

impl Outcome for () {
    fn check(self) {}
}

impl<E: Debug> Outcome for Result<(), E> {
    fn check(self) {
        if let Err(error) = self {
            panic!("the test failed: {error:?}");
        }
    }
}

/// Marks tests that are plain functions and take the database itself.
pub struct Plain;
/// Marks tests that are plain functions and borrow the database.
pub struct Borrowing;
/// Marks tests that are async functions.
pub struct Async;

/// A test that takes or borrows its database: a plain function or an async one, as the mark says. The compiler finds the mark.
pub trait Body<Mark> {
    /// Runs the test to its end and panics if it failed.
    fn run(self, database: TestDatabase);
}

impl<F, O> Body<Plain> for F
where
    F: FnOnce(TestDatabase) -> O,
    O: Outcome,
{
    fn run(self, database: TestDatabase) {
        self(database).check();
    }
}

impl<F, O> Body<Borrowing> for F
where
    F: FnOnce(&TestDatabase) -> O,
    O: Outcome,
{
    fn run(self, database: TestDatabase) {
        self(&database).check();
    }
}

impl<F, T> Body<Async> for F
where
    F: FnOnce(TestDatabase) -> T,
    T: Future<Output: Outcome>,
{
    fn run(self, database: TestDatabase) {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime for the test");
        runtime.block_on(self(database)).check();
    }
}

/// Runs one test on one kind of database, or leaves it out where the kind is missing.
pub fn run<Mark>(kind: Kind, body: impl Body<Mark>) {
    run_written(kind, Way::Usual, body);
}

/// The same, written that way.
pub fn run_written<Mark>(kind: Kind, way: Way, body: impl Body<Mark>) {
    if let Some(database) = TestDatabase::unless_left_out(kind) {
        body.run(database.written(way));
    }
}
