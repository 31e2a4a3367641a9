//! The binary sends a campaign to thousands while it is killed and held, and while people unsubscribe: nobody gets two copies but
//! for what was under way at a kill, nobody gets one after saying no, and what is told of it is what the mail server saw.

use crate::campaigns::scene::Scene;
use crate::reminders::fill;
use crate::sending::post::eventually;
use crate::support::sql;
use kernel::{Clock, DeliveryId, SystemClock};
use notification::unsubscribe_token;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use testkit::environment::scaled;
use testkit::smtp::SmtpServer;
use testkit::{Harness, TestDatabase, on_both_databases};

on_both_databases! {
    a_campaign_reaches_everybody_once_through_kills,
    a_campaign_that_is_given_up_stops_within_a_second,
}

/// Mails that a process sends at the same time.
const SENDERS: usize = 4;
const KILLS: usize = 3;
/// As fast as it goes.
const PER_MINUTE: &str = "1000000";

/// The binary at work. It is killed when this is dropped.
struct Process {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Process {
    fn start(scene: &Scene, server: &SmtpServer) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let child = Command::new(env!("CARGO_BIN_EXE_podium"))
            .current_dir(folder.path())
            .env_clear()
            .envs(scene.harness.operator_environment())
            .env("PODIUM_HTTP__ADDRESS", "127.0.0.1:0")
            .env("PODIUM_DATABASE__POOL_SIZE", "4")
            .env("PODIUM_MAIL__SMTP_URL", server.url())
            .env("PODIUM_MAIL__CAMPAIGN_PER_MINUTE", PER_MINUTE)
            .env("PODIUM_WORKER__CONCURRENCY", SENDERS.to_string())
            .env("PODIUM_WORKER__LEASE", "5")
            .env("PODIUM_LOG__LEVEL", "warn")
            .arg("serve")
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        Self {
            child,
            _folder: folder,
        }
    }

