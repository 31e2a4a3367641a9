//! Placeholders: what may stand between `{{` and `}}` is the name of a value, and nothing else is a template.
//!
//! A source is looked at before the library sees it. Its sandbox bounds what a template does when it runs, and not what it costs to
//! read one: its compiler computes `"x" * 1000000000`, and its parser recurses as deep as `not not not …` asks. What passes is run
//! in an environment that has no filters, functions, tests, globals or other templates, with counted fuel and into a bounded text.

use super::TemplateProblem;
use minijinja::{Environment, UndefinedBehavior, Value};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What a placeholder can name, in the order of [`NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Recipient,
    Event,
    Date,
    Place,
    Candidate,
    Talk,
    VoteUrl,
}

pub(super) const NAMES: [Name; 7] = [
    Name::Recipient,
    Name::Event,
    Name::Date,
    Name::Place,
    Name::Candidate,
    Name::Talk,
    Name::VoteUrl,
];

/// Placeholders of one text at the most, so that values cannot make a mail of any length.
const MOST_PLACEHOLDERS: usize = 100;
/// Instructions at the most; a placeholder takes a few.
const FUEL: u64 = 1_000;
/// Bytes that a template makes at the most; a body has no more of its own.
const MOST_BYTES: usize = 128 * 1024;

/// The first of the characters that stand for values while the text is read as Markdown. They are of a private area of Unicode, so
/// nobody's text needs them, and Markdown takes them for letters.
const FIRST_MARK: u32 = 0x0010_F600;

impl Name {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Recipient => "name",
            Self::Event => "event",
            Self::Date => "date",
            Self::Place => "place",
            Self::Candidate => "candidate",
            Self::Talk => "talk",
            Self::VoteUrl => "vote_url",
        }
    }

    fn from_str(text: &str) -> Option<Self> {
        NAMES.into_iter().find(|name| name.as_str() == text)
    }

    /// The character that stands for the value.
    fn mark(self) -> char {
        char::from_u32(FIRST_MARK + self as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn of_mark(c: char) -> Option<Self> {
        NAMES.into_iter().find(|name| name.mark() == c)
    }
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Value(Name),
}

/// A text without characters that could be taken for a value.
pub(super) fn without_marks(text: &str) -> String {
    text.chars().filter(|c| Name::of_mark(*c).is_none()).collect()
}

/// A text with marks in it, taken apart.
pub(super) fn parts_of_marked(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let Some(name) = Name::of_mark(c) else { continue };
        if from < at {
            parts.push(Part::Text(&text[from..at]));
        }
        parts.push(Part::Value(name));
        from = at + c.len_utf8();
    }
    if from < text.len() {
        parts.push(Part::Text(&text[from..]));
    }
    parts
}

/// The text with a mark for each placeholder.
pub(super) fn marked(source: &str) -> Result<String, TemplateProblem> {
    let source = without_marks(source);
    look_at(&source)?;
    run(&source)
}

/// Refuses what is no placeholder. All that can begin something for the library is found here: `{{`, `{%` and `{#`.
fn look_at(source: &str) -> Result<(), TemplateProblem> {
    let mut placeholders = 0;
    let mut from = 0;
    while let Some(begin) = next_beginning(source, from) {
        let problem = |what: String| {
            let line = source[..begin].matches('\n').count() + 1;
            Err(TemplateProblem::new(line, what))
        };
        let rest = &source[begin..];
        if !rest.starts_with("{{") {
            return problem("there are placeholders such as {{ name }}, and neither {% nor {#".to_owned());
        }
        let Some((inner, _)) = rest[2..].split_once("}}") else {
            return problem("a placeholder begins with {{ and does not end".to_owned());
        };
        if name_of(inner).is_none() {
            let names: Vec<&str> = NAMES.iter().map(|name| name.as_str()).collect();
            return problem(format!(
                "between {{{{ and }}}} stands one of {}, and nothing else",
                names.join(", ")
            ));
        }
        placeholders += 1;
        if placeholders > MOST_PLACEHOLDERS {
            return problem(format!("there are more than {MOST_PLACEHOLDERS} placeholders"));
        }
        from = begin + inner.len() + 4;
    }
    Ok(())
}

fn next_beginning(source: &str, from: usize) -> Option<usize> {
    let rest = &source[from..];
    let found = ["{{", "{%", "{#"].iter().filter_map(|sign| rest.find(sign)).min();
    found.map(|at| from + at)
}

/// The name in a placeholder; a hyphen at an end takes the blanks beyond it away.
fn name_of(inner: &str) -> Option<Name> {
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    Name::from_str(inner.trim_matches([' ', '\t', '\n']))
}

fn run(source: &str) -> Result<String, TemplateProblem> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    // Nothing of it says more than what was found when it was looked at.
    let failed = || TemplateProblem::new(1, "it cannot be read");
    let template = environment.template_from_str(source).map_err(|_| failed())?;
    let marks: BTreeMap<&str, Value> = NAMES
        .into_iter()
        .map(|name| (name.as_str(), Value::from(name.mark().to_string())))
        .collect();
    let mut made = Bounded(Vec::new());
    template
        .render_captured_to(Value::from(marks), &mut made)
        .map_err(|_| failed())?;
    String::from_utf8(made.0).map_err(|_| failed())
}

/// Takes so much and no more.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
