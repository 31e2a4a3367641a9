//! The binary `podium`.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match server::cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("podium: {error:#}");
            ExitCode::FAILURE
        }
    }
}
