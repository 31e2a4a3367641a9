//! Conditional requests (RFC 9110, section 13).
//!
//! The tag of an event is `"<edit>-<seats>"`: the first number counts edits, the second changes of the seats.
//! `If-None-Match` compares the whole of it. `If-Match` compares the edit part alone, so that registrations do not
//! break an organiser's edit; and it takes weak tags too, because a proxy that compresses weakens the tags it passes on.

use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use std::fmt;
use std::future::{Ready, ready};

/// The version of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag {
    /// Counts edits.
    pub edit: u64,
    /// Counts changes of the seats.
    pub seats: u64,
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}-{}\"", self.edit, self.seats)
    }
}

impl EntityTag {
    /// The tag as a header's value.
    pub fn header_value(self) -> HeaderValue {
        // Digits, a hyphen and quotes always make a header's value.
        HeaderValue::try_from(self.to_string()).unwrap_or_else(|_| HeaderValue::from_static("\"0-0\""))
    }
}

/// What a change is conditional on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Nothing: there was no such header.
    Unconditional,
    /// That there is something (`*`).
    Anything,
    /// That the present version has one of these tags, without their quotes. Tags that are not ours match nothing.
    Tags(Vec<String>),
}

impl IfMatch {
    /// The tags of which one has to be that of the present version, if that is asked.
    pub fn tags(self) -> Option<Vec<String>> {
        match self {
            Self::Unconditional | Self::Anything => None,
            Self::Tags(tags) => Some(tags),
        }
    }

    /// The same for an event: the edits of the tags.
    pub fn edits(self) -> Option<Vec<u64>> {
        let tags = self.tags()?;
        Some(tags.iter().filter_map(|tag| edit_of(tag)).collect())
    }

    fn of(headers: &HeaderMap) -> Self {
        let mut tags = Vec::new();
        let mut found = false;
        for value in headers.get_all(header::IF_MATCH) {
            found = true;
            let text = value.to_str().unwrap_or_default();
            if text.trim() == "*" {
                return Self::Anything;
            }
            tags.extend(text.split(',').filter_map(unquoted));
        }
        if found {
            Self::Tags(tags)
        } else {
            Self::Unconditional
        }
    }
}

fn unquoted(tag: &str) -> Option<String> {
    let tag = tag.trim();
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    Some(quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

fn edit_of(tag: &str) -> Option<u64> {
    let (edit, seats) = tag.split_once('-')?;
    let only_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (only_digits(edit) && only_digits(seats))
        .then(|| edit.parse().ok())
        .flatten()
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.headers())))
    }
}

/// Whether the client has that version already, by weak comparison (RFC 9110, section 13.1.2): answer 304.
pub fn matches_if_none_match(headers: &HeaderMap, current: &HeaderValue) -> bool {
    let strong = |tag: &'_ [u8]| tag.strip_prefix(b"W/").unwrap_or(tag) == current.as_bytes();
    headers.get_all(header::IF_NONE_MATCH).any(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .any(|tag| tag == b"*" || strong(tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &header::HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn if_match_compares_the_edit_alone() {
        let allows = |values: &[&'static str], edit| {
            let edits = IfMatch::of(&headers(&header::IF_MATCH, values)).edits();
            edits.is_none_or(|edits| edits.contains(&edit))
        };
        assert!(allows(&[], 7));
        assert!(allows(&["*"], 7));
        assert!(allows(&["\"7-1\""], 7));
        assert!(allows(&["W/\"7-99\""], 7));
        assert!(allows(&["\"1-1\", \"7-2\""], 7));
        assert!(allows(&["\"1-1\"", "\"7-2\""], 7));
        for other in [
            "\"8-1\"",
            "\"abc\"",
            "7-1",
            "\"7\"",
            "\"+7-1\"",
            "",
            "\"7-\"",
            "\"07x-1\"",
        ] {
            assert!(!allows(&[other], 7), "{other}");
        }
        let tags = IfMatch::of(&headers(&header::IF_MATCH, &["\"a\", W/\"b\""])).tags();
        assert_eq!(tags, Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn if_none_match_compares_the_whole_tag() {
        let current = EntityTag { edit: 7, seats: 2 }.header_value();
        assert_eq!(current, "\"7-2\"");
        let same = |values: &[&'static str]| {
            matches_if_none_match(&headers(&header::IF_NONE_MATCH, values), &current)
        };
        assert!(same(&["\"7-2\""]));
        assert!(same(&["W/\"7-2\""]));
        assert!(same(&["\"a\", W/\"7-2\""]));
        assert!(same(&["\"a\"", "\"7-2\""]));
        assert!(same(&["*"]));
        assert!(!same(&[]));
        assert!(!same(&["\"7-1\""]));
        assert!(!same(&["7-2"]));
    }
}
