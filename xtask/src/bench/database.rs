//! The databases of a run: made, filled and asked through `psql`, so that the bench needs no driver.

use anyhow::{Context, Result, ensure};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use testkit::cluster::Cluster;

/// One database of the bench's own cluster.
pub struct Database {
    program: PathBuf,
    /// Where it is.
    pub url: String,
}

impl Database {
    /// Makes an empty database.
    pub fn create(cluster: &Cluster, name: &str) -> Result<Self> {
        let program = cluster.binaries().join("psql");
        let admin = Self {
            program: program.clone(),
            url: cluster.url("postgres"),
        };
        admin.run(&format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
        ))?;
        Ok(Self {
            program,
            url: cluster.url(name),
        })
    }

    /// Applies the migrations, for databases that no server migrates.
    pub fn migrate(&self) -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/postgres");
        let mut steps: Vec<PathBuf> = std::fs::read_dir(&folder)?
            .map(|entry| Ok(entry?.path().join("up.sql")))
            .collect::<std::io::Result<_>>()?;
        steps.sort();
        steps
            .iter()
            .try_for_each(|step| self.run(&std::fs::read_to_string(step)?))
    }

    /// Runs statements; the first that fails ends it.
    pub fn run(&self, sql: &str) -> Result<()> {
        self.ask(sql).map(drop)
    }

    /// Runs a query and gives its rows, a line each, columns with `|` between.
    pub fn ask(&self, sql: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"])
            .arg(&self.url);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("psql does not run")?;
        child
            .stdin
            .take()
            .context("psql takes no input")?
            .write_all(sql.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(
            output.status.success(),
            "psql: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
