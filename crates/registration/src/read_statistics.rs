//! How an event fares, in figures.

use crate::{RegistrationStatus, RegistrationTx};
use chrono::{Days, NaiveDate};
use event::{ManageEventError, require_manager};
use kernel::{Ctx, EventId, Instant, StoreError, TimeZone};

/// Days of a series at the most, the last ones.
const MOST_DAYS: u64 = 366;

/// What is counted of the registrations of an event.
pub trait StatisticsRepository {
    /// How many registrations of an event stand how; those of which there is none may be left out.
    fn count_registrations_of(
        &mut self,
        event_id: EventId,
    ) -> Result<Vec<(RegistrationStatus, u64)>, StoreError>;
    /// How many of those who waited at an event got a seat.
    fn count_promoted(&mut self, event_id: EventId) -> Result<u64, StoreError>;
    /// When the first registered, and when the last.
    fn first_and_last_registration(
        &mut self,
        event_id: EventId,
    ) -> Result<Option<(Instant, Instant)>, StoreError>;
    /// How many registered in each of these spans, from one instant up to before the other.
    fn count_registrations_in(
        &mut self,
        event_id: EventId,
        spans: &[(Instant, Instant)],
    ) -> Result<Vec<u64>, StoreError>;
}

/// How many on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnDay {
    /// The day.
    pub date: NaiveDate,
    /// How many.
    pub count: u64,
}

/// An event in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStatistics {
    /// Seats that there are.
    pub capacity: u32,
    /// Of them held.
    pub taken: u32,
    /// Of them free to newcomers.
    pub available: u32,
    /// People who wait.
    pub waiting: u32,
    /// People who waited and got a seat.
    pub promoted: u64,
    /// Seats of people who were not there (yet).
    pub confirmed: u64,
    /// Seats of people who were there.
    pub attended: u64,
    /// Registrations by the day of the event's zone, whatever became of them; days without any are in it.
    pub registrations: Vec<OnDay>,
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ReadStatisticsError(#[from] pub ManageEventError);

impl From<StoreError> for ReadStatisticsError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

/// The figures of an event, for its managers.
pub fn read_event_statistics(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<EventStatistics, ReadStatisticsError> {
    require_manager(tx, ctx, event_id)?;
    let event = tx.find_event(event_id)?.ok_or(ManageEventError::NotFound)?;
    let by_status = tx.count_registrations_of(event_id)?;
    let count_of = |wanted: RegistrationStatus| {
        let found = by_status.iter().find(|(status, _)| *status == wanted);
        found.map_or(0, |(_, count)| *count)
    };
    let promoted = tx.count_promoted(event_id)?;
    let span = tx.first_and_last_registration(event_id)?;
    let registrations = match span {
        None => Vec::new(),
        Some((first, last)) => {
            // From the first to today; after the start nobody registers any more.
            let until = ctx.now.min(event.details.starts_at).max(last);
            let (dates, spans) = days(event.details.time_zone, first, until);
            let counts = tx.count_registrations_in(event_id, &spans)?;
            let days = dates.into_iter().zip(counts);
            days.map(|(date, count)| OnDay { date, count }).collect()
        }
    };
    let seats = event.seats();
    Ok(EventStatistics {
        capacity: seats.capacity,
        taken: seats.taken,
        available: seats.available(),
        waiting: seats.waiting,
        promoted,
        confirmed: count_of(RegistrationStatus::Confirmed),
        attended: count_of(RegistrationStatus::Attended),
        registrations,
    })
}

/// The days of a zone from that of one instant to that of another, and when each begins and ends; the last 366 at the most.
fn days(zone: TimeZone, first: Instant, last: Instant) -> (Vec<NaiveDate>, Vec<(Instant, Instant)>) {
    let last = zone.local_date(last);
    let first = zone
        .local_date(first)
        .max(last.checked_sub_days(Days::new(MOST_DAYS - 1)).unwrap_or(last));
    let dates: Vec<NaiveDate> = first.iter_days().take_while(|date| *date <= last).collect();
    let spans = dates.iter().map(|date| {
        let next = date.checked_add_days(Days::new(1)).unwrap_or(*date);
        (zone.start_of(*date), zone.start_of(next))
    });
    let spans = spans.collect();
    (dates, spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_those_of_the_zone_and_the_last_year_at_the_most() {
        let berlin: TimeZone = "Europe/Berlin".parse().unwrap();
        let (dates, spans) = days(berlin, at("2026-10-23T22:30:00Z"), at("2026-10-25T22:59:59Z"));
        let dates: Vec<String> = dates.iter().map(NaiveDate::to_string).collect();
        assert_eq!(dates, ["2026-10-24", "2026-10-25"]);
        // The clocks go back on the second: it has 25 hours.
        assert_eq!(
            spans,
            [
                (at("2026-10-23T22:00:00Z"), at("2026-10-24T22:00:00Z")),
                (at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z"))
            ]
        );
        let (dates, spans) = days(
            TimeZone::UTC,
            at("2020-01-01T00:00:00Z"),
            at("2026-10-25T00:00:00Z"),
        );
        assert_eq!((dates.len(), spans.len()), (366, 366));
        assert_eq!(dates[365].to_string(), "2026-10-25");
    }
}
