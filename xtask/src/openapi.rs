//! `cargo xtask openapi`: the API's description as a file, for those who read or generate code without a server.
//! A test of the server holds the file against the routes.

use crate::process;
use anyhow::{Context, ensure};
use std::path::Path;
use std::process::{ExitCode, Stdio};

const FILE: &str = "docs/openapi.json";

/// Runs the command.
pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let mut command = process::cargo(["run", "--quiet", "--package", "podium", "--", "openapi"]);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be started")?;
    ensure!(
        output.status.success(),
        "podium openapi ended with {}",
        output.status
    );
    std::fs::write(root.join(FILE), output.stdout).context(FILE)?;
    println!("wrote {FILE}");
    Ok(ExitCode::SUCCESS)
}
