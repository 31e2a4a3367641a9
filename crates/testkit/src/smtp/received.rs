//! Mails as they came, and what is in them.

use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders};

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The sender that MAIL named.
    pub from: String,
    /// The recipients that RCPT named and that were not refused.
    pub to: Vec<String>,
    /// The content, byte for byte, without the dot at its end.
    pub raw: Vec<u8>,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// Who sent it, where somebody signed in.
    pub user: Option<String>,
}

/// A file that came with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedAttachment {
    /// Its name.
    pub file_name: String,
    /// Its `Content-Type` as it stands there, unfolded.
    pub media_type: String,
    /// What is in it.
    pub content: Vec<u8>,
}

impl ReceivedMail {
    /// The header by that name as it stands there, unfolded and without the space around it; the first, if there are
    /// several.
    pub fn raw_header(&self, name: &str) -> Option<String> {
        self.headers()
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Every header of the mail itself as it stands there, unfolded.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.parsed()
            .headers_raw()
            .map(|(name, value)| (name.to_owned(), unfolded(value)))
            .collect()
    }

    /// The `Message-ID`, without its angle brackets.
    pub fn message_id(&self) -> String {
        self.parsed().message_id().expect("a Message-ID").to_owned()
    }

    /// The subject, decoded.
    pub fn subject(&self) -> String {
        self.parsed().subject().expect("a subject").to_owned()
    }

    /// How the recipient is called, decoded, and the address.
    pub fn recipient(&self) -> (Option<String>, String) {
        named(self.parsed().to())
    }

    /// How the sender is called, decoded, and the address.
    pub fn sender(&self) -> (Option<String>, String) {
        named(self.parsed().from())
    }

    /// The plain text.
    pub fn text(&self) -> String {
        let mail = self.parsed();
        let text = mail.text_body.first().and_then(|part| mail.part(*part));
        let text = text.expect("a text part");
        assert!(text.is_content_type("text", "plain"), "the first text is none");
        text.text_contents().expect("text").to_owned()
    }

    /// The HTML.
    pub fn html(&self) -> String {
        let mail = self.parsed();
        let html = mail.html_body.first().and_then(|part| mail.part(*part));
        let html = html.expect("an HTML part");
        assert!(html.is_content_type("text", "html"), "the first HTML is none");
        html.text_contents().expect("text").to_owned()
    }

    /// The files that came with it.
    pub fn attachments(&self) -> Vec<ReceivedAttachment> {
        let mail = self.parsed();
        mail.attachments()
            .map(|part| ReceivedAttachment {
                file_name: part.attachment_name().unwrap_or_default().to_owned(),
                media_type: part
                    .headers
                    .iter()
                    .find(|header| header.name().eq_ignore_ascii_case("content-type"))
                    .map(|header| {
                        let (start, end) = (header.offset_start as usize, header.offset_end as usize);
                        unfolded(&String::from_utf8_lossy(&self.raw[start..end]))
                    })
                    .unwrap_or_default(),
                content: part.contents().to_vec(),
            })
            .collect()
    }

    /// Everything that a program for mails can say of it.
    pub fn parsed(&self) -> Message<'_> {
        MessageParser::default().parse(&self.raw).expect("a mail")
    }

    /// Where the recipient unsubscribes, as a program for mails reads `List-Unsubscribe`.
    pub fn unsubscribe_addresses(&self) -> Vec<String> {
        let mail = self.parsed();
        let Some(addresses) = mail.list_unsubscribe().as_address() else {
            return Vec::new();
        };
        let addresses = addresses.iter().filter_map(|one| one.address.as_ref());
        addresses.map(|address| address.clone().into_owned()).collect()
    }

    /// The address in the header by that name, such as `List-Unsubscribe`, decoded as text.
    pub fn header_text(&self, name: &str) -> Option<String> {
        match self.parsed().header(name.to_owned())? {
            HeaderValue::Text(text) => Some(text.clone().into_owned()),
            _ => self.raw_header(name),
        }
    }
}

fn named(address: Option<&mail_parser::Address<'_>>) -> (Option<String>, String) {
    let one = address.and_then(|list| list.first()).expect("an address");
    let name = one.name.as_ref().map(|name| name.clone().into_owned());
    (
        name,
        one.address.as_ref().expect("an address").clone().into_owned(),
    )
}

fn unfolded(value: &str) -> String {
    value.replace("\r\n", "").trim().to_owned()
}
