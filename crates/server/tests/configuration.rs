//! The layers of the configuration and what they refuse.

use server::config::{Config, ConfigError, LogFormat, Profile};
use std::path::Path;
use std::time::Duration;
use storage::{DatabaseUrl, SqliteSync};

const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn load(base: &Path, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(
        base,
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn refusal(variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path(), variables).unwrap_err().to_string()
}

/// A folder with these files below `config/`.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("config")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join("config").join(name), text).unwrap();
    }
    folder
}

#[test]
fn a_plain_folder_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let config = load(folder.path(), &[]).unwrap();
    assert_eq!(config.profile, Profile::Development);
    assert_eq!(config.http.address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.public_url.as_str(), "http://127.0.0.1:8080");
    assert_eq!(
        config.database.connector.url,
        DatabaseUrl::Sqlite(folder.path().join("var/podium.db"))
    );
    assert_eq!(config.database.pool_size, 16);
    assert!(config.database.write_together);
    assert!(config.database.migrate_on_start);
    assert_eq!(config.auth.bcrypt_cost, 12);
    assert_eq!(config.auth.public_roles, ["attendee", "organizer"]);
    assert_eq!(config.auth.access_token_lifetime, Duration::from_mins(15));
    assert!(!config.auth.require_verified_email);
    assert!(!folder.path().join("var").exists(), "reading makes nothing");
}

#[test]
fn each_layer_goes_over_the_one_before() {
    let folder = folder(&[
        (
            "default.toml",
            "[http]\naddress = '127.0.0.1:1000'\nworkers = 2\n[cache]\nttl_ms = 7\n",
        ),
        (
            "development.toml",
            "[http]\naddress = '127.0.0.1:2000'\nworkers = 3\n",
        ),
        ("production.toml", "[http]\naddress = '127.0.0.1:3000'\n"),
    ]);
    let config = load(folder.path(), &[("PODIUM_HTTP__ADDRESS", "0.0.0.0:4000")]).unwrap();
    assert_eq!(config.http.address.port(), 4000);
    assert_eq!(config.http.public_url.as_str(), "http://127.0.0.1:4000");
    assert_eq!(config.http.workers.get(), 3);
    assert_eq!(config.cache.ttl, Duration::from_millis(7));
    assert_eq!(config.auth.bcrypt_cost, 12);
    let production = load(folder.path(), &[("PODIUM_PROFILE", "production")]).unwrap();
    assert_eq!(
        (production.http.address.port(), production.http.workers.get()),
        (3000, 2)
    );
}

#[test]
fn the_files_of_the_repository_are_good_and_say_what_is_built_in() {
    let repository = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let empty = tempfile::tempdir().unwrap();
    let values = |base: &Path, profile: &str| -> Vec<(&str, String)> {
        let config = load(
            base,
            &[("PODIUM_PROFILE", profile), ("PODIUM_DATA__DIR", "/srv/podium")],
        )
        .unwrap();
        config.describe()
    };
    let written = std::fs::read_to_string(repository.join("config/default.toml")).unwrap();
    assert_eq!(
        values(repository, "development"),
        values(empty.path(), "development")
    );
    for (key, _) in values(empty.path(), "development") {
        let (section, name) = key.split_once('.').unwrap();
        let (_, rest) = written.split_once(&format!("\n[{section}]\n")).expect(section);
        let of_section = rest.split("\n[").next().unwrap();
        let is_named = of_section
            .lines()
            .any(|line| line.trim_start_matches("# ").starts_with(&format!("{name} = ")));
        assert!(is_named, "{key} is missing in config/default.toml");
    }
    let production = load(repository, &[("PODIUM_PROFILE", "production")]).unwrap();
    assert!(production.auth.require_verified_email);
    assert_eq!(production.log.format, LogFormat::Json);
}

