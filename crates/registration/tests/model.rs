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
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use real::Real;
use testkit::{TestDatabase, environment, on_both_databases};

on_both_databases! { operations_do_what_a_plain_model_does }

/// Operations per database.
const OPERATIONS: usize = 10_000;
/// Operations on one event and its successors, with people of their own.
const AT_MOST_TOGETHER: usize = 200;

fn operations_do_what_a_plain_model_does(database: &TestDatabase) {
    let seed = environment::seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let sequences = vec(any_operation(), 20..=AT_MOST_TOGETHER);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime for the test");
    let store = runtime.block_on(async { real::open(database) });

    let wanted = environment::scaled(OPERATIONS);
    let mut done = 0;
    while done < wanted {
        let sequence = sequences.new_tree(&mut runner).expect("operations");
        done += proptest::strategy::ValueTree::current(&sequence).len();
        let compared = runner.run_one(sequence, |operations| {
            runtime.block_on(compare(Real::new(store.clone()), &operations))
        });
        if let Err(difference) = compared {
            panic!("repeat with {}={seed}: {difference}", environment::SEED);
        }
    }
}

/// Does every operation to both; fails at the first difference.
async fn compare(real: impl Future<Output = Real>, operations: &[Operation]) -> Result<(), TestCaseError> {
    let mut real = real.await;
    let mut plain = Plain::new();
    for (index, operation) in operations.iter().enumerate() {
        let expected = plain.apply(operation);
        let outcome = real.apply(operation).await;
        let (stands, should_stand) = (real.look().await, plain.look());
        if outcome != expected || stands != should_stand {
            return Err(TestCaseError::fail(format!(
                "operation {} of {}, {operation:?}:\n got      {outcome:?}, then {stands:?}\n expected {expected:?}, \
                 then {should_stand:?}",
                index + 1,
                operations.len(),
            )));
        }
    }
    let violations = real.violations().await;
    if violations.is_empty() {
        Ok(())
    } else {
        Err(TestCaseError::fail(format!("the rows break rules: {violations:?}")))
    }
}
