//! The command line: which commands there are, and which function runs each.

use crate::commands::{admin, doctor, mail, migrate, openapi, seed, serve, worker};
use crate::config::Config;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A self-hosted backend for events and conferences.
#[derive(Debug, Parser)]
#[command(name = "podium", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// One line here and one in [`Cli::run`] for each command.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API; this is what no command means.
    Serve(serve::Serve),
    /// Send the messages that wait, without serving the API; any number of these may run beside servers.
    Worker(worker::Worker),
    /// Bring the schema forward or back, or see how it stands.
    Migrate(migrate::Migrate),
    /// Fill the database with things to try, or take them back. Refused in production.
    Seed(seed::Seed),
    /// Make admins.
    Admin(admin::Admin),
    /// Look at the messages that wait to be sent, were sent, or were given up.
    Mail(mail::Mail),
    /// Print the configuration in force and check each part.
    Doctor(doctor::Doctor),
    /// Print the OpenAPI document, as `/api-docs/openapi.json` serves it but with line breaks.
    #[command(hide = true, name = "openapi")]
    OpenApi(openapi::OpenApi),
}

impl Cli {
    /// Reads the configuration and runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut out = std::io::stdout();
        let command = match self.command.unwrap_or(Command::Serve(serve::Serve {})) {
            Command::OpenApi(command) => return command.run(&mut out),
            command => command,
        };
        let config = Config::of_this_process()?;
        match command {
            Command::OpenApi(command) => command.run(&mut out),
            Command::Serve(command) => command.run(&config),
            Command::Worker(command) => command.run(&config),
            Command::Admin(command) => command.run(&config, &mut out),
            Command::Migrate(command) => command.run(&config, &mut out),
            Command::Seed(command) => command.run(&config, &mut out),
            Command::Mail(command) => command.run(&config, &mut out),
            Command::Doctor(command) => command.run(&config, &mut out),
        }
    }
}