#[test]
fn an_unknown_key_of_a_file_is_refused_with_its_place_and_the_nearest() {
    for (text, key, nearest) in [
        ("[http]\nadress = '127.0.0.1:1'\n", "http.adress", "http.address"),
        ("[databse]\nurl = 'sqlite:a'\n", "databse.url", "database.url"),
        ("[http.address]\nport = 1\n", "http.address", ""),
        ("address = 1\n", "address", ""),
        ("[limts]\n", "limts", ""),
    ] {
        let folder = folder(&[("default.toml", text)]);
        let error = load(folder.path(), &[]).unwrap_err().to_string();
        assert!(
            error.contains("default.toml") && error.contains(key) && error.contains(nearest),
            "{error}"
        );
    }
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest() {
    let error = refusal(&[("PODIUM_HTTP__ADRESS", "127.0.0.1:1")]);
    assert!(
        error.contains("PODIUM_HTTP__ADRESS") && error.contains("`PODIUM_HTTP__ADDRESS`"),
        "{error}"
    );
    assert!(refusal(&[("PODIUM_PROFIL", "production")]).contains("`PODIUM_PROFILE`"));
    assert!(refusal(&[("PODIUM_DATABASE_URL", "sqlite:a")]).contains("`PODIUM_DATABASE__URL`"));
    assert!(refusal(&[("PODIUM_PROFILE", "prod")]).contains("PODIUM_PROFILE"));
}

#[test]
fn variables_of_the_tests_and_of_others_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("PODIUM_TEST_DATABASE_URL", "x"),
        ("PATH", "/bin"),
        ("HTTP_PROXY", "y"),
    ];
    assert!(load(folder.path(), &variables).is_ok());
}

#[test]
fn variables_are_read_by_the_type_of_their_key() {
    let folder = tempfile::tempdir().unwrap();
    let config = load(
        folder.path(),
        &[
            (
                "PODIUM_HTTP__ALLOWED_ORIGINS",
                "https://a.example, http://localhost:3000",
            ),
            ("PODIUM_HTTP__TRUSTED_PROXIES", "10.0.0.0/8"),
            ("PODIUM_AUTH__PUBLIC_ROLES", ""),
            ("PODIUM_AUTH__REQUIRE_VERIFIED_EMAIL", "true"),
            ("PODIUM_AUTH__BCRYPT_COST", "4"),
            ("PODIUM_AUTH__PREVIOUS_SIGNING_KEYS", KEY),
            ("PODIUM_AUTH__SIGNING_KEY", ""),
            ("PODIUM_DATABASE__URL", "sqlite:data/other.db"),
            ("PODIUM_DATABASE__SQLITE_SYNCHRONOUS", "normal"),
            ("PODIUM_LOG__LEVEL", "debug"),
        ],
    )
    .unwrap();
    let origins: Vec<&str> = config
        .http
        .allowed_origins
        .iter()
        .map(server::config::Origin::as_str)
        .collect();
    assert_eq!(origins, ["https://a.example", "http://localhost:3000"]);
    assert!(config.http.trusted_proxies[0].contains("10.1.2.3".parse().unwrap()));
    assert!(config.auth.public_roles.is_empty() && config.auth.require_verified_email);
    assert_eq!(config.auth.bcrypt_cost, 4);
    assert_eq!(config.auth.previous_signing_keys.len(), 1);
    assert!(
        config.auth.signing_key.is_none(),
        "an empty variable is as good as none"
    );
    assert_eq!(
        config.database.connector.url,
        DatabaseUrl::Sqlite(folder.path().join("data/other.db"))
    );
    assert_eq!(config.database.connector.sqlite_sync, SqliteSync::Normal);
    assert_eq!(config.log.level.as_str(), "DEBUG");
}

