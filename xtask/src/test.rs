//! `cargo xtask test`: every test of the workspace, with one set of outside parts for the whole run.

use crate::process;
use clap::Args;
use std::process::{Command, ExitCode};

/// The arguments of `test`.
#[derive(Debug, Args)]
pub struct Test {
    /// What is handed on to `cargo test --workspace`, such as `-p podium-storage` or the name of a test.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Test {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut command = process::cargo(["test", "--workspace"]);
        command.args(self.arguments);
        with_postgres_of_the_run(&mut command);
        Ok(process::code_of(process::run(&mut command)?))
    }
}

/// Runs every test, without arguments of one's own.
pub fn all() -> anyhow::Result<ExitCode> {
    Test {
        arguments: Vec::new(),
    }
    .run()
}

/// The one place where the run gets its PostgreSQL. The tests use the server that `PODIUM_TEST_DATABASE_URL` names,
/// which reaches them with the rest of the environment.
fn with_postgres_of_the_run(_command: &mut Command) {}
