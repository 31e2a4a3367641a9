//! Folding of text into keys. The two databases fold differently, so it is done here and stored.

use crate::EmailAddress;
use unicode_normalization::UnicodeNormalization;

/// Folds text so that case, width, composition and the amount of white space make no difference (NFKC, upper and then
/// lower case, so that ß meets SS, single spaces). The dotted and the dotless i of Turkish are one letter: their capitals
/// are the small letters of other languages, and which language a name is in is not known.
pub fn fold(text: &str) -> String {
    let folded: String = text
        .nfkc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect();
    let folded = folded.replace("i\u{307}", "i");
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Folds the local part of an address: by case and composition alone, since `straße@` and `strasse@` may be two
/// mailboxes.
pub(crate) fn fold_mailbox(local: &str) -> String {
    local.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// A LIKE pattern that finds `needle`, folded, anywhere; `\` is its escape character.
pub fn like_pattern(needle: &str) -> String {
    pattern_of(&fold(needle))
}

/// A LIKE pattern that finds a part of an address, or a whole one in any spelling, in the keys of addresses.
pub fn address_pattern(needle: &str) -> String {
    pattern_of(&address_part(needle))
}

/// A part of an address, or a whole one in any spelling, folded as the keys of addresses are.
pub fn address_part(needle: &str) -> String {
    match needle.parse::<EmailAddress>() {
        Ok(address) => address.key().to_owned(),
        Err(_) => fold_mailbox(needle.trim()),
    }
}

/// A LIKE pattern that finds a text that is folded already anywhere.
pub fn pattern_of(key: &str) -> String {
    let mut pattern = String::from("%");
    for c in key.chars() {
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
    fn turkish_names_fold_alike_in_small_letters_and_capitals() {
        assert_eq!(fold("İBRAHİM IŞIK"), fold("ibrahim ışık"));
        assert_eq!(fold("İbrahim Işık"), fold("IBRAHIM IŞIK"));
    }

    #[test]
    fn a_part_of_an_address_is_folded_as_addresses_are() {
        assert_eq!(address_pattern(" Straße"), "%straße%");
        assert_eq!(address_pattern("@EXAMPLE.org"), "%@example.org%");
        assert_eq!(
            address_pattern("A.Ö@Bücher.example"),
            "%a.ö@xn--bcher-kva.example%"
        );
        assert_eq!(address_pattern("a_b"), "%a\\_b%");
    }

    #[test]
    fn wildcards_in_a_needle_stand_for_themselves() {
        assert_eq!(like_pattern("50%_a\\b"), "%50\\%\\_a\\\\b%");
    }
}
