//! `cargo xtask test`: every test of the workspace, with one set of outside parts for the whole run.

use crate::process;
use clap::Args;
use std::process::{Command, ExitCode};
use testkit::cluster::Shared;

/// The arguments of `test`.
#[derive(Debug, Args)]
pub struct Test {
    /// What is handed on to `cargo test`, such as `-p podium-storage` or the name of a test.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Test {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut command = process::cargo(["test"]);
        // Beside `--workspace` cargo would not look at the package that is named.
        if !self
            .arguments
            .iter()
            .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
        {
            command.args(["--workspace", "--features", "xtask/bench"]);
        }
        command.args(self.arguments);
        let _postgres = with_postgres_of_the_run(&mut command);
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

/// The one place where the run gets its PostgreSQL: the server that `PODIUM_TEST_DATABASE_URL` names, or one of the
/// run's own, which ends with what this gives back. Without any, the tests say what they leave out, or fail where
/// `PODIUM_TEST_REQUIRE` names it.
fn with_postgres_of_the_run(command: &mut Command) -> Option<Shared> {
    match Shared::find() {
        Ok(shared) => {
            shared.hand_to(command);
            Some(shared)
        }
        Err(reason) => {
            eprintln!("no PostgreSQL for the tests: {reason}");
            None
        }
    }
}
