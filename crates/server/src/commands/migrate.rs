//! `podium migrate [up|down|status]`.

use crate::config::{Config, Profile};
use anyhow::ensure;
use clap::{Args, Subcommand};
use std::io::Write;
use std::process::ExitCode;
use storage::migrations::{self, MigrationState, Standing};

/// The arguments of `migrate`; alone it means `up`.
#[derive(Debug, Args)]
pub struct Migrate {
    #[command(subcommand)]
    direction: Option<Direction>,
}

#[derive(Debug, Subcommand)]
enum Direction {
    /// Apply what is pending.
    Up,
    /// Take back the last migration, and what is in its tables.
    Down {
        /// Meant, also in production.
        #[arg(long)]
        yes: bool,
    },
    /// List every migration and how it stands.
    Status,
}

impl Migrate {
    /// Runs the command.
    pub fn run(self, config: &Config, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        config.prepare_folders()?;
        match self.direction.unwrap_or(Direction::Up) {
            Direction::Up => up(config, out)?,
            Direction::Down { yes } => down(config, yes, out)?,
            Direction::Status => status(config, out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn up(config: &Config, out: &mut dyn Write) -> anyhow::Result<()> {
    let applied = migrations::up(&config.database.connector)?;
    for id in &applied {
        writeln!(out, "applied {id}")?;
    }
    if applied.is_empty() {
        writeln!(out, "nothing to apply")?;
    }
    Ok(())
}

fn down(config: &Config, yes: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    ensure!(
        yes || config.profile != Profile::Production,
        "taking back a migration drops what is in its tables; in production it takes --yes"
    );
    for id in migrations::down(&config.database.connector, 1)? {
        writeln!(out, "took back {id}")?;
    }
    Ok(())
}

fn status(config: &Config, out: &mut dyn Write) -> anyhow::Result<()> {
    let states = migrations::status(&config.database.connector)?;
    let width = states.iter().map(|state| state.id.len()).max().unwrap_or(0);
    for state in states {
        writeln!(out, "{:width$}  {}", state.id, standing(&state))?;
    }
    Ok(())
}

fn standing(state: &MigrationState) -> String {
    let applied = state
        .applied_at
        .map_or_else(String::new, |at| format!("applied {}", at.format("%F %T UTC")));
    match state.standing {
        Standing::Applied => applied,
        Standing::Pending => "pending".to_owned(),
        Standing::Changed => format!("{applied}, but its text has changed since"),
        Standing::Unknown => format!("{applied} by a newer version, unknown to this one"),
    }
}
