//! `podium doctor`: what is in force, and whether each part works.

use crate::config::{Config, Profile};
use crate::{instance, senders};
use clap::Args;
use kernel::{Clock, SystemClock};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use storage::migrations;

/// The arguments of `doctor`: none.
#[derive(Debug, Args)]
pub struct Doctor {}

/// One part: fine, with a word on it, or not, with the reason.
type Finding = Result<String, String>;

impl Doctor {
    /// Runs the command; the exit code says whether every part works.
    pub fn run(self, config: &Config, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        writeln!(out, "configuration ({})", config.profile)?;
        for (key, value) in config.describe() {
            writeln!(out, "  {key} = {value}")?;
        }
        writeln!(out, "checks")?;
        let mut all_work = true;
        for (part, finding) in check(config) {
            all_work &= finding.is_ok();
            match finding {
                Ok(word) => writeln!(out, "  ok      {part}: {word}")?,
                Err(reason) => writeln!(out, "  FAILED  {part}: {reason}")?,
            }
        }
        Ok(if all_work {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn check(config: &Config) -> Vec<(&'static str, Finding)> {
    vec![
        ("data folder", data_folder(config)),
        ("database", database(config)),
        ("migrations", schema(config)),
        ("public URL", public_url(config)),
        (
            "signing key",
            config.signing_key_source().map_err(|error| error.to_string()),
        ),
        ("google", google(config)),
        ("mail", mail(config)),
        ("sms", sms(config)),
    ]
}

/// Links in mails lead there; in production that is no address of this machine alone.
fn public_url(config: &Config) -> Finding {
    let url = &config.http.public_url;
    if config.profile == Profile::Production && !url.is_https() {
        return Err(format!(
            "{url} is not https; set http.public_url to the address that people open"
        ));
    }
    Ok(format!("links lead to {url}"))
}

fn data_folder(config: &Config) -> Finding {
    config.prepare_folders().map_err(|error| error.to_string())?;
    let folder = &config.data.dir;
    try_writing(folder).map_err(|error| format!("{} cannot be written to: {error}", folder.display()))?;
    Ok(format!("{} can be written to", folder.display()))
}

fn try_writing(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&probe, b"a probe of podium doctor")?;
    std::fs::remove_file(probe)
}

fn database(config: &Config) -> Finding {
    let connector = &config.database.connector;
    connector
        .open()
        .map_err(|error| format!("{} cannot be opened: {error}", connector.url))?;
    Ok(format!("{} answers", connector.url))
}

fn schema(config: &Config) -> Finding {
    let pending = migrations::pending(&config.database.connector).map_err(|error| error.to_string())?;
    if pending.is_empty() {
        Ok("all applied".to_owned())
    } else if config.database.migrate_on_start {
        Ok(format!(
            "{} pending, applied by the next start",
            pending.join(", ")
        ))
    } else {
        Err(format!("{} pending; run podium migrate", pending.join(", ")))
    }
}

fn google(config: &Config) -> Finding {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let google = instance::google(config, &clock).map_err(|error| format!("{error:#}"))?;
    let Some(google) = google else {
        return Ok("off, since google.client_id and google.client_secret are not set".to_owned());
    };
    runtime()?
        .block_on(google.check())
        .map_err(|error| error.to_string())?;
    Ok(format!("{} answers", config.google.issuer))
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

/// Greets the mail server as for a mail, and hands none over.
fn mail(config: &Config) -> Finding {
    let Some(mailer) = senders::smtp(config).map_err(|error| format!("{error:#}"))? else {
        let folder = senders::mail_folder(config);
        return Ok(format!(
            "written to {}, since mail.smtp_url is not set",
            folder.display()
        ));
    };
    runtime()?.block_on(mailer.check())?;
    Ok(format!(
        "{} takes mails from {}",
        mailer.server(),
        config.mail.from
    ))
}

/// Asks the gateway nothing: whatever is asked of it is a text that costs money.
fn sms(config: &Config) -> Finding {
    senders::sms(config).map_err(|error| format!("{error:#}"))?;
    Ok(match &config.sms.gateway {
        Some(gateway) => format!("handed to {}, from {}", gateway.url, gateway.from),
        None => "off, since sms.url is not set".to_owned(),
    })
}
