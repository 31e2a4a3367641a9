//! Answers to security questions, and how often somebody may try some.

use crate::{BcryptCost, PasswordHash, QUESTIONS_ASKED, SECURITY_QUESTIONS, SecurityQuestion};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use kernel::{Instant, Invalid, fold};
use sha2::{Digest, Sha256};
use std::fmt;

/// Wrong tries before the first lock, and from each lock to the next.
const TRIES_TO_A_LOCK: u32 = 5;
/// Not longer, or a stranger could shut the owner out.
const LOCK: TimeDelta = TimeDelta::minutes(15);

/// An answer as it is compared: people do not remember how they wrote it, so that case, blanks and punctuation make no
/// difference. Its SHA-256 stands for it, since bcrypt reads 72 bytes and no further.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer(String);

/// Why a text is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAnswer {
    /// Too little is left of it.
    #[error("at least 2 letters or digits")]
    TooShort,
    /// Too long.
    #[error("at most 200 characters")]
    TooLong,
}

impl Answer {
    /// Reads what a person wrote.
    pub fn parse(text: &str) -> Result<Self, InvalidAnswer> {
        if text.chars().count() > 200 {
            return Err(InvalidAnswer::TooLong);
        }
        let plain = normalised(text);
        if plain.chars().count() < 2 {
            return Err(InvalidAnswer::TooShort);
        }
        Ok(Self(URL_SAFE_NO_PAD.encode(Sha256::digest(plain.as_bytes()))))
    }

    /// What is hashed, and compared with a hash.
    pub fn digest(&self) -> &str {
        &self.0
    }

    /// Hashes it, as slowly as a password: run it off the async threads.
    pub fn hash(&self, cost: BcryptCost) -> Result<PasswordHash, bcrypt::BcryptError> {
        PasswordHash::of_text(&self.0, cost)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(…)")
    }
}

