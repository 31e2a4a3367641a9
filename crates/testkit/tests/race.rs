//! Callers that start together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::all_at_once;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_run_and_the_results_keep_their_order() {
    let called = Arc::new(AtomicUsize::new(0));
    let results = all_at_once(100, |index| {
        let called = Arc::clone(&called);
        async move {
            called.fetch_add(1, Ordering::SeqCst);
            index * 2
        }
    })
    .await;
    assert_eq!(called.load(Ordering::SeqCst), 100);
    assert_eq!(results, (0..100).map(|index| index * 2).collect::<Vec<_>>());
}

#[tokio::test]
#[should_panic(expected = "the third one fails")]
async fn a_caller_that_panics_fails_the_test() {
    all_at_once(
        5,
        |index| async move { assert_ne!(index, 3, "the third one fails") },
    )
    .await;
}
