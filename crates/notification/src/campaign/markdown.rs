//! Markdown (`CommonMark`) as a page and as plain text. Values are put in when it has been read: in them nothing is markup.

use super::sanitise::{may_lead_to, sanitised};
use super::template::{Name, Part, marked, parts_of_marked};
use super::{Filled, TemplateProblem, plain};
use crate::lines::one_line;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, html};
use std::fmt::Write;

/// Lists, quotations and emphasis within each other at the most: a page is a tree, and deep ones are slow to grow.
const MOST_NESTING: usize = 24;

/// What is said where the link to vote would get into other hands.
pub(super) const NOT_TO_OTHERS: &str = "{{ vote_url }} is a link of the recipient's own: it stands alone as the address of a link, \
     or between blanks in the text, and in no other link and no subject";

/// What a body says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) html: String,
    pub(crate) text: String,
}

/// Reads a body.
pub(crate) fn words_of(body: &str, filled: &Filled) -> Result<Words, TemplateProblem> {
    let source = marked(&lines_of(body))?;
    let events = events_of(&source, filled)?;
    let mut page = String::with_capacity(source.len() * 2);
    html::push_html(&mut page, events.iter().cloned());
    Ok(Words {
        html: sanitised(&page),
        text: plain::text_of(&events),
    })
}

/// The source in lines in which nothing is hidden; what they begin with matters in Markdown, so it stays.
fn lines_of(body: &str) -> String {
    let mut source = String::with_capacity(body.len());
    for line in body.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        source.extend(line[..indent].chars().map(|c| if c == '\t' { c } else { ' ' }));
        source.push_str(&one_line(text));
        // Two blanks at the end of a line break it.
        if line.ends_with("  ") && !text.is_empty() {
            source.push_str("  ");
        }
        source.push('\n');
    }
    source
}

fn events_of<'a>(source: &'a str, filled: &Filled) -> Result<Vec<Event<'a>>, TemplateProblem> {
    let mut reading = Reading {
        filled,
        events: Vec::new(),
        links: Vec::new(),
        leads_elsewhere: 0,
        pictures: 0,
    };
    let mut depth = 0;
    for (event, place) in Parser::new_ext(source, Options::empty()).into_offset_iter() {
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        let problem = |what: String| {
            let line = source[..place.start].matches('\n').count() + 1;
            Err(TemplateProblem::new(line, what))
        };
        if depth > MOST_NESTING {
            return problem(format!(
                "lists, quotations or emphasis are nested more than {MOST_NESTING} deep"
            ));
        }
        if reading.gives_the_link_away(&event) {
            return problem(NOT_TO_OTHERS.to_owned());
        }
        reading.take(event);
    }
    Ok(reading.events)
}

struct Reading<'a, 'v> {
    filled: &'v Filled,
    events: Vec<Event<'a>>,
    /// Of the links that are open, whether each may be followed.
    links: Vec<bool>,
    /// How many links are open that lead elsewhere than to the vote.
    leads_elsewhere: usize,
    /// How many pictures are open. Of a picture, the words in its place are left.
    pictures: usize,
}