fn normalised(text: &str) -> String {
    let letters: String = fold(text)
        .chars()
        .filter(|c| c.is_alphanumeric() || c.is_whitespace())
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An answer with the question that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenAnswer {
    /// What was asked.
    pub question: &'static SecurityQuestion,
    /// What was said.
    pub answer: Answer,
}

impl GivenAnswer {
    /// Reads the answers that a person sets: ids of at least two different questions, with what was written to each.
    pub fn parse_new(given: &[(String, String)]) -> Result<Vec<Self>, Invalid> {
        let mut invalid = Invalid::none();
        if !(QUESTIONS_ASKED..=SECURITY_QUESTIONS.len()).contains(&given.len()) {
            let most = SECURITY_QUESTIONS.len();
            invalid.add(
                "/answers",
                "length",
                format!("{QUESTIONS_ASKED} to {most} answers"),
            );
            return Err(invalid);
        }
        Self::parse_all(invalid, given)
    }

    /// Reads the answers to what was asked.
    pub fn parse_asked(given: &[(String, String)]) -> Result<Vec<Self>, Invalid> {
        let mut invalid = Invalid::none();
        if given.len() != QUESTIONS_ASKED {
            invalid.add("/answers", "length", format!("{QUESTIONS_ASKED} answers"));
            return Err(invalid);
        }
        Self::parse_all(invalid, given)
    }

    fn parse_all(mut invalid: Invalid, given: &[(String, String)]) -> Result<Vec<Self>, Invalid> {
        let mut read: Vec<Self> = Vec::with_capacity(given.len());
        for (index, (id, text)) in given.iter().enumerate() {
            let place = format!("/answers/{index}");
            let answer = invalid.take(&format!("{place}/answer"), "length", Answer::parse(text));
            let Some(question) = SecurityQuestion::find(id) else {
                invalid.add(
                    &format!("{place}/question_id"),
                    "choice",
                    "there is no such question",
                );
                continue;
            };
            if given[..index].iter().any(|(before, _)| before == id) {
                invalid.add(
                    &format!("{place}/question_id"),
                    "duplicate",
                    "the question is answered twice",
                );
            }
            read.extend(answer.map(|answer| Self { question, answer }));
        }
        invalid.check().map(|()| read)
    }
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityAnswer {
    /// The id of the question, which may have left the catalogue since.
    pub question_id: String,
    /// The hash of the [`Answer`].
    pub answer_hash: PasswordHash,
}

/// The tries of an account's answers since the last that were right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerTries {
    /// How many, those that are being compared now included.
    pub wrong: u32,
    /// The last of them.
    pub last_try_at: Instant,
    /// Until when none is taken.
    pub locked_until: Option<Instant>,
}

impl AnswerTries {
    /// One try more, if one may be made now. It counts as wrong until it is found right, so that of many at once no
    /// more are compared than one after the other. Every fifth closes the door behind it for a while.
    pub(crate) fn charge(before: Option<Self>, now: Instant) -> Option<Self> {
        let locked = before.and_then(|tries| tries.locked_until);
        if locked.is_some_and(|until| until > now) {
            return None;
        }
        let wrong = before.map_or(0, |tries| tries.wrong).saturating_add(1);
        Some(Self {
            wrong,
            last_try_at: now,
            locked_until: wrong.is_multiple_of(TRIES_TO_A_LOCK).then(|| now + LOCK),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn spelling_makes_no_difference_to_an_answer() {
        for (one, other) in [
            ("Mrs. O'Neil", "  mrs   ONEIL "),
            ("Große Straße 5", "GROSSE STRASSE, 5"),
            ("Ｆｌｕｆｆｙ!", "fluffy"),
            ("e\u{301}clair", "Éclair"),
            ("St. - Mary", "st mary"),
        ] {
            assert_eq!(
                Answer::parse(one).unwrap(),
                Answer::parse(other).unwrap(),
                "{one}"
            );
        }
        assert_ne!(Answer::parse("fluffy").unwrap(), Answer::parse("fluffi").unwrap());
        assert_ne!(
            Answer::parse("one two").unwrap(),
            Answer::parse("onetwo").unwrap()
        );
    }

    #[test]
    fn an_answer_has_two_letters_at_least_and_two_hundred_characters_at_most() {
        for text in ["", "a", " a! ", "…—!?", "?a."] {
            assert_eq!(Answer::parse(text), Err(InvalidAnswer::TooShort), "{text}");
        }
        assert_eq!(Answer::parse(&"a".repeat(201)), Err(InvalidAnswer::TooLong));
        assert!(Answer::parse(&"ä".repeat(200)).is_ok() && Answer::parse("ab").is_ok());
    }

    #[test]
    fn a_long_answer_counts_to_its_end() {
        let cost = BcryptCost::new(4).unwrap();
        let hash = Answer::parse(&"a".repeat(150)).unwrap().hash(cost).unwrap();
        assert!(hash.verify(Answer::parse(&"A".repeat(150)).unwrap().digest()));
        assert!(!hash.verify(Answer::parse(&"a".repeat(151)).unwrap().digest()));
    }

    #[test]
    fn what_is_wrong_with_answers_is_named() {
        let pair = |id: &str, text: &str| (id.to_owned(), text.to_owned());
        let pointers = |read: Result<Vec<GivenAnswer>, Invalid>| -> Vec<(String, &str)> {
            let errors = read.unwrap_err().0;
            errors
                .into_iter()
                .map(|error| (error.pointer, error.code))
                .collect()
        };
        let two = [pair("toy_name", "Fluffy"), pair("first_dish", "Soup")];
        assert_eq!(GivenAnswer::parse_new(&two).unwrap().len(), 2);
        assert_eq!(GivenAnswer::parse_asked(&two).unwrap().len(), 2);
        let wrong_count = [("/answers".to_owned(), "length")];
        assert_eq!(pointers(GivenAnswer::parse_new(&two[..1])), wrong_count);
        assert_eq!(pointers(GivenAnswer::parse_asked(&two[..1])), wrong_count);
        let three = [two[0].clone(), two[1].clone(), pair("lost_thing", "Ring")];
        assert_eq!(pointers(GivenAnswer::parse_asked(&three)), wrong_count);
        let spoilt = [
            pair("toy_name", "?"),
            pair("toy_name", "Fluffy"),
            pair("pet", "Rex"),
        ];
        assert_eq!(
            pointers(GivenAnswer::parse_new(&spoilt)),
            [
                ("/answers/0/answer".to_owned(), "length"),
                ("/answers/1/question_id".to_owned(), "duplicate"),
                ("/answers/2/question_id".to_owned(), "choice"),
            ]
        );
    }

    #[test]
    fn every_fifth_try_locks_for_a_quarter_of_an_hour() {
        let mut now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let mut tries = None;
        for minutes in [15; 10] {
            for number in 1..=5 {
                assert_eq!(tries.and_then(|tries: AnswerTries| tries.locked_until), None);
                let charged = AnswerTries::charge(tries, now).unwrap();
                assert_eq!(charged.locked_until.is_some(), number == 5);
                tries = Some(charged);
                if number < 5 {
                    continue;
                }
                let end = now + TimeDelta::minutes(minutes);
                assert_eq!(charged.locked_until, Some(end));
                assert_eq!(AnswerTries::charge(tries, end - TimeDelta::microseconds(1)), None);
                now = end;
            }
            // The lock is over: the next try is charged, and does not lock by itself.
            let next = AnswerTries::charge(tries, now).unwrap();
            assert_eq!(next.locked_until, None);
            tries = Some(AnswerTries {
                locked_until: None,
                ..tries.unwrap()
            });
        }
    }
}
