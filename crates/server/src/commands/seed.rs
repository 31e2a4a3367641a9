//! `podium seed [NAME…] [--undo [NAME]]`.

use crate::config::{Config, Profile};
use anyhow::ensure;
use clap::Args;
use kernel::{Clock, SystemClock};
use std::io::Write;
use std::process::ExitCode;
use storage::seeds::{self, SeedOutcome, SeedStep};

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
    pub fn run(self, config: &Config, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        ensure!(
            config.profile != Profile::Production,
            "seeds come with passwords that everybody knows, so production refuses them"
        );
        config.prepare_folders()?;
        let connector = &config.database.connector;
        let now = SystemClock.now();
        if let Some(name) = self.undo {
            return print(&seeds::undo(connector, name.as_deref(), now)?, out);
        }
        let names = if self.names.is_empty() {
            seeds::names()
        } else {
            // All names are looked up before the first is applied.
            self.names
                .iter()
                .map(|name| seeds::resolve(name))
                .collect::<Result<_, _>>()?
        };
        for name in names {
            // One at a time, so that what was done is told also where a later one fails.
            for step in seeds::apply(connector, &[name], now)? {
                print(&step, out)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(step: &SeedStep, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let outcome = match step.outcome {
        SeedOutcome::Applied => "applied",
        SeedOutcome::AlreadyApplied => "already applied",
        SeedOutcome::TakenBack => "taken back",
    };
    writeln!(out, "{}: {outcome}", step.name)?;
    Ok(ExitCode::SUCCESS)
}
