//! A whole file.

use crate::lines::{Lines, parameter};
use crate::zones;
use chrono::TimeDelta;
use kernel::{EventId, Instant, TimeZone};

/// The year 2020 in seconds since 1970: numbers from here on stay within 31 bits until 2088.
const EPOCH: i64 = 1_577_836_800;

/// What the calendar that reads the file shall do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Take the entries in. Not REQUEST: nobody is invited and no answer is waited for, and a REQUEST without the reader
    /// among its attendees is refused by some calendars.
    Publish,
    /// Take the entries out.
    Cancel,
}

impl Method {
    /// As it stands in the file and in the media type of a mail's part.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "PUBLISH",
            Self::Cancel => "CANCEL",
        }
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may come about.
    Tentative,
    /// It takes place.
    Confirmed,
    /// It does not, or the reader has no part in it.
    Cancelled,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Tentative => "TENTATIVE",
            Self::Confirmed => "CONFIRMED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// An event in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The event, and so the UID.
    pub event_id: EventId,
    /// When what is told of it became true: of two files about one event the later wins.
    pub as_of: Instant,
    /// Its title.
    pub title: String,
    /// What is said of it.
    pub description: String,
    /// Where it is.
    pub place: String,
    /// When it starts.
    pub starts_at: Instant,
    /// When it ends, if that is known.
    pub ends_at: Option<Instant>,
    /// Whose clocks it goes by.
    pub time_zone: TimeZone,
    /// Where it stands.
    pub status: Status,
    /// Where there is more, and newer.
    pub url: Option<String>,
}

/// What a calendar that reads the file again and again shall know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// What it is called.
    pub name: String,
    /// After what time it is worth reading again.
    pub refresh: TimeDelta,
}

/// A file for calendars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar<'a> {
    /// Where people reach the server.
    pub public_url: &'a str,
    /// What to do with the entries.
    pub method: Method,
    /// Set where it is read again and again.
    pub feed: Option<Feed>,
    /// The events.
    pub entries: Vec<Entry>,
}

impl Calendar<'_> {
    /// The text of the file. The same calendar is always the same text.
    pub fn to_text(&self) -> String {
        let mut lines = Lines::default();
        lines.begin("VCALENDAR");
        lines.plain("VERSION", "2.0");
        lines.plain("PRODID", "-//Podium//Podium//EN");
        lines.plain("CALSCALE", "GREGORIAN");
        lines.plain("METHOD", self.method.as_str());
        if let Some(feed) = &self.feed {
            let every = format!("PT{}M", feed.refresh.num_minutes());
            lines.text("NAME", &feed.name);
            lines.text("X-WR-CALNAME", &feed.name);
            lines.plain("REFRESH-INTERVAL;VALUE=DURATION", &every);
            lines.plain("X-PUBLISHED-TTL", &every);
        }
        for (zone, times) in self.zones() {
            zones::write(&mut lines, zone, &times);
        }
        for entry in &self.entries {
            self.write(&mut lines, entry);
        }
        lines.end("VCALENDAR");
        lines.finish()
    }

    /// The zones that are named, in the order in which they first are, and the times that they are named with.
    fn zones(&self) -> Vec<(TimeZone, Vec<Instant>)> {
        let mut zones: Vec<(TimeZone, Vec<Instant>)> = Vec::new();
        for entry in &self.entries {
            let Some(zone) = entry.zone() else { continue };
            let times = [entry.starts_at].into_iter().chain(entry.ends_at);
            match zones.iter_mut().find(|(known, _)| *known == zone) {
                Some((_, known)) => known.extend(times),
                None => zones.push((zone, times.collect())),
            }
        }
        zones
    }

    fn write(&self, lines: &mut Lines, entry: &Entry) {
        let host = host_of(self.public_url);
        lines.begin("VEVENT");
        lines.text("UID", &format!("{}@{host}", entry.event_id));
        lines.plain("DTSTAMP", &zones::utc(entry.as_of));
        lines.plain("LAST-MODIFIED", &zones::utc(entry.as_of));
        lines.plain("SEQUENCE", &sequence_of(entry.as_of).to_string());
        zones::write_time(lines, "DTSTART", entry.zone(), entry.starts_at);
        if let Some(ends_at) = entry.ends_at {
            zones::write_time(lines, "DTEND", entry.zone(), ends_at);
        }
        lines.text("SUMMARY", &entry.title);
        if !entry.description.is_empty() {
            lines.text("DESCRIPTION", &entry.description);
        }
        lines.text("LOCATION", &entry.place);
        lines.plain("STATUS", entry.status.as_str());
        if let Some(url) = &entry.url {
            lines.plain("URL", url);
        }
        // RFC 5546 asks for an organiser; any URI can be one, and nobody's address is given away.
        lines.plain(&format!("ORGANIZER;CN={}", parameter(host)), self.public_url);
        lines.end("VEVENT");
    }
}

