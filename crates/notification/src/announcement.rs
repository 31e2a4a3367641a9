//! What an organiser writes to all who hold a seat: plain text in paragraphs, in which web addresses can be followed.

use crate::Message;
use crate::lines::one_line;

/// An announcement as a mail shows it.
pub(crate) struct AnnouncementLines {
    pub(crate) organizer: String,
    pub(crate) subject: String,
    /// Lines of pieces; an empty line ends a paragraph.
    pub(crate) paragraphs: Vec<Vec<Vec<Piece>>>,
}

/// A part of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Whether it is a web address.
    pub(crate) is_link: bool,
}

impl AnnouncementLines {
    pub(crate) fn of(message: &Message) -> Option<Self> {
        let Message::Announcement {
            organizer,
            subject,
            body,
            ..
        } = message
        else {
            return None;
        };
        Some(Self {
            organizer: one_line(organizer),
            subject: one_line(subject),
            paragraphs: paragraphs_of(body),
        })
    }
}

fn paragraphs_of(body: &str) -> Vec<Vec<Vec<Piece>>> {
    let mut paragraphs = vec![Vec::new()];
    for line in body.lines().map(one_line) {
        match paragraphs.last_mut() {
            Some(paragraph) if !line.is_empty() => paragraph.push(pieces_of(&line)),
            _ => paragraphs.push(Vec::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

fn pieces_of(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some((before, link, after)) = next_link(rest) {
        push(&mut pieces, before, false);
        push(&mut pieces, link, true);
        rest = after;
    }
    push(&mut pieces, rest, false);
    pieces
}

fn push(pieces: &mut Vec<Piece>, text: &str, is_link: bool) {
    if !text.is_empty() {
        pieces.push(Piece {
            text: text.to_owned(),
            is_link,
        });
    }
}

/// The first web address of a text, with what stands before and after it. No other scheme can be followed: what a mail
/// program runs or opens elsewhere is none of an organiser's to offer.
fn next_link(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let found = text.get(from..)?;
        let start = from
            + ["https://", "http://"]
                .iter()
                .filter_map(|scheme| found.find(scheme))
                .min()?;
        let link = text.get(start..)?;
        let end = link
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '`'))
            .unwrap_or(link.len());
        // What ends a sentence is none of the address.
        let link = link[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']);
        let begins_a_word = !text[..start].ends_with(|c: char| c.is_alphanumeric());
        let has_host = link
            .split_once("://")
            .is_some_and(|(_, host)| host.starts_with(|c: char| c.is_alphanumeric()));
        if begins_a_word && has_host {
            let end = start + link.len();
            return Some((&text[..start], link, &text[end..]));
        }
        from = start + "http://".len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<String> {
        let pieces = pieces_of(text);
        let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(whole, text, "nothing is lost");
        let links = pieces.into_iter().filter(|piece| piece.is_link);
        links.map(|piece| piece.text).collect()
    }

    #[test]
    fn web_addresses_alone_can_be_followed() {
        assert_eq!(
            links("See https://a.example/x?y=1&z=(2), http://b.example. (https://c.example)"),
            [
                "https://a.example/x?y=1&z=(2",
                "http://b.example",
                "https://c.example"
            ]
        );
        assert_eq!(links("\"https://a.example\">now</a>"), ["https://a.example"]);
        assert_eq!(
            links("ähttps://a.example https://ä.example/ü"),
            ["https://ä.example/ü"]
        );
        for none in [
            "javascript:alert(1)",
            "data:text/html,x mailto:a@b.example ftp://x.example",
            "javascripthttps://x.example",
            "https:// http://. https://\"x",
            "",
        ] {
            assert!(links(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn an_empty_line_ends_a_paragraph() {
        let shown: Vec<Vec<String>> = paragraphs_of("\r\na\r\nb\n \n\nc\u{202E}d\n")
            .into_iter()
            .map(|lines| {
                lines
                    .into_iter()
                    .map(|mut pieces| pieces.remove(0).text)
                    .collect()
            })
            .collect();
        assert_eq!(shown, [vec!["a", "b"], vec!["cd"]]);
    }
}
