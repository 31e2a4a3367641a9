//! Counting in the memory of this process.
//!
//! Invariant: however many buckets are asked for, only so many are kept; the one that was not asked for longest goes
//! first. A quota is one number, the moment at which it will be full again (the generic cell rate algorithm), so that
//! taking from it is one atomic exchange.

use chrono::TimeDelta;
use kernel::{Bucket, Clock, Instant, Limits, Lockout, Quota, RetryAfter, Soon, Try};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Buckets that are kept at the most, of each kind.
const MOST_QUOTAS: u64 = 50_000;
/// The same of failures: apart, so that a flood of addresses does not wash away who is locked out.
const MOST_FAILURES: u64 = 50_000;
/// A quota that is not asked for as long is full again.
const QUOTA_IDLE: Duration = Duration::from_hours(1);
/// Failures that are followed by none for as long are forgotten.
const FAILURES_IDLE: Duration = Duration::from_hours(24);
/// Clocks of a machine's cores, and readers who overtake one another, differ by less.
const CLOCK_SLACK: i64 = 1_000_000_000;

/// Counts for this process alone.
pub struct InProcessLimits {
    clock: Arc<dyn Clock>,
    /// When the quota is full again, in nanoseconds since 1970.
    quotas: Cache<Bucket, Arc<AtomicI64>>,
    failures: Cache<Bucket, Arc<Mutex<Failures>>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Failures {
    count: u32,
    /// From when on failures are forgotten, one after the other.
    forgotten_from: Option<Instant>,
    /// No try is let in before.
    shut_until: Option<Instant>,
}

impl InProcessLimits {
    /// Nobody has asked yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            quotas: cache(MOST_QUOTAS, QUOTA_IDLE),
            failures: cache(MOST_FAILURES, FAILURES_IDLE),
        }
    }

    fn take_now(&self, bucket: Bucket, quota: Quota) -> Result<(), RetryAfter> {
        let now = nanoseconds(self.clock.now());
        let step = quota.per.num_nanoseconds().unwrap_or(i64::MAX) / i64::from(quota.events.max(1));
        let whole = step.saturating_mul(i64::from(quota.events.max(1)));
        let full_at = self.quotas.get_with(bucket, Arc::default);
        let taken = full_at.fetch_update(Ordering::AcqRel, Ordering::Acquire, |full_at| {
            let missing = (full_at - now).max(0);
            if missing > whole + CLOCK_SLACK {
                // The clock was set back: the quota counts as empty from now on and not until then.
                return Some(now + whole);
            }
            (missing + step <= whole).then_some(now + missing + step)
        });
        match taken {
            Ok(_) => Ok(()),
            Err(full_at) => Err(RetryAfter(TimeDelta::nanoseconds(full_at - now + step - whole))),
        }
    }

    fn try_now(&self, bucket: Bucket, lockout: Lockout) -> Result<Try, RetryAfter> {
        let now = self.clock.now();
        let entry = self.failures.get_with(bucket, Arc::default);
        let mut failures = entry.lock().unwrap_or_else(PoisonError::into_inner);
        failures.forget_some(now, lockout);
        let shut_before = failures.shut_until;
        if let Some(until) = shut_before.filter(|until| *until > now) {
            return Err(RetryAfter(until - now));
        }
        let counted = failures.count < lockout.most_failures();
        failures.count += u32::from(counted);
        failures.shut_until = Some(now + lockout.delay(failures.count));
        Ok(Try {
            shut_until: failures.shut_until,
            shut_before,
            counted,
        })
    }

    fn take_back_now(&self, bucket: Bucket, attempt: Try) {
        let Some(entry) = self.failures.get(&bucket) else {
            return;
        };
        let mut failures = entry.lock().unwrap_or_else(PoisonError::into_inner);
        failures.count = failures.count.saturating_sub(u32::from(attempt.counted));
        // Another that began meanwhile shuts for its own time.
        if failures.shut_until == attempt.shut_until {
            failures.shut_until = attempt.shut_before;
        }
    }

    #[cfg(test)]
    fn kept(&self) -> (u64, u64) {
        self.quotas.run_pending_tasks();
        self.failures.run_pending_tasks();
        (self.quotas.entry_count(), self.failures.entry_count())
    }
}

