//! Folding of text into keys. The two databases fold differently, so it is done here and stored.

use unicode_normalization::UnicodeNormalization;

/// Folds text so that case, width, composition and the amount of white space make no difference (NFKC, upper and then
/// lower case, so that ß meets SS, single spaces).
pub fn fold(text: &str) -> String {
    let folded: String = text
        .nfkc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Folds the local part of an address: by case and composition alone, since `straße@` and `strasse@` may be two
/// mailboxes.
pub(crate) fn fold_mailbox(local: &str) -> String {
    local.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// A LIKE pattern that finds `needle`, folded, anywhere; `\` is its escape character.
pub fn like_pattern(needle: &str) -> String {
    let mut pattern = String::from("%");
    for c in fold(needle).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_width_composition_and_spaces_fold_away() {
        assert_eq!(fold("  Grösse\u{a0}ÜMLAUT "), fold("gro\u{308}sse U\u{308}mlaut"));
        assert_eq!(fold("ＡＢＣ"), "abc");
        assert_eq!(fold("Großer Saal"), fold("GROSSER SAAL"));
        assert_eq!(fold("ΟΔΟΣ"), fold("οδός".replace('ό', "ο").as_str()));
    }

    #[test]
    fn wildcards_in_a_needle_stand_for_themselves() {
        assert_eq!(like_pattern("50%_a\\b"), "%50\\%\\_a\\\\b%");
    }
}
