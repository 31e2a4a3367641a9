//! Time zones as a file defines them (RFC 5545, section 3.6.5): the changes of the clocks around the times that the file
//! names, one by one, as the time zone database has them. A rule that repeats itself would say something about years that
//! nobody asked about, and zones whose changes follow the moon have none.

use crate::lines::Lines;
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};
use kernel::{Instant, TimeZone, ZoneOffset};
use std::collections::BTreeSet;

/// A date and time as calendars write it.
const FORM: &str = "%Y%m%dT%H%M%S";

/// A moment from which on a zone has another distance from UTC, or from which on the file knows it.
struct Onset {
    at: Instant,
    before: ZoneOffset,
    after: ZoneOffset,
}

/// Writes the definition of a zone that holds at these times.
pub(crate) fn write(lines: &mut Lines, zone: TimeZone, times: &[Instant]) {
    let onsets = onsets(zone, times);
    // Where winter is what is saved (Europe/Dublin), calendars expect the later clock to be called daylight all the same.
    let saves_in_winter = onsets.iter().any(|onset| onset.after.saving < 0);
    lines.begin("VTIMEZONE");
    lines.plain("TZID", zone.name());
    lines.plain("X-LIC-LOCATION", zone.name());
    for onset in &onsets {
        let is_daylight = if saves_in_winter {
            onset.after.saving == 0
        } else {
            onset.after.saving > 0
        };
        let kind = if is_daylight { "DAYLIGHT" } else { "STANDARD" };
        lines.begin(kind);
        let local = onset.at.naive_utc() + TimeDelta::seconds(onset.before.seconds.into());
        lines.plain("DTSTART", &written(local));
        lines.plain("TZOFFSETFROM", &distance(onset.before.seconds));
        lines.plain("TZOFFSETTO", &distance(onset.after.seconds));
        lines.text("TZNAME", &zone.abbreviation_at(onset.at));
        lines.end(kind);
    }
    lines.end("VTIMEZONE");
}

/// A property with a local time; in UTC where the zone is UTC.
pub(crate) fn write_time(lines: &mut Lines, name: &str, zone: Option<TimeZone>, instant: Instant) {
    match zone {
        None => lines.plain(name, &utc(instant)),
        Some(zone) => lines.plain(
            &format!("{name};TZID={}", zone.name()),
            &written(zone.wall_clock(instant)),
        ),
    }
}

/// An instant in UTC.
pub(crate) fn utc(instant: Instant) -> String {
    format!("{}Z", written(instant.naive_utc()))
}

fn written(local: NaiveDateTime) -> String {
    local.format(FORM).to_string()
}

/// `+0530`, with seconds where there are some.
fn distance(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if rest == 0 {
        format!("{sign}{hours:02}{minutes:02}")
    } else {
        format!("{sign}{hours:02}{minutes:02}{rest:02}")
    }
}

/// What the zone does in the years of these times, and in the ones before.
fn onsets(zone: TimeZone, times: &[Instant]) -> Vec<Onset> {
    let years: BTreeSet<i32> = times
        .iter()
        .flat_map(|time| [time.year() - 1, time.year()])
        .collect();
    let mut onsets = Vec::new();
    for year in &years {
        let (Some(first), Some(next)) = (new_year(*year), new_year(year + 1)) else {
            continue;
        };
        if !years.contains(&(year - 1)) {
            let offset = zone.offset_at(first);
            onsets.push(Onset {
                at: first,
                before: offset,
                after: offset,
            });
        }
        changes(zone, first, next, &mut onsets);
    }
    onsets
}

fn new_year(year: i32) -> Option<Instant> {
    let midnight = chrono::NaiveDate::from_ymd_opt(year, 1, 1)?.and_hms_opt(0, 0, 0)?;
    Some(DateTime::from_naive_utc_and_offset(midnight, Utc))
}

/// Changes of the clocks after one instant and up to another. Looked for day by day, which finds also those that are soon
/// taken back.
fn changes(zone: TimeZone, from: Instant, to: Instant, onsets: &mut Vec<Onset>) {
    let mut known = from;
    while known < to {
        let next = (known + TimeDelta::days(1)).min(to);
        let before = zone.offset_at(known);
        if before == zone.offset_at(next) {
            known = next;
            continue;
        }
        // The first second with another offset than `before` is after `low` and not after `high`.
        let (mut low, mut high) = (known, next);
        while high - low > TimeDelta::seconds(1) {
            let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
            if zone.offset_at(middle) == before {
                low = middle;
            } else {
                high = middle;
            }
        }
        onsets.push(Onset {
            at: high,
            before,
            after: zone.offset_at(high),
        });
        known = high;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(zone: &str, times: &[&str]) -> Vec<String> {
        let zone: TimeZone = zone.parse().unwrap();
        let times: Vec<Instant> = times.iter().map(|time| time.parse().unwrap()).collect();
        let onsets = onsets(zone, &times).into_iter();
        onsets
            .map(|onset| {
                let (before, after) = (distance(onset.before.seconds), distance(onset.after.seconds));
                format!("{} {before} {after}", utc(onset.at))
            })
            .collect()
    }

    #[test]
    fn changes_are_found_to_the_second() {
        assert_eq!(
            of("Europe/Berlin", &["2026-10-24T20:00:00Z"]),
            [
                "20250101T000000Z +0100 +0100",
                "20250330T010000Z +0100 +0200",
                "20251026T010000Z +0200 +0100",
                "20260329T010000Z +0100 +0200",
                "20261025T010000Z +0200 +0100",
            ]
        );
        assert_eq!(
            of("America/St_Johns", &["2026-06-01T00:00:00Z"])[1..3],
            ["20250309T053000Z -0330 -0230", "20251102T043000Z -0230 -0330"]
        );
    }

    #[test]
    fn a_zone_without_changes_is_known_from_a_day_on() {
        assert_eq!(
            of("Asia/Kolkata", &["2027-05-04T12:30:00Z"]),
            ["20260101T000000Z +0530 +0530"]
        );
        // Far apart: nothing is said of the years between.
        assert_eq!(
            of("Pacific/Apia", &["2027-05-04T12:30:00Z", "9999-12-31T23:59:59Z"]),
            ["20260101T000000Z +1300 +1300", "99980101T000000Z +1300 +1300"]
        );
    }

    #[test]
    fn a_day_that_was_skipped_is_a_change_like_others() {
        // Samoa went over the date line at the end of 2011.
        let apia = of("Pacific/Apia", &["2012-01-05T00:00:00Z"]);
        assert!(
            apia.contains(&"20111230T100000Z -1000 +1400".to_owned()),
            "{apia:?}"
        );
    }
}