    /// As by `kill -9`.
    fn kill(mut self) {
        self.child.kill().expect("an end");
        self.child.wait().expect("an end");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A campaign for so many people, approved, by the machine's clock, which the binary goes by.
async fn approved(database: TestDatabase, people: usize) -> (Scene, String) {
    let harness = Harness::start(database).await;
    harness.clock().set(SystemClock.now());
    let scene = Scene::over(harness, 0).await;
    fill(&scene.harness, scene.event, people);
    // The candidate has a seat too.
    let seat = format!(
        "UPDATE events SET seats_taken = seats_taken + 1 WHERE id = '{}'",
        scene.event
    );
    sql(&scene.harness, &seat);
    let id = scene.approved("event").await;
    scene.silence_others();
    (scene, id)
}

fn guest(number: usize) -> String {
    format!("g{number}@example.org")
}

/// How many copies each got, and under which names.
fn arrived(server: &SmtpServer) -> HashMap<String, Vec<String>> {
    let mut by_recipient: HashMap<String, Vec<String>> = HashMap::new();
    for mail in server.received() {
        by_recipient
            .entry(mail.to.join(","))
            .or_default()
            .push(mail.message_id());
    }
    by_recipient
}

/// The person says that they want no campaigns, by one click in a mail program. Which copy the link is of does not matter.
async fn unsubscribe(scene: &Scene, email: &str) {
    let copy: DeliveryId = scene.harness.system().new_id();
    let token = unsubscribe_token(&scene.harness.server_keys(), copy, email);
    let click = scene.harness.client().post(&format!("/unsubscribe/{token}"));
    click.await.expect(200);
}

/// The number of somebody who has no mail yet, searched from the end: those who are written to last.
fn last_without(server: &SmtpServer, people: usize, besides: &HashSet<String>) -> Option<usize> {
    let arrived = arrived(server);
    let waits = |number: &usize| {
        let email = guest(*number);
        !arrived.contains_key(&email) && !besides.contains(&email)
    };
    (0..people).rev().step_by(3).find(waits)
}

async fn a_campaign_reaches_everybody_once_through_kills(database: TestDatabase) {
    let people = scaled(10_000);
    let (scene, id) = approved(database, people).await;
    let server = SmtpServer::start();
    let part = people / (KILLS + 2);
    let (mut said_no, mut had_before) = (HashSet::new(), HashSet::new());
    for kill in 0..KILLS {
        let process = Process::start(&scene, &server);
        let until = part * (kill + 1);
        eventually("a part of the mails", || async { server.count() >= until }).await;
        // Some say no while it is sent: from the answer on no mail to them begins.
        for _ in 0..5 {
            let Some(number) = last_without(&server, people, &said_no) else {
                break;
            };
            let email = guest(number);
            unsubscribe(&scene, &email).await;
            // What had begun before arrives within a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
            if arrived(&server).contains_key(&email) {
                had_before.insert(email.clone());
            }
            said_no.insert(email);
        }
        process.kill();
        // And some while nothing is sent: some of them got it, some wait, and of some the mail was under way.
        let arrived = arrived(&server);
        for number in (kill..people).step_by(97).take(20) {
            let email = guest(number);
            unsubscribe(&scene, &email).await;
            if arrived.contains_key(&email) {
                had_before.insert(email.clone());
            }
            said_no.insert(email);
        }
    }
    let process = Process::start(&scene, &server);
    let until = part * (KILLS + 1);
    eventually("more of the mails", || async { server.count() >= until }).await;
    scene.decides(&id, "pause", json!({})).await.expect(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let then = server.count();
    assert!(then < people - said_no.len(), "it was held in the middle");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(server.count(), then, "a second later nothing is begun any more");
    assert_eq!(scene.status(&id).await, "paused");
    let resume = format!("/campaigns/{id}/resume");
    scene.reviewer.client.post(&resume).await.expect(200);
    eventually("the end", || async { scene.status(&id).await == "sent" }).await;
    process.kill();

    let arrived = arrived(&server);
    let twice: usize = arrived.values().map(|names| names.len() - 1).sum();
    println!("{twice} of {people} came once more in {KILLS} kills");
    assert!(twice <= KILLS * SENDERS, "{twice} copies more");
    for (to, names) in &arrived {
        assert!(names.iter().all(|name| *name == names[0]), "{to}: {names:?}");
    }
    let late: Vec<&String> = said_no
        .iter()
        .filter(|email| arrived.contains_key(*email) && !had_before.contains(*email))
        .collect();
    assert!(late.is_empty(), "{late:?} got it after they said no");
    let missing: Vec<String> = (0..people)
        .map(guest)
        .filter(|email| !arrived.contains_key(email) && !said_no.contains(email))
        .collect();
    assert!(missing.is_empty(), "{} got none: {missing:?}", missing.len());
    // What is told is what was seen, but for those who got it in the moment of a kill, before that was written down, and said
    // no before it could be sent to them once more.
    let progress = scene.campaign(&id).await["progress"].clone();
    let sent = usize::try_from(progress["sent"].as_u64().expect("a count")).expect("a count");
    let unwritten = arrived.len() - sent;
    assert!(unwritten <= KILLS * SENDERS, "{unwritten}");
    assert_eq!(
        progress,
        json!({"total": sent, "sent": sent, "failed": 0, "percent": 100, "votes_won": 0})
    );
    let skipped = usize::try_from(scene.count("skipped").await).expect("a count");
    assert_eq!(sent + skipped, people);
    scene.harness.assert_invariants().await;
}

async fn a_campaign_that_is_given_up_stops_within_a_second(database: TestDatabase) {
    let people = scaled(10_000);
    let (scene, id) = approved(database, people).await;
    let server = SmtpServer::start();
    let process = Process::start(&scene, &server);
    eventually("some mails", || async { server.count() >= people / 10 }).await;
    scene.decides(&id, "cancel", json!({})).await.expect(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let then = server.count();
    assert!(then < people, "it was given up in the middle");
    eventually("all skipped", || async {
        scene.count("waiting").await + scene.count("queued").await == 0
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.count(), then);
    process.kill();
    let arrived = arrived(&server);
    assert_eq!(arrived.len(), then, "nobody got two");
    assert_eq!(usize::try_from(scene.count("sent").await), Ok(then));
    scene.harness.assert_invariants().await;
}
