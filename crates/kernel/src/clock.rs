//! The clock, injected everywhere: no rule reads the time by itself.

use crate::Instant;
use chrono::SubsecRound;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant, in UTC, cut to microseconds.
    fn now(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one home of the machine's clock"
    )]
    fn now(&self) -> Instant {
        chrono::Utc::now().trunc_subsecs(6)
    }
}
