//! The commands that the binary itself has: `migrate`, `rollback`, `seed`. They call it through cargo.

use crate::process;
use clap::{Args, ValueEnum};
use std::process::ExitCode;

/// The arguments of `migrate`; alone it means `up`.
#[derive(Debug, Args)]
pub struct Migrate {
    #[arg(value_enum)]
    what: Option<What>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Apply what is pending.
    Up,
    /// Take back the last migration.
    Down,
    /// List every migration and how it stands.
    Status,
}

impl Migrate {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let what = match self.what {
            None | Some(What::Up) => "up",
            Some(What::Down) => "down",
            Some(What::Status) => "status",
        };
        podium(&["migrate".to_owned(), what.to_owned()])
    }
}

/// Takes back the last migration.
pub fn rollback() -> anyhow::Result<ExitCode> {
    podium(&["migrate".to_owned(), "down".to_owned()])
}

/// The arguments of `seed`; alone it applies all.
#[derive(Debug, Args)]
pub struct Seed {
    /// The seeds to apply, with their number or without; all where none is named.
    names: Vec<String>,
    /// Take back the named seed, or the one that was applied last.
    #[arg(long, value_name = "NAME", num_args = 0..=1, conflicts_with = "names")]
    #[expect(clippy::option_option, reason = "absent, without a name, with a name")]
    undo: Option<Option<String>>,
}

impl Seed {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut arguments = vec!["seed".to_owned()];
        arguments.extend(self.names);
        if let Some(name) = self.undo {
            arguments.push("--undo".to_owned());
            arguments.extend(name);
        }
        podium(&arguments)
    }
}

fn podium(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut command = process::cargo(["run", "--quiet", "--package", "podium", "--"]);
    Ok(process::code_of(process::run(command.args(arguments))?))
}
