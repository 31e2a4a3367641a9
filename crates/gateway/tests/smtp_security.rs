//! Who may read along, and who we are to the server.

use crate::parts::{mail, mailer, mailer_at, sent, unreachable};
use gateway::{SmtpMailer, SmtpOptions};
use notification::Mailer;
use testkit::SmtpServer;
use testkit::smtp::{Encryption, Rule, SmtpOptions as ServerOptions, Stage};

const PASSWORD: &str = "p@ss/w:örd%20?";

fn server(encryption: Encryption, user: bool) -> SmtpServer {
    SmtpServer::start_with(ServerOptions {
        encryption,
        user: user.then(|| ("podium".to_owned(), PASSWORD.to_owned())),
        keep: true,
    })
}

#[tokio::test]
async fn mails_go_over_tls_by_starttls_and_from_the_first_byte() {
    for encryption in [Encryption::StartTls, Encryption::Implicit] {
        for user in [false, true] {
            let server = server(encryption, user);
            let mailer = mailer(&server);
            mailer.check().await.expect("the server answers");
            sent(&mailer, &mail("0190-30")).await;
            sent(&mailer, &mail("0190-31")).await;
            for mail in server.received() {
                assert!(mail.encrypted, "{encryption:?}");
                assert_eq!(mail.user.is_some(), user, "{encryption:?}");
            }
            assert_eq!(server.count(), 2);
        }
    }
}

#[tokio::test]
async fn a_user_signs_in_without_tls_where_that_is_said() {
    let server = server(Encryption::None, true);
    sent(&mailer(&server), &mail("0190-32")).await;
    assert_eq!(server.received()[0].user.as_deref(), Some("podium"));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_ends_it() {
    for encryption in [Encryption::StartTls, Encryption::Implicit] {
        let server = server(encryption, true);
        let mailer = SmtpMailer::new(SmtpOptions {
            url: server.url(),
            from: crate::parts::FROM.to_owned(),
            connections: 1,
            extra_root: None,
        })
        .expect("a mailer");
        let reason = unreachable(mailer.deliver(&mail("0190-33")).await);
        assert!(reason.contains("certificate"), "{reason}");
        assert!(
            !reason.contains("p@ss") && !reason.contains("podium:"),
            "{reason}"
        );
        assert_eq!(server.count(), 0);
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_ends_it() {
    let server = server(Encryption::Implicit, false);
    let port = server.address().port();
    let reason = unreachable(
        mailer_at(&format!("smtps://127.0.0.2:{port}"), &server)
            .deliver(&mail("0190-34"))
            .await,
    );
    assert!(!reason.is_empty());
    assert_eq!(server.count(), 0);
}

/// A server that says nothing of TLS, or somebody on the way who strikes it out.
#[tokio::test]
async fn nothing_goes_in_the_clear_where_starttls_is_asked_for() {
    let server = server(Encryption::None, true);
    let port = server.address().port();
    let mailer = mailer_at(
        &format!("smtp://podium:secret@127.0.0.1:{port}?tls=required"),
        &server,
    );
    let reason = unreachable(mailer.deliver(&mail("0190-35")).await);
    assert!(reason.contains("STARTTLS"), "{reason}");
    // EHLO alone, and no AUTH or MAIL.
    assert!(server.commands() <= 1, "{}", server.commands());
}

/// Somebody on the way adds answers to that to STARTTLS, to be taken for the server's.
#[tokio::test]
async fn what_came_before_tls_is_not_taken_for_what_came_under_it() {
    for forged in [
        "220 go ahead\r\n250 forged",
        "220 go ahead\r\n250-forged\r\n250 AUTH PLAIN\r\n235 fine\r\n250 fine",
    ] {
        let server = server(Encryption::StartTls, true);
        let answer = forged.strip_prefix("220 ").expect("a 220");
        server.obey(Rule::answer(Stage::StartTls, 220, answer));
        let reason = unreachable(mailer(&server).deliver(&mail("0190-38")).await);
        assert!(reason.contains("before TLS"), "{reason}");
        server.behave();
        server.obey(Rule::answer(Stage::StartTls, 454, "4.7.0 not now"));
        let reason = unreachable(mailer(&server).deliver(&mail("0190-38")).await);
        assert!(reason.contains("454"), "{reason}");
        assert_eq!(server.count(), 0);
    }
}

#[tokio::test]
async fn a_wrong_password_is_a_matter_of_the_set_up_and_is_told_nobody() {
    let server = server(Encryption::None, true);
    let port = server.address().port();
    let mailer = mailer_at(&format!("smtp://podium:hush-hush@127.0.0.1:{port}"), &server);
    let reason = unreachable(mailer.deliver(&mail("0190-36")).await);
    assert!(reason.contains("535") && !reason.contains("hush"), "{reason}");
    let checked = mailer.check().await.expect_err("the password is wrong");
    assert!(checked.contains("535") && !checked.contains("hush"), "{checked}");
    // A server may repeat what it was sent.
    server.obey(Rule::answer(
        Stage::Auth,
        501,
        "what is AHBvZGl1bQBodXNoLWh1c2g= hush-hush?",
    ));
    let reason = unreachable(mailer.deliver(&mail("0190-36")).await);
    assert!(!reason.contains("hush") && !reason.contains("AHBv"), "{reason}");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_server_that_nobody_can_sign_in_to_is_unreachable_for_who_has_a_password() {
    let server = server(Encryption::None, false);
    let port = server.address().port();
    let mailer = mailer_at(&format!("smtp://podium:hush@127.0.0.1:{port}"), &server);
    let reason = unreachable(mailer.deliver(&mail("0190-37")).await);
    assert!(reason.contains("no sign-in"), "{reason}");
}

#[test]
fn options_show_no_password() {
    let options = SmtpOptions {
        url: "smtp://podium:hush@mail.example.org".to_owned(),
        from: "podium@example.org".to_owned(),
        connections: 1,
        extra_root: None,
    };
    assert!(!format!("{options:?}").contains("hush"));
    for url in ["smtp://podium:hush@", "ftp://podium:hush@mail.example.org"] {
        let options = SmtpOptions {
            url: url.to_owned(),
            ..options.clone()
        };
        let error = SmtpMailer::new(options)
            .err()
            .expect("no mail server")
            .to_string();
        assert!(
            error.starts_with("mail.smtp_url ") && !error.contains("hush"),
            "{error}"
        );
    }
}
