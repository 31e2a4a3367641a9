//! `podium admin create`: the first admin, and any other that the operator makes.

use super::serve::runtime;
use crate::config::Config;
use anyhow::{Context, bail};
use auth::{BcryptCost, CreateAdmin};
use clap::{Args, Subcommand};
use kernel::{Actor, Clock, Ctx, EmailAddress, RequestId, SystemClock, TimeOrderedIds};
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use storage::{Store, StoreOptions, migrations};
use user::PersonName;

/// The arguments of `admin`.
#[derive(Debug, Args)]
pub struct Admin {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an account with the role admin; its password is the first line of the standard input.
    Create(Create),
}

#[derive(Debug, Args)]
struct Create {
    /// The e-mail address; it counts as confirmed.
    #[arg(long)]
    email: String,
    /// How the person is called.
    #[arg(long)]
    name: String,
    /// Read the password from the standard input. A password on the command line could be read by everybody on the
    /// machine, so there is no other way; the flag says that you know.
    #[arg(long, required = true)]
    password_stdin: bool,
}

impl Admin {
    /// Runs the command.
    pub fn run(self, config: &Config, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let Action::Create(create) = self.action;
        create.run(config, out)
    }
}

impl Create {
    fn run(self, config: &Config, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        debug_assert!(self.password_stdin, "clap requires the flag");
        let email: EmailAddress = self.email.parse().context("--email")?;
        let name: PersonName = self.name.parse().context("--name")?;
        let password = CreateAdmin::password(&read_password()?)?;
        let cost = BcryptCost::new(config.auth.bcrypt_cost).context("auth.bcrypt_cost is from 4 to 15")?;
        let hash = password.hash(cost)?;
        config.prepare_folders()?;
        let connector = &config.database.connector;
        if config.database.migrate_on_start {
            migrations::up(connector)?;
        }
        let ctx = Ctx::new(
            SystemClock.now(),
            Actor::System,
            RequestId(Arc::from("podium admin create")),
            Arc::new(TimeOrderedIds::new()),
        );
        let options = StoreOptions {
            pool_size: 2,
            write_together: false,
            ..StoreOptions::of(connector.clone())
        };
        let user = runtime(config)?.block_on(async move {
            let store = Store::open(&options)?;
            let command = CreateAdmin { email, name };
            store
                .write(move |tx| auth::create_admin(tx, &ctx, command.clone(), &hash))
                .await
                .map_err(anyhow::Error::from)
        })?;
        writeln!(out, "{} is an admin now ({})", user.email, user.id)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn read_password() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("the standard input holds no password");
    }
    Ok(password)
}
