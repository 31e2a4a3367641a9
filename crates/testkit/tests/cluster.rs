//! A cluster of our own: it answers, keeps what it promises, and leaves nothing behind.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use testkit::cluster::{Cluster, Durability};
use testkit::environment;

fn psql(cluster: &Cluster, sql: &str) -> Output {
    let program = cluster.binaries().join("psql");
    Command::new(program)
        .args(["-XAtc", sql, &cluster.url("postgres")])
        .output()
        .expect("psql runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// None where no PostgreSQL is installed and it may be left out.
fn start(durability: Durability) -> Option<(Cluster, tempfile::TempDir)> {
    let parent = tempfile::tempdir().expect("a folder");
    // The server's account must be able to enter it, and to remove its own folder from it.
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(parent.path(), open_to_all).expect("permissions");
    match Cluster::start_in(parent.path(), durability) {
        Ok(cluster) => Some((cluster, parent)),
        Err(reason) if environment::requires("postgres") => panic!("{reason}"),
        Err(reason) => {
            println!("LEFT OUT: {reason}");
            None
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn a_cluster_answers_and_leaves_nothing_behind() {
    let Some((cluster, parent)) = start(Durability::Throwaway) else {
        return;
    };
    assert_eq!(text(&psql(&cluster, "SHOW fsync")), "off");
    let process = cluster.process_id().expect("its process id");
    assert!(Path::new(&format!("/proc/{process}")).exists());
    assert_eq!(entries(parent.path()).len(), 1);
    drop(cluster);
    assert!(
        !Path::new(&format!("/proc/{process}")).exists(),
        "the server still runs"
    );
    assert_eq!(entries(parent.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_durable_cluster_waits_for_the_disk() {
    let Some((cluster, _parent)) = start(Durability::Durable) else {
        return;
    };
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(
            text(&psql(&cluster, &format!("SHOW {setting}"))),
            "on",
            "{setting}"
        );
    }
}

/// Runs only as the child of the next test, which tells it the end by closing its input, or by killing it.
#[test]
#[ignore = "a part of a_killed_process_leaves_nothing_behind"]
fn holds_a_cluster() {
    let Some((cluster, parent)) = start(Durability::Throwaway) else {
        return;
    };
    println!(
        "\nholding {} {}",
        cluster.process_id().expect("its process id"),
        parent.path().display()
    );
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

#[test]
fn a_killed_process_leaves_nothing_behind() {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "cluster::holds_a_cluster", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut lines = BufReader::new(child.stdout.take().expect("its output"))
        .lines()
        .map_while(Result::ok);
    let told = lines.find_map(|line| line.strip_prefix("holding ").map(str::to_owned));
    child.kill().expect("a kill");
    child.wait().expect("its end");
    let Some(told) = told else {
        assert!(
            start(Durability::Throwaway).is_none(),
            "the child started no server, but this process can"
        );
        return;
    };
    let (process, parent) = told.split_once(' ').expect("process and folder");
    let killed = Instant::now();
    while Path::new(&format!("/proc/{process}")).exists() || !entries(Path::new(parent)).is_empty() {
        assert!(
            killed.elapsed() < Duration::from_secs(20),
            "the server or its data outlived its process: {told}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    std::fs::remove_dir(parent).expect("the empty folder");
}
