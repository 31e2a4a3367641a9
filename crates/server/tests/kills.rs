//! The binary sends while it is killed, stopped, and not alone: every message arrives, and which may arrive twice.

use crate::sending::post::{Queue, eventually};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::{HashMap, HashSet};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use testkit::environment::{scaled, seed};
use testkit::smtp::{Reaction, Rule, SmtpServer, Stage};
use testkit::{Kind, TestDatabase, on_both_databases};

on_both_databases! {
    every_message_arrives_through_kills,
    three_workers_send_nothing_twice,
    a_worker_that_is_told_to_stop_leaves_nothing_behind,
    a_worker_refuses_a_schema_that_is_behind,
}

/// Messages that each process sends at the same time.
const SENDERS: usize = 4;

/// The binary at work. It is killed when this is dropped.
struct Process {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Process {
    fn start(command: &str, database: &TestDatabase, server: &SmtpServer, lease: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let child = Command::new(env!("CARGO_BIN_EXE_podium"))
            .current_dir(folder.path())
            .env_clear()
            .env("PODIUM_HTTP__ADDRESS", "127.0.0.1:0")
            .env("PODIUM_DATABASE__URL", database.url())
            .env("PODIUM_DATABASE__POOL_SIZE", "4")
            .env("PODIUM_MAIL__SMTP_URL", server.url())
            .env("PODIUM_WORKER__CONCURRENCY", SENDERS.to_string())
            .env("PODIUM_WORKER__LEASE", lease.to_string())
            .env("PODIUM_LOG__LEVEL", "warn")
            .arg(command)
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        Self {
            child,
            _folder: folder,
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    /// As by `kill -9`.
    fn kill(mut self) {
        self.child.kill().expect("an end");
        self.child.wait().expect("an end");
    }

    /// As an operator does; gives whether it ended well.
    fn stop(mut self) -> bool {
        kill(self.pid(), Signal::SIGTERM).expect("a signal");
        self.child.wait().expect("an end").success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The names under which mails came, by recipient.
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

/// Numbers that look random, from a seed that a failed test tells.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

async fn every_message_arrives_through_kills(database: TestDatabase) {
    const KILLS: usize = 6;
    let queue = Queue::of_today(&database);
    let count = scaled(2_000);
    for _ in 0..count {
        queue.mail().await;
    }
    let seed = seed();
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let server = SmtpServer::start();
    let mut killed = 0;
    for _ in 0..KILLS {
        let before = server.count();
        let process = Process::start("serve", &database, &server, 10);
        // Somewhere among the messages, at any moment of one.
        let more = 1 + usize::try_from(dice.below(count as u64 / 10)).expect("a count");
        eventually("some mails", || async {
            server.count() >= before + more || queue.count("outbox WHERE status = 'queued'").await == 0
        })
        .await;
        tokio::time::sleep(Duration::from_micros(dice.below(20_000))).await;
        process.kill();
        killed += 1;
    }
    let process = Process::start("serve", &database, &server, 10);
    queue
        .wait_for(
            "outbox WHERE status = 'done'",
            i64::try_from(count).expect("a count"),
        )
        .await;
    assert!(process.stop());
    let arrived = arrived(&server);
    assert_eq!(arrived.len(), count, "every message arrives");
    let twice = arrived.values().map(|names| names.len() - 1).sum::<usize>();
    println!("{twice} of {count} came once more in {killed} kills");
    assert!(twice <= killed * SENDERS, "{twice} duplicates in {killed} kills");
    for names in arrived.values() {
        assert!(
            names.iter().all(|name| *name == names[0]),
            "a copy has another name: {names:?}"
        );
    }
}

async fn three_workers_send_nothing_twice(database: TestDatabase) {
    const LEASE: u32 = 6;
    let queue = Queue::of_today(&database);
    let count = scaled(2_000);
    for _ in 0..count / 2 {
        queue.mail().await;
    }
    // Each has a server of its own, so that it shows who sent what.
    let servers = [(); 3].map(|()| SmtpServer::start());
    // The first mails of each are held until all have come and found enough to do; those of one longer than their lease:
    // if it did not renew that, the others, who are free by then, would send them too.
    for (server, seconds) in servers.iter().zip([LEASE + 4, LEASE - 2, LEASE - 2]) {
        let held = Reaction::Delay(Duration::from_secs(seconds.into()));
        server.obey(Rule::at(Stage::EndOfContent, held).times(SENDERS));
    }
    let workers: Vec<Process> = servers
        .iter()
        .map(|server| Process::start("worker", &database, server, LEASE))
        .collect();
    // Half of them come while they work.
    for _ in count / 2..count {
        queue.mail().await;
    }
    queue
        .wait_for(
            "outbox WHERE status = 'done'",
            i64::try_from(count).expect("a count"),
        )
        .await;
    assert!(workers.into_iter().all(Process::stop));
    let sent = servers.each_ref().map(SmtpServer::count);
    println!("sent by each: {sent:?}");
    assert!(
        sent.iter().all(|sent| *sent >= SENDERS),
        "one did nothing: {sent:?}"
    );
    assert_eq!(sent.iter().sum::<usize>(), count, "each once");
    let recipients: HashSet<String> = servers
        .iter()
        .flat_map(|server| arrived(server).into_keys())
        .collect();
    assert_eq!(recipients.len(), count);
}

async fn a_worker_that_is_told_to_stop_leaves_nothing_behind(database: TestDatabase) {
    let queue = Queue::of_today(&database);
    for _ in 0..30 {
        queue.mail().await;
    }
    let server = SmtpServer::start();
    server.obey(Rule::at(
        Stage::EndOfContent,
        Reaction::Delay(Duration::from_millis(300)),
    ));
    let process = Process::start("worker", &database, &server, 600);
    eventually("a mail", || async { server.count() >= 1 }).await;
    assert!(process.stop());
    let sent = i64::try_from(server.count()).expect("a count");
    assert!(sent < 30, "it was stopped in the middle");
    assert_eq!(queue.count("outbox WHERE leased_by IS NOT NULL").await, 0);
    assert_eq!(queue.count("outbox WHERE status = 'done'").await, sent);
    assert_eq!(
        queue
            .count("outbox WHERE status = 'queued' AND attempts = 0")
            .await,
        30 - sent
    );
}

async fn a_worker_refuses_a_schema_that_is_behind(database: TestDatabase) {
    let run = |arguments: &[&str]| {
        let folder = tempfile::tempdir().expect("a folder");
        Command::new(env!("CARGO_BIN_EXE_podium"))
            .current_dir(folder.path())
            .env_clear()
            .env("PODIUM_DATABASE__URL", database.url())
            .env("PODIUM_DATABASE__MIGRATE_ON_START", "false")
            .args(arguments)
            .output()
            .expect("the binary runs")
    };
    assert!(run(&["migrate", "down"]).status.success());
    let refused = run(&["worker"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("podium migrate"), "{said}");
}

#[test]
fn a_killed_worker_of_an_sqlite_file_gets_its_messages_back_at_its_start() {
    testkit::both::run(Kind::Sqlite, taken_back);
}

async fn taken_back(database: TestDatabase) {
    let queue = Queue::of_today(&database);
    for _ in 0..10 {
        queue.mail().await;
    }
    let server = SmtpServer::start();
    server.obey(Rule::at(Stage::Data, Reaction::Hang));
    let first = Process::start("worker", &database, &server, 600);
    queue.wait_for("outbox WHERE leased_by IS NOT NULL", 10).await;
    // Beside it, another one takes nothing away from it.
    let second = Process::start("worker", &database, &server, 600);
    let server_of_the_third = SmtpServer::start();
    eventually("the second", || async { lock_holders(&database) == 2 }).await;
    assert_eq!(queue.count("outbox WHERE leased_by IS NOT NULL").await, 10);
    first.kill();
    second.kill();
    // The leases would last for ten minutes more.
    let third = Process::start("serve", &database, &server_of_the_third, 600);
    queue.wait_for("outbox WHERE status = 'done'", 10).await;
    assert!(third.stop());
    assert_eq!(server_of_the_third.count(), 10);
}

/// How many processes have the file open by which workers know of each other.
fn lock_holders(database: &TestDatabase) -> usize {
    let path = std::path::PathBuf::from(format!("{}-workers", database.name()));
    let processes = std::fs::read_dir("/proc").expect("the processes");
    let holds = |process: std::fs::DirEntry| {
        let files = std::fs::read_dir(process.path().join("fd")).ok()?;
        let holds = files
            .flatten()
            .any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == path));
        holds.then_some(())
    };
    processes.flatten().filter_map(holds).count()
}
