//! A clock that stands until a test moves it.

use chrono::{DateTime, Duration, SubsecRound};
use kernel::{Clock, Instant};
use std::sync::{Arc, Mutex, PoisonError};

/// Tuesday, 15 January 2030, 09:00 UTC, in seconds since 1970.
const START: i64 = 1_894_698_000;

/// Tells the time that the test has set. Clones show the same time.
#[derive(Debug, Clone)]
pub struct TestClock {
    now: Arc<Mutex<Instant>>,
}

impl TestClock {
    /// A clock that shows 2030-01-15T09:00:00Z, a Tuesday.
    pub fn new() -> Self {
        Self::at(DateTime::from_timestamp(START, 0).expect("an instant of our calendar"))
    }

    /// A clock that shows this instant, cut to microseconds.
    pub fn at(instant: Instant) -> Self {
        Self {
            now: Arc::new(Mutex::new(instant.trunc_subsecs(6))),
        }
    }

    /// Moves the clock; a negative duration moves it back, as a machine's clock can be.
    pub fn advance(&self, by: Duration) {
        self.change(|now| now + by);
    }

    /// Shows this instant from now on.
    pub fn set(&self, instant: Instant) {
        self.change(|_| instant);
    }

    fn change(&self, change: impl FnOnce(Instant) -> Instant) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = change(*now).trunc_subsecs(6);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
