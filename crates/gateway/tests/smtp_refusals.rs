//! What becomes of a mail that the server refuses, or loses, or does not answer to.

use crate::parts::{bounced, failed, mail, mailer, refused, sent, unreachable};
use notification::{Mailer, OutgoingMail};
use std::time::Duration;
use testkit::SmtpServer;
use testkit::smtp::{Reaction, ReceivedMail, Rule, Stage};

fn to(address: &str) -> OutgoingMail {
    OutgoingMail {
        to_email: address.to_owned(),
        ..mail("0190-3")
    }
}

const OF_THE_MAIL: [Stage; 3] = [Stage::Recipient, Stage::Data, Stage::EndOfContent];

#[tokio::test]
async fn a_5yz_means_the_mail_and_a_4yz_means_now() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    for stage in OF_THE_MAIL {
        server.obey(Rule::answer(
            stage,
            550,
            "5.1.1 <ada@example.net>: nobody of that name",
        ));
        let answer = mailer.deliver(&mail("0190-4")).await;
        // Nobody of that name: said of the recipient, it is the address that is wrong.
        let reason = if stage == Stage::Recipient {
            bounced(answer)
        } else {
            refused(answer)
        };
        assert!(
            reason.contains("550") && reason.contains("<…>: nobody"),
            "{reason}"
        );
        server.behave();
        server.obey(Rule::answer(stage, 452, "4.3.1 the disk is full"));
        let reason = failed(mailer.deliver(&mail("0190-4")).await);
        assert!(
            reason.contains("452") && reason.contains("the disk is full"),
            "{reason}"
        );
        server.behave();
    }
    // None of these ended the connection, and the next mail goes over it.
    sent(&mailer, &mail("0190-5")).await;
    assert_eq!((server.count(), server.connections()), (1, 1));
}

#[tokio::test]
async fn one_refused_recipient_does_not_harm_the_next() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    server.obey(Rule::answer(Stage::Recipient, 550, "no").to("nobody@example.net"));
    for _ in 0..3 {
        refused(mailer.deliver(&to("nobody@example.net")).await);
        sent(&mailer, &to("ada@example.net")).await;
    }
    assert_eq!((server.count(), server.connections()), (3, 1));
    assert!(
        server
            .received()
            .iter()
            .all(|mail| mail.to == ["ada@example.net"])
    );
}

#[tokio::test]
async fn a_server_that_wants_us_to_sign_in_blames_no_mail() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    for code in [530, 534, 535, 538] {
        server.obey(Rule::answer(Stage::Mail, code, "5.7.0 sign in"));
        let reason = unreachable(mailer.deliver(&mail("0190-6")).await);
        assert!(reason.contains(&code.to_string()), "{reason}");
        server.behave();
    }
}

#[tokio::test]
async fn a_sender_that_the_server_does_not_take_blames_no_mail() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    for (code, said) in [
        (553, "5.7.1 sender address rejected: not owned by user"),
        (550, "5.7.1 the sender is not verified"),
        (501, "5.1.7 bad sender"),
    ] {
        server.obey(Rule::answer(Stage::Mail, code, said));
        let reason = unreachable(mailer.deliver(&mail("0190-6")).await);
        assert!(
            reason.starts_with("at MAIL: ") && reason.contains(said),
            "{reason}"
        );
        server.behave();
    }
    server.obey(Rule::answer(Stage::Mail, 452, "4.3.1 the disk is full"));
    failed(mailer.deliver(&mail("0190-6")).await);
    server.behave();
    // It is asked again over the same connection.
    sent(&mailer, &mail("0190-6")).await;
    assert_eq!((server.count(), server.connections()), (1, 1));
}

