//! `podium openapi`: the API's description as a file. `cargo xtask openapi` keeps `docs/openapi.json` by it.

use clap::Args;
use std::io::Write;
use std::process::ExitCode;

/// The arguments of `openapi`: none. It needs neither configuration nor database.
#[derive(Debug, Args)]
pub struct OpenApi {}

impl OpenApi {
    /// Runs the command.
    pub fn run(self, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let served = api::openapi::document_json(&api::routes::table());
        let document: serde_json::Value = serde_json::from_slice(&served)?;
        writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
        Ok(ExitCode::SUCCESS)
    }
}
