//! How much somebody may do within a time: the port that counts, and what it is told.
//!
//! Whoever counts may share the counts with other instances. One that loses touch with what it shares goes on counting
//! for itself: a limit is never a reason for a failure.

use crate::Instant;
use chrono::TimeDelta;
use std::future::Future;
use std::pin::Pin;

/// What is counted together: a limit, and one of those whom it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// The name of the limit, also in the metrics.
    pub limit: &'static str,
    /// A network, or a digest: never something that tells who it is.
    pub whom: u128,
}

/// So many at once, and evenly as many again within the time: 5 an hour are five, and one more every twelve minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// At least 1.
    pub events: u32,
    /// More than nothing.
    pub per: TimeDelta,
}

/// Failures shut for a time that grows with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// From this failure on it shuts.
    pub after: u32,
    /// For so long at first, and for twice as long with each further failure.
    pub first: TimeDelta,
    /// For so long at the most.
    pub longest: TimeDelta,
    /// One failure is forgotten as often as this passes.
    pub forgets_one_after: TimeDelta,
}

impl Lockout {
    /// For how long so many failures shut.
    pub fn delay(&self, failures: u32) -> TimeDelta {
        let Some(further) = failures.checked_sub(self.after) else {
            return TimeDelta::zero();
        };
        let doubled = 1_i32.checked_shl(further).filter(|factor| *factor > 0);
        doubled
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.longest, |delay| delay.min(self.longest))
    }

    /// Failures beyond these change nothing, so they are not counted.
    pub fn most_failures(&self) -> u32 {
        let grows = |failures: &u32| self.delay(*failures) < self.longest;
        (self.after..self.after.saturating_add(31))
            .find(|failures| !grows(failures))
            .unwrap_or(self.after)
    }
}

/// It was too much: the next one may come after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much, for {} ms", .0.num_milliseconds())]
pub struct RetryAfter(pub TimeDelta);

impl RetryAfter {
    /// In whole seconds, as the header Retry-After says it: never too early, and at least one.
    pub fn seconds(self) -> u64 {
        let milliseconds = u64::try_from(self.0.num_milliseconds()).unwrap_or(0);
        let beyond = self.0 > TimeDelta::milliseconds(self.0.num_milliseconds());
        (milliseconds + u64::from(beyond)).div_ceil(1_000).max(1)
    }
}

/// A try that was let in, and is counted as failed until it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Try {
    /// Until when it shut out others.
    pub shut_until: Option<Instant>,
    /// Until when those before it did.
    pub shut_before: Option<Instant>,
    /// Whether it was counted; beyond the most failures none is.
    pub counted: bool,
}

/// An answer that is there, or comes. Who counts in this process gives it at once, without a future to allocate.
pub enum Soon<'a, T> {
    /// It is there.
    Now(T),
    /// It is asked for.
    Later(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<T> Soon<'_, T> {
    /// The answer.
    pub async fn wait(self) -> T {
        match self {
            Self::Now(answer) => answer,
            Self::Later(coming) => coming.await,
        }
    }
}

/// Counts what is limited. Asked on every request, so it must not block.
pub trait Limits: Send + Sync {
    /// Takes one from a quota. However many ask at once, no more pass than the quota has.
    fn take(&self, bucket: Bucket, quota: Quota) -> Soon<'_, Result<(), RetryAfter>>;

    /// Lets a try in, unless earlier failures shut it out. It counts as failed from now on, so that of many at once no
    /// more get in than the lockout allows one after the other; whoever is refused is not counted.
    fn try_once(&self, bucket: Bucket, lockout: Lockout) -> Soon<'_, Result<Try, RetryAfter>>;

    /// The try has not failed: as if it had not been.
    fn take_back(&self, bucket: Bucket, attempt: Try) -> Soon<'_, ()>;

    /// Forgets all failures of a bucket.
    fn clear(&self, bucket: Bucket) -> Soon<'_, ()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKOUT: Lockout = Lockout {
        after: 5,
        first: TimeDelta::seconds(30),
        longest: TimeDelta::minutes(15),
        forgets_one_after: TimeDelta::hours(1),
    };

    #[test]
    fn a_lockout_doubles_up_to_its_longest() {
        let seconds: Vec<i64> = (4..13)
            .map(|failures| LOCKOUT.delay(failures).num_seconds())
            .collect();
        assert_eq!(seconds, [0, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(LOCKOUT.delay(u32::MAX), LOCKOUT.longest);
        assert_eq!(LOCKOUT.most_failures(), 10);
    }

    #[test]
    fn seconds_to_wait_are_whole_and_never_too_few() {
        let seconds = |microseconds| RetryAfter(TimeDelta::microseconds(microseconds)).seconds();
        assert_eq!(
            [-1, 0, 1, 999_999, 1_000_000, 1_000_001, 1_000_999, 59_000_000].map(seconds),
            [1, 1, 1, 1, 1, 2, 2, 59]
        );
    }
}
