//! Time zones of the IANA database.

use crate::Instant;
use chrono::NaiveDate;
use std::fmt;
use std::str::FromStr;

/// A zone of the IANA time zone database, such as `Asia/Kolkata`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

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

    /// The calendar date at that instant in the zone.
    pub fn local_date(self, instant: Instant) -> NaiveDate {
        instant.with_timezone(&self.0).date_naive()
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