impl<'a> Reading<'a, '_> {
    /// Whether by this the link to vote, which is worth a vote to whoever has it, would come to somebody else: as a part of an
    /// address, or in the words of a link that leads elsewhere, which is taken for it.
    fn gives_the_link_away(&mut self, event: &Event<'_>) -> bool {
        let names_it = |text: &str| parts_of_marked(text).contains(&Part::Value(Name::VoteUrl));
        let is_it = |url: &str| parts_of_marked(url) == [Part::Value(Name::VoteUrl)];
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.leads_elsewhere += usize::from(!is_it(dest_url));
                !is_it(dest_url) && names_it(dest_url)
            }
            // A link in another is none in `CommonMark`, so that the count is that of the one that is open.
            Event::End(TagEnd::Link) => {
                self.leads_elsewhere = 0;
                false
            }
            Event::Start(Tag::Image { dest_url, .. }) => names_it(dest_url),
            Event::Text(text) | Event::Code(text) => self.leads_elsewhere > 0 && names_it(text),
            _ => false,
        }
    }

    fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(Tag::Link {
                link_type, dest_url, ..
            }) => {
                let url = self.url_of(&dest_url);
                let url = match link_type {
                    LinkType::Email => format!("mailto:{url}"),
                    _ => url,
                };
                let may_follow = self.pictures == 0 && may_lead_to(&url);
                self.links.push(may_follow);
                if may_follow {
                    self.events.push(Event::Start(link_to(url)));
                }
            }
            Event::End(TagEnd::Link) => self.end_link(),
            Event::Start(Tag::Image { .. }) => self.pictures += 1,
            Event::End(TagEnd::Image) => self.pictures -= 1,
            // The language of a block of code is nobody's to know.
            Event::Start(Tag::CodeBlock(_)) => {
                self.events
                    .push(Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)));
                // Nothing in it is a link.
                self.links.push(false);
            }
            Event::End(TagEnd::CodeBlock) => {
                self.links.pop();
                self.events.push(Event::End(TagEnd::CodeBlock));
            }
            Event::Text(text) => self.take_text(&text),
            Event::Code(code) => {
                let code = self.with_values(&code);
                self.events.push(Event::Code(code.into()));
            }
            Event::Start(Tag::Heading { level, .. }) => self.events.push(Event::Start(Tag::Heading {
                level,
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            })),
            Event::Start(
                Tag::Paragraph | Tag::BlockQuote(_) | Tag::List(_) | Tag::Item | Tag::Emphasis | Tag::Strong,
            )
            | Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::BlockQuote(_)
                | TagEnd::List(_)
                | TagEnd::Item
                | TagEnd::Emphasis
                | TagEnd::Strong,
            )
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule => self.events.push(event),
            // HTML that somebody wrote, and what is no part of `CommonMark`.
            _ => {}
        }
    }

    fn end_link(&mut self) {
        if self.links.pop() == Some(true) {
            self.events.push(Event::End(TagEnd::Link));
        }
    }

    fn take_text(&mut self, text: &str) {
        for part in parts_of_marked(text) {
            match part {
                Part::Text(text) => self.push_text(text.to_owned()),
                Part::Value(Name::VoteUrl) if self.links.is_empty() && self.pictures == 0 => {
                    let url = self.filled.value(Name::VoteUrl).to_owned();
                    self.events.push(Event::Start(link_to(url.clone())));
                    self.push_text(url);
                    self.events.push(Event::End(TagEnd::Link));
                }
                Part::Value(name) => self.push_text(self.filled.value(name).to_owned()),
            }
        }
    }

    fn push_text(&mut self, text: String) {
        self.events.push(Event::Text(CowStr::from(text)));
    }

    fn with_values(&self, text: &str) -> String {
        let parts = parts_of_marked(text).into_iter();
        parts
            .map(|part| match part {
                Part::Text(text) => text,
                Part::Value(name) => self.filled.value(name),
            })
            .collect()
    }

    /// Where a link leads. Values can be part of an address and turn it nowhere else; the one that is an address is as it is.
    fn url_of(&self, url: &str) -> String {
        let mut whole = String::with_capacity(url.len());
        for part in parts_of_marked(url) {
            match part {
                Part::Text(text) => whole.push_str(text),
                Part::Value(Name::VoteUrl) => whole.push_str(self.filled.value(Name::VoteUrl)),
                Part::Value(name) => push_encoded(&mut whole, self.filled.value(name)),
            }
        }
        whole
    }
}

fn link_to(url: String) -> Tag<'static> {
    Tag::Link {
        link_type: LinkType::Inline,
        dest_url: url.into(),
        title: CowStr::Borrowed(""),
        id: CowStr::Borrowed(""),
    }
}

/// A text as part of an address (RFC 3986, section 2).
fn push_encoded(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
}
