//! Many callers at one moment.

use std::sync::Arc;
use tokio::sync::Barrier;

/// Makes `count` callers, lets none begin before all are there, and gives their results in the callers' order.
/// Panics if a caller does.
pub async fn all_at_once<F, T>(count: usize, caller: impl Fn(usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let start = |index| {
        let barrier = Arc::clone(&barrier);
        let call = caller(index);
        tokio::spawn(async move {
            barrier.wait().await;
            call.await
        })
    };
    let tasks: Vec<_> = (0..count).map(start).collect();
    let mut results = Vec::with_capacity(count);
    for task in tasks {
        match task.await {
            Ok(result) => results.push(result),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    results
}
