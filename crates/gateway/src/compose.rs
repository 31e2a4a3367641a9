//! Mails as they travel (RFC 5322, MIME): headers that nobody's text can add to, text and HTML, attachments.

use crate::texts::{mail_lines, one_line};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, Message, MultiPart, SinglePart};
use notification::OutgoingMail;
use std::time::SystemTime;

/// Characters of a subject or a name at the most. No line of a mail may have more than 998 (RFC 5322, section 2.1.1), and
/// a word is not folded.
const LONGEST: usize = 400;
/// Bytes of text in one encoded word: 45 are 60 letters of base64, within the 75 of RFC 2047, section 2.
const ENCODED_WORD: usize = 45;

/// Whom mails are from.
#[derive(Debug, Clone)]
pub(crate) struct Sender(Mailbox);

/// `mail.from` is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is to be an address, or a name and an address such as Events <events@example.org>, in ASCII but for the name"
)]
pub struct InvalidSender;

/// A mail that is ready to travel.
pub(crate) struct Composed {
    /// Where it goes.
    pub(crate) recipient: Address,
    /// All of it, in lines that end with CR and LF.
    pub(crate) content: Vec<u8>,
}

/// The recipient's address cannot be put in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address cannot be put in a mail")]
pub(crate) struct NoAddress;

/// Checks `mail.from`: a mailbox that every mail server understands.
pub fn check_sender(text: &str) -> Result<(), InvalidSender> {
    Sender::parse(text).map(|_| ())
}

impl Sender {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidSender> {
        if text.chars().any(char::is_control) {
            return Err(InvalidSender);
        }
        let mailbox: Mailbox = text.trim().parse().map_err(|_| InvalidSender)?;
        // Otherwise each mail would need a server that takes such addresses.
        if !AsRef::<str>::as_ref(&mailbox.email).is_ascii() {
            return Err(InvalidSender);
        }
        Ok(Self(mailbox))
    }

    pub(crate) fn address(&self) -> &Address {
        &self.0.email
    }

    pub(crate) fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

/// Puts a mail together. The same mail has the same Message-ID each time; a reader's program can tell copies by it.
pub(crate) fn compose(from: &Sender, mail: &OutgoingMail) -> Result<Composed, NoAddress> {
    let recipient = address(&mail.to_email)?;
    let name = Some(one_line(&mail.to_name, LONGEST)).filter(|name| !name.is_empty());
    let envelope =
        Envelope::new(Some(from.address().clone()), vec![recipient.clone()]).map_err(|_| NoAddress)?;
    let id: String = mail
        .id
        .chars()
        .filter(|c| c.is_ascii_graphic() && !"<>@".contains(*c))
        .collect();
    let mut builder = Message::builder()
        .envelope(envelope)
        .from(from.0.clone())
        .to(Mailbox::new(name, recipient.clone()))
        .raw_header(subject(&mail.content.subject))
        .date(SystemTime::from(mail.date))
        .message_id(Some(format!("<{id}@{}>", from.domain())))
        .raw_header(HeaderValue::new(
            // RFC 3834: nobody's absence notice answers it.
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for header in unsubscribing(mail) {
        builder = builder.raw_header(header);
    }
    let message = builder.multipart(body(mail)).map_err(|_| NoAddress)?;
    Ok(Composed {
        recipient,
        content: message.formatted(),
    })
}

fn address(text: &str) -> Result<Address, NoAddress> {
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "<>".contains(c))
    {
        return Err(NoAddress);
    }
    text.parse().map_err(|_| NoAddress)
}

/// How the recipient gets no more such mails: the address (RFC 2369), and that a POST to it is enough, without anybody looking at a
/// page (RFC 8058). Written as they are: an address is one word, which has no place to be folded at. RFC 8058 asks for `https`; a
/// server that is reached without it is one that somebody tries out, and its mails are to look like those of others.
fn unsubscribing(mail: &OutgoingMail) -> Vec<HeaderValue> {
    let Some(url) = mail
        .content
        .list_unsubscribe
        .as_deref()
        .filter(|url| is_plain(url))
    else {
        return Vec::new();
    };
    let header = |name, value: String| {
        HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
    };
    vec![
        header("List-Unsubscribe", format!("<{url}>")),
        header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
    ]
}

/// Whether an address can stand between angle brackets in a header, in a line that is not too long.
fn is_plain(url: &str) -> bool {
    url.len() <= LONGEST
        && url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>,".contains(&byte))
}

fn subject(text: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    let line = one_line(text, LONGEST);
    if !line.contains("=?") {
        return HeaderValue::new(name, line);
    }
    // What looks like an encoded word would be shown decoded: somebody wrote it so, and it is to be read so.
    let encoded = encoded_words(&line);
    HeaderValue::dangerous_new_pre_encoded(name, line, encoded)
}

/// The text as encoded words (RFC 2047), one on each line.
fn encoded_words(text: &str) -> String {
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in text.chars() {
        if word.len() + letter.len_utf8() > ENCODED_WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter);
    }
    words.push(word);
    let encoded: Vec<String> = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)))
        .collect();
    encoded.join("\r\n ")
}

fn body(mail: &OutgoingMail) -> MultiPart {
    let content = &mail.content;
    let texts = MultiPart::alternative()
        .singlepart(SinglePart::plain(mail_lines(&content.text)))
        .singlepart(SinglePart::html(mail_lines(&content.html)));
    if content.attachments.is_empty() {
        return texts;
    }
    let mixed = MultiPart::mixed().multipart(texts);
    content.attachments.iter().fold(mixed, |mixed, file| {
        let media_type = one_line(&file.media_type, LONGEST);
        let media_type = ContentType::parse(&media_type).unwrap_or_else(|_| octets());
        // Base64, so that not a byte of it changes on the way, line ends among them.
        let encoded = Body::new_with_encoding(file.content.clone(), ContentTransferEncoding::Base64);
        let encoded = encoded.unwrap_or_else(Body::new);
        mixed.singlepart(Attachment::new(one_line(&file.file_name, LONGEST)).body(encoded, media_type))
    })
}

fn octets() -> ContentType {
    ContentType::parse("application/octet-stream").unwrap_or(ContentType::TEXT_PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_a_mailbox_in_ascii() {
        for (text, fits) in [
            ("Podium <podium@localhost>", true),
            ("podium@example.org", true),
            ("Jürgens Bühne <podium@example.org>", true),
            ("\"Podium, the server\" <podium@example.org>", true),
            ("", false),
            ("Podium", false),
            ("Podium <podium>", false),
            ("podium@bücher.example", false),
            ("bühne@example.org", false),
            ("Podium\r\nBcc: x@example.org <podium@example.org>", false),
            ("a@example.org, b@example.org", false),
        ] {
            assert_eq!(check_sender(text).is_ok(), fits, "{text:?}");
        }
    }

    #[test]
    fn an_encoded_word_is_no_longer_than_may_be_and_splits_no_letter() {
        let text = "=?ä".repeat(40);
        let encoded = encoded_words(&text);
        let mut back = String::new();
        for word in encoded.split("\r\n ") {
            assert!(word.len() <= 75, "{word}");
            let base64 = word
                .strip_prefix("=?utf-8?B?")
                .and_then(|word| word.strip_suffix("?="));
            back += &String::from_utf8(STANDARD.decode(base64.unwrap()).unwrap()).unwrap();
        }
        assert_eq!(back, text);
    }
}