#[test]
fn a_value_that_does_not_fit_is_refused_by_the_name_of_its_key() {
    for (name, value, key) in [
        ("PODIUM_HTTP__ADDRESS", "localhost", "http.address"),
        ("PODIUM_HTTP__PUBLIC_URL", "events.example.org", "http.public_url"),
        ("PODIUM_HTTP__ALLOWED_ORIGINS", "*", "http.allowed_origins"),
        ("PODIUM_HTTP__TRUSTED_PROXIES", "proxy", "http.trusted_proxies"),
        ("PODIUM_HTTP__WORKERS", "many", "http.workers"),
        ("PODIUM_HTTP__WORKERS", "-1", "http.workers"),
        ("PODIUM_DATA__DIR", "", "data.dir"),
        ("PODIUM_DATABASE__URL", "mysql://localhost/podium", "database.url"),
        ("PODIUM_DATABASE__URL", "sqlite::memory:", "database.url"),
        ("PODIUM_DATABASE__POOL_SIZE", "0", "database.pool_size"),
        (
            "PODIUM_DATABASE__SQLITE_SYNCHRONOUS",
            "off",
            "database.sqlite_synchronous",
        ),
        (
            "PODIUM_DATABASE__MIGRATE_ON_START",
            "perhaps",
            "database.migrate_on_start",
        ),
        ("PODIUM_AUTH__BCRYPT_COST", "3", "auth.bcrypt_cost"),
        ("PODIUM_AUTH__BCRYPT_COST", "16", "auth.bcrypt_cost"),
        ("PODIUM_AUTH__PUBLIC_ROLES", "attendee,admin", "auth.public_roles"),
        ("PODIUM_AUTH__SIGNING_KEY", "c2hvcnQ=", "auth.signing_key"),
        (
            "PODIUM_AUTH__PREVIOUS_SIGNING_KEYS",
            "c2hvcnQ=",
            "auth.previous_signing_keys",
        ),
        ("PODIUM_CACHE__ACCESS_TTL_MS", "5001", "cache.access_ttl_ms"),
        ("PODIUM_LOG__FORMAT", "xml", "log.format"),
        ("PODIUM_LOG__LEVEL", "loud", "log.level"),
        ("PODIUM_LOG__REQUESTS", "some", "log.requests"),
    ] {
        let error = refusal(&[(name, value)]);
        assert!(error.contains(key), "{name}={value}: {error}");
    }
    let broken = folder(&[("default.toml", "[http\n")]);
    assert!(
        load(broken.path(), &[])
            .unwrap_err()
            .to_string()
            .contains("default.toml")
    );
}

