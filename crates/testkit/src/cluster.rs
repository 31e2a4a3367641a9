//! A PostgreSQL server of the tests' own, started from installed binaries on a free port of 127.0.0.1, with its data
//! in a temporary folder.
//!
//! Invariants: the server and its data end with the process that started them, also when that is killed; a process
//! that runs as root starts it as the account `postgres` (or `nobody`), since PostgreSQL refuses root.

mod binaries;

use crate::environment::{self, Reason};
use crate::guardian::{self, Account, Guardian};
use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a server may take to start before it counts as failed.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Another process may take the free port between its choice and its use: then the next one is tried.
const PORT_ATTEMPTS: usize = 3;

/// Starts the server, waits for the end of the tests, then ends it at once and removes its data.
/// `$1` is the folder, `$2` the program, the rest its arguments. Only the shell keeps the pipe open.
const GUARD_SERVER: &str = r#"
folder=$1; program=$2; shift 2
exec 3<&0
"$program" "$@" </dev/null >"$folder/log" 2>&1 3<&- &
server=$!
cat <&3 >/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
"#;

/// What the server promises about its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: made for tests, where the data is thrown away.
    Throwaway,
    /// A commit survives the loss of power: what a benchmark must measure.
    Durable,
}

/// A running server. It ends when this is dropped, or with the process.
#[derive(Debug)]
pub struct Cluster {
    port: u16,
    binaries: PathBuf,
    folder: PathBuf,
    _guardian: Guardian,
}

impl Cluster {
    /// Starts a server with its data in the machine's folder for temporary files.
    pub fn start(durability: Durability) -> Result<Self, Reason> {
        Self::start_in(&std::env::temp_dir(), durability)
    }

    /// Starts a server with its data in a new folder inside `parent`, which every account must be able to enter.
    pub fn start_in(parent: &Path, durability: Durability) -> Result<Self, Reason> {
        let binaries = binaries::folder()?;
        let account = binaries::unprivileged()?;
        let mut failure = Reason(String::new());
        for _ in 0..PORT_ATTEMPTS {
            match Self::try_start(parent, &binaries, account, durability) {
                Ok(cluster) => return Ok(cluster),
                Err(reason) => failure = reason,
            }
        }
        Err(failure)
    }

    fn try_start(
        parent: &Path,
        binaries: &Path,
        account: Option<Account>,
        durability: Durability,
    ) -> Result<Self, Reason> {
        let folder = tempfile::Builder::new()
            .prefix("podium-pg-")
            .tempdir_in(parent)
            .map_err(because("no folder"))?;
        guardian::give(folder.path(), account).map_err(because("the folder cannot be given away"))?;
        initialise(binaries, folder.path(), account)?;
        let port = free_port().map_err(because("no free port"))?;
        let arguments = server_arguments(binaries, folder.path(), port, durability);
        let arguments = arguments.iter().map(|argument| OsStr::new(argument.as_str()));
        let guardian = Guardian::start(GUARD_SERVER, arguments, account)
            .map_err(because("no shell to watch the server"))?;
        // From here on the guardian removes the folder.
        let cluster = Self {
            port,
            binaries: binaries.to_owned(),
            folder: folder.keep(),
            _guardian: guardian,
        };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// The URL of one of its databases. Anyone on this machine may connect: it holds test data only.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The folder with `psql`, `pgbench` and the other programs of the same version.
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// The process id of the server itself.
    pub fn process_id(&self) -> Option<u32> {
        self.status_file()?.lines().next()?.trim().parse().ok()
    }

    fn status_file(&self) -> Option<String> {
        std::fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()
    }

    /// The eighth line of the server's status file says `ready` once it takes connections.
    fn wait_until_ready(&self) -> Result<(), Reason> {
        let started = Instant::now();
        loop {
            if self
                .status_file()
                .is_some_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
            {
                return Ok(());
            }
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            if log.contains("FATAL") || started.elapsed() > START_LIMIT {
                return Err(Reason(format!("PostgreSQL did not start: {}", log.trim())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The administrative database that this process's tests use: the one that the environment names, or that of a
/// server started now, once for the process.
pub fn shared() -> Result<&'static str, &'static Reason> {
    static SHARED: OnceLock<Result<Shared, Reason>> = OnceLock::new();
    SHARED
        .get_or_init(Shared::find)
        .as_ref()
        .map(|shared| shared.url.as_str())
}

/// A server for a whole run of tests. The commands that the run starts learn of it by their environment.
#[derive(Debug)]
pub struct Shared {
    url: String,
    _cluster: Option<Cluster>,
}

impl Shared {
    /// The server that the environment names, or a new one.
    pub fn find() -> Result<Self, Reason> {
        if let Some(url) = environment::database_url() {
            return Ok(Self { url, _cluster: None });
        }
        let cluster = Cluster::start(Durability::Throwaway)?;
        Ok(Self {
            url: cluster.url("postgres"),
            _cluster: Some(cluster),
        })
    }

    /// Lets a command's tests use this server.
    pub fn hand_to(&self, command: &mut Command) {
        command.env(environment::DATABASE_URL, &self.url);
    }
}

fn initialise(binaries: &Path, folder: &Path, account: Option<Account>) -> Result<(), Reason> {
    let mut command = Command::new(binaries.join("initdb"));
    command.args([
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        "-D",
    ]);
    command
        .arg(folder.join("data"))
        .current_dir(folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    guardian::run_as(&mut command, account);
    let output = command.output().map_err(because("initdb does not run"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Reason(format!(
        "initdb failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    )))
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn server_arguments(binaries: &Path, folder: &Path, port: u16, durability: Durability) -> Vec<String> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut arguments = vec![text(folder), text(&binaries.join("postgres"))];
    arguments.extend(["-D".to_owned(), text(&folder.join("data"))]);
    arguments.extend(["-p".to_owned(), port.to_string(), "-k".to_owned(), text(folder)]);
    for setting in common_settings().iter().chain(settings(durability)) {
        arguments.extend(["-c".to_owned(), (*setting).to_owned()]);
    }
    arguments
}

fn common_settings() -> &'static [&'static str] {
    &[
        "listen_addresses=127.0.0.1",
        "max_connections=300",
        "timezone=UTC",
        "jit=off",
        "wal_level=minimal",
        "max_wal_senders=0",
    ]
}

fn settings(durability: Durability) -> &'static [&'static str] {
    match durability {
        Durability::Throwaway => &[
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
            "shared_buffers=64MB",
            "autovacuum=off",
            "checkpoint_timeout=1h",
        ],
        Durability::Durable => &[
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            "shared_buffers=256MB",
            "max_wal_size=4GB",
        ],
    }
}

fn because<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Reason {
    move |error| Reason(format!("{what}: {error}"))
}
