//! Time zones of the IANA database.

use crate::Instant;
use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone as _, Utc};
use chrono_tz::OffsetComponents;
use std::fmt;
use std::str::FromStr;

/// A zone of the IANA time zone database, such as `Asia/Kolkata`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

/// How far a zone is from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneOffset {
    /// In seconds; east is more.
    pub seconds: i32,
    /// How many of them are added to the standard time to save daylight; below 0 where winter is the exception.
    pub saving: i32,
}

/// Not a zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone of the IANA database, such as Asia/Kolkata")]
pub struct InvalidTimeZone;

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::Tz::UTC);

    /// The zone's name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The instant as people in the zone write it, with the zone and its distance from UTC, such as `Tuesday, 4 May 2027,
    /// 18:00 (Europe/Berlin, UTC+02:00)`.
    pub fn local_time(self, instant: Instant) -> String {
        let local = instant.with_timezone(&self.0);
        if self == Self::UTC {
            return local.format("%A, %-d %B %Y, %H:%M (UTC)").to_string();
        }
        format!(
            "{} ({}, UTC{})",
            local.format("%A, %-d %B %Y, %H:%M"),
            self.name(),
            local.format("%:z")
        )
    }

    /// The time from one instant to another as people in the zone write it, such as `Tuesday, 4 May 2027, 18:00 – 21:00
    /// (Europe/Berlin, UTC+02:00)`: with both dates where they differ, and both distances from UTC where the clocks change in
    /// between.
    pub fn local_span(self, from: Instant, to: Instant) -> String {
        const DAY_AND_TIME: &str = "%A, %-d %B %Y, %H:%M";
        let (from, to) = (from.with_timezone(&self.0), to.with_timezone(&self.0));
        let first = from.format(DAY_AND_TIME);
        let same_day = from.date_naive() == to.date_naive();
        let last = to.format(if same_day { "%H:%M" } else { DAY_AND_TIME });
        let (before, after) = (from.format("%:z").to_string(), to.format("%:z").to_string());
        if self == Self::UTC {
            format!("{first} – {last} (UTC)")
        } else if before == after {
            format!("{first} – {last} ({}, UTC{before})", self.name())
        } else {
            format!("{first} (UTC{before}) – {last} (UTC{after}), {}", self.name())
        }
    }

    /// The zone's distance from UTC at that instant.
    pub fn offset_at(self, instant: Instant) -> ZoneOffset {
        let offset = self.0.offset_from_utc_datetime(&instant.naive_utc());
        let saving = offset.dst_offset().num_seconds();
        ZoneOffset {
            seconds: offset.fix().local_minus_utc(),
            // Less than a day.
            saving: i32::try_from(saving).unwrap_or(0),
        }
    }

    /// What the zone's time is called at that instant, such as `CEST`, or `+0545` where it has no name.
    pub fn abbreviation_at(self, instant: Instant) -> String {
        self.0.offset_from_utc_datetime(&instant.naive_utc()).to_string()
    }

    /// What clocks in the zone show at that instant.
    pub fn wall_clock(self, instant: Instant) -> NaiveDateTime {
        instant.with_timezone(&self.0).naive_local()
    }

    /// Whether clocks in the zone have shown the same once before, because they were set back since.
    pub fn is_repeated(self, instant: Instant) -> bool {
        match self.0.from_local_datetime(&self.wall_clock(instant)) {
            LocalResult::Ambiguous(first, _) => first != instant,
            LocalResult::Single(_) | LocalResult::None => false,
        }
    }

    /// The calendar date at that instant in the zone.
    pub fn local_date(self, instant: Instant) -> NaiveDate {
        instant.with_timezone(&self.0).date_naive()
    }

    /// When that date begins in the zone: at midnight, or where the clocks leave that out, with what comes first.
    pub fn start_of(self, date: NaiveDate) -> Instant {
        let midnight = date.and_time(NaiveTime::MIN);
        // Clocks go forward by an hour or less, and by a day where an island crosses the date line.
        let quarters = (0..=24 * 4).map(|quarter| midnight + TimeDelta::minutes(15 * quarter));
        let mut local = quarters.filter_map(|time| self.0.from_local_datetime(&time).earliest());
        local
            .next()
            .map_or_else(|| midnight.and_utc(), |time| time.with_timezone(&Utc))
    }
}

impl FromStr for TimeZone {
    type Err = InvalidTimeZone;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        name.parse().map(Self).map_err(|_| InvalidTimeZone)
    }
}

impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(zone: &str, from: &str, to: &str) -> String {
        let instant = |text: &str| text.parse::<Instant>().unwrap();
        zone.parse::<TimeZone>()
            .unwrap()
            .local_span(instant(from), instant(to))
    }

    #[test]
    fn a_date_begins_at_midnight_or_with_what_the_clocks_leave() {
        let begins = |zone: &str, date: &str| {
            let zone: TimeZone = zone.parse().unwrap();
            zone.start_of(date.parse().unwrap()).to_rfc3339()
        };
        assert_eq!(begins("UTC", "2026-10-25"), "2026-10-25T00:00:00+00:00");
        assert_eq!(begins("Asia/Kolkata", "2026-10-25"), "2026-10-24T18:30:00+00:00");
        // No midnight in Cairo on that day, two of them in Havana, and no such day at all in Samoa.
        assert_eq!(begins("Africa/Cairo", "2024-04-26"), "2024-04-25T22:00:00+00:00");
        assert_eq!(
            begins("America/Havana", "2024-11-03"),
            "2024-11-03T04:00:00+00:00"
        );
        assert_eq!(
            begins("Pacific/Apia", "2011-12-30"),
            begins("Pacific/Apia", "2011-12-31")
        );
    }

    #[test]
    fn a_span_says_both_dates_and_both_distances_where_they_differ() {
        assert_eq!(
            span("Asia/Kolkata", "2027-05-04T12:30:00Z", "2027-05-04T15:30:00Z"),
            "Tuesday, 4 May 2027, 18:00 – 21:00 (Asia/Kolkata, UTC+05:30)"
        );
        assert_eq!(
            span("UTC", "2027-05-04T22:00:00Z", "2027-05-05T02:00:00Z"),
            "Tuesday, 4 May 2027, 22:00 – Wednesday, 5 May 2027, 02:00 (UTC)"
        );
        assert_eq!(
            span("Europe/Berlin", "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"),
            "Saturday, 24 October 2026, 22:00 (UTC+02:00) – Sunday, 25 October 2026, 06:00 (UTC+01:00), Europe/Berlin"
        );
    }
}
