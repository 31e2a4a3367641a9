//! What a mail looks like to whom it reaches.

use crate::parts::{attachment, mail, mailer, refused, sent};
use notification::Mailer;
use testkit::SmtpServer;
use testkit::smtp::ReceivedMail;

/// Sends a mail that was changed so, and gives what arrived.
async fn arrived(change: impl FnOnce(&mut notification::OutgoingMail)) -> ReceivedMail {
    let server = SmtpServer::start();
    let mut one = mail("0190-1");
    change(&mut one);
    sent(&mailer(&server), &one).await;
    server.received().remove(0)
}

fn header_names(mail: &ReceivedMail) -> Vec<String> {
    mail.headers().into_iter().map(|(name, _)| name).collect()
}

const HEADERS: [&str; 8] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
];

#[tokio::test]
async fn a_mail_has_the_headers_that_it_needs_and_no_other() {
    let mail = arrived(|_| {}).await;
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("podium@example.org", &["ada@example.net".to_owned()][..])
    );
    assert_eq!(header_names(&mail), HEADERS);
    assert_eq!(
        mail.sender(),
        (Some("Jürgens Bühne".to_owned()), "podium@example.org".to_owned())
    );
    assert_eq!(
        mail.recipient(),
        (Some("Ada Lovelace".to_owned()), "ada@example.net".to_owned())
    );
    for (name, value) in [
        ("Date", "Sun, 03 Feb 2030 04:05:06 +0000"),
        ("Message-ID", "<0190-1@example.org>"),
        ("Subject", "Your seat"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ] {
        assert_eq!(mail.raw_header(name).as_deref(), Some(value), "{name}");
    }
    let kind = mail.raw_header("Content-Type").expect("a Content-Type");
    assert!(kind.starts_with("multipart/alternative;"), "{kind}");
    assert_eq!(mail.text(), "Hello Ada,\r\nyou have a seat.\r\n");
    assert_eq!(mail.html(), "<p>Hello Ada,\r\nyou have a seat.</p>\r\n");
    assert!(mail.attachments().is_empty());
}

#[tokio::test]
async fn every_script_arrives_as_it_was_written() {
    let subject = "परिचय: „Größe“ of 東京 — ".to_owned() + &"très long ".repeat(20) + "🎟";
    let said = subject.clone();
    let mail = arrived(|mail| {
        mail.to_name = "अदा, \"Lovelace\" (Ö)".to_owned();
        mail.content.subject = subject;
        mail.content.text = "Größe\n.\n..\n.a\nFrom here\n".to_owned() + &"ä".repeat(3000);
        mail.content.html = "<p>東京</p>".to_owned() + &"x".repeat(3000);
    })
    .await;
    assert_eq!(mail.subject(), said);
    assert_eq!(mail.recipient().0.as_deref(), Some("अदा, \"Lovelace\" (Ö)"));
    assert!(
        mail.text()
            .starts_with("Größe\r\n.\r\n..\r\n.a\r\nFrom here\r\nää")
    );
    assert!(mail.html().starts_with("<p>東京</p>xx"));
    assert!(mail.raw.is_ascii());
}

#[tokio::test]
async fn no_text_of_anybodys_adds_a_header_or_a_recipient() {
    for text in [
        "Ada\r\nBcc: eve@example.net",
        "Ada\nBcc: eve@example.net",
        "Ada\rBcc: eve@example.net",
        "Ada\r\n\r\n<p>eve</p>",
        "Ada\u{0}\u{b}\u{c}\u{85}\u{2028}Bcc: eve@example.net",
        "\" <eve@example.net>, \"Ada",
        "Ada <eve@example.net>,",
        "Ada\\\" <eve@example.net>",
        "=?utf-8?q?Ada=0D=0ABcc:_eve@example.net?=",
        "ä\r\nBcc: eve@example.net",
    ] {
        let mail = arrived(|mail| {
            mail.to_name = text.to_owned();
            mail.content.subject = text.to_owned();
            mail.id = text.to_owned();
            mail.content.attachments = vec![attachment(text, text, b"x")];
        })
        .await;
        assert_eq!(header_names(&mail), HEADERS, "{text:?}");
        assert_eq!(mail.to, ["ada@example.net"], "{text:?}");
        assert_eq!(mail.recipient().1, "ada@example.net", "{text:?}");
        assert_eq!(
            mail.parsed().to().map(|to| to.iter().count()),
            Some(1),
            "{text:?}"
        );
        assert_eq!(mail.attachments().len(), 1, "{text:?}");
        let shown: String = mail.subject().split_whitespace().collect();
        let given: String = text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .collect();
        assert_eq!(shown, given, "{text:?}");
    }
}

/// A dot alone on a line ends a content for the server.
#[tokio::test]
async fn lines_that_begin_with_dots_arrive_with_them() {
    let text = ".\n..\n.a\n\n.\nQUIT\n.";
    let mail = arrived(|mail| mail.content.text = text.to_owned()).await;
    assert_eq!(mail.text(), text.replace('\n', "\r\n"));
}