#[tokio::test]
async fn a_server_that_does_not_get_as_far_as_mail_is_unreachable() {
    for (stage, code) in [
        (Stage::Greeting, 421),
        (Stage::Greeting, 554),
        (Stage::Hello, 421),
        (Stage::Hello, 550),
    ] {
        let server = SmtpServer::start();
        server.obey(Rule::answer(stage, code, "5.3.2 not today"));
        let reason = unreachable(mailer(&server).deliver(&mail("0190-7")).await);
        assert!(
            reason.contains(&code.to_string()) && reason.starts_with("127.0.0.1:"),
            "{reason}"
        );
    }
    for stage in [Stage::Greeting, Stage::Hello] {
        let server = SmtpServer::start();
        server.obey(Rule::at(stage, Reaction::HangUp));
        unreachable(mailer(&server).deliver(&mail("0190-7")).await);
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_unreachable_until_it_is_back() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    sent(&mailer, &mail("0190-8")).await;
    server.down();
    for _ in 0..2 {
        let reason = unreachable(mailer.deliver(&mail("0190-9")).await);
        assert!(reason.contains("refused"), "{reason}");
    }
    assert!(mailer.check().await.is_err());
    server.up();
    mailer.check().await.expect("it is back");
    sent(&mailer, &mail("0190-9")).await;
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let server = SmtpServer::start();
    let mailer = crate::parts::mailer_at("smtp://podium.invalid", &server);
    unreachable(mailer.deliver(&mail("0190-10")).await);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_costs_the_mail_nothing() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    sent(&mailer, &mail("0190-11")).await;
    server.break_connections();
    sent(&mailer, &mail("0190-12")).await;
    // Servers also say so, after a while or a number of mails.
    server.obey(Rule::answer(Stage::Mail, 421, "4.4.2 you were idle").times(1));
    sent(&mailer, &mail("0190-13")).await;
    assert_eq!((server.count(), server.connections()), (3, 3));
    // A new connection on which that happens is no such case.
    server.break_connections();
    server.obey(Rule::at(Stage::Mail, Reaction::HangUp).times(1));
    failed(mailer.deliver(&mail("0190-14")).await);
}

#[tokio::test]
async fn a_connection_that_is_lost_on_the_way_makes_a_mail_go_again_under_its_id() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    sent(&mailer, &mail("0190-15")).await;
    for stage in [Stage::Recipient, Stage::Data, Stage::Content, Stage::EndOfContent] {
        server.obey(Rule::at(stage, Reaction::HangUp).times(1));
        failed(mailer.deliver(&mail("0190-16")).await);
    }
    assert_eq!(server.count(), 1);
    server.obey(Rule::at(Stage::EndOfContent, Reaction::TakeAndHangUp).times(1));
    failed(mailer.deliver(&mail("0190-16")).await);
    sent(&mailer, &mail("0190-16")).await;
    let ids: Vec<String> = server.received().iter().map(ReceivedMail::message_id).collect();
    assert_eq!(
        ids,
        [
            "0190-15@example.org",
            "0190-16@example.org",
            "0190-16@example.org"
        ]
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for_for_ever() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    sent(&mailer, &mail("0190-17")).await;
    for (stage, is_unreachable) in [
        (Stage::Recipient, false),
        (Stage::EndOfContent, false),
        (Stage::Greeting, true),
        (Stage::Hello, true),
    ] {
        server.break_connections();
        server.obey(Rule::at(stage, Reaction::Hang));
        let began = tokio::time::Instant::now();
        let one = mail("0190-18");
        let delivery = in_little_time(mailer.deliver(&one)).await;
        assert!(began.elapsed() < Duration::from_mins(1));
        if is_unreachable {
            unreachable(delivery);
        } else {
            assert!(failed(delivery).contains("no answer in time"));
        }
        server.behave();
    }
    server.break_connections();
    sent(&mailer, &mail("0190-18")).await;
}

/// Turns the clock of the timers whenever it is only they that are waited for: the server has a clock of its own.
async fn in_little_time<T>(delivery: impl Future<Output = T>) -> T {
    // The command is under way before time flies.
    let mut delivery = std::pin::pin!(delivery);
    if let Ok(early) = tokio::time::timeout(Duration::from_millis(300), &mut delivery).await {
        return early;
    }
    tokio::time::pause();
    let delivery = delivery.await;
    tokio::time::resume();
    delivery
}

#[tokio::test]
async fn many_mails_at_once_share_few_connections() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    let senders = (0..4).map(|sender| {
        let mailer = &mailer;
        async move {
            for one in 0..25 {
                sent(mailer, &mail(&format!("0190-{sender}-{one}"))).await;
            }
        }
    });
    futures_util::future::join_all(senders).await;
    assert_eq!(server.count(), 100);
    assert!(server.connections() <= 4, "{}", server.connections());
    // MAIL, RCPT, DATA and the content, and one EHLO for each connection: nothing is asked twice.
    assert!(server.commands() <= 4 * 100 + 4, "{}", server.commands());
}

#[tokio::test]
async fn a_mail_that_nobody_waits_for_any_more_leaves_no_half_of_it_for_the_next() {
    let server = SmtpServer::start();
    let mailer = mailer(&server);
    server.obey(Rule::at(Stage::Data, Reaction::Hang).times(1));
    let one = mail("0190-19");
    let given_up = tokio::time::timeout(Duration::from_millis(200), mailer.deliver(&one)).await;
    assert!(given_up.is_err());
    sent(&mailer, &mail("0190-20")).await;
    assert_eq!(server.received()[0].message_id(), "0190-20@example.org");
}
