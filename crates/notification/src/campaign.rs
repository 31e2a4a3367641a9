//! What a campaign says: placeholders, Markdown, HTML, plain text.
//!
//! Three guards stand one behind the other, and none relies on the others. A template may hold names of values alone ([`template`]);
//! values are put in after the Markdown was read, so that nothing in them is markup ([`markdown`]); and what comes of it is read
//! again as a browser reads it, and only what is on a short list is left ([`sanitise`]).

mod markdown;
mod plain;
mod sanitise;
mod template;
#[cfg(test)]
mod tests;

use crate::EventFacts;
use crate::lines::{EventLines, one_line, shortened};
use kernel::Invalid;
use markdown::{NOT_TO_OTHERS, words_of};
use template::Part;

/// A subject is no longer, before and after the values are put in.
pub const MOST_OF_SUBJECT: usize = 200;
/// Characters of the Markdown at the most.
pub const MOST_OF_BODY: usize = 20_000;
/// So much of what the author made of the subject stays beside the event's title.
const MOST_BESIDE_TITLE: usize = 120;
/// A value is no longer; those of the house have limits of their own below this.
const MOST_OF_VALUE: usize = 300;

/// Stands for the link to vote where a text is only looked at. It is no word of anybody's.
const VOTE_URL_OF_CHECK: &str = "https://events.example.org/vote/0the0link0of0the0recipient0";

/// What the placeholders stand for in one copy.
#[derive(Debug, Clone, Copy)]
pub struct CampaignValues<'a> {
    /// How the recipient is called.
    pub name: &'a str,
    /// The event: its title, date and place.
    pub event: &'a EventFacts,
    /// Who stands for speaker.
    pub candidate: &'a str,
    /// What the candidate would talk about.
    pub talk: &'a str,
    /// Where the recipient votes.
    pub vote_url: &'a str,
}

/// A copy of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignText {
    /// One line, which names the event.
    pub subject: String,
    /// Part of a page, safe to be put into one.
    pub html: String,
    /// The same without markup.
    pub text: String,
}

/// Why a subject or a body is none that can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TemplateProblem {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong there, in a sentence.
    pub what: String,
}

impl TemplateProblem {
    fn new(line: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            what: what.into(),
        }
    }
}

/// The values, each in one line in which nothing is hidden.
struct Filled {
    by_place: [String; template::NAMES.len()],
}

impl Filled {
    fn of(values: &CampaignValues<'_>) -> Self {
        let event = EventLines::of(values.event);
        let line = |text: &str| shortened(&template::without_marks(&one_line(text)), MOST_OF_VALUE);
        Self {
            by_place: template::NAMES.map(|name| match name {
                template::Name::Recipient => line(values.name),
                template::Name::Event => line(&event.title),
                template::Name::Date => line(&event.when),
                template::Name::Place => line(&event.place),
                template::Name::Candidate => line(values.candidate),
                template::Name::Talk => line(values.talk),
                // Ours, and worth nothing when cut.
                template::Name::VoteUrl => one_line(values.vote_url),
            }),
        }
    }

    fn value(&self, name: template::Name) -> &str {
        &self.by_place[name as usize]
    }
}

/// Makes one copy.
pub fn render_campaign(
    subject: &str,
    body: &str,
    values: &CampaignValues<'_>,
) -> Result<CampaignText, TemplateProblem> {
    let filled = Filled::of(values);
    let words = words_of(body, &filled)?;
    Ok(CampaignText {
        subject: subject_of(subject, &filled)?,
        html: words.html,
        text: words.text,
    })
}

/// Whether copies can be made of it: what is wrong, where.
pub fn check_campaign(subject: &str, body: &str) -> Result<(), Invalid> {
    let mut invalid = Invalid::none();
    let filled = Filled {
        by_place: template::NAMES.map(|name| match name {
            template::Name::VoteUrl => VOTE_URL_OF_CHECK.to_owned(),
            _ => "x".to_owned(),
        }),
    };
    if has_length("/subject", subject, MOST_OF_SUBJECT, &mut invalid) {
        if subject
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        {
            invalid.add(
                "/subject",
                "format",
                "a subject is one line without control characters",
            );
        } else if let Err(problem) = subject_of(subject, &filled) {
            // It has one line, which is not worth naming.
            invalid.add("/subject", "format", problem.what);
        }
    }
    if has_length("/body", body, MOST_OF_BODY, &mut invalid) {
        match words_of(body, &filled) {
            Err(problem) => invalid.add("/body", "format", problem.to_string()),
            Ok(words) if is_glued(&words.text) => invalid.add("/body", "format", NOT_TO_OTHERS),
            Ok(_) => {}
        }
    }
    invalid.check()
}

/// Whether a letter stands right before or behind the link to vote in the text: mail programs make one link of all that has no
/// blank in it, and `https://elsewhere.example/?{{ vote_url }}` would be followed to elsewhere.
fn is_glued(text: &str) -> bool {
    let words = text.split_whitespace();
    let mut with_link = words.filter_map(|word| word.split_once(VOTE_URL_OF_CHECK));
    with_link.any(|(before, after)| before.chars().chain(after.chars()).any(char::is_alphanumeric))
}

fn has_length(pointer: &str, text: &str, most: usize, invalid: &mut Invalid) -> bool {
    let length = text.chars().count();
    let fits = (1..=most).contains(&length) && !text.trim().is_empty();
    if !fits {
        invalid.add(
            pointer,
            "length",
            format!("has 1 to {most} characters that are not all blank"),
        );
    }
    fits
}

/// The subject: one line that names the event, at most [`MOST_OF_SUBJECT`] characters.
fn subject_of(source: &str, filled: &Filled) -> Result<String, TemplateProblem> {
    let marked = template::marked(source)?;
    let parts = template::parts_of_marked(&marked);
    if parts.contains(&Part::Value(template::Name::VoteUrl)) {
        return Err(TemplateProblem::new(1, NOT_TO_OTHERS));
    }
    let subject: String = parts
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => text,
            Part::Value(name) => filled.value(name),
        })
        .collect();
    let subject = one_line(&subject)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let title = filled.value(template::Name::Event);
    if subject.contains(title) && subject.chars().count() <= MOST_OF_SUBJECT {
        return Ok(subject);
    }
    if subject.is_empty() {
        return Ok(shortened(title, MOST_OF_SUBJECT));
    }
    let subject = shortened(&subject, MOST_BESIDE_TITLE);
    let left = MOST_OF_SUBJECT - subject.chars().count() - 3;
    Ok(format!("{subject} · {}", shortened(title, left)))
}
