//! Texts through the gateway.

use crate::parts::{failed, refused, unreachable};
use gateway::{SmsGateway as Sender, SmsOptions};
use notification::{Delivery, OutgoingText, SmsSender};
use std::time::Duration;
use testkit::SmsGateway;
use testkit::sms_gateway::{ACCOUNT_SID, AUTH_TOKEN, FROM, ReceivedText, SmsMisbehaviour};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NUMBER: &str = "+919812345678";

fn options(gateway: &SmsGateway) -> SmsOptions {
    SmsOptions {
        url: gateway.url().to_owned(),
        account_sid: ACCOUNT_SID.to_owned(),
        auth_token: AUTH_TOKEN.to_owned(),
        from: FROM.to_owned(),
        time_limit: Duration::from_millis(500),
    }
}

fn text(body: &str) -> OutgoingText {
    OutgoingText {
        id: "0190-70".to_owned(),
        to: NUMBER.to_owned(),
        body: body.to_owned(),
    }
}

async fn delivery(gateway: &SmsGateway) -> Delivery {
    Sender::new(options(gateway))
        .expect("a sender")
        .deliver(&text("Hello"))
        .await
}

#[tokio::test]
async fn a_text_arrives_as_it_was_written() {
    let gateway = SmsGateway::start().await;
    let sender = Sender::new(options(&gateway)).expect("a sender");
    let body = "Größe & 東京 + 100% = «a=b&To=c»\nhttps://example.org/?a=b#c 🎟";
    assert_eq!(
        sender.deliver(&text(body)).await,
        Delivery::Sent,
        "{:?}",
        gateway.refusals()
    );
    let received = ReceivedText {
        to: NUMBER.to_owned(),
        body: body.to_owned(),
    };
    assert_eq!(gateway.received(), [received]);
    // Where there is a path, it goes on from there.
    let with_slash = SmsOptions {
        url: format!("{}/", gateway.url()),
        ..options(&gateway)
    };
    assert_eq!(
        Sender::new(with_slash)
            .expect("a sender")
            .deliver(&text("Hello"))
            .await,
        Delivery::Sent
    );
    assert_eq!(gateway.received().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_with_the_text_is_final_and_the_number_is_not_repeated() {
    let gateway = SmsGateway::start().await;
    let said = format!(
        "The 'To' number {NUMBER} is not a valid phone number. {}",
        "x".repeat(1000)
    );
    gateway.misbehave(SmsMisbehaviour::Answers(400, 21211, said));
    let reason = refused(delivery(&gateway).await);
    assert!(
        reason.starts_with("the gateway answers 400, 21211: The 'To' number … is not"),
        "{reason}"
    );
    assert!(reason.chars().count() <= 300);
    let sender = Sender::new(options(&gateway)).expect("a sender");
    gateway.misbehave(None);
    let nobody = OutgoingText {
        to: "12".to_owned(),
        ..text("Hello")
    };
    refused(sender.deliver(&nobody).await);
}

#[tokio::test]
async fn what_is_for_now_is_tried_again() {
    let gateway = SmsGateway::start().await;
    for (status, code) in [(429, 20429), (500, 20500), (503, 20503), (408, 20408)] {
        gateway.misbehave(SmsMisbehaviour::Answers(status, code, "not now".to_owned()));
        let reason = failed(delivery(&gateway).await);
        assert!(reason.contains(&status.to_string()), "{reason}");
    }
    gateway.misbehave(SmsMisbehaviour::SpeaksHtml(502));
    assert_eq!(failed(delivery(&gateway).await), "the gateway answers 502");
    gateway.misbehave(SmsMisbehaviour::Hangs);
    failed(delivery(&gateway).await);
    gateway.misbehave(SmsMisbehaviour::Endless);
    failed(delivery(&gateway).await);
    assert!(gateway.received().is_empty());
}

/// Answers every question with these bytes, and then hangs up or goes silent.
async fn answering(bytes: Vec<u8>, hangs_up: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let mut silent = Vec::new();
        loop {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut question = Vec::new();
            while !question.ends_with(b"Body=Hello") {
                assert_ne!(socket.read_buf(&mut question).await.expect("a question"), 0);
            }
            // Whoever asked may have gone before the end.
            let _ = socket.write_all(&bytes).await;
            if !hangs_up {
                silent.push(socket);
            }
        }
    });
    url
}

#[tokio::test]
async fn a_text_that_was_taken_is_sent_whatever_becomes_of_the_answer() {
    const TAKEN: &str = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: ";
    let endless = format!("{TAKEN}1000000\r\n\r\n{}", " ".repeat(1_000_000));
    for (answer, hangs_up) in [
        (format!("{TAKEN}1000\r\n\r\n{{\"sid\":"), true),
        (format!("{TAKEN}1000\r\n\r\n{{\"sid\":"), false),
        (endless, true),
        (format!("{TAKEN}5\r\n\r\nThanks"), true),
    ] {
        let gateway = SmsGateway::start().await;
        let options = SmsOptions {
            url: answering(answer.clone().into_bytes(), hangs_up).await,
            ..options(&gateway)
        };
        let sender = Sender::new(options).expect("a sender");
        let shown: String = answer.chars().take(100).collect();
        assert_eq!(sender.deliver(&text("Hello")).await, Delivery::Sent, "{shown}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_set_up_blames_no_text() {
    let gateway = SmsGateway::start().await;
    for (status, code) in [(401, 20003), (403, 20005)] {
        gateway.misbehave(SmsMisbehaviour::Answers(status, code, "who are you?".to_owned()));
        unreachable(delivery(&gateway).await);
    }
    gateway.misbehave(None);
    let wrong_token = SmsOptions {
        auth_token: "hush".to_owned(),
        ..options(&gateway)
    };
    let reason = unreachable(
        Sender::new(wrong_token)
            .expect("a sender")
            .deliver(&text("Hello"))
            .await,
    );
    assert!(reason.contains("401") && !reason.contains("hush"), "{reason}");
    let wrong_account = SmsOptions {
        account_sid: "AC/../x".to_owned(),
        ..options(&gateway)
    };
    let reason = unreachable(
        Sender::new(wrong_account)
            .expect("a sender")
            .deliver(&text("Hello"))
            .await,
    );
    assert!(reason.contains("404"), "{reason}");
    gateway.misbehave(SmsMisbehaviour::Redirects);
    let asked = gateway.requests();
    unreachable(delivery(&gateway).await);
    assert_eq!(gateway.requests(), asked + 1, "a redirect was followed");
}

#[tokio::test]
async fn a_gateway_that_is_away_is_unreachable() {
    let gateway = SmsGateway::start().await;
    gateway.stop().await;
    let reason = unreachable(delivery(&gateway).await);
    assert!(
        !reason.contains(AUTH_TOKEN) && !reason.contains("AC0123"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_gateway_elsewhere_is_asked_by_https_alone() {
    let gateway = SmsGateway::start().await;
    for url in [
        "http://api.example.org",
        "api.example.org",
        "ftp://127.0.0.1",
        "",
        "https://podium:hush@api.example.org",
    ] {
        let options = SmsOptions {
            url: url.to_owned(),
            ..options(&gateway)
        };
        assert!(Sender::new(options.clone()).is_err(), "{url}");
        assert!(!format!("{options:?}").contains(AUTH_TOKEN));
    }
}