impl Failures {
    fn forget_some(&mut self, now: Instant, lockout: Lockout) {
        // Later only if the clock was set back.
        self.shut_until = self.shut_until.map(|until| until.min(now + lockout.longest));
        let from = self.forgotten_from.map_or(now, |from| from.min(now));
        let every = lockout
            .forgets_one_after
            .num_microseconds()
            .unwrap_or(i64::MAX)
            .max(1);
        let passed = (now - from).num_microseconds().unwrap_or(i64::MAX) / every;
        self.count = self
            .count
            .saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX));
        self.forgotten_from = Some(if self.count == 0 {
            now
        } else {
            from + TimeDelta::microseconds(passed * every)
        });
    }
}

impl Limits for InProcessLimits {
    fn take(&self, bucket: Bucket, quota: Quota) -> Soon<'_, Result<(), RetryAfter>> {
        Soon::Now(self.take_now(bucket, quota))
    }

    fn try_once(&self, bucket: Bucket, lockout: Lockout) -> Soon<'_, Result<Try, RetryAfter>> {
        Soon::Now(self.try_now(bucket, lockout))
    }

    fn take_back(&self, bucket: Bucket, attempt: Try) -> Soon<'_, ()> {
        self.take_back_now(bucket, attempt);
        Soon::Now(())
    }

    fn clear(&self, bucket: Bucket) -> Soon<'_, ()> {
        self.failures.invalidate(&bucket);
        Soon::Now(())
    }
}

fn cache<V: Clone + Send + Sync + 'static>(most: u64, idle: Duration) -> Cache<Bucket, V> {
    Cache::builder()
        .max_capacity(most)
        .time_to_idle(idle)
        // By frequency, a newcomer would not be kept at all while others are asked for more often.
        .eviction_policy(EvictionPolicy::lru())
        .build()
}