/// A worker that panics sends nobody anything.
#[tokio::test]
async fn whatever_is_written_can_be_sent() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    let letters: Vec<char> = (0..0x3_0000).filter_map(char::from_u32).collect();
    let mut count = 0;
    // 390 are less than the longest header, and no part of a script's own block.
    for some in letters.chunks(390) {
        let mut one = mail("0190-3");
        one.to_name = some.iter().collect();
        one.content.subject = some.iter().rev().collect();
        one.content.text = some.iter().flat_map(|letter| [*letter, ' ']).collect();
        one.content.html = some.iter().flat_map(|letter| [*letter, '\n']).collect();
        one.content.attachments = vec![attachment(
            &one.to_name,
            "text/plain",
            one.content.text.as_bytes(),
        )];
        sent(&mailer, &one).await;
        count += 1;
    }
    assert_eq!(server.count(), count);
}

#[tokio::test]
async fn attachments_come_as_they_were_beside_the_texts() {
    let calendar = b"BEGIN:VCALENDAR\r\nSUMMARY:Gr\xc3\xb6\xc3\x9fe\r\nEND:VCALENDAR\r\n";
    let kind = "text/calendar; charset=utf-8; method=PUBLISH";
    let mail = arrived(|mail| {
        mail.content.attachments = vec![
            attachment("event.ics", kind, calendar),
            attachment("ticket.pdf", "application/pdf", &[0, 255, 13, 10, 46, 10]),
        ];
    })
    .await;
    let outer = mail.raw_header("Content-Type").expect("a Content-Type");
    assert!(outer.starts_with("multipart/mixed;"), "{outer}");
    assert_eq!(mail.text(), "Hello Ada,\r\nyou have a seat.\r\n");
    let files = mail.attachments();
    assert_eq!(files.len(), 2);
    assert_eq!(
        (files[0].file_name.as_str(), files[0].content.as_slice()),
        ("event.ics", calendar.as_slice())
    );
    assert_eq!(files[0].media_type, kind);
    assert_eq!(
        (files[1].file_name.as_str(), files[1].content.as_slice()),
        ("ticket.pdf", &[0, 255, 13, 10, 46, 10][..])
    );
}

#[tokio::test]
async fn an_address_that_no_mail_can_have_is_refused_without_asking_the_server() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    for address in [
        "",
        "ada",
        "ada@",
        "ada@example.net\r\nRCPT TO:<eve@example.net>",
        "ada@example.net> SIZE=1",
        "a da@example.net",
        "ada@exa mple.net",
        "<ada@example.net>",
        "ada@example.net,eve@example.net",
    ] {
        let mut one = mail("0190-2");
        one.to_email = address.to_owned();
        assert_eq!(
            refused(mailer.deliver(&one).await),
            "the address cannot be put in a mail",
            "{address:?}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_address_beyond_ascii_goes_by_smtputf8() {
    let mail = arrived(|mail| mail.to_email = "ädä@example.net".to_owned()).await;
    assert_eq!(mail.to, ["ädä@example.net"]);
}

/// An address as long as any of ours.
fn unsubscribe_address() -> String {
    let token = "AZ-_".repeat(16);
    format!("https://a-rather-long-name-of-a-server-for-conferences.events.example.org/unsubscribe/{token}")
}

#[tokio::test]
async fn a_mail_that_can_be_unsubscribed_from_says_so_in_a_form_that_programs_know() {
    let address = unsubscribe_address();
    let url = address.clone();
    let mail = arrived(|mail| mail.content.list_unsubscribe = Some(url)).await;
    // RFC 2369, section 2, and RFC 8058, section 2, to the letter: no encoding, no folding within.
    assert_eq!(
        mail.raw_header("List-Unsubscribe").as_deref(),
        Some(format!("<{address}>").as_str())
    );
    assert_eq!(
        mail.raw_header("List-Unsubscribe-Post").as_deref(),
        Some("List-Unsubscribe=One-Click")
    );
    let names = header_names(&mail);
    assert_eq!(names.len(), HEADERS.len() + 2, "{names:?}");
    let raw = String::from_utf8(mail.raw.clone()).expect("ASCII");
    let line = format!("\r\nList-Unsubscribe: <{address}>\r\n");
    assert!(raw.contains(&line), "{raw}");
    assert!(raw.lines().all(|line| line.len() <= 998), "{raw}");
    // As a program that reads mails takes it apart.
    assert_eq!(mail.unsubscribe_addresses(), [address]);
}

#[tokio::test]
async fn an_address_that_is_none_adds_no_header() {
    for url in [
        "https://x.example/\r\nBcc: eve@example.net",
        "https://x.example/>, <mailto:eve@example.net",
        "https://x.example/a b",
        "https://bücher.example/",
        &format!("https://x.example/{}", "x".repeat(1_000)),
    ] {
        let url = url.to_owned();
        let mail = arrived(|mail| mail.content.list_unsubscribe = Some(url)).await;
        assert_eq!(header_names(&mail), HEADERS);
    }
}
