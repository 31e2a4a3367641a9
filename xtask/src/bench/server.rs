//! The server under measurement: the release build, as a process of its own.

use super::fetch;
use super::memory::{self, Memory};
use super::token;
use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the server may take to be ready, migrations included.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long it may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// After this time without requests its memory counts as idle.
const IDLE: Duration = Duration::from_secs(2);

/// What the server is told.
pub struct Settings<'a> {
    /// The database.
    pub database_url: &'a str,
    /// The key that access tokens are signed with, base64.
    pub signing_key: &'a str,
    /// Threads that answer.
    pub workers: usize,
}

/// A running server. It is killed when this is dropped without [`Server::stop`].
pub struct Server {
    process: Child,
    _folder: tempfile::TempDir,
    /// Where it answers.
    pub address: SocketAddr,
    /// From its start to its first answer that it is ready.
    pub started_in: Duration,
}

/// The program that was named, or else the server as it is delivered, built now.
pub fn given_or_built(program: Option<&Path>) -> Result<PathBuf> {
    match program {
        Some(program) => program
            .canonicalize()
            .with_context(|| format!("{} is not there", program.display())),
        None => build(),
    }
}

/// Builds the server as it is delivered and gives the path of the program.
fn build() -> Result<PathBuf> {
    let mut command = Command::new("cargo");
    command.args([
        "build",
        "--release",
        "--package",
        "podium",
        "--message-format",
        "json-render-diagnostics",
    ]);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not run")?;
    anyhow::ensure!(output.status.success(), "the server does not build");
    let messages = String::from_utf8(output.stdout)?;
    messages
        .lines()
        .find_map(program_of)
        .context("the build made no program podium")
}

/// The program that a message of the build names, if it is the server.
fn program_of(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let is_server = message["target"]["name"] == "podium" && message["reason"] == "compiler-artifact";
    if is_server {
        message["executable"].as_str().map(PathBuf::from)
    } else {
        None
    }
}

impl Server {
    /// Starts the program over an empty folder, and waits until it is ready.
    pub fn start(program: &Path, settings: &Settings<'_>) -> Result<Self> {
        Self::start_with(program, settings, &[])
    }

    /// The same with some things configured besides.
    pub fn start_with(
        program: &Path,
        settings: &Settings<'_>,
        besides: &[(&'static str, String)],
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut command = Command::new(program);
        forget_own_settings(&mut command);
        command
            .arg("serve")
            .current_dir(folder.path())
            .env("PODIUM_DATA__DIR", folder.path());
        for (key, value) in environment(address, settings)
            .into_iter()
            .chain(besides.iter().cloned())
        {
            command.env(key, value);
        }
        let began = Instant::now();
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("the server does not run")?;
        let mut server = Self {
            process,
            _folder: folder,
            address,
            started_in: Duration::ZERO,
        };
        server.wait_until_ready(began)?;
        server.started_in = began.elapsed();
        Ok(server)
    }

    fn wait_until_ready(&mut self, began: Instant) -> Result<()> {
        while !fetch::get(self.address, "/health/ready").is_ok_and(|answer| answer.status == 200) {
            if let Some(status) = self.process.try_wait()? {
                bail!("the server ended before it was ready: {status}");
            }
            anyhow::ensure!(
                began.elapsed() < START_LIMIT,
                "the server was not ready within {START_LIMIT:?}"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Its memory now.
    pub fn memory(&self) -> Result<Memory> {
        memory::of(self.process.id())
    }

    /// Its memory after a while without requests.
    pub fn idle_memory(&self) -> Result<Memory> {
        std::thread::sleep(IDLE);
        self.memory()
    }

    /// Asks it to stop and waits until it has; gives how long that took.
    pub fn stop(mut self) -> Result<Duration> {
        let asked = Instant::now();
        kill(Pid::from_raw(i32::try_from(self.process.id())?), Signal::SIGTERM)?;
        loop {
            if let Some(status) = self.process.try_wait()? {
                anyhow::ensure!(status.success(), "the server stopped with {status}");
                return Ok(asked.elapsed());
            }
            anyhow::ensure!(
                asked.elapsed() < STOP_LIMIT,
                "the server did not stop within {STOP_LIMIT:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// What this shell has set for another server must not reach this one.
pub fn forget_own_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PODIUM_") {
            command.env_remove(name);
        }
    }
}

fn environment(address: SocketAddr, settings: &Settings<'_>) -> [(&'static str, String); 10] {
    [
        ("PODIUM_HTTP__ADDRESS", address.to_string()),
        ("PODIUM_HTTP__WORKERS", settings.workers.to_string()),
        ("PODIUM_DATABASE__URL", settings.database_url.to_owned()),
        ("PODIUM_DATABASE__MIGRATE_ON_START", "true".to_owned()),
        ("PODIUM_AUTH__SIGNING_KEY", settings.signing_key.to_owned()),
        ("PODIUM_AUTH__ISSUER", token::ISSUER.to_owned()),
        ("PODIUM_AUTH__AUDIENCE", token::AUDIENCE.to_owned()),
        ("PODIUM_LIMITS__ENABLED", "false".to_owned()),
        ("PODIUM_LOG__LEVEL", "warn".to_owned()),
        ("PODIUM_LOG__REQUESTS", "none".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_the_messages() {
        let server =
            r#"{"reason":"compiler-artifact","target":{"name":"podium"},"executable":"/t/release/podium"}"#;
        let library = r#"{"reason":"compiler-artifact","target":{"name":"server"},"executable":null}"#;
        assert_eq!(program_of(server), Some(PathBuf::from("/t/release/podium")));
        assert_eq!(program_of(library), None);
    }
}
