//! What somebody wants to talk about, in words that fit.

use kernel::Invalid;

/// Characters of a title at the most.
const LONGEST_TITLE: usize = 200;
/// Characters of an abstract at the most.
const LONGEST_SUMMARY: usize = 5_000;

/// Notes what is wrong with a title: one line.
pub(crate) fn check_title(invalid: &mut Invalid, title: &str) {
    check(invalid, "/talk_title", title, LONGEST_TITLE, &[]);
}

/// Notes what is wrong with an abstract.
pub(crate) fn check_summary(invalid: &mut Invalid, summary: &str) {
    check(
        invalid,
        "/abstract",
        summary,
        LONGEST_SUMMARY,
        &['\n', '\r', '\t'],
    );
}

fn check(invalid: &mut Invalid, pointer: &str, text: &str, longest: usize, may_have: &[char]) {
    if text.trim().is_empty() {
        invalid.add(pointer, "missing", "this field is needed");
    }
    if text.chars().count() > longest {
        invalid.add(pointer, "length", format!("at most {longest} characters"));
    }
    if text.chars().any(|c| c.is_control() && !may_have.contains(&c)) {
        invalid.add(pointer, "format", "control characters do not belong here");
    }
}
