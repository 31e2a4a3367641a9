//! The database alone, under the statements that an operation of the server runs: the ceiling that writes are measured
//! against.

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// One run of pgbench.
pub struct Run<'a> {
    /// The folder of the PostgreSQL programs.
    pub binaries: &'a Path,
    /// The database.
    pub url: &'a str,
    /// The script's text.
    pub script: &'a str,
    /// `-D` variables of the script.
    pub variables: &'a [(&'a str, String)],
    /// Connections at work at the same time.
    pub clients: usize,
    /// Threads of pgbench.
    pub threads: usize,
    /// How long.
    pub duration: Duration,
}

/// What pgbench found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Transactions a second, without the time of connecting.
    pub throughput: f64,
    /// The mean time of one transaction, in milliseconds.
    pub mean_milliseconds: f64,
    /// Transactions done.
    pub transactions: u64,
    /// Transactions that failed.
    pub failed: u64,
}

impl Run<'_> {
    /// Runs the script and reads the summary.
    pub fn measure(&self) -> Result<Figures> {
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("script.sql");
        std::fs::write(&script, self.script)?;
        let mut command = Command::new(self.binaries.join("pgbench"));
        command.args(["-n", "-M", "prepared", "-f"]).arg(&script);
        command.args([
            "-c",
            &self.clients.to_string(),
            "-j",
            &self.threads.min(self.clients).to_string(),
        ]);
        command.args(["-T", &self.duration.as_secs().max(1).to_string()]);
        for (name, value) in self.variables {
            command.args(["-D", &format!("{name}={value}")]);
        }
        let output = command
            .arg(self.url)
            .env("LC_ALL", "C")
            .output()
            .context("pgbench does not run")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench failed: {errors}");
        parse(&String::from_utf8_lossy(&output.stdout))
    }
}

fn parse(summary: &str) -> Result<Figures> {
    let after = |label: &str| {
        let line = summary.lines().find_map(|line| line.trim().strip_prefix(label));
        let line = line.with_context(|| format!("pgbench said nothing of {label:?}:\n{summary}"))?;
        Ok::<&str, anyhow::Error>(line.split_whitespace().next().unwrap_or_default())
    };
    let transactions = after("number of transactions actually processed:")?;
    Ok(Figures {
        throughput: after("tps =")?.parse()?,
        mean_milliseconds: after("latency average =")?.parse()?,
        transactions: transactions.split('/').next().unwrap_or_default().parse()?,
        failed: after("number of failed transactions:").map_or(Ok(0), str::parse)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = "pgbench (15.18)\ntransaction type: script.sql\nscaling factor: 1\nquery mode: prepared\n\
        number of clients: 4\nnumber of threads: 1\nmaximum number of tries: 1\nduration: 1 s\n\
        number of transactions actually processed: 2512\nnumber of failed transactions: 3 (0.119%)\n\
        latency average = 1.589 ms\ninitial connection time = 6.006 ms\ntps = 2517.329813 (without initial connection time)\n";

    #[test]
    fn the_summary_is_read() {
        let figures = Figures {
            throughput: 2_517.329_813,
            mean_milliseconds: 1.589,
            transactions: 2512,
            failed: 3,
        };
        assert_eq!(parse(SUMMARY).unwrap(), figures);
        assert!(parse("pgbench: error").is_err());
    }
}
