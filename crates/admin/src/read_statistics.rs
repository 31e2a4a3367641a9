//! How the whole server fares, in figures.

use chrono::{Days, NaiveDate, NaiveTime};
use kernel::{Ctx, Denied, Instant, Permission, StoreError};
use std::collections::BTreeMap;

/// Days of the series, today among them.
const DAYS: u64 = 30;

/// All that there is, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// When it was counted.
    pub counted_at: Instant,
    /// Accounts by status; those of people who were forgotten are not among them.
    pub users: BTreeMap<String, u64>,
    /// People who can hold a seat.
    pub attendees: u64,
    /// Events by status.
    pub events: BTreeMap<String, u64>,
    /// Registrations by status.
    pub registrations: BTreeMap<String, u64>,
    /// People who wait for a seat.
    pub waiting: u64,
    /// Messages of the queue by status.
    pub messages: BTreeMap<String, u64>,
    /// The last 30 days in UTC, the oldest first.
    pub days: Vec<DayOfStatistics>,
}

/// A day in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOfStatistics {
    /// The day, in UTC.
    pub date: NaiveDate,
    /// Accounts that were made.
    pub sign_ups: u64,
    /// Registrations that came to be, whatever became of them.
    pub registrations: u64,
    /// People who were checked in.
    pub check_ins: u64,
}

/// Where all that there is can be counted.
pub trait StatisticsSource {
    /// All but the days.
    fn count_all(&mut self, now: Instant) -> Result<Statistics, StoreError>;
    /// The days, each from an instant up to before another.
    fn count_days(
        &mut self,
        days: &[(NaiveDate, Instant, Instant)],
    ) -> Result<Vec<DayOfStatistics>, StoreError>;
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadStatisticsError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks for the right to see statistics, and what else concerns the whole server.
pub fn require_statistics(ctx: &Ctx) -> Result<(), Denied> {
    ctx.actor.require(Permission::StatisticsRead)
}

/// Counts all that there is.
pub fn read_statistics(tx: &mut dyn StatisticsSource, ctx: &Ctx) -> Result<Statistics, ReadStatisticsError> {
    require_statistics(ctx)?;
    let mut statistics = tx.count_all(ctx.now)?;
    statistics.days = tx.count_days(&last_days(ctx.now))?;
    Ok(statistics)
}

fn last_days(now: Instant) -> Vec<(NaiveDate, Instant, Instant)> {
    let today = now.date_naive();
    let begin = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
    let dates = (0..DAYS)
        .rev()
        .filter_map(|back| today.checked_sub_days(Days::new(back)));
    dates
        .map(|date| (date, begin(date), begin(date) + chrono::TimeDelta::days(1)))
        .collect()
}
