//! What managers write about an event: from raw fields to details that hold all rules of a single event.

use crate::{Event, EventFormat};
use chrono::{Datelike, NaiveDate};
use garde::Validate;
use kernel::{Instant, Invalid, Money, TimeZone, fold};

/// Years that an event may name. Both databases and RFC 3339 can write them, and the local date of any zone.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2999;

/// A fee as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeFields {
    /// In minor units.
    pub amount: i64,
    /// A code of ISO 4217.
    pub currency: String,
}

/// The fields of an event as written, not yet checked against each other. Absent is None.
#[derive(Debug, Clone, PartialEq, Eq, Default, Validate)]
pub struct EventFields {
    /// Needed; 1 to 200 characters.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    pub title: Option<String>,
    /// At most 20,000 characters.
    #[garde(inner(length(chars, max = 20_000)))]
    pub description: Option<String>,
    /// At most 20,000 characters.
    #[garde(inner(length(chars, max = 20_000)))]
    pub agenda: Option<String>,
    /// Needed.
    #[garde(skip)]
    pub format: Option<EventFormat>,
    /// Needed but for virtual events, refused there; at most 300 characters.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub location: Option<String>,
    /// An https URL of at most 2,000 characters; refused for events in person.
    #[garde(inner(length(chars, max = 2_000)))]
    pub stream_url: Option<String>,
    /// Needed; in the future.
    #[garde(skip)]
    pub starts_at: Option<Instant>,
    /// Needed; after the start.
    #[garde(skip)]
    pub ends_at: Option<Instant>,
    /// Needed; a zone of the IANA database.
    #[garde(skip)]
    pub time_zone: Option<String>,
    /// Needed; 1 to 1,000,000.
    #[garde(inner(range(min = 1, max = 1_000_000)))]
    pub capacity: Option<i64>,
    /// Absent is free.
    #[garde(skip)]
    pub fee: Option<FeeFields>,
    /// Absent: from publishing on.
    #[garde(skip)]
    pub registration_opens_at: Option<Instant>,
    /// Absent: until the start; never after it.
    #[garde(skip)]
    pub registration_closes_at: Option<Instant>,
    /// Absent: no voting. May lie in the past.
    #[garde(skip)]
    pub voting_opens_at: Option<Instant>,
    /// Absent: at the start; never after it.
    #[garde(skip)]
    pub voting_closes_at: Option<Instant>,
    /// Absent: on.
    #[garde(skip)]
    pub waitlist_enabled: Option<bool>,
    /// Absent: off.
    #[garde(skip)]
    pub live_results: Option<bool>,
    /// Full refund until so many hours before the start, 0 to 8,760; absent: 24.
    #[garde(inner(range(min = 0, max = 8_760)))]
    pub refund_until_hours: Option<i64>,
}

/// What managers write about an event, every rule of a single event kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDetails {
    /// 1 to 200 characters.
    pub title: String,
    /// At most 20,000 characters.
    pub description: Option<String>,
    /// At most 20,000 characters.
    pub agenda: Option<String>,
    /// How people take part.
    pub format: EventFormat,
    /// There is one unless the event is virtual.
    pub location: Option<String>,
    /// Shown to nobody but managers.
    pub stream_url: Option<String>,
    /// The start.
    pub starts_at: Instant,
    /// After the start.
    pub ends_at: Instant,
    /// The zone in which its dates are shown and counted.
    pub time_zone: TimeZone,
    /// 1 to 1,000,000.
    pub capacity: u32,
    /// None or an amount of 0 is free.
    pub fee: Option<Money>,
    /// None: from publishing on.
    pub registration_opens_at: Option<Instant>,
    /// None: until the start.
    pub registration_closes_at: Option<Instant>,
    /// None: there is no voting.
    pub voting_opens_at: Option<Instant>,
    /// None: at the start.
    pub voting_closes_at: Option<Instant>,
    /// Whether people may join the queue.
    pub waitlist_enabled: bool,
    /// Whether tallies are shown to all while voting runs.
    pub live_results: bool,
    /// Full refund until so many hours before the start.
    pub refund_until_hours: u32,
}

