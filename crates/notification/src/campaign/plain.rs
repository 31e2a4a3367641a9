//! A body as plain text, in lines that fit a screen.

use pulldown_cmark::{Event, Tag, TagEnd};
use std::fmt::Write;

/// Lines are no longer, but for words that are.
const WIDTH: usize = 76;

/// What the events say.
pub(super) fn text_of(events: &[Event<'_>]) -> String {
    let mut writing = Writing::default();
    for event in events {
        writing.take(event);
    }
    writing.end_block();
    writing.out.trim_end().to_owned()
}

/// What stands before the lines of a block.
enum Margin {
    Quote,
    /// The bullet or number of an item, before its first line alone.
    Item {
        sign: String,
        is_written: bool,
    },
}

#[derive(Default)]
struct Writing {
    out: String,
    /// The words of the block that is being read; a break is a line's end.
    block: String,
    margins: Vec<Margin>,
    /// Of the lists that are open, the next number of each; none for bullets.
    lists: Vec<Option<u64>>,
    /// Of the links that are open, where they lead and where in the block their words begin.
    links: Vec<(String, usize)>,
    is_code: bool,
    /// Whether an empty line comes before the next block.
    wants_gap: bool,
}

impl Writing {
    fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.block.push_str(text),
            Event::SoftBreak => self.block.push(' '),
            Event::HardBreak => self.block.push('\n'),
            Event::Rule => {
                self.begin_block(true);
                self.block.push_str("----");
                self.end_block();
                self.wants_gap = true;
            }
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(*tag),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::Heading { .. } => self.begin_block(true),
            Tag::CodeBlock(_) => {
                self.begin_block(true);
                self.is_code = true;
            }
            Tag::BlockQuote(_) => {
                self.begin_block(true);
                self.margins.push(Margin::Quote);
            }
            Tag::List(first) => {
                // A list within an item of another stands right below its line.
                self.begin_block(self.lists.is_empty());
                self.lists.push(*first);
            }
            Tag::Item => {
                self.begin_block(false);
                let sign = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let sign = format!("{number}. ");
                        *number = number.saturating_add(1);
                        sign
                    }
                    _ => "- ".to_owned(),
                };
                self.margins.push(Margin::Item {
                    sign,
                    is_written: false,
                });
            }
            Tag::Link { dest_url, .. } => self.links.push((dest_url.to_string(), self.block.len())),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) => {
                self.end_block();
                self.wants_gap = true;
            }
            TagEnd::CodeBlock => {
                self.end_block();
                self.is_code = false;
                self.wants_gap = true;
            }
            TagEnd::BlockQuote(_) | TagEnd::Item => {
                self.end_block();
                self.margins.pop();
            }
            TagEnd::List(_) => {
                self.end_block();
                self.lists.pop();
                self.wants_gap |= self.lists.is_empty();
            }
            TagEnd::Link => self.end_link(),
            _ => {}
        }
    }

    /// The address, unless the words say it already.
    fn end_link(&mut self) {
        let Some((url, from)) = self.links.pop() else {
            return;
        };
        let words = self.block.get(from..).unwrap_or_default().trim();
        if words.is_empty() {
            self.block.push_str(&url);
        } else if words != url && url.strip_prefix("mailto:") != Some(words) {
            let _ = write!(self.block, " ({url})");
        }
    }

    fn begin_block(&mut self, wants_gap: bool) {
        self.end_block();
        // The first block of an item stands beside its sign.
        let begins_item = matches!(
            self.margins.last(),
            Some(Margin::Item {
                is_written: false,
                ..
            })
        );
        self.wants_gap |= wants_gap && !begins_item;
    }

    /// Writes what was read of the block.
    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let block = block.trim_end();
        if block.trim().is_empty() {
            return;
        }
        if std::mem::take(&mut self.wants_gap) && !self.out.is_empty() {
            self.out.push('\n');
        }
        for line in block.split('\n') {
            if self.is_code {
                self.write_line(&format!("    {line}"));
            } else {
                self.wrap(line);
            }
        }
    }

    fn wrap(&mut self, line: &str) {
        let width = WIDTH.saturating_sub(self.margin_width()).max(20);
        let mut current = String::new();
        for word in line.split_whitespace() {
            let fits = current.chars().count() + 1 + word.chars().count() <= width;
            if !current.is_empty() && !fits {
                self.write_line(&std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        self.write_line(&current);
    }

    fn margin_width(&self) -> usize {
        let widths = self.margins.iter().map(|margin| match margin {
            Margin::Quote => 2,
            Margin::Item { sign, .. } => sign.len(),
        });
        widths.sum()
    }

    fn write_line(&mut self, line: &str) {
        for margin in &mut self.margins {
            match margin {
                Margin::Quote => self.out.push_str("> "),
                Margin::Item { sign, is_written } if *is_written => {
                    self.out.push_str(&" ".repeat(sign.len()));
                }
                Margin::Item { sign, is_written } => {
                    self.out.push_str(sign);
                    *is_written = true;
                }
            }
        }
        self.out.push_str(line);
        self.out.push('\n');
    }
}
