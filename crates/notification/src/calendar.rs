//! The event of a mail as a file for calendars (RFC 5545).
//!
//! Invariants: every mail of one event has the same UID, so that a calendar keeps one entry of it; a later mail has a
//! greater SEQUENCE, so that it wins, also where one that was cancelled is confirmed again.

use crate::lines::{one_line, place_of};
use crate::{Attachment, EventFacts, Job, Message};
use icalendar::{Calendar, Component, EventLike, EventStatus, Property};

/// The year 2020 in seconds since 1970: numbers from here on stay within 31 bits until 2088.
const EPOCH: i64 = 1_577_836_800;

/// The file that comes with a message; none where nothing changes in the person's calendar.
///
/// METHOD is PUBLISH, not REQUEST: the mail invites nobody and waits for no answer, and a REQUEST without the recipient
/// among its attendees is refused by some calendars.
pub(crate) fn attachment(job: &Job, public_url: &str) -> Option<Attachment> {
    let (event, cancelled) = match &job.message {
        Message::SeatConfirmed { event, .. }
        | Message::SeatFromWaitlist { event, .. }
        | Message::EventMoved { event, .. } => (event, false),
        Message::RegistrationCancelled { event, .. } | Message::EventCancelled { event, .. } => (event, true),
        _ => return None,
    };
    let method = if cancelled { "CANCEL" } else { "PUBLISH" };
    Some(Attachment {
        file_name: "event.ics".to_owned(),
        media_type: format!("text/calendar; charset=utf-8; method={method}"),
        content: calendar(job, event, cancelled, method, public_url).into_bytes(),
    })
}

fn calendar(job: &Job, event: &EventFacts, cancelled: bool, method: &str, public_url: &str) -> String {
    let host = host_of(public_url);
    let mut entry = icalendar::Event::with_uid(&format!("{}@{host}", event.id));
    entry
        .timestamp(job.created_at)
        .sequence(sequence_of(job))
        .summary(&one_line(&event.title))
        .location(&place_of(event))
        .description(&described(cancelled, public_url))
        .starts(event.starts_at)
        .status(if cancelled {
            EventStatus::Cancelled
        } else {
            EventStatus::Confirmed
        })
        // RFC 5546 asks for an organiser; any URI can be one, and nobody's address is given away.
        .append_property(
            Property::new("ORGANIZER", public_url)
                .add_parameter("CN", host)
                .done(),
        );
    if let Some(ends_at) = event.ends_at {
        entry.ends(ends_at);
    }
    let mut calendar = Calendar::empty();
    for (key, value) in [
        ("VERSION", "2.0"),
        ("PRODID", "-//Podium//Podium//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", method),
    ] {
        calendar.append_property(Property::new(key, value));
    }
    calendar.push(entry);
    calendar.to_string()
}

fn described(cancelled: bool, public_url: &str) -> String {
    if cancelled {
        format!("You have no seat at this event any more. From {public_url}")
    } else {
        format!("You have a seat at this event. If you cannot come, please give it back. From {public_url}")
    }
}

fn sequence_of(job: &Job) -> u32 {
    u32::try_from((job.created_at.timestamp() - EPOCH).max(0)).unwrap_or(u32::MAX)
}

/// The host of an address, without scheme, port and path.
fn host_of(url: &str) -> &str {
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
