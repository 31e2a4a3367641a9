//! Mails to send, and mailers to send them with.

use gateway::{SmtpMailer, SmtpOptions};
use notification::{Attachment, Delivery, Mailer, OutgoingMail, RenderedMail};
use testkit::SmtpServer;

pub const FROM: &str = "Jürgens Bühne <podium@example.org>";

/// A mailer to the server, which trusts its certificate.
pub fn mailer(server: &SmtpServer) -> SmtpMailer {
    mailer_at(&server.url(), server)
}

/// The same under another URL.
pub fn mailer_at(url: &str, server: &SmtpServer) -> SmtpMailer {
    SmtpMailer::new(SmtpOptions {
        url: url.to_owned(),
        from: FROM.to_owned(),
        connections: 4,
        extra_root: server.certificate(),
    })
    .expect("a mailer")
}

/// A mail to Ada, under this id.
pub fn mail(id: &str) -> OutgoingMail {
    OutgoingMail {
        id: id.to_owned(),
        date: "2030-02-03T04:05:06Z".parse().expect("a time"),
        to_name: "Ada Lovelace".to_owned(),
        to_email: "ada@example.net".to_owned(),
        content: RenderedMail {
            subject: "Your seat".to_owned(),
            text: "Hello Ada,\nyou have a seat.\n".to_owned(),
            html: "<p>Hello Ada,\nyou have a seat.</p>\n".to_owned(),
            attachments: Vec::new(),
            list_unsubscribe: None,
        },
    }
}

pub fn attachment(name: &str, media_type: &str, content: &[u8]) -> Attachment {
    Attachment {
        file_name: name.to_owned(),
        media_type: media_type.to_owned(),
        content: content.to_vec(),
    }
}

pub async fn sent(mailer: &dyn Mailer, mail: &OutgoingMail) {
    assert_eq!(mailer.deliver(mail).await, Delivery::Sent);
}

pub fn refused(delivery: Delivery) -> String {
    match delivery {
        Delivery::Refused(reason) => reason,
        other => panic!("{other:?}"),
    }
}

pub fn bounced(delivery: Delivery) -> String {
    match delivery {
        Delivery::Bounced(reason) => reason,
        other => panic!("{other:?}"),
    }
}

pub fn failed(delivery: Delivery) -> String {
    match delivery {
        Delivery::Failed(reason) => reason,
        other => panic!("{other:?}"),
    }
}

pub fn unreachable(delivery: Delivery) -> String {
    match delivery {
        Delivery::Unreachable(reason) => reason,
        other => panic!("{other:?}"),
    }
}
