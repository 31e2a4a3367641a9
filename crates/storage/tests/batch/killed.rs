//! The server dies at its desk, between writing and committing and between committing and answering: what was not committed is
//! nobody's, what was is told to who asks again by their key.

use super::scene::{Scene, settle};
use kernel::UserId;
use std::io::Write;
use std::process::{Command, Stdio};
use testkit::{TestDatabase, on_both_databases};

on_both_databases! {
    a_server_that_dies_before_the_commit_gave_nobody_a_seat,
    a_server_that_dies_after_the_commit_is_asked_again,
}

const PEOPLE: usize = 30;
const SEATS: u32 = 20;

async fn a_server_that_dies_before_the_commit_gave_nobody_a_seat(database: TestDatabase) {
    let scene = Scene::over(&database, SEATS).await;
    let people = scene.people(PEOPLE).await;
    die(&database, &scene, "before", &people);
    assert_eq!(scene.counts(scene.event).await, (0, 0));
    assert_eq!(scene.rows.count("idempotency_keys").await, 0);
    ask_again(&scene, &people).await;
}

async fn a_server_that_dies_after_the_commit_is_asked_again(database: TestDatabase) {
    let scene = Scene::over(&database, SEATS).await;
    let people = scene.people(PEOPLE).await;
    die(&database, &scene, "after", &people);
    let committed = scene.counts(scene.event).await;
    assert!(committed.0 > 0, "{committed:?}");
    ask_again(&scene, &people).await;
    if committed == (SEATS, 10) {
        assert_eq!(
            scene.rows.count("registrations").await,
            20,
            "nobody was registered again"
        );
    }
}

async fn ask_again(scene: &Scene, people: &[UserId]) {
    let ask = |person| scene.register(scene.event, person, Some("mine"));
    let first = settle(people.iter().map(ask)).await;
    let second = settle(people.iter().map(ask)).await;
    for (first, second) in first.into_iter().zip(second) {
        assert_eq!(first.expect("an answer"), second.expect("an answer"));
    }
    assert_eq!(scene.counts(scene.event).await, (SEATS, 10));
    assert_eq!(scene.rows.count("idempotency_keys").await, 30);
    scene.assert_invariants().await;
}

/// Has a process of its own register these people together and die of it. It is told where, at which event, when, and who they are.
fn die(database: &TestDatabase, scene: &Scene, moment: &str, people: &[UserId]) {
    let ids: Vec<String> = people.iter().map(ToString::to_string).collect();
    let told = format!("{} {} {moment} {}", database.url(), scene.event, ids.join(" "));
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--ignored", "batch::killed::dies_at_the_desk"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let mut line = child.stdin.take().expect("its input");
    line.write_all(told.as_bytes()).expect("a word with it");
    drop(line);
    let died = child.wait().expect("its end");
    assert_eq!(died.code(), None, "it was to be killed, not to end");
}

#[test]
#[ignore = "it kills the process: the tests above run it in one of its own"]
fn dies_at_the_desk() {
    let told = std::io::read_to_string(std::io::stdin()).expect("what it is told");
    let mut told = told.split(' ').filter(|word| !word.is_empty());
    if told.clone().next().is_none() {
        return;
    }
    let mut next = || told.next().expect("a word");
    let (url, event, moment) = (next(), next(), next());
    let (url, event) = (url.parse().expect("a URL"), event.parse().expect("an id"));
    let people: Vec<UserId> = told.map(|id| id.parse().expect("an id")).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let scene = Scene::beside(url, event);
        let die = Box::new(|_| std::process::abort());
        match moment {
            "before" => scene.desk.before_commit(Some(die)),
            _ => scene.desk.after_commit(Some(die)),
        }
        scene.desk.hold_for(PEOPLE);
        let ask = |person| scene.register(scene.event, person, Some("mine"));
        settle(people.iter().map(ask)).await;
    });
}
