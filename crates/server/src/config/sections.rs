//! The sections as they are written, before their values are read. The defaults stand here.

use super::secret::Secret;
use serde::Deserialize;

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $default:expr,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Deserialize)]
        #[cfg_attr(test, derive(serde::Serialize))]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $field: $type,)+
        }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }
    )+};
}

sections! {
    /// The whole.
    Sections {
        http: Http = Http::default(),
        data: Data = Data::default(),
        database: Database = Database::default(),
        auth: Auth = Auth::default(),
        google: Google = Google::default(),
        cache: Cache = Cache::default(),
        limits: Limits = Limits::default(),
        mail: Mail = Mail::default(),
        sms: Sms = Sms::default(),
        worker: Worker = Worker::default(),
        metrics: Metrics = Metrics::default(),
        log: Log = Log::default(),
    }
    /// Where and for whom it listens.
    Http {
        address: String = "127.0.0.1:8080".to_owned(),
        public_url: Option<String> = None,
        allowed_origins: Vec<String> = Vec::new(),
        trusted_proxies: Vec<String> = Vec::new(),
        workers: usize = 0,
        shutdown_timeout_seconds: u64 = 30,
    }
    /// Where it keeps its files.
    Data {
        dir: String = "var".to_owned(),
    }
    /// Which database, and how it is used.
    Database {
        url: Option<Secret> = None,
        pool_size: u32 = 16,
        write_together: bool = true,
        sqlite_synchronous: String = "full".to_owned(),
        migrate_on_start: Option<bool> = None,
        lock_timeout_ms: u32 = 200,
        statement_timeout_ms: u32 = 10_000,
    }
    /// Sign-in.
    Auth {
        bcrypt_cost: u32 = 12,
        require_verified_email: Option<bool> = None,
        public_roles: Vec<String> = vec!["attendee".to_owned(), "organizer".to_owned()],
        access_token_minutes: u32 = 15,
        session_days: u32 = 30,
        signing_key: Option<Secret> = None,
        previous_signing_keys: Vec<Secret> = Vec::new(),
        issuer: Option<String> = None,
        audience: String = "podium".to_owned(),
    }
    /// Sign-in with an account elsewhere.
    Google {
        issuer: String = "https://accounts.google.com".to_owned(),
        client_id: Option<String> = None,
        client_secret: Option<Secret> = None,
        return_paths: Vec<String> = vec!["/".to_owned()],
    }
    /// How long answers are kept in memory.
    Cache {
        ttl_ms: u64 = 1_000,
        access_ttl_ms: u64 = 5_000,
    }
    /// How often an address may ask, and how much one account may do.
    Limits {
        enabled: bool = true,
        requests: u32 = 60,
        per_seconds: u32 = 6,
        sign_ins_per_minute: u32 = 20,
        pages_per_minute: u32 = 120,
        sign_ups_per_hour: u32 = 5,
        invites_per_day: u32 = 200,
        announcements_per_day: u32 = 10,
    }
    /// How mails leave.
    Mail {
        smtp_url: Option<Secret> = None,
        from: String = "Podium <podium@localhost>".to_owned(),
        campaign_per_minute: u32 = 600,
    }
    /// How text messages leave.
    Sms {
        url: Option<String> = None,
        account_sid: Option<String> = None,
        auth_token: Option<Secret> = None,
        from: Option<String> = None,
    }
    /// Who sends what waits in the queue.
    Worker {
        enabled: bool = true,
        concurrency: u32 = 4,
        lease: u32 = 30,
    }
    /// Who reads the measurements.
    Metrics {
        token: Option<Secret> = None,
    }
    /// What is logged, and how.
    Log {
        format: String = "readable".to_owned(),
        level: String = "info".to_owned(),
        requests: String = "changes".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::{KEYS, Kind};
    use super::*;

    #[test]
    fn the_catalogue_has_exactly_the_keys_that_are_read() {
        let defaults = serde_json::to_value(Sections::default()).unwrap();
        let mut read = Vec::new();
        for (section, fields) in defaults.as_object().unwrap() {
            for (field, value) in fields.as_object().unwrap() {
                read.push((
                    format!("{section}.{field}"),
                    if value.is_array() {
                        Kind::List
                    } else {
                        Kind::Single
                    },
                ));
            }
        }
        let known: Vec<_> = KEYS
            .iter()
            .map(|(key, kind)| ((*key).to_owned(), *kind))
            .collect();
        assert_eq!(read, known);
    }
}
