//! `podium mail [list|show ID]`: the messages that wait, were sent or were given up, for the operator to look at.
//!
//! Invariant: a link or a code is shown in the profile development alone, where the one who builds has no other way to
//! them: from the queue while the message waits, from its file when it was written as one.

mod file;

use super::serve::runtime;
use crate::config::{Config, Profile};
use crate::senders::mail_folder;
use anyhow::{Context, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use kernel::{OutboxId, PageRequest, Position, StoreError, TypedId};
use serde_json::Value;
use std::io::Write;
use std::process::ExitCode;
use storage::{MessageDetails, Store, StoreOptions, migrations};

/// The arguments of `mail`; alone it lists.
#[derive(Debug, Args)]
pub struct Mail {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List messages, the newest first: id, time, medium, recipient, kind, status, tries that failed and why.
    List(List),
    /// Show all that a message says.
    Show(Show),
}

#[derive(Debug, Args)]
struct List {
    /// How many, 1 to 100.
    #[arg(long, default_value_t = PageRequest::DEFAULT_LIMIT, value_parser = clap::value_parser!(u16).range(1..=i64::from(PageRequest::MAX_LIMIT)))]
    limit: u16,
    /// Only messages older than the one with this id.
    #[arg(long, value_name = "ID")]
    before: Option<OutboxId>,
}

#[derive(Debug, Args)]
struct Show {
    /// The message, as the list names it.
    id: OutboxId,
}

impl Mail {
    /// Runs the command.
    pub fn run(self, config: &Config, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let action = self.action.unwrap_or(Action::List(List {
            limit: PageRequest::DEFAULT_LIMIT,
            before: None,
        }));
        config.prepare_folders()?;
        let connector = &config.database.connector;
        let pending = migrations::pending(connector).context("the schema cannot be checked")?;
        ensure!(
            pending.is_empty(),
            "the database is behind by {}: run `podium migrate` first",
            pending.join(", ")
        );
        let options = StoreOptions {
            pool_size: 1,
            write_together: false,
            ..StoreOptions::of(connector.clone())
        };
        runtime(config)?.block_on(async move {
            let store = Store::open(&options)?;
            match action {
                Action::List(list) => list.run(&store, out).await,
                Action::Show(show) => show.run(&store, config, out).await,
            }
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, store: &Store, out: &mut dyn Write) -> anyhow::Result<()> {
        let page = PageRequest {
            limit: self.limit,
            after: self.before.map(|id| Position {
                value: 0,
                id: id.uuid(),
            }),
            include_total: false,
        };
        let messages = store.read(move |tx| tx.list_messages(page)).await?;
        if messages.items.is_empty() {
            writeln!(out, "no messages")?;
        }
        for message in &messages.items {
            let tries = match message.attempts {
                0 => String::new(),
                count => format!("  tries: {count}"),
            };
            let error = message.last_error.as_deref().map(printable);
            writeln!(
                out,
                "{}  {}  {}  {}  {}  {}{tries}{}",
                message.id,
                moment(message.created_at),
                message.medium,
                printable(&message.to),
                message.kind,
                message.status,
                error.map_or_else(String::new, |error| format!("  {error}"))
            )?;
        }
        if let (Some(_), Some(last)) = (messages.next, messages.items.last()) {
            writeln!(out, "older ones: podium mail list --before {}", last.id)?;
        }
        Ok(())
    }
}

impl Show {
    async fn run(self, store: &Store, config: &Config, out: &mut dyn Write) -> anyhow::Result<()> {
        let id = self.id;
        let found: Result<_, StoreError> = store.read(move |tx| tx.find_message(id)).await;
        let message = found?.with_context(|| format!("there is no message {id}"))?;
        write_head(&message, out)?;
        for (name, value) in said(&message) {
            writeln!(out, "{:<10} {}", name, printable(&value))?;
        }
        write_secrets(&message, config, out)?;
        write_file(&message, config, out)
    }
}

fn write_head(message: &MessageDetails, out: &mut dyn Write) -> anyhow::Result<()> {
    let summary = &message.summary;
    let name = message.payload["name"].as_str().unwrap_or_default();
    writeln!(out, "{:<10} {}", "id", summary.id)?;
    writeln!(out, "{:<10} {}", "kind", summary.kind)?;
    writeln!(out, "{:<10} {}", "medium", summary.medium)?;
    writeln!(out, "{:<10} {}", "status", summary.status)?;
    writeln!(
        out,
        "{:<10} {} <{}>",
        "to",
        printable(name),
        printable(&summary.to)
    )?;
    writeln!(out, "{:<10} {}", "written", moment(summary.created_at))?;
    if summary.status == "queued" {
        writeln!(out, "{:<10} {}", "due", moment(message.due_at))?;
    }
    if let Some(at) = message.not_after {
        writeln!(out, "{:<10} {}", "not after", moment(at))?;
    }
    if let Some(at) = message.finished_at {
        writeln!(out, "{:<10} {}", "finished", moment(at))?;
    }
    writeln!(out, "{:<10} {}", "tries", summary.attempts)?;
    if let Some(error) = &summary.last_error {
        writeln!(out, "{:<10} {}", "last error", printable(error))?;
    }
    Ok(())
}

/// Names the file of a mail that was written as one; in development it shows the mail's text, since what the message
/// said is gone from the database then.
fn write_file(message: &MessageDetails, config: &Config, out: &mut dyn Write) -> anyhow::Result<()> {
    let Some(path) = file::find(&mail_folder(config), message.summary.id) else {
        return Ok(());
    };
    writeln!(out, "{:<10} {}", "file", path.display())?;
    if config.profile != Profile::Development {
        return Ok(());
    }
    let mail = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    for line in file::text_of(&String::from_utf8_lossy(&mail))
        .iter()
        .flat_map(|text| text.lines())
    {
        writeln!(out, "    {}", printable(line))?;
    }
    Ok(())
}

/// The members of the message with their values, those within others with a dot between; without what is secret.
fn said(message: &MessageDetails) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let of_kind = &message.payload["message"][message.summary.kind.as_str()];
    gather("", of_kind, &mut lines);
    lines
}

fn gather(name: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            let shown = |member: &str| !matches!(member, "secrets" | "ticket_code");
            for (member, value) in members.iter().filter(|(member, _)| shown(member)) {
                let name = if name.is_empty() {
                    member.clone()
                } else {
                    format!("{name}.{member}")
                };
                gather(&name, value, lines);
            }
        }
        Value::Null => {}
        Value::String(text) => lines.push((name.to_owned(), text.clone())),
        other => lines.push((name.to_owned(), other.to_string())),
    }
}

fn write_secrets(message: &MessageDetails, config: &Config, out: &mut dyn Write) -> anyhow::Result<()> {
    let Some(message) = message.queued.as_ref().map(|queued| &queued.message) else {
        return Ok(());
    };
    if let Some((_, _, code)) = message.ticket()
        && config.profile == Profile::Development
    {
        let link = format!("{}/t/{code}", config.http.public_url);
        writeln!(out, "{:<10} {link}", "ticket")?;
    }
    let Some((sealed, _)) = message.secrets() else {
        return Ok(());
    };
    if config.profile != Profile::Development {
        writeln!(
            out,
            "its link and code are shown in the profile development alone"
        )?;
        return Ok(());
    }
    let keys = config.signing_keys()?.server_keys();
    let Some(secrets) = sealed.open(&keys) else {
        writeln!(
            out,
            "its link and code were wiped, or sealed with a key that is not configured"
        )?;
        return Ok(());
    };
    if let Some(link) = message.link(config.http.public_url.as_str(), &secrets) {
        writeln!(out, "{:<10} {link}", "link")?;
    }
    writeln!(out, "{:<10} {}", "code", secrets.code)?;
    Ok(())
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// People choose their names and titles: nothing of them may command the operator's terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
