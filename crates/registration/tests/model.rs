//! Thousands of random operations on one event, held against a plain model of seats and queue: outcome, kind of refusal,
//! holders and order of the queue are the same after each.
//!
//! A difference is shrunk to the fewest operations that still show it, and printed with the seed.

mod operation;
mod plain;
mod real;

use operation::{Operation, any_operation};
use plain::Plain;
use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use real::Real;
use storage::Store;
use testkit::{TestClock, TestDatabase, environment, on_both_databases_each_way};

on_both_databases_each_way! { operations_do_what_a_plain_model_does }

/// Operations per database.
const OPERATIONS: usize = 10_000;
/// Operations on one event and its successors, with people of their own.
const AT_MOST_TOGETHER: usize = 200;

/// Where the two differ.
struct Difference {
    /// After so many operations.
    after: usize,
    what: String,
}

async fn operations_do_what_a_plain_model_does(database: TestDatabase) {
    let seed = environment::seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let sequences = vec(any_operation(), 20..=AT_MOST_TOGETHER);
    let store = real::open(&database);
    // One clock for all: what came to rest at one event stays as it is while the next one is played with.
    let clock = TestClock::new();

    let wanted = environment::scaled(OPERATIONS);
    let mut done = 0;
    while done < wanted {
        let operations = sequences
            .new_tree(&mut runner)
            .expect("a sequence of operations")
            .current();
        done += operations.len();
        if let Err(difference) = compare(&store, &clock, &operations).await {
            let (fewest, difference) = shrink(&store, &clock, operations, difference).await;
            let told: Vec<String> = fewest.iter().map(|operation| format!("{operation:?}")).collect();
            panic!(
                "repeat with {}={seed}\n    {}\n{}",
                environment::SEED,
                told.join("\n    "),
                difference.what
            );
        }
    }
}

/// Does every operation to both, until the first difference.
async fn compare(store: &Store, clock: &TestClock, operations: &[Operation]) -> Result<(), Difference> {
    let mut real = Real::new(store.clone(), clock.clone()).await;
    let mut plain = Plain::new();
    for (index, operation) in operations.iter().enumerate() {
        let expected = plain.apply(operation);
        let outcome = real.apply(operation).await;
        let (stands, should_stand) = (real.look().await, plain.look());
        if outcome != expected || stands != should_stand {
            return Err(Difference {
                after: index + 1,
                what: format!(
                    "got      {outcome:?}, then {stands:?}\nexpected {expected:?}, then {should_stand:?}"
                ),
            });
        }
    }
    let violations = real.new_violations().await;
    if violations.is_empty() {
        return Ok(());
    }
    Err(Difference {
        after: operations.len(),
        what: format!("the rows break rules: {violations:?}"),
    })
}

/// Leaves out every operation without which the two still differ.
async fn shrink(
    store: &Store,
    clock: &TestClock,
    mut operations: Vec<Operation>,
    mut difference: Difference,
) -> (Vec<Operation>, Difference) {
    operations.truncate(difference.after);
    loop {
        let before = operations.len();
        for index in (0..before - 1).rev() {
            if index >= operations.len() {
                continue;
            }
            let mut fewer = operations.clone();
            fewer.remove(index);
            if let Err(still) = compare(store, clock, &fewer).await {
                fewer.truncate(still.after);
                (operations, difference) = (fewer, still);
            }
        }
        if operations.len() == before {
            return (operations, difference);
        }
    }
}