fn nanoseconds(instant: Instant) -> i64 {
    instant.timestamp_nanos_opt().unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use std::sync::Barrier;

    /// A clock that the test turns.
    struct Turned(AtomicI64);

    impl Turned {
        fn by(&self, delta: TimeDelta) {
            self.0
                .fetch_add(delta.num_microseconds().unwrap(), Ordering::SeqCst);
        }
    }

    impl Clock for Turned {
        fn now(&self) -> Instant {
            DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
        }
    }

    fn counting() -> (Arc<Turned>, InProcessLimits) {
        let clock = Arc::new(Turned(AtomicI64::new(1_900_000_000_000_000)));
        (Arc::clone(&clock), InProcessLimits::new(clock))
    }

    fn bucket(whom: u128) -> Bucket {
        Bucket { limit: "tests", whom }
    }

    const FIVE_AN_HOUR: Quota = Quota {
        events: 5,
        per: TimeDelta::hours(1),
    };
    const LOCKOUT: Lockout = Lockout {
        after: 5,
        first: TimeDelta::seconds(30),
        longest: TimeDelta::minutes(15),
        forgets_one_after: TimeDelta::hours(1),
    };

    #[test]
    fn a_quota_refills_evenly_and_says_when() {
        let (clock, limits) = counting();
        for _ in 0..5 {
            limits.take_now(bucket(1), FIVE_AN_HOUR).unwrap();
        }
        let refused = limits.take_now(bucket(1), FIVE_AN_HOUR).unwrap_err();
        assert_eq!(refused.seconds(), 720);
        limits.take_now(bucket(2), FIVE_AN_HOUR).unwrap();
        clock.by(TimeDelta::seconds(719));
        assert_eq!(
            limits.take_now(bucket(1), FIVE_AN_HOUR),
            Err(RetryAfter(TimeDelta::seconds(1)))
        );
        clock.by(TimeDelta::seconds(1));
        limits.take_now(bucket(1), FIVE_AN_HOUR).unwrap();
        limits.take_now(bucket(1), FIVE_AN_HOUR).unwrap_err();
        clock.by(TimeDelta::hours(9));
        for _ in 0..5 {
            limits.take_now(bucket(1), FIVE_AN_HOUR).unwrap();
        }
        limits.take_now(bucket(1), FIVE_AN_HOUR).unwrap_err();
    }

    #[test]
    fn of_many_at_once_no_more_pass_than_the_quota_has() {
        let (_, limits) = counting();
        let quota = Quota {
            events: 60,
            per: TimeDelta::seconds(7),
        };
        for whom in 0..20 {
            let start = Barrier::new(4);
            let passed: usize = std::thread::scope(|scope| {
                let asking = || {
                    start.wait();
                    (0..50)
                        .filter(|_| limits.take_now(bucket(whom), quota).is_ok())
                        .count()
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(asking)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(passed, 60);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out_for_long() {
        let (clock, limits) = counting();
        while limits.take_now(bucket(1), FIVE_AN_HOUR).is_ok() {}
        while limits.try_now(bucket(1), LOCKOUT).is_ok() {}
        clock.by(TimeDelta::days(-30));
        limits.take_now(bucket(1), FIVE_AN_HOUR).unwrap();
        let refused = limits.take_now(bucket(1), FIVE_AN_HOUR).unwrap_err();
        assert_eq!(refused.seconds(), 720);
        let locked = limits.try_now(bucket(1), LOCKOUT).unwrap_err();
        assert_eq!(locked.seconds(), 900);
        // A reader who was overtaken by another sees an earlier moment; that refills nothing.
        while limits.take_now(bucket(2), FIVE_AN_HOUR).is_ok() {}
        clock.by(TimeDelta::milliseconds(-1));
        limits.take_now(bucket(2), FIVE_AN_HOUR).unwrap_err();
    }

    #[test]
    fn failures_shut_longer_each_time_and_are_forgotten_one_by_one() {
        let (clock, limits) = counting();
        for _ in 0..5 {
            limits.try_now(bucket(1), LOCKOUT).unwrap();
        }
        for seconds in [30, 60, 120, 240, 480, 900, 900] {
            let refused = limits.try_now(bucket(1), LOCKOUT).unwrap_err();
            assert_eq!(refused.seconds(), seconds);
            clock.by(refused.0 - TimeDelta::seconds(1));
            limits.try_now(bucket(1), LOCKOUT).unwrap_err();
            clock.by(TimeDelta::seconds(1));
            limits.try_now(bucket(1), LOCKOUT).unwrap();
        }
        limits.clear(bucket(1));
        for _ in 0..5 {
            limits.try_now(bucket(1), LOCKOUT).unwrap();
        }
        clock.by(TimeDelta::hours(3));
        for _ in 0..3 {
            limits.try_now(bucket(1), LOCKOUT).unwrap();
        }
        limits.try_now(bucket(1), LOCKOUT).unwrap_err();
    }

    #[test]
    fn a_try_that_did_not_fail_leaves_no_trace() {
        let (clock, limits) = counting();
        for _ in 0..5 {
            limits.try_now(bucket(1), LOCKOUT).unwrap();
        }
        clock.by(TimeDelta::seconds(30));
        let attempt = limits.try_now(bucket(1), LOCKOUT).unwrap();
        limits.take_back_now(bucket(1), attempt);
        limits.try_now(bucket(1), LOCKOUT).unwrap();
        assert_eq!(limits.try_now(bucket(1), LOCKOUT).unwrap_err().seconds(), 60);
    }

    #[test]
    fn memory_is_bounded_whoever_asks() {
        let (_, limits) = counting();
        for whom in 0..80_000 {
            limits.take_now(bucket(whom), FIVE_AN_HOUR).unwrap();
            limits.try_now(bucket(whom), LOCKOUT).unwrap();
        }
        let (quotas, failures) = limits.kept();
        assert!((1_000..=MOST_QUOTAS).contains(&quotas), "{quotas}");
        assert!((1_000..=MOST_FAILURES).contains(&failures), "{failures}");
        // The newest are counted on.
        for _ in 0..4 {
            limits.take_now(bucket(79_999), FIVE_AN_HOUR).unwrap();
        }
        limits.take_now(bucket(79_999), FIVE_AN_HOUR).unwrap_err();
    }
}