impl EventDetails {
    /// Checks the fields; everything that is wrong is told at once. `announced_start` is the start of an event that
    /// is being edited: it may stay where it is, though it may be past.
    pub fn parse(
        fields: EventFields,
        now: Instant,
        announced_start: Option<Instant>,
    ) -> Result<Self, Invalid> {
        let mut invalid = Invalid::none();
        if let Err(report) = fields.validate() {
            invalid.add_report(&report);
        }
        // Title and location stand in the subjects and headers of mails: one line each.
        for (pointer, line) in [("/title", &fields.title), ("/location", &fields.location)] {
            if line
                .as_ref()
                .is_some_and(|line| line.chars().any(char::is_control))
            {
                invalid.add(
                    pointer,
                    "format",
                    "no line breaks and no other control characters",
                );
            }
        }
        let title = needed(&mut invalid, "/title", fields.title);
        let format = needed(&mut invalid, "/format", fields.format);
        let starts_at = needed(&mut invalid, "/starts_at", fields.starts_at);
        let ends_at = needed(&mut invalid, "/ends_at", fields.ends_at);
        let capacity = needed(&mut invalid, "/capacity", fields.capacity);
        let time_zone = needed(&mut invalid, "/time_zone", fields.time_zone)
            .and_then(|name| invalid.take("/time_zone", "format", name.parse::<TimeZone>()));
        let fee = fields
            .fee
            .and_then(|fee| invalid.take("/fee", "range", Money::new(fee.amount, &fee.currency)));

        for (pointer, instant) in [
            ("/starts_at", starts_at),
            ("/ends_at", ends_at),
            ("/registration_opens_at", fields.registration_opens_at),
            ("/registration_closes_at", fields.registration_closes_at),
            ("/voting_opens_at", fields.voting_opens_at),
            ("/voting_closes_at", fields.voting_closes_at),
        ] {
            if instant.is_some_and(|instant| !YEARS.contains(&instant.year())) {
                invalid.add(pointer, "range", "the year is from 1970 to 2999");
            }
        }
        check_place(
            &mut invalid,
            format,
            fields.location.as_deref(),
            fields.stream_url.as_deref(),
        );
        if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at) {
            if starts_at <= now && announced_start != Some(starts_at) {
                invalid.add("/starts_at", "past", "the start is in the future");
            }
            if ends_at <= starts_at {
                invalid.add("/ends_at", "range", "the end is after the start");
            }
        }
        if let Some(starts_at) = starts_at {
            let registration = [
                ("/registration_opens_at", fields.registration_opens_at),
                ("/registration_closes_at", fields.registration_closes_at),
            ];
            check_window(&mut invalid, registration, starts_at);
            let voting = [
                ("/voting_opens_at", fields.voting_opens_at),
                ("/voting_closes_at", fields.voting_closes_at),
            ];
            check_window(&mut invalid, voting, starts_at);
        }
        if fields.voting_closes_at.is_some() && fields.voting_opens_at.is_none() {
            invalid.add("/voting_opens_at", "missing", "a voting window has a beginning");
        }

