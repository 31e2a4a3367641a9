//! Content lines (RFC 5545, section 3.1): escaped, folded, and ended by CRLF.

use std::fmt::Write;

/// Octets of a line at the most, its end not counted.
const LONGEST: usize = 75;

/// The lines of a file, one after the other.
#[derive(Default)]
pub(crate) struct Lines(String);

impl Lines {
    /// A property with a value in its final form: a time, a word, a URI.
    pub(crate) fn plain(&mut self, name: &str, value: &str) {
        self.push(&format!("{name}:{value}"));
    }

    /// A property whose value is text (RFC 5545, section 3.3.11).
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.push(&format!("{name}:{}", escaped(value)));
    }

    /// The first line of a component.
    pub(crate) fn begin(&mut self, component: &str) {
        self.plain("BEGIN", component);
    }

    /// The last line of a component.
    pub(crate) fn end(&mut self, component: &str) {
        self.plain("END", component);
    }

    /// The file.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    /// Folds and ends a line. What would end it before, or is no text, is left out, wherever it came from.
    fn push(&mut self, line: &str) {
        let mut octets = 0;
        for c in line.chars().filter(|c| !c.is_control() || *c == '\t') {
            if octets + c.len_utf8() > LONGEST {
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(c);
            octets += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

/// Text as a value. Every way to break a line is written as the one that there is.
fn escaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' | ';' | ',' => {
                value.push('\\');
                value.push(c);
            }
            '\r' => {
                chars.next_if_eq(&'\n');
                value.push_str("\\n");
            }
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => value.push_str("\\n"),
            c if c.is_control() && c != '\t' => value.push(' '),
            c => value.push(c),
        }
    }
    value
}

/// The value of a parameter (RFC 5545, section 3.2), which can hold no quotes.
pub(crate) fn parameter(value: &str) -> String {
    let plain: String = value.chars().filter(|c| *c != '"' && !c.is_control()).collect();
    let mut quoted = String::with_capacity(plain.len() + 2);
    let _ = if plain.contains([':', ';', ',']) {
        write!(quoted, "\"{plain}\"")
    } else {
        write!(quoted, "{plain}")
    };
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> String {
        let mut lines = Lines::default();
        lines.text("SUMMARY", value);
        lines.finish()
    }

    #[test]
    fn what_a_person_wrote_stays_within_its_value() {
        assert_eq!(
            text("a\r\nBEGIN:VALARM\nb\rc\u{2028}d;e,f\\g\u{0}h\u{85}i"),
            "SUMMARY:a\\nBEGIN:VALARM\\nb\\nc\\nd\\;e\\,f\\\\g h\\ni\r\n"
        );
        let mut lines = Lines::default();
        lines.plain("URL", "https://a.example/\r\nATTENDEE:x");
        assert_eq!(lines.finish(), "URL:https://a.example/ATTENDEE:x\r\n");
        assert_eq!(parameter("a\"b:c"), "\"ab:c\"");
        assert_eq!(parameter("a.example"), "a.example");
    }

    #[test]
    fn a_line_has_75_octets_and_no_character_is_cut() {
        for title in [
            "ä".repeat(200),
            "x".repeat(67),
            "x".repeat(68),
            format!("x{}", "🎉".repeat(90)),
        ] {
            let folded = text(&title);
            for line in folded.split("\r\n") {
                assert!(line.len() <= LONGEST, "{line}");
            }
            assert_eq!(folded.replace("\r\n ", ""), format!("SUMMARY:{title}\r\n"));
        }
        assert_eq!(text(&"x".repeat(67)).matches("\r\n").count(), 1);
        assert_eq!(text(&"x".repeat(68)).matches("\r\n").count(), 2);
    }
}
