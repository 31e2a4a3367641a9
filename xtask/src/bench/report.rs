//! What a run found: a table for people, and a file for comparing runs.

use super::load::Outcome;
use super::memory::Memory;
use anyhow::Result;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What a throughput is measured against.
#[derive(Debug, Clone, Serialize)]
pub struct Reference {
    /// In words: the floor, or the database alone.
    pub name: &'static str,
    /// Its operations a second.
    pub throughput: f64,
}

/// One measured scenario.
#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    throughput: f64,
    reference: Option<Reference>,
    ratio: Option<f64>,
    milliseconds: Latency,
    statuses: BTreeMap<u16, u64>,
    failures: u64,
    first_failure: Option<String>,
    memory: Option<Memory>,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

/// All that a run found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What was asked for.
    pub settings: BTreeMap<&'static str, String>,
    /// From the server's start to its first answer, in milliseconds.
    pub started_in_milliseconds: Option<f64>,
    /// The server's memory without load.
    pub idle: Option<Memory>,
    /// The scenarios, in the order they ran.
    pub rows: Vec<Row>,
}

impl Row {
    /// Sums one run up.
    pub fn new(name: &str, outcome: &Outcome, reference: Option<Reference>, memory: Option<Memory>) -> Self {
        let throughput = outcome.throughput();
        let at = |quantile| milliseconds(outcome.latency.value_at_quantile(quantile));
        Self {
            name: name.to_owned(),
            throughput,
            ratio: reference
                .as_ref()
                .map(|reference| throughput / reference.throughput),
            reference,
            milliseconds: Latency {
                p50: at(0.5),
                p90: at(0.9),
                p99: at(0.99),
                max: milliseconds(outcome.latency.max()),
            },
            statuses: outcome.statuses.clone(),
            failures: outcome.failures,
            first_failure: outcome.first_failure.clone(),
            memory,
        }
    }

    fn line(&self) -> String {
        let Latency { p50, p90, p99, max } = self.milliseconds;
        let ratio = match (&self.reference, self.ratio) {
            (Some(reference), Some(ratio)) => {
                format!("{ratio:.2} of {} ({:.0}/s)", reference.name, reference.throughput)
            }
            _ => String::new(),
        };
        let memory = self
            .memory
            .map_or(String::new(), |memory| mebibytes(memory.resident));
        let statuses: Vec<String> = self
            .statuses
            .iter()
            .map(|(status, count)| format!("{status}×{count}"))
            .collect();
        let mut line = format!(
            "{:<28} {:>9.0} {p50:>8.2} {p90:>8.2} {p99:>8.2} {max:>8.1} {memory:>9}  {:<40} {}",
            self.name,
            self.throughput,
            ratio,
            statuses.join(" ")
        );
        if let Some(failure) = &self.first_failure {
            let _ = write!(
                line,
                "\n  {} requests failed, the first: {failure}",
                self.failures
            );
        }
        line
    }
}

impl Report {
    /// The table.
    pub fn table(&self) -> String {
        let mut lines = Vec::new();
        if let (Some(started), Some(idle)) = (self.started_in_milliseconds, self.idle) {
            let idle = mebibytes(idle.resident);
            lines.push(format!(
                "first answer {started:.0} ms after the start; {idle} of memory without load"
            ));
        }
        lines.push(format!(
            "{:<28} {:>9} {:>8} {:>8} {:>8} {:>8} {:>9}  {:<40} answers",
            "scenario", "per s", "p50 ms", "p90 ms", "p99 ms", "max ms", "memory", "compared"
        ));
        lines.extend(self.rows.iter().map(Row::line));
        lines.join("\n")
    }

    /// Writes the file, named by the time, into a folder, and gives its path.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let time = DateTime::<Utc>::from(SystemTime::now()).format("%Y-%m-%dT%H-%M-%SZ");
        let path = folder.join(format!("{time}.json"));
        std::fs::write(&path, serde_json::to_string_pretty(self)?)?;
        Ok(path.canonicalize()?)
    }

    /// Takes down how long the server took to start.
    pub fn started_in(&mut self, time: Duration) {
        self.started_in_milliseconds = Some(time.as_secs_f64() * 1000.0);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "latencies are far below 2^52 microseconds"
)]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a rounded figure for people")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}