        let (Some(title), Some(format), Some(starts_at), Some(ends_at), Some(capacity), Some(time_zone)) =
            (title, format, starts_at, ends_at, capacity, time_zone)
        else {
            return Err(invalid);
        };
        invalid.check()?;
        Ok(Self {
            title,
            description: fields.description,
            agenda: fields.agenda,
            format,
            location: fields.location,
            stream_url: fields.stream_url,
            starts_at,
            ends_at,
            time_zone,
            capacity: u32::try_from(capacity).unwrap_or(u32::MAX),
            fee,
            registration_opens_at: fields.registration_opens_at,
            registration_closes_at: fields.registration_closes_at,
            voting_opens_at: fields.voting_opens_at,
            voting_closes_at: fields.voting_closes_at,
            waitlist_enabled: fields.waitlist_enabled.unwrap_or(true),
            live_results: fields.live_results.unwrap_or(false),
            refund_until_hours: fields
                .refund_until_hours
                .map_or(24, |hours| u32::try_from(hours).unwrap_or(0)),
        })
    }

    /// The details as fields, for a patch to change some of them.
    pub fn to_fields(&self) -> EventFields {
        EventFields {
            title: Some(self.title.clone()),
            description: self.description.clone(),
            agenda: self.agenda.clone(),
            format: Some(self.format),
            location: self.location.clone(),
            stream_url: self.stream_url.clone(),
            starts_at: Some(self.starts_at),
            ends_at: Some(self.ends_at),
            time_zone: Some(self.time_zone.name().to_owned()),
            capacity: Some(i64::from(self.capacity)),
            fee: self.fee.map(|fee| FeeFields {
                amount: fee.amount(),
                currency: fee.currency().to_owned(),
            }),
            registration_opens_at: self.registration_opens_at,
            registration_closes_at: self.registration_closes_at,
            voting_opens_at: self.voting_opens_at,
            voting_closes_at: self.voting_closes_at,
            waitlist_enabled: Some(self.waitlist_enabled),
            live_results: Some(self.live_results),
            refund_until_hours: Some(i64::from(self.refund_until_hours)),
        }
    }

    /// The calendar date of the start in the event's own zone.
    pub fn local_date(&self) -> NaiveDate {
        self.time_zone.local_date(self.starts_at)
    }

    /// The location, folded: with the local date it is what a published event occupies.
    pub fn place_key(&self) -> Option<String> {
        self.location.as_deref().map(fold)
    }

    /// Title and description, folded, for searching.
    pub fn search_key(&self) -> String {
        match &self.description {
            Some(description) => fold(&format!("{} {description}", self.title)),
            None => fold(&self.title),
        }
    }

    /// Whether there is something to pay.
    pub fn has_fee(&self) -> bool {
        self.fee.is_some_and(|fee| !fee.is_free())
    }
}

impl Event {
    /// The fields of the event as they stand.
    pub fn fields(&self) -> EventFields {
        self.details.to_fields()
    }
}

fn needed<T>(invalid: &mut Invalid, pointer: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        invalid.add(pointer, "missing", "this field is needed");
    }
    value
}

fn check_place(
    invalid: &mut Invalid,
    format: Option<EventFormat>,
    location: Option<&str>,
    stream: Option<&str>,
) {
    match (format, location) {
        (Some(EventFormat::Virtual), Some(_)) => {
            invalid.add("/location", "not_allowed", "a virtual event has no location");
        }
        (Some(EventFormat::InPerson | EventFormat::Hybrid), None) => {
            invalid.add(
                "/location",
                "missing",
                "an event that people come to has a location",
            );
        }
        _ => {}
    }
    if let Some(url) = stream {
        if format == Some(EventFormat::InPerson) {
            invalid.add("/stream_url", "not_allowed", "an event in person has no stream");
        }
        let rest = url.strip_prefix("https://").unwrap_or_default();
        if rest.is_empty() || rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            invalid.add("/stream_url", "format", "an https URL is needed");
        }
    }
}

