//! The configuration in force, for people to read, with its secrets masked.

use super::{Config, secret::MASK};
use std::fmt::Display;
use storage::SqliteSync;

impl Config {
    /// Every key with its value in force, in the order of the catalogue; secrets are masked.
    #[expect(
        clippy::too_many_lines,
        reason = "one line a key, in the order of the catalogue"
    )]
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        let Self {
            http,
            data,
            database,
            auth,
            google,
            cache,
            limits,
            mail,
            sms,
            worker,
            metrics,
            log,
            ..
        } = self;
        let connector = &database.connector;
        vec![
            ("http.address", http.address.to_string()),
            ("http.public_url", http.public_url.to_string()),
            ("http.allowed_origins", list(&http.allowed_origins)),
            ("http.trusted_proxies", list(&http.trusted_proxies)),
            ("http.workers", http.workers.to_string()),
            (
                "http.shutdown_timeout_seconds",
                http.shutdown_timeout.as_secs().to_string(),
            ),
            ("data.dir", data.dir.display().to_string()),
            ("database.url", connector.url.to_string()),
            ("database.pool_size", database.pool_size.to_string()),
            ("database.write_together", database.write_together.to_string()),
            (
                "database.sqlite_synchronous",
                synchronous(connector.sqlite_sync).to_owned(),
            ),
            ("database.migrate_on_start", database.migrate_on_start.to_string()),
            ("database.lock_timeout_ms", connector.lock_timeout_ms.to_string()),
            (
                "database.statement_timeout_ms",
                connector.statement_timeout_ms.to_string(),
            ),
            ("auth.bcrypt_cost", auth.bcrypt_cost.to_string()),
            (
                "auth.require_verified_email",
                auth.require_verified_email.to_string(),
            ),
            ("auth.public_roles", list(&auth.public_roles)),
            (
                "auth.access_token_minutes",
                (auth.access_token_lifetime.as_secs() / 60).to_string(),
            ),
            (
                "auth.session_days",
                (auth.session_lifetime.as_secs() / (24 * 3_600)).to_string(),
            ),
            ("auth.signing_key", masked(auth.signing_key.is_some())),
            (
                "auth.previous_signing_keys",
                list(&vec![MASK; auth.previous_signing_keys.len()]),
            ),
            ("auth.issuer", auth.issuer.clone()),
            ("auth.audience", auth.audience.clone()),
            ("google.issuer", google.issuer.clone()),
            (
                "google.client_id",
                told(google.client.as_ref().map(|client| &client.id)),
            ),
            ("google.client_secret", masked(google.client.is_some())),
            ("google.return_paths", list(&google.return_paths)),
            ("cache.ttl_ms", cache.ttl.as_millis().to_string()),
            ("cache.access_ttl_ms", cache.access_ttl.as_millis().to_string()),
            ("limits.enabled", limits.enabled.to_string()),
            ("limits.requests", limits.requests.to_string()),
            ("limits.per_seconds", limits.per_seconds.to_string()),
            (
                "limits.sign_ins_per_minute",
                limits.sign_ins_per_minute.to_string(),
            ),
            ("limits.pages_per_minute", limits.pages_per_minute.to_string()),
            ("limits.sign_ups_per_hour", limits.sign_ups_per_hour.to_string()),
            ("limits.invites_per_day", limits.invites_per_day.to_string()),
            (
                "limits.announcements_per_day",
                limits.announcements_per_day.to_string(),
            ),
            ("mail.smtp_url", masked(mail.smtp_url.is_some())),
            ("mail.from", mail.from.clone()),
            ("mail.campaign_per_minute", mail.campaign_per_minute.to_string()),
            ("sms.url", told(sms.gateway.as_ref().map(|gateway| &gateway.url))),
            (
                "sms.account_sid",
                told(sms.gateway.as_ref().map(|gateway| &gateway.account_sid)),
            ),
            ("sms.auth_token", masked(sms.gateway.is_some())),
            (
                "sms.from",
                told(sms.gateway.as_ref().map(|gateway| &gateway.from)),
            ),
            ("worker.enabled", worker.enabled.to_string()),
            ("worker.concurrency", worker.concurrency.to_string()),
            ("worker.lease", worker.lease.as_secs().to_string()),
            ("metrics.token", masked(metrics.token.is_some())),
            ("log.format", log.format.as_str().to_owned()),
            ("log.level", log.level.to_string().to_lowercase()),
            ("log.requests", log.requests.as_str().to_owned()),
        ]
    }
}

fn synchronous(sync: SqliteSync) -> &'static str {
    match sync {
        SqliteSync::Full => "full",
        SqliteSync::Normal => "normal",
    }
}

fn told(value: Option<&String>) -> String {
    value.map_or_else(|| "not set".to_owned(), Clone::clone)
}

fn masked(is_set: bool) -> String {
    if is_set {
        MASK.to_owned()
    } else {
        "not set".to_owned()
    }
}

fn list<T: Display>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::keys::KEYS;
    use super::*;

    #[test]
    fn every_key_is_described() {
        let config = Config::load(std::path::Path::new("/nonexistent"), []).unwrap();
        let described: Vec<&str> = config.describe().into_iter().map(|(key, _)| key).collect();
        let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
        assert_eq!(described, known);
    }
}
