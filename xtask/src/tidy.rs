//! `cargo xtask tidy`: the rules that the compiler does not know. Each finding names the file and the rule.

mod crates;
mod data_model;
mod migrations;
mod sources;

use std::path::Path;
use std::process::ExitCode;

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// Where, from the root of the workspace.
    file: String,
    /// Which rule.
    rule: String,
}

impl Finding {
    fn new(file: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            rule: rule.into(),
        }
    }
}

/// Prints every finding; one is enough to fail.
pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let mut findings = crates::check(&crates::workspace(root)?);
    findings.extend(migrations::check(root)?);
    findings.extend(data_model::check(root)?);
    findings.extend(sources::check(root)?);
    findings.sort();
    for finding in &findings {
        println!("{}: {}", finding.file, finding.rule);
    }
    Ok(if findings.is_empty() {
        println!("tidy");
        ExitCode::SUCCESS
    } else {
        println!("{} finding(s)", findings.len());
        ExitCode::FAILURE
    })
}