/// A window ends at the latest with the start of the event, and begins before it ends.
fn check_window(invalid: &mut Invalid, window: [(&str, Option<Instant>); 2], starts_at: Instant) {
    let [(opens_pointer, opens), (closes_pointer, closes)] = window;
    if closes.is_some_and(|closes| closes > starts_at) {
        invalid.add(
            closes_pointer,
            "range",
            "it closes at the start of the event at the latest",
        );
    }
    if opens.is_some_and(|opens| opens >= closes.unwrap_or(starts_at)) {
        invalid.add(opens_pointer, "range", "it opens before it closes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Duration};

    fn now() -> Instant {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn fields() -> EventFields {
        EventFields {
            title: Some("RustConf".into()),
            format: Some(EventFormat::InPerson),
            location: Some("Town Hall".into()),
            starts_at: Some(now() + Duration::days(10)),
            ends_at: Some(now() + Duration::days(11)),
            time_zone: Some("Asia/Kolkata".into()),
            capacity: Some(10),
            ..EventFields::default()
        }
    }

    fn pointers(fields: EventFields) -> Vec<String> {
        let invalid = EventDetails::parse(fields, now(), None).unwrap_err();
        invalid.0.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let missing = pointers(EventFields::default());
        for pointer in [
            "/title",
            "/format",
            "/starts_at",
            "/ends_at",
            "/capacity",
            "/time_zone",
        ] {
            assert!(
                missing.iter().any(|found| found == pointer),
                "{pointer} in {missing:?}"
            );
        }
    }

    #[test]
    fn only_a_virtual_event_has_no_location() {
        assert_eq!(
            pointers(EventFields {
                location: None,
                ..fields()
            }),
            ["/location"]
        );
        assert_eq!(
            pointers(EventFields {
                format: Some(EventFormat::Virtual),
                ..fields()
            }),
            ["/location"]
        );
    }

    #[test]
    fn limits_name_their_field() {
        assert_eq!(
            pointers(EventFields {
                capacity: Some(0),
                ..fields()
            }),
            ["/capacity"]
        );
        assert_eq!(
            pointers(EventFields {
                capacity: Some(1_000_001),
                ..fields()
            }),
            ["/capacity"]
        );
        assert_eq!(
            pointers(EventFields {
                title: Some("x".repeat(201)),
                ..fields()
            }),
            ["/title"]
        );
        assert_eq!(
            pointers(EventFields {
                starts_at: Some(now()),
                ..fields()
            }),
            ["/starts_at"]
        );
        assert_eq!(
            pointers(EventFields {
                registration_closes_at: Some(now() + Duration::days(12)),
                ..fields()
            }),
            ["/registration_closes_at"]
        );
    }

    #[test]
    fn a_year_that_not_every_database_and_reader_knows_is_refused() {
        for far in ["+262142-12-31T23:00:00Z", "3000-01-01T00:00:00Z"] {
            let fields = EventFields {
                ends_at: Some(far.parse().unwrap()),
                ..fields()
            };
            assert_eq!(pointers(fields), ["/ends_at"]);
        }
        let fields = EventFields {
            voting_opens_at: Some("-0001-01-01T00:00:00Z".parse().unwrap()),
            ..fields()
        };
        assert_eq!(pointers(fields), ["/voting_opens_at"]);
    }

    #[test]
    fn a_title_and_a_location_are_one_line() {
        let two_lines = Some("RustConf\r\nBcc: everybody@example.org".to_owned());
        assert_eq!(
            pointers(EventFields {
                title: two_lines.clone(),
                ..fields()
            }),
            ["/title"]
        );
        assert_eq!(
            pointers(EventFields {
                location: two_lines,
                ..fields()
            }),
            ["/location"]
        );
    }

    #[test]
    fn an_announced_start_may_be_past_when_something_else_is_edited() {
        let past = Some(now() - Duration::hours(1));
        let edited = EventFields {
            starts_at: past,
            ..fields()
        };
        assert!(EventDetails::parse(edited.clone(), now(), past).is_ok());
        assert!(EventDetails::parse(edited, now(), None).is_err());
    }

    #[test]
    fn the_local_date_is_that_of_the_events_zone() {
        let late = EventFields {
            starts_at: Some("2027-05-01T20:00:00Z".parse().unwrap()),
            ends_at: Some("2027-05-01T22:00:00Z".parse().unwrap()),
            ..fields()
        };
        let details = EventDetails::parse(late, now(), None).unwrap();
        assert_eq!(details.local_date().to_string(), "2027-05-02");
    }
}
