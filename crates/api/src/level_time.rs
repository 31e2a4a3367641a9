//! Steps whose time must not tell what they found: a look-up of an address writes where there is an account and does not
//! where there is none, and a write waits for the disk.

use std::future::Future;
use std::time::Duration;

/// More than such a step takes on a machine that is not overloaded, and little beside the hashing of a password.
const LEAST: Duration = Duration::from_millis(50);

/// What the step gives, but no sooner than 50 ms after it began.
pub(crate) async fn level<T>(step: impl Future<Output = T>) -> T {
    let (result, ()) = tokio::join!(step, tokio::time::sleep(LEAST));
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn a_step_that_finds_nothing_takes_as_long_as_one_that_writes() {
        for work in [0, 20] {
            let begun = Instant::now();
            level(tokio::time::sleep(Duration::from_millis(work))).await;
            assert!(begun.elapsed() >= LEAST);
        }
    }
}
