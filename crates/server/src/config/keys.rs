//! The catalogue of keys. What is not in it is refused wherever it stands.

/// How the text of an environment variable is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value; numbers and switches are read out of the text.
    Single,
    /// Values with commas between them; nothing is no value.
    List,
}

use Kind::{List, Single};

/// Every key of the configuration.
pub(super) const KEYS: &[(&str, Kind)] = &[
    ("http.address", Single),
    ("http.public_url", Single),
    ("http.allowed_origins", List),
    ("http.trusted_proxies", List),
    ("http.workers", Single),
    ("http.shutdown_timeout_seconds", Single),
    ("data.dir", Single),
    ("database.url", Single),
    ("database.pool_size", Single),
    ("database.write_together", Single),
    ("database.sqlite_synchronous", Single),
    ("database.migrate_on_start", Single),
    ("database.lock_timeout_ms", Single),
    ("database.statement_timeout_ms", Single),
    ("auth.bcrypt_cost", Single),
    ("auth.require_verified_email", Single),
    ("auth.public_roles", List),
    ("auth.access_token_minutes", Single),
    ("auth.session_days", Single),
    ("auth.signing_key", Single),
    ("auth.previous_signing_keys", List),
    ("auth.issuer", Single),
    ("auth.audience", Single),
    ("google.issuer", Single),
    ("google.client_id", Single),
    ("google.client_secret", Single),
    ("google.return_paths", List),
    ("cache.ttl_ms", Single),
    ("cache.access_ttl_ms", Single),
    ("limits.enabled", Single),
    ("limits.requests", Single),
    ("limits.per_seconds", Single),
    ("limits.sign_ins_per_minute", Single),
    ("limits.pages_per_minute", Single),
    ("limits.sign_ups_per_hour", Single),
    ("limits.invites_per_day", Single),
    ("limits.announcements_per_day", Single),
    ("mail.smtp_url", Single),
    ("mail.from", Single),
    ("mail.campaign_per_minute", Single),
    ("sms.url", Single),
    ("sms.account_sid", Single),
    ("sms.auth_token", Single),
    ("sms.from", Single),
    ("worker.enabled", Single),
    ("worker.concurrency", Single),
    ("worker.lease", Single),
    ("metrics.token", Single),
    ("log.format", Single),
    ("log.level", Single),
    ("log.requests", Single),
];

/// How the key is read, if there is such a key.
pub(super) fn kind_of(key: &str) -> Option<Kind> {
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map(|(_, kind)| *kind)
}

/// The environment variable of a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("PODIUM_{}", key.replace('.', "__").to_uppercase())
}

/// The name among the known ones that is most like the given one.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = String>) -> String {
    known
        .min_by_key(|candidate| strsim::damerau_levenshtein(candidate, name))
        .unwrap_or_default()
}
