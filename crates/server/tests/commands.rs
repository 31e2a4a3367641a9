//! The binary as the operator runs it: what it prints, and its exit codes.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use testkit::smtp::{SmtpOptions, SmtpServer};

/// Runs the binary in the folder with nothing in its environment but these variables.
fn podium(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_podium"))
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .unwrap()
}

fn works(folder: &Path, arguments: &[&str]) -> String {
    let output = podium(folder, &[], arguments);
    assert!(output.status.success(), "{arguments:?}: {}", errors(&output));
    assert!(output.stderr.is_empty(), "{}", errors(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The one message of a command that fails.
fn fails(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = podium(folder, variables, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let message = errors(&output);
    assert!(
        message.starts_with("podium: ") && message.lines().count() == 1,
        "{message}"
    );
    message
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn migrate_alone_goes_up_and_each_direction_says_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let status = works(folder.path(), &["migrate", "status"]);
    assert!(standing_of_the_first(&status).starts_with("pending"), "{status}");
    assert!(works(folder.path(), &["migrate"]).starts_with("applied 0001_people\napplied 0002_events\n"));
    assert_eq!(works(folder.path(), &["migrate", "up"]), "nothing to apply\n");
    let status = works(folder.path(), &["migrate", "status"]);
    assert!(
        standing_of_the_first(&status).starts_with("applied 20") && !status.contains("pending"),
        "{status}"
    );
    assert!(works(folder.path(), &["migrate", "down"]).starts_with("took back 00"));
    assert!(works(folder.path(), &["migrate", "status"]).contains("pending"));
    assert!(folder.path().join("var/podium.db").exists());
}

/// What stands beside the first migration, however wide the column of the names is.
fn standing_of_the_first(status: &str) -> &str {
    let line = status.lines().find_map(|line| line.strip_prefix("0001_people"));
    line.unwrap_or_default().trim_start()
}

#[test]
fn seeds_are_applied_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    assert!(fails(folder.path(), &[], &["seed"]).contains("migrate first"));
    works(folder.path(), &["migrate"]);
    assert_eq!(works(folder.path(), &["seed", "users"]), "02-users: applied\n");
    let all = works(folder.path(), &["seed"]);
    assert!(
        all.starts_with("01-roles: applied\n02-users: already applied\n03-events: applied\n"),
        "{all}"
    );
    assert!(fails(folder.path(), &[], &["seed", "--undo", "users"]).contains("02-users"));
    assert_eq!(
        works(folder.path(), &["seed", "--undo"]),
        "04-full-event-with-waitlist: taken back\n"
    );
    assert_eq!(
        works(folder.path(), &["seed", "--undo", "events"]),
        "03-events: taken back\n"
    );
    assert!(fails(folder.path(), &[], &["seed", "--undo", "events"]).contains("not applied"));
    assert!(fails(folder.path(), &[], &["seed", "roles", "nonsense"]).contains("no seed `nonsense`"));
}

#[test]
fn production_refuses_seeds_and_asks_twice_before_going_down() {
    let folder = tempfile::tempdir().unwrap();
    let production = [("PODIUM_PROFILE", "production")];
    works(folder.path(), &["migrate"]);
    assert!(fails(folder.path(), &production, &["seed"]).contains("production"));
    assert!(fails(folder.path(), &production, &["seed", "--undo"]).contains("production"));
    assert!(fails(folder.path(), &production, &["migrate", "down"]).contains("--yes"));
    assert!(!works(folder.path(), &["migrate", "status"]).contains("pending"));
    assert!(
        podium(folder.path(), &production, &["migrate", "down", "--yes"])
            .status
            .success()
    );
    assert!(works(folder.path(), &["migrate", "status"]).contains("pending"));
}

#[test]
fn doctor_shows_what_is_in_force_and_fails_where_a_part_does() {
    let folder = tempfile::tempdir().unwrap();
    let report = works(folder.path(), &["doctor"]);
    assert!(
        report.contains("http.address = 127.0.0.1:8080") && report.contains("ok      database"),
        "{report}"
    );
    let away = [
        (
            "PODIUM_DATABASE__URL",
            "postgres://podium:hidden-word@127.0.0.1:1/podium",
        ),
        ("PODIUM_METRICS__TOKEN", "hidden-token"),
    ];
    let output = podium(folder.path(), &away, &["doctor"]);
    let report = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        report.contains("FAILED  database") && report.contains("ok      data folder"),
        "{report}"
    );
    assert!(
        report.contains("metrics.token = ********") && !report.contains("hidden"),
        "{report}"
    );
    let output = podium(folder.path(), &[("PODIUM_PROFILE", "production")], &["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(
        report.contains("FAILED  signing key") && report.contains("FAILED  public URL"),
        "{report}"
    );
}

#[test]
fn doctor_greets_the_mail_server_and_hands_it_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let report = works(folder.path(), &["doctor"]);
    let files = folder.path().join("var/mail");
    assert!(report.contains("ok      mail: written to var/mail"), "{report}");
    assert!(report.contains("ok      sms: off"), "{report}");
    assert!(!files.exists());
    let server = SmtpServer::start_with(SmtpOptions {
        user: Some(("podium".to_owned(), "hidden-word".to_owned())),
        ..SmtpOptions::default()
    });
    let url = server.url();
    let doctor = |url: &str| {
        let variables = [
            ("PODIUM_MAIL__SMTP_URL", url),
            ("PODIUM_SMS__URL", "https://sms.example.org"),
            ("PODIUM_SMS__ACCOUNT_SID", "AC0"),
            ("PODIUM_SMS__AUTH_TOKEN", "hidden-token"),
            ("PODIUM_SMS__FROM", "+15005550006"),
        ];
        let output = podium(folder.path(), &variables, &["doctor"]);
        let report = String::from_utf8(output.stdout).unwrap();
        assert!(!report.contains("hidden"), "{report}");
        report
    };
    let report = doctor(&url);
    let address = server.address();
    assert!(
        report.contains(&format!("ok      mail: {address} takes mails from Podium")),
        "{report}"
    );
    assert!(
        report.contains("ok      sms: handed to https://sms.example.org, from +15005550006"),
        "{report}"
    );
    let report = doctor(&url.replace("hidden%2Dword", "hidden-but-wrong"));
    assert!(
        report.contains("FAILED  mail: ") && report.contains("535"),
        "{report}"
    );
    server.down();
    let report = doctor(&url);
    assert!(report.contains(&format!("FAILED  mail: {address}")), "{report}");
    assert_eq!(server.count(), 0);
}

#[test]
fn ctrl_c_and_a_termination_let_the_server_end_by_itself() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_podium"))
            .current_dir(folder.path())
            .env_clear()
            .env("PODIUM_HTTP__ADDRESS", "127.0.0.1:0")
            .arg("serve")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let process = Pid::from_raw(server.id().try_into().unwrap());
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let first_line = lines.find(|line| line.as_ref().unwrap().contains("podium serves"));
        assert!(first_line.is_some());
        kill(process, signal).unwrap();
        let ended = lines.find(|line| line.as_ref().unwrap().contains("podium has stopped"));
        assert!(ended.is_some(), "{signal}");
        assert!(server.wait().unwrap().success(), "{signal}");
    }
}

#[test]
fn a_wrong_setting_stops_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let message = fails(
        folder.path(),
        &[("PODIUM_HTTP__PORT", "1")],
        &["migrate", "status"],
    );
    assert!(message.contains("PODIUM_HTTP__PORT"), "{message}");
    assert!(!folder.path().join("var").exists());
    let wrong_command = podium(folder.path(), &[], &["migrat"]);
    assert_eq!(wrong_command.status.code(), Some(2));
}