impl Entry {
    /// The zone that its times are written in; none is UTC. A local time that the clocks show twice means the first (RFC
    /// 5545, section 3.3.5), so what is at the second is written in UTC.
    fn zone(&self) -> Option<TimeZone> {
        let zone = self.time_zone;
        let repeated = [Some(self.starts_at), self.ends_at]
            .into_iter()
            .flatten()
            .any(|time| zone.is_repeated(time));
        (zone != TimeZone::UTC && !repeated).then_some(zone)
    }
}

fn sequence_of(at: Instant) -> u32 {
    u32::try_from((at.timestamp() - EPOCH).max(0)).unwrap_or(u32::MAX)
}

/// The host of an address, without scheme, port and path.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once(':') {
        // The last colon of an IPv6 address stands in its brackets.
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use icalendar::{CalendarComponent, Component};
    use kernel::TypedId;
    use uuid::Uuid;

    fn entry(zone: &str, from: &str, to: &str) -> Entry {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        Entry {
            event_id: EventId::from_uuid(Uuid::nil()),
            as_of: at("2026-01-01T00:00:00Z"),
            title: "A talk; with, all\\ of\nit".into(),
            description: "ä".repeat(300),
            place: "Hall 1".into(),
            starts_at: at(from),
            ends_at: Some(at(to)),
            time_zone: zone.parse().unwrap(),
            status: Status::Confirmed,
            url: Some("https://events.example.org/api/v1/events/1/calendar.ics".into()),
        }
    }

    fn text(entries: Vec<Entry>) -> String {
        let calendar = Calendar {
            public_url: "https://events.example.org:8443",
            method: Method::Publish,
            feed: Some(Feed {
                name: "Events".into(),
                refresh: TimeDelta::hours(1),
            }),
            entries,
        };
        calendar.to_text()
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = text(vec![
            entry("Europe/Berlin", "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"),
            entry("UTC", "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"),
            entry("Europe/Berlin", "2026-06-24T20:00:00Z", "2026-06-25T05:00:00Z"),
        ]);
        let read: icalendar::Calendar = text.parse().unwrap();
        assert_eq!(read.property_value("X-PUBLISHED-TTL"), Some("PT60M"));
        let events: Vec<_> = read
            .components
            .iter()
            .filter_map(CalendarComponent::as_event)
            .collect();
        assert_eq!((read.components.len(), events.len()), (4, 3));
        let value = |index: usize, name: &str| events[index].property_value(name).unwrap().to_owned();
        assert_eq!(value(0, "DTSTART"), "20261024T220000");
        assert_eq!(value(0, "DTEND"), "20261025T060000");
        assert_eq!(value(1, "DTSTART"), "20261024T200000Z");
        assert_eq!(value(2, "DTSTART"), "20260624T220000");
        assert_eq!(value(0, "SUMMARY"), "A talk; with, all\\ of\nit");
        assert_eq!(value(0, "DESCRIPTION"), "ä".repeat(300));
        assert_eq!(
            value(0, "UID"),
            "00000000-0000-0000-0000-000000000000@events.example.org"
        );
        assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 1);
    }

    #[test]
    fn an_hour_that_comes_twice_is_written_in_utc() {
        let first = text(vec![entry(
            "Europe/Berlin",
            "2026-10-25T00:30:00Z",
            "2026-10-25T03:00:00Z",
        )]);
        assert!(
            first.contains("DTSTART;TZID=Europe/Berlin:20261025T023000"),
            "{first}"
        );
        let second = text(vec![entry(
            "Europe/Berlin",
            "2026-10-25T01:30:00Z",
            "2026-10-25T03:00:00Z",
        )]);
        assert!(second.contains("DTSTART:20261025T013000Z"), "{second}");
        assert!(second.contains("DTEND:20261025T030000Z") && !second.contains("VTIMEZONE"));
    }

    #[test]
    fn the_host_has_neither_scheme_nor_port_nor_path() {
        for (url, host) in [
            ("https://events.example.org", "events.example.org"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("http://[::1]:8080/podium", "[::1]"),
            ("http://[2001:db8::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
