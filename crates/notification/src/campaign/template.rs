//! Placeholders: what may stand between `{{` and `}}` is the name of a value, and nothing else is a template.
//!
//! The library reads the source and runs it, in an environment that has no filters, functions, tests, globals or other templates, with
//! counted fuel and into a bounded text. What it read is looked at before any of it is compiled: the compiler computes constants,
//! and `"x" * 1000000000` is one.

use super::TemplateProblem;
use minijinja::machinery::ast::{Expr, Stmt};
use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;
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
/// Instructions at the most: a placeholder takes a few, and each comment parts the text.
const FUEL: u64 = 20_000;
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

/// Refuses what is no placeholder.
fn look_at(source: &str) -> Result<(), TemplateProblem> {
    let read = parse(source, "", SyntaxConfig::default()).map_err(|error| unreadable(&error))?;
    let Stmt::Template(template) = &read else {
        return Err(TemplateProblem::new(1, "it cannot be read"));
    };
    let mut placeholders = 0;
    for piece in &template.children {
        let line = match piece {
            Stmt::EmitRaw(_) => continue,
            Stmt::EmitExpr(emitted) => {
                placeholders += 1;
                let line = usize::from(emitted.span().start_line);
                match &emitted.expr {
                    Expr::Var(variable) if Name::from_str(variable.id).is_some() => {}
                    _ => return Err(no_placeholder(line)),
                }
                line
            }
            other => return Err(no_statement(other)),
        };
        if placeholders > MOST_PLACEHOLDERS {
            return Err(TemplateProblem::new(
                line,
                format!("there are more than {MOST_PLACEHOLDERS} placeholders"),
            ));
        }
    }
    Ok(())
}

fn run(source: &str) -> Result<String, TemplateProblem> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let template = environment
        .template_from_str(source)
        .map_err(|error| unreadable(&error))?;
    let marks: BTreeMap<&str, Value> = NAMES
        .into_iter()
        .map(|name| (name.as_str(), Value::from(name.mark().to_string())))
        .collect();
    let mut made = Bounded(Vec::new());
    template
        .render_captured_to(Value::from(marks), &mut made)
        .map_err(|_| TemplateProblem::new(1, "it makes too much of itself"))?;
    String::from_utf8(made.0).map_err(|_| TemplateProblem::new(1, "it cannot be read"))
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

fn unreadable(error: &minijinja::Error) -> TemplateProblem {
    let detail = error.detail().unwrap_or("it ends too early");
    TemplateProblem::new(
        error.line().unwrap_or(1),
        format!("a placeholder cannot be read: {detail}"),
    )
}

fn no_placeholder(line: usize) -> TemplateProblem {
    let names: Vec<&str> = NAMES.iter().map(|name| name.as_str()).collect();
    TemplateProblem::new(
        line,
        format!("between {{{{ and }}}} stands one of {}", names.join(", ")),
    )
}

fn no_statement(statement: &Stmt<'_>) -> TemplateProblem {
    let line = match statement {
        Stmt::ForLoop(statement) => statement.span().start_line,
        Stmt::IfCond(statement) => statement.span().start_line,
        Stmt::WithBlock(statement) => statement.span().start_line,
        Stmt::Set(statement) => statement.span().start_line,
        Stmt::SetBlock(statement) => statement.span().start_line,
        Stmt::AutoEscape(statement) => statement.span().start_line,
        Stmt::FilterBlock(statement) => statement.span().start_line,
        Stmt::Do(statement) => statement.span().start_line,
        _ => 1,
    };
    TemplateProblem::new(
        usize::from(line),
        "there are placeholders such as {{ name }}, and no statements between {% and %}",
    )
}
