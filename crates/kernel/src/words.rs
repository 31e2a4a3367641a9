//! The words by which people are searched: what of a person is kept for that, and what of a question is looked for.

use crate::{EmailAddress, Invalid, fold};
use std::collections::BTreeSet;

/// Characters of a word that are kept and compared. Whoever types more finds the same.
const LONGEST_WORD: usize = 40;
/// Words of a person that are kept: those that come first in the name, and those of the address.
const MOST_WORDS: usize = 24;
/// Characters of a question.
const LONGEST_QUESTION: usize = 200;
/// Words of a question.
const MOST_QUESTIONED: usize = 8;
/// What an address as a whole begins with, so that no word of a name is taken for the beginning of one.
const ADDRESS: char = '@';

/// Ends a word. Letters of all scripts, their marks, digits and emoji are what words are made of.
fn ends_word(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || matches!(c, '\u{b7}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{303f}' | '\u{30fb}')
}

fn cut(word: &str) -> String {
    word.chars().take(LONGEST_WORD).collect()
}

fn pieces(folded: &str) -> impl Iterator<Item = String> {
    folded.split(ends_word).filter(|piece| !piece.is_empty()).map(cut)
}

/// The words under which a person is found: those of the name and of what stands before the `@`, and the whole address behind an
/// `@`. `name_key` and `email_key` are the folded ones. Who was erased has none.
pub fn search_words(name_key: &str, email_key: &str) -> BTreeSet<String> {
    if EmailAddress::from_stored(String::new(), email_key.to_owned()).is_erased() {
        return BTreeSet::new();
    }
    let local = email_key.rsplit_once('@').map_or("", |(local, _)| local);
    // Addresses are folded in another way; both spellings of a word that is in both are to be found.
    let whole = format!("{ADDRESS}{email_key}");
    let mut words = BTreeSet::from([whole.chars().take(LONGEST_WORD).collect::<String>()]);
    words.extend(pieces(&fold(local)).take(4));
    for word in pieces(name_key) {
        if words.len() == MOST_WORDS {
            break;
        }
        words.insert(word);
    }
    words
}

/// What is looked for: every one of these words begins a word of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordQuery(Vec<String>);

impl WordQuery {
    /// Takes a question apart; `field` names it in what is refused.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        if text.chars().count() > LONGEST_QUESTION {
            let most = format!("at most {LONGEST_QUESTION} characters");
            return Err(Invalid::field(field, "length", most));
        }
        let mut words = BTreeSet::new();
        for part in text.split_whitespace() {
            if part.contains(ADDRESS) {
                words.insert(address_word(part));
            } else {
                words.extend(pieces(&fold(part)));
            }
        }
        if words.len() > MOST_QUESTIONED {
            let most = format!("at most {MOST_QUESTIONED} words");
            return Err(Invalid::field(field, "length", most));
        }
        // One that another begins with asks for nothing more.
        let kept: Vec<String> = words
            .iter()
            .filter(|word| {
                !words
                    .iter()
                    .any(|other| other != *word && other.starts_with(word.as_str()))
            })
            .cloned()
            .collect();
        Ok(Self(kept))
    }

    /// The words, of which none begins another. With none, nobody is meant.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Whether somebody with these folded keys is meant.
    pub fn fits(&self, name_key: &str, email_key: &str) -> bool {
        let words = search_words(name_key, email_key);
        !self.0.is_empty()
            && self.0.iter().all(|wanted| {
                words
                    .range(wanted.clone()..)
                    .next()
                    .is_some_and(|word| word.starts_with(wanted.as_str()))
            })
    }
}

/// A part of a question with an `@` in it: the beginning of an address, or a whole one in any spelling.
fn address_word(part: &str) -> String {
    let key = match part.parse::<EmailAddress>() {
        Ok(address) => address.key().to_owned(),
        Err(_) => crate::text::fold_mailbox(part),
    };
    format!("{ADDRESS}{key}").chars().take(LONGEST_WORD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(question: &str, name: &str, email: &str) -> bool {
        let email: EmailAddress = email.parse().unwrap();
        WordQuery::parse("q", question)
            .unwrap()
            .fits(&fold(name), email.key())
    }

    #[test]
    fn every_word_asked_for_begins_a_word_of_the_name_or_of_the_address() {
        let (name, email) = ("María-José O'Brien", "mj.obrien+news@example.org");
        for found in [
            "maría",
            "JOS",
            "brien mar",
            "mj",
            "obr",
            "news",
            "MJ.OBRIEN+news@example.org",
            "mj.obrien",
            "o brien",
        ] {
            assert!(fits(found, name, email), "{found}");
        }
        for not_found in [
            "aría",
            "maría smith",
            "example",
            "j.obrien@example.org",
            "%",
            "_",
            "\\",
            "'",
        ] {
            assert!(!fits(not_found, name, email), "{not_found}");
        }
    }

    #[test]
    fn words_are_of_every_script() {
        let email = "x@example.org";
        for (name, question) in [
            ("İbrahim Işık", "ışık IBRAHIM"),
            ("Jürgen Großmann", "GROSSM jür"),
            ("Νίκος Παπαδόπουλος", "ΝΊΚΟΣ"),
            ("Пётр Ильич", "ИЛЬ пётр"),
            ("विद्या शर्मा", "विद्या"),
            ("山田 太郎", "太"),
            ("محمد علي", "علي"),
            ("🎉 Party 👩‍👩‍👧", "🎉"),
            ("Ana 👩‍👩‍👧", "👩‍👩‍👧 ana"),
        ] {
            assert!(fits(question, name, email), "{question} finds {name}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_whatever_the_name() {
        let long = fold(&"ﷺ".repeat(200));
        let words = search_words(&long, "x@example.org");
        assert!(words.len() <= MOST_WORDS && words.iter().all(|word| word.chars().count() <= LONGEST_WORD));
        let endless = "🧵".repeat(200);
        assert!(fits(&"🧵".repeat(60), &endless, "x@example.org"));
        assert!(WordQuery::parse("q", &"a".repeat(201)).is_err());
        assert!(WordQuery::parse("q", "a b c d e f g h i").is_err());
        assert_eq!(WordQuery::parse("q", "an ann anna").unwrap().words(), ["anna"]);
    }

    #[test]
    fn an_address_in_another_spelling_is_the_same_and_an_erased_one_is_none() {
        assert!(fits("ada@BÜCHER.example", "Ada", "Ada@xn--bcher-kva.example"));
        assert!(search_words("erased", "erased-1@erased.invalid").is_empty());
    }
}