#[test]
fn where_messages_go_is_checked_at_the_start_without_showing_passwords() {
    for (url, reason) in [
        ("mail.example.org", "is no URL"),
        ("smtp://podium:hidden/word@mail.example.org", "is no URL"),
        (
            "https://podium:hidden@mail.example.org",
            "smtp:// (STARTTLS) or smtps:// (TLS)",
        ),
        ("smtp://podium@mail.example.org", "a user without a password"),
        (
            "smtp://podium:hidden@mail.example.org?tls=perhaps",
            "?tls=required or ?tls=none",
        ),
    ] {
        let error = refusal(&[("PODIUM_MAIL__SMTP_URL", url)]);
        assert!(
            error.starts_with("mail.smtp_url: ") && error.contains(reason),
            "{error}"
        );
        assert!(!error.contains("hidden"), "{error}");
    }
    for from in ["Podium", "podium@bücher.example", "a@example.org, b@example.org"] {
        let error = refusal(&[("PODIUM_MAIL__FROM", from)]);
        assert!(
            error.starts_with(&format!("mail.from: `{from}` is to be")),
            "{error}"
        );
    }
    let sms = |url| {
        [
            ("PODIUM_SMS__URL", url),
            ("PODIUM_SMS__ACCOUNT_SID", "AC0"),
            ("PODIUM_SMS__AUTH_TOKEN", "hidden"),
            ("PODIUM_SMS__FROM", "+15005550006"),
        ]
    };
    let error = refusal(&sms("http://api.example.org"));
    assert!(error.starts_with("sms.url: is to begin with https://") && !error.contains("hidden"));
    for url in [
        "https://podium:hidden@api.example.org",
        "https://hidden@api.example.org",
        "https://:hidden@api.example.org",
        "http://podium:hidden@127.0.0.1:9000",
    ] {
        let error = refusal(&sms(url));
        assert!(
            error.starts_with("sms.url: is to hold neither user nor password") && !error.contains("hidden"),
            "{error}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let mut good = sms("https://api.example.org").to_vec();
    good.push((
        "PODIUM_MAIL__SMTP_URL",
        "smtp://podium:hidden@mail.example.org:587",
    ));
    good.push(("PODIUM_MAIL__FROM", "Bühne <podium@example.org>"));
    let config = load(folder.path(), &good).unwrap();
    assert!(config.mail.smtp_url.is_some() && config.sms.gateway.is_some());
    assert!(!format!("{config:?} {:?}", config.describe()).contains("hidden"));
}

#[test]
fn postgres_is_not_migrated_by_a_start_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    let url = (
        "PODIUM_DATABASE__URL",
        "postgres://podium:hidden-word@db.example/podium",
    );
    assert!(!load(folder.path(), &[url]).unwrap().database.migrate_on_start);
    let asked = [url, ("PODIUM_DATABASE__MIGRATE_ON_START", "true")];
    assert!(load(folder.path(), &asked).unwrap().database.migrate_on_start);
}

#[test]
fn nothing_shows_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let config = load(
        folder.path(),
        &[
            ("PODIUM_AUTH__SIGNING_KEY", KEY),
            ("PODIUM_AUTH__PREVIOUS_SIGNING_KEYS", KEY),
            ("PODIUM_METRICS__TOKEN", "hidden-token"),
            (
                "PODIUM_DATABASE__URL",
                "postgres://podium:hidden-word@db.example/podium",
            ),
        ],
    )
    .unwrap();
    assert_eq!(config.metrics.token.as_ref().unwrap().expose(), "hidden-token");
    let keys = config.signing_keys().unwrap();
    let bytes = format!("{:?}", keys.current.as_bytes());
    let shown = format!("{config:?} {config:#?} {keys:?} {:?}", config.describe());
    for secret in [KEY, "hidden-token", "hidden-word", bytes.as_str(), "0123456789"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    let described = config.describe();
    assert!(described.contains(&("auth.signing_key", "********".to_owned())));
    assert!(described.contains(&("metrics.token", "********".to_owned())));
    let serialized = serde_json::to_string(&config.metrics.token).unwrap();
    assert_eq!(serialized, "\"********\"");
    for variable in ["PODIUM_AUTH__SIGNING_KEY", "PODIUM_AUTH__PREVIOUS_SIGNING_KEYS"] {
        assert!(!refusal(&[(variable, "hidden but no key")]).contains("hidden"));
    }
    assert!(!refusal(&[("PODIUM_DATABASE__URL", "postgre://podium:hidden@db/podium")]).contains("hidden"));
}

#[test]
fn production_needs_a_signing_key_and_says_how_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let production = ("PODIUM_PROFILE", "production");
    let config = load(folder.path(), &[production]).unwrap();
    assert!(config.auth.require_verified_email);
    let error = config.signing_keys().unwrap_err().to_string();
    assert!(
        error.contains("PODIUM_AUTH__SIGNING_KEY") && error.contains("openssl rand -base64 32"),
        "{error}"
    );
    assert!(config.signing_key_source().is_err());
    assert!(!folder.path().join("var/signing.key").exists());
    let config = load(folder.path(), &[production, ("PODIUM_AUTH__SIGNING_KEY", KEY)]).unwrap();
    assert_eq!(
        config.signing_keys().unwrap().current.as_bytes(),
        b"01234567890123456789012345678901"
    );
}

#[test]
fn production_hashes_with_a_cost_of_ten_at_least() {
    let cheap = refusal(&[
        ("PODIUM_PROFILE", "production"),
        ("PODIUM_AUTH__BCRYPT_COST", "9"),
    ]);
    assert!(
        cheap.contains("auth.bcrypt_cost") && cheap.contains("10"),
        "{cheap}"
    );
}

#[test]
fn development_makes_its_signing_key_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = load(folder.path(), &[]).unwrap();
    assert!(config.signing_key_source().unwrap().contains("first start"));
    let made = config.signing_keys().unwrap().current;
    assert!(config.signing_key_source().unwrap().contains("kept in"));
    let again = load(folder.path(), &[]).unwrap().signing_keys().unwrap().current;
    assert!(made == again && made.as_bytes().len() == 32);
}
