//! Mails as files.

use crate::parts::{FROM, mail, refused, sent, unreachable};
use gateway::EmlFolder;
use notification::Mailer;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn each_mail_is_one_file_that_nobody_else_may_read() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("mail");
    let mailer = EmlFolder::new(&folder, FROM).expect("a mailer");
    assert!(!folder.exists());
    sent(&mailer, &mail("0190-50")).await;
    sent(&mailer, &mail("0190-51")).await;
    // A second copy takes the place of the first.
    sent(&mailer, &mail("0190-50")).await;
    assert_eq!(names(&folder), ["0190-50.eml", "0190-51.eml"]);
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("0190-50.eml")), 0o600);
    let text = std::fs::read_to_string(folder.join("0190-50.eml")).expect("a text");
    assert!(text.contains("Message-ID: <0190-50@example.org>\r\n") && text.contains("you have a seat."));
    assert!(text.contains("Subject: Your seat\r\n"));
}

#[tokio::test]
async fn a_file_says_how_to_unsubscribe_as_a_mail_does() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("mail");
    let mailer = EmlFolder::new(&folder, FROM).expect("a mailer");
    let mut campaign = mail("0190-60");
    campaign.content.list_unsubscribe = Some("http://127.0.0.1:8080/unsubscribe/a_b-c".to_owned());
    sent(&mailer, &campaign).await;
    let text = std::fs::read_to_string(folder.join("0190-60.eml")).expect("a text");
    for line in [
        "List-Unsubscribe: <http://127.0.0.1:8080/unsubscribe/a_b-c>\r\n",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[tokio::test]
async fn a_folder_that_others_may_read_is_closed_to_them() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("mail");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    sent(
        &EmlFolder::new(&folder, FROM).expect("a mailer"),
        &mail("0190-52"),
    )
    .await;
    assert_eq!(mode(&folder), 0o700);
}

#[tokio::test]
async fn an_id_leads_out_of_no_folder() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("mail");
    let mailer = EmlFolder::new(&folder, FROM).expect("a mailer");
    for id in ["", "../0190", "a/b", "..", "a\0b"] {
        refused(mailer.deliver(&mail(id)).await);
    }
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_blames_no_mail() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("mail");
    std::fs::write(&folder, "no folder").expect("a file");
    let mailer = EmlFolder::new(&folder, FROM).expect("a mailer");
    unreachable(mailer.deliver(&mail("0190-53")).await);
}
