//! The binary that serves and logs everything, with what it said.

use super::holds;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

/// The key that the server signs with.
pub const SIGNING_KEY: [u8; 32] = *b"the signing key of a loud server";
/// The same in base64.
pub const SIGNING_KEY_TEXT: &str = "dGhlIHNpZ25pbmcga2V5IG9mIGEgbG91ZCBzZXJ2ZXI=";

/// A server that is ended when this is dropped.
pub struct Binary {
    process: Child,
    folder: PathBuf,
    database: String,
    address: String,
    log: Option<JoinHandle<Vec<String>>>,
    /// What commands beside it said.
    said: String,
}

/// What it said.
pub struct Log {
    /// The lines of the log.
    pub lines: Vec<Value>,
    /// Everything else, on either output.
    pub other: String,
}

impl Log {
    /// Whether a text stands in a line.
    pub fn finds(&self, text: &str) -> bool {
        self.lines_with(text).next().is_some()
    }

    /// The lines in which a text stands.
    pub fn lines_with(&self, text: &str) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(move |line| holds_in(line, text))
    }
}

/// Looks at every name and every text but the time, whose digits are any; what is a number is no secret.
fn holds_in(value: &Value, text: &str) -> bool {
    match value {
        Value::String(said) => holds(said, text),
        Value::Array(items) => items.iter().any(|item| holds_in(item, text)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "timestamp")
            .any(|(name, value)| holds(name, text) || holds_in(value, text)),
        _ => false,
    }
}

fn command(folder: &Path, database: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podium"));
    command
        .current_dir(folder)
        .env_clear()
        .env("PODIUM_HTTP__ADDRESS", "127.0.0.1:0")
        .env("PODIUM_DATABASE__URL", database)
        .env("PODIUM_AUTH__BCRYPT_COST", "4")
        .env("PODIUM_AUTH__SIGNING_KEY", SIGNING_KEY_TEXT)
        .env("PODIUM_LIMITS__ENABLED", "false")
        // What is in the queue is looked at; `work` sends it at the end.
        .env("PODIUM_WORKER__ENABLED", "false")
        .env("PODIUM_LOG__FORMAT", "json")
        .env("PODIUM_LOG__LEVEL", "trace")
        .env("PODIUM_LOG__REQUESTS", "all")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Binary {
    /// Starts it and waits until it serves.
    pub fn serve(folder: &Path, database: &str) -> Self {
        let mut process = command(folder, database, &["serve"])
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let mut first = Vec::new();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let read: Option<Value> = serde_json::from_str(&line).ok();
            let address = read.and_then(|read| Some(read["address"].as_str()?.to_owned()));
            first.push(line);
            address
        });
        let log = std::thread::spawn(move || {
            first.extend(lines.map_while(Result::ok));
            first
        });
        Self {
            process,
            folder: folder.to_owned(),
            database: database.to_owned(),
            address: address.expect("it says where it serves"),
            log: Some(log),
            said: String::new(),
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `podium admin create` and, besides, `podium doctor`.
    pub fn make_admin(&mut self, password: &str) {
        let arguments = [
            "admin",
            "create",
            "--email",
            "admin@example.org",
            "--name",
            "Admin",
            "--password-stdin",
        ];
        for arguments in [&arguments[..], &["doctor"]] {
            let mut command = command(&self.folder, &self.database, arguments);
            let mut process = command.stdin(Stdio::piped()).spawn().expect("the binary starts");
            let mut input = process.stdin.take().expect("its input");
            // `doctor` reads nothing, and may be gone before it could.
            let _ = writeln!(input, "{password}");
            drop(input);
            let output = process.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{output:?}");
            for bytes in [output.stdout, output.stderr] {
                self.said.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
    }

    /// `podium worker`, until all is sent that waits.
    pub async fn work<F: Future<Output = bool>>(&mut self, smtp_url: &str, is_done: impl Fn() -> F) {
        let mut process = command(&self.folder, &self.database, &["worker"])
            .env("PODIUM_MAIL__SMTP_URL", smtp_url)
            .spawn()
            .expect("the binary starts");
        let reading = [
            read_all(process.stdout.take().expect("its output")),
            read_all(process.stderr.take().expect("its log")),
        ];
        let began = std::time::Instant::now();
        while !is_done().await {
            assert!(began.elapsed().as_secs() < 60, "the worker sends nothing");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        process.kill().expect("it ends");
        process.wait().expect("it ended");
        for said in reading {
            self.said.push_str(&said.join().expect("what it said"));
        }
    }

    /// Ends it and gives what it said.
    pub fn stop(mut self) -> Log {
        self.process.kill().expect("an end");
        let mut other = std::mem::take(&mut self.said);
        let mut output = self.process.stdout.take().expect("its output");
        output.read_to_string(&mut other).expect("text");
        let said = self.log.take().expect("its log").join().expect("its lines");
        let mut lines = Vec::new();
        for line in said {
            match serde_json::from_str(&line) {
                Ok(read) => lines.push(read),
                Err(_) => other.push_str(&line),
            }
        }
        Log { lines, other }
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read_all(mut output: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let _ = output.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    })
}
