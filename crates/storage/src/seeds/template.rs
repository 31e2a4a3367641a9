//! Fills the instants and dates of a seed's text, so that a seeded event always lies ahead.
//!
//! `{{now}}`, `{{now+30d}}`, `{{now-2h}}`, `{{now+90m}}` become an instant, `{{date}}` and `{{date+30d}}` a date in
//! UTC, and `{{date+30d Asia/Kolkata}}` the date that it is there at that instant.

use chrono::{Duration, SecondsFormat};
use kernel::{Instant, TimeZone};

/// Fills every placeholder, or names the first one that it does not know.
pub(super) fn fill(text: &str, now: Instant) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        let end = from
            .find("}}")
            .ok_or_else(|| from.chars().take(40).collect::<String>())?;
        let placeholder = &from[2..end];
        filled.push_str(before);
        filled.push_str(&value_of(placeholder, now).ok_or_else(|| placeholder.to_owned())?);
        rest = &from[end + 2..];
    }
    filled.push_str(rest);
    Ok(filled)
}

fn value_of(placeholder: &str, now: Instant) -> Option<String> {
    if let Some(shift) = placeholder.strip_prefix("now") {
        let instant = now.checked_add_signed(shift_of(shift)?)?;
        return Some(instant.to_rfc3339_opts(SecondsFormat::Micros, true));
    }
    let shift = placeholder.strip_prefix("date")?;
    let (shift, zone) = match shift.split_once(' ') {
        Some((shift, zone)) => (shift, zone.parse().ok()?),
        None => (shift, TimeZone::UTC),
    };
    let instant = now.checked_add_signed(shift_of(shift)?)?;
    Some(zone.local_date(instant).format("%Y-%m-%d").to_string())
}

/// Nothing, or a sign, a whole number and one of d, h and m.
fn shift_of(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return Some(Duration::zero());
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let unit = text.chars().next_back()?;
    let digits = text.get(1..text.len() - unit.len_utf8())?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse::<i64>().ok()?.checked_mul(sign)?;
    match unit {
        'd' => Duration::try_days(number),
        'h' => Duration::try_hours(number),
        'm' => Duration::try_minutes(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn instants_and_dates_are_filled_in() {
        let now = at("2026-11-21T20:00:00Z");
        let text =
            "{{now}} {{now+30d}} {{now-2h}} {{now+90m}} {{date}} {{date+30d}} {{date+30d Asia/Kolkata}}";
        assert_eq!(
            fill(text, now).unwrap(),
            "2026-11-21T20:00:00.000000Z 2026-12-21T20:00:00.000000Z 2026-11-21T18:00:00.000000Z \
             2026-11-21T21:30:00.000000Z 2026-11-21 2026-12-21 2026-12-22"
        );
        assert_eq!(fill("'{\"a\": {}}'", now).unwrap(), "'{\"a\": {}}'");
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        let now = at("2026-11-21T20:00:00Z");
        for unknown in [
            "today",
            "now+30y",
            "now+d",
            "now30d",
            "now+1.5d",
            "date+1d Mars/Base",
            "now++1d",
            "",
            "nowé",
        ] {
            assert_eq!(
                fill(&format!("a {{{{{unknown}}}}} b"), now),
                Err(unknown.to_owned()),
                "{unknown}"
            );
        }
        assert!(fill("{{now", now).is_err());
        assert!(fill("{{now+99999999999999d}}", now).is_err());
    }
}
