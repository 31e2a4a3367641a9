//! What a person wrote, made fit to be set: one line in which nothing is hidden and nothing grows without end.

use unicode_normalization::char::is_combining_mark;

/// Marks on one letter that are kept; no writing needs more.
const MOST_MARKS: usize = 8;

/// One line of at most so many characters: control characters are spaces, what turns the direction of what follows is left
/// out, and so are marks upon marks.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let mut marks = 0;
    let kept = text
        .chars()
        .filter(|c| !turns_direction(*c))
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .filter(|c| {
            marks = if is_combining_mark(*c) { marks + 1 } else { 0 };
            marks <= MOST_MARKS
        })
        .take(most);
    let line: String = kept.collect();
    line.trim().to_owned()
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_wrote_is_one_line_hides_nothing_and_grows_not() {
        assert_eq!(plain("a\r\nb\u{202E}c\u{2028}d\u{0}", 99), "a  bc d");
        assert_eq!(
            plain(&format!("x{}y", "\u{301}".repeat(200)), 99).chars().count(),
            10
        );
        assert_eq!(plain("ज़ि தமிழ் กี่", 99), "ज़ि தமிழ் กี่");
        assert_eq!(plain(&"é".repeat(500), 300).chars().count(), 300);
    }
}
