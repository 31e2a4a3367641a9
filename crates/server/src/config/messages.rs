//! The sections `mail`, `sms` and `worker`, read.

use super::{Secret, error::ConfigError, filled, sections, within};
use std::time::Duration;

/// How mails leave.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The server that takes them, with user and password; without, they are written as files.
    pub smtp_url: Option<Secret>,
    /// Whom they are from: `Name <address>` or an address.
    pub from: String,
    /// Mails of one campaign that leave in a minute at the most.
    pub campaign_per_minute: u32,
}

/// How text messages leave.
#[derive(Debug, Clone)]
pub struct Sms {
    /// Who takes them; without, nobody gets one.
    pub gateway: Option<SmsGateway>,
}

/// A gateway for text messages in Twilio's form.
#[derive(Debug, Clone)]
pub struct SmsGateway {
    /// Where it is.
    pub url: String,
    /// Who we are to it.
    pub account_sid: String,
    /// What shows that it is us.
    pub auth_token: Secret,
    /// The number or name that they are from.
    pub from: String,
}

/// Who sends what waits in the queue.
#[derive(Debug, Clone, Copy)]
pub struct Worker {
    /// Whether `podium serve` does.
    pub enabled: bool,
    /// Messages that one process sends at the same time.
    pub concurrency: usize,
    /// How long a claimed message is the claimer's own; it is renewed while it works.
    pub lease: Duration,
}

impl Mail {
    pub(super) fn read(section: sections::Mail) -> Result<Self, ConfigError> {
        let smtp_url = section.smtp_url.filter(|url| !url.expose().is_empty());
        if let Some(url) = &smtp_url {
            // The reason repeats nothing of the URL, which holds a password.
            gateway::check_smtp_url(url.expose())
                .map_err(|reason| ConfigError::value("mail.smtp_url", reason.to_string()))?;
        }
        gateway::check_sender(&section.from)
            .map_err(|reason| ConfigError::value("mail.from", format!("`{}` {reason}", section.from)))?;
        within(
            "mail.campaign_per_minute",
            section.campaign_per_minute,
            1..=1_000_000,
        )?;
        Ok(Self {
            smtp_url,
            from: section.from,
            campaign_per_minute: section.campaign_per_minute,
        })
    }
}

impl Sms {
    pub(super) fn read(section: sections::Sms) -> Result<Self, ConfigError> {
        let Some(url) = filled(section.url) else {
            return Ok(Self { gateway: None });
        };
        if !gateway::is_safe_url(&url) {
            return Err(ConfigError::value(
                "sms.url",
                "is to begin with https://, or with http:// and a loopback address",
            ));
        }
        if gateway::names_a_user(&url) {
            // The URL is logged and shown, and is not repeated here.
            return Err(ConfigError::value(
                "sms.url",
                "is to hold neither user nor password: they are sms.account_sid and sms.auth_token",
            ));
        }
        let missing = |key| move || ConfigError::value(key, "is missing beside sms.url");
        let gateway = SmsGateway {
            url,
            account_sid: filled(section.account_sid).ok_or_else(missing("sms.account_sid"))?,
            auth_token: section
                .auth_token
                .filter(|token| !token.expose().is_empty())
                .ok_or_else(missing("sms.auth_token"))?,
            from: filled(section.from).ok_or_else(missing("sms.from"))?,
        };
        Ok(Self {
            gateway: Some(gateway),
        })
    }
}

impl Worker {
    pub(super) fn read(section: &sections::Worker) -> Result<Self, ConfigError> {
        within("worker.concurrency", section.concurrency, 1..=64)?;
        within("worker.lease", section.lease, 5..=600)?;
        Ok(Self {
            enabled: section.enabled,
            concurrency: section.concurrency as usize,
            lease: Duration::from_secs(section.lease.into()),
        })
    }
}
