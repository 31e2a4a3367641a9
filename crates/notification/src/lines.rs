//! Pieces of which mails and text messages are made: what a person wrote, made fit for one line, and an event's lines.

use crate::EventFacts;
use kernel::{Instant, TimeZone};

/// Plain text is wrapped here.
const WIDTH: usize = 76;

/// An event as a mail shows it.
pub(crate) struct EventLines {
    pub(crate) title: String,
    pub(crate) when: String,
    pub(crate) place: String,
}

impl EventLines {
    pub(crate) fn of(event: &EventFacts) -> Self {
        Self {
            title: one_line(&event.title),
            when: when_of(event),
            place: place_of(event),
        }
    }
}

/// From when to when it is, in its zone.
fn when_of(event: &EventFacts) -> String {
    let zone = zone_of(event);
    match event.ends_at {
        Some(ends_at) => zone.local_span(event.starts_at, ends_at),
        None => zone.local_time(event.starts_at),
    }
}

/// Where it is.
pub(crate) fn place_of(event: &EventFacts) -> String {
    event
        .location
        .as_deref()
        .map_or_else(|| "Online".to_owned(), one_line)
}

/// An instant in the event's zone.
pub(crate) fn local_time(event: &EventFacts, instant: Instant) -> String {
    zone_of(event).local_time(instant)
}

pub(crate) fn zone_of(event: &EventFacts) -> TimeZone {
    // It was checked when the event was made; a zone that has left the database since is shown in UTC.
    event.time_zone.parse().unwrap_or(TimeZone::UTC)
}

/// What a person wrote, as one line in which nothing is hidden: control characters are spaces, and those that turn the
/// direction of what follows are left out.
pub(crate) fn one_line(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(|c| !turns_direction(*c))
        .map(|c| if is_break(c) { ' ' } else { c })
        .collect();
    plain.trim().to_owned()
}

/// The same for a text of several lines.
pub(crate) fn several_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(one_line).collect();
    lines.join("\n").trim().to_owned()
}

/// At most so many characters, the last an ellipsis where something was cut off.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Plain text as it is sent: no more than one empty line at a time, none at the ends, and lines that fit a screen.
pub(crate) fn finished(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() && lines.last().is_none_or(String::is_empty) {
            continue;
        }
        wrap(line, &mut lines);
    }
    let mut text = lines.join("\n").trim_end().to_owned();
    text.push('\n');
    text
}

/// Breaks a line at spaces; what follows stands under what it belongs to. A word that is longer than a line, such as a
/// link, stays whole.
fn wrap(line: &str, lines: &mut Vec<String>) {
    let under = match line {
        line if line.starts_with("> ") => "> ",
        line if line.starts_with("  ") => "         ",
        _ => "",
    };
    let mut current = String::new();
    let mut is_empty = true;
    for word in line.split(' ') {
        if !is_empty && !word.is_empty() && current.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut current, under.to_owned()));
            current.push_str(word);
            continue;
        }
        if !is_empty {
            current.push(' ');
        }
        current.push_str(word);
        is_empty = false;
    }
    lines.push(current);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_wrote_is_one_line_and_hides_nothing() {
        assert_eq!(one_line("a\r\nBcc: b\u{202E}c\u{2028}d\u{0}"), "a  Bcc: bc d");
        assert_eq!(several_lines("a\nb\u{2066}\r\n\nc\n"), "a\nb\n\nc");
        assert_eq!(shortened("äöüß", 4), "äöüß");
        assert_eq!(shortened("äöü ß", 5), "äöü ß");
        assert_eq!(shortened("äöü ßa", 5), "äöü…");
    }

    #[test]
    fn plain_text_is_wrapped_and_links_stay_whole() {
        let link = "x".repeat(100);
        let text = finished(&format!(
            "\n\n{}\n\n\n\n{link}\n  Event: {}\n> {}\n\n",
            "ab ".repeat(40),
            "cd ".repeat(40),
            "ef ".repeat(40)
        ));
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= WIDTH || line == link),
            "{text}"
        );
        assert!(
            text.contains(&format!("\n\n{link}\n  Event: cd"))
                && text.contains("\n         cd")
                && text.contains("\n> ef")
        );
        assert!(text.starts_with("ab") && text.ends_with("ef\n"), "{text}");
    }
}
