//! The mail server of the tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use testkit::smtp::{Reaction, Rule, SmtpOptions, SmtpServer, Stage};

const CONTENT: &str =
    "From: a@example.org\r\nSubject: =?utf-8?b?w4Q=?=\r\nContent-Type: text/plain\r\n\r\n..a dot\r\n";

struct Talk(BufReader<TcpStream>);

impl Talk {
    fn to(server: &SmtpServer) -> Self {
        let stream = TcpStream::connect(server.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(BufReader::new(stream))
    }

    fn says(&mut self, text: &str) -> &mut Self {
        self.0
            .get_mut()
            .write_all(text.as_bytes())
            .expect("the server reads");
        self
    }

    /// Reads one answer and holds its code against this.
    fn hears(&mut self, code: &str) -> &mut Self {
        let mut line = String::new();
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("an answer");
            assert!(line.starts_with(code), "{code}: {line:?}");
            if line.as_bytes().get(3) == Some(&b' ') {
                return self;
            }
        }
    }

    fn is_hung_up_on(&mut self) {
        let mut rest = Vec::new();
        // A server that breaks off may reset the connection.
        let _ = self.0.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    }
}

#[test]
fn commands_that_come_together_are_answered_in_turn_and_the_mail_is_kept_as_it_was() {
    let server = SmtpServer::start();
    let mut talk = Talk::to(&server);
    talk.hears("220").says("EHLO x\r\n").hears("250");
    talk.says("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n");
    talk.hears("250").hears("250").hears("250").hears("354");
    // In two parts, in the middle of the end; a QUIT comes along.
    talk.says(CONTENT).says(".\r").says("\nQUIT\r\n");
    talk.hears("250").hears("221").is_hung_up_on();
    let mails = server.received();
    assert_eq!((mails.len(), server.count(), server.connections()), (1, 1, 1));
    assert_eq!(mails[0].to, ["b@example.org", "c@example.org"]);
    assert_eq!(mails[0].raw, CONTENT.replace("..a", ".a").into_bytes());
    assert_eq!(mails[0].subject(), "Ä");
    assert_eq!(mails[0].text(), ".a dot\r\n");
}

#[test]
fn rules_hold_for_their_stage_and_recipient_as_often_as_they_say() {
    let server = SmtpServer::start();
    server.obey(
        Rule::answer(Stage::Recipient, 550, "5.1.1 nobody")
            .to("b@example.org")
            .times(1),
    );
    server.obey(Rule::at(Stage::EndOfContent, Reaction::TakeAndHangUp).times(1));
    let mut talk = Talk::to(&server);
    talk.hears("220").says("EHLO x\r\n").hears("250");
    talk.says("MAIL FROM:<a@example.org>\r\n").hears("250");
    talk.says("RCPT TO:<c@example.org>\r\n").hears("250");
    talk.says("RCPT TO:<b@example.org>\r\n").hears("550");
    talk.says("RCPT TO:<b@example.org>\r\n").hears("250");
    talk.says("DATA\r\n")
        .hears("354")
        .says(CONTENT)
        .says(".\r\n")
        .is_hung_up_on();
    assert_eq!(server.count(), 1);
    server.obey(Rule::answer(Stage::Greeting, 554, "5.3.2 closed"));
    let mut talk = Talk::to(&server);
    talk.hears("554")
        .says("EHLO x\r\n")
        .hears("503")
        .says("QUIT\r\n")
        .hears("221");
}

#[test]
fn it_goes_down_with_its_connections_and_comes_back_on_its_port() {
    let server = SmtpServer::start();
    let mut talk = Talk::to(&server);
    talk.hears("220");
    server.down();
    talk.is_hung_up_on();
    assert!(TcpStream::connect(server.address()).is_err());
    server.up();
    Talk::to(&server).hears("220");
}

#[test]
fn what_breaks_the_protocol_is_refused() {
    let server = SmtpServer::start_with(SmtpOptions {
        user: Some(("podium".to_owned(), "secret".to_owned())),
        ..SmtpOptions::default()
    });
    let mut talk = Talk::to(&server);
    talk.hears("220")
        .says("MAIL FROM:<a@example.org>\r\n")
        .hears("503");
    talk.says("EHLO x\r\n")
        .hears("250")
        .says("MAIL FROM:<a@example.org>\r\n")
        .hears("530");
    talk.says("AUTH PLAIN AHBvZGl1bQB3cm9uZw==\r\n").hears("535");
    talk.says("AUTH LOGIN\r\n")
        .hears("334")
        .says("cG9kaXVt\r\n")
        .hears("334")
        .says("c2VjcmV0\r\n")
        .hears("235");
    talk.says("DATA\r\n")
        .hears("503")
        .says("NONSENSE\r\n")
        .hears("500")
        .says("STARTTLS\r\n")
        .hears("502");
    talk.says("MAIL FROM:<ä@example.org>\r\n").hears("553");
    talk.says("MAIL FROM:<a@example.org>\r\n")
        .hears("250")
        .says("RCPT TO:<b@example.org>\r\n")
        .hears("250");
    talk.says("DATA\r\n")
        .hears("354")
        .says("Subject: ä\r\n\r\n.\r\n")
        .hears("554");
    assert_eq!(server.count(), 0);
}
