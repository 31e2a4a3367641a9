//! Texts that somebody else wrote, made fit for headers, bodies and logs.

use std::borrow::Cow;

/// Characters of a reason at the most: it is kept with the message and shown to people.
const LONGEST_REASON: usize = 300;

/// One line: nothing in it can begin another header or turn the writing around, and no word is longer than a line of a
/// mail may be.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len());
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let mut letters = word.chars().filter(|c| !turns_writing(*c)).peekable();
        if letters.peek().is_none() {
            continue;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        for letter in letters {
            if length == most {
                return line;
            }
            line.push(letter);
            length += 1;
        }
    }
    line
}

/// Marks that change the direction of what follows them, and separators of lines.
fn turns_writing(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same lines, each ended by CR and LF as a mail wants it, without other control characters than tabs.
pub(crate) fn mail_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 16);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => {
                letters.next_if_eq(&'\n');
                lines.push_str("\r\n");
            }
            '\n' => lines.push_str("\r\n"),
            '\t' => lines.push('\t'),
            letter if letter.is_control() => {}
            letter => lines.push(letter),
        }
    }
    lines
}

/// A reason for the log and for who looks at the message: short, one line, and without whom it was for.
pub(crate) fn reason(text: &str, recipient: &str) -> String {
    let text = if recipient.is_empty() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.replace(recipient, "…"))
    };
    one_line(&text, LONGEST_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(one_line("a\r\nBcc: b\u{0}\u{85}c\u{2028}d", 99), "a Bcc: b c d");
        assert_eq!(one_line(" \u{202e}a\t b \u{202e} ", 99), "a b");
        assert_eq!(one_line("äöü ß", 4), "äöü ");
        assert_eq!(one_line("", 4), "");
    }

    #[test]
    fn lines_of_a_mail_end_alike() {
        assert_eq!(mail_lines("a\nb\r\nc\rd\u{7}\te"), "a\r\nb\r\nc\r\nd\te");
        assert_eq!(mail_lines("\r\r\n"), "\r\n\r\n");
    }

    #[test]
    fn a_reason_is_short_and_names_nobody() {
        let said = format!("550 <ada@example.org>: {}", "no ".repeat(500));
        let reason = reason(&said, "ada@example.org");
        assert!(reason.starts_with("550 <…>: no no") && reason.chars().count() <= LONGEST_REASON);
    }
}
