//! `cargo xtask …`: what developers run. Each command is a file; none needs a built server unless it runs one.

#[cfg(feature = "bench")]
mod bench;
mod ci;
#[cfg(feature = "mails")]
mod mails;
mod new_migration;
mod openapi;
mod podium;
mod process;
mod test;
mod tidy;

use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Developer commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Apply what is pending, or list how the migrations stand.
    Migrate(podium::Migrate),
    /// Take back the last migration.
    Rollback,
    /// Apply the named seeds, or all; or take one back.
    Seed(podium::Seed),
    /// Make the next migration, for both databases.
    NewMigration(new_migration::NewMigration),
    /// Write docs/openapi.json anew from the routes.
    #[command(name = "openapi")]
    OpenApi,
    /// Check the rules that the compiler does not know.
    Tidy,
    /// Run every test.
    Test(test::Test),
    /// Measure the server against its floor and against the database alone.
    #[cfg(feature = "bench")]
    Bench(bench::Arguments),
    /// Measure the server against its floor and against the database alone.
    #[cfg(not(feature = "bench"))]
    #[command(disable_help_flag = true)]
    Bench(process::Again),
    /// Write a sample of every message to target/mails, to be looked at.
    #[cfg(feature = "mails")]
    Mails(mails::Mails),
    /// Write a sample of every message to target/mails, to be looked at.
    #[cfg(not(feature = "mails"))]
    #[command(disable_help_flag = true)]
    Mails(process::Again),
    /// Run what has to pass before a change goes in.
    Ci,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Migrate(command) => command.run(),
        Command::Rollback => podium::rollback(),
        Command::Seed(command) => command.run(),
        Command::NewMigration(command) => command.run(&root()),
        Command::OpenApi => openapi::run(&root()),
        Command::Tidy => tidy::run(&root()),
        Command::Test(command) => command.run(),
        #[cfg(feature = "bench")]
        Command::Bench(arguments) => bench::run(arguments).map(|()| ExitCode::SUCCESS),
        #[cfg(not(feature = "bench"))]
        Command::Bench(again) => again.run("bench", "--release"),
        #[cfg(feature = "mails")]
        Command::Mails(command) => command.run(&root()),
        #[cfg(not(feature = "mails"))]
        Command::Mails(again) => again.run("mails", "--profile=dev"),
        Command::Ci => ci::run(&root()),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .to_owned()
}
