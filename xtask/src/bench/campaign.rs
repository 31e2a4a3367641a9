//! `cargo xtask bench campaign`: how long an event takes to be read, at a fixed rate of requests, in quiet and while a campaign goes
//! to everybody who has a seat; on PostgreSQL and on an SQLite file, with a mail server of this process.

use super::database::Database;
use super::fixtures::{self, Size, Thing, id};
use super::load::{self, Outcome, Pace};
use super::report::{Report, Row};
use super::server::{Server, Settings, given_or_built};
use super::sqlite;
use super::token::Signer;
use anyhow::{Context, Result, anyhow, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use storage::{Connector, DatabaseUrl};
use testkit::cluster::{Cluster, Durability};
use testkit::smtp::{SmtpOptions, SmtpServer};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// People who get the campaign
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    people: u32,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(5..=600))]
    seconds: u64,
    /// Reads of the event a second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// A built server to measure, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Connections that read in turns.
const READERS: u16 = 16;
/// Mails a minute where `mail.campaign_per_minute` is not set.
const USUAL_PACE: u64 = 600;
/// So many times as long as in quiet reads may take at p99.
const TARGET: f64 = 2.0;
/// The candidacy that the campaign is for.
const CANDIDATE: &str = "01900000-0006-7000-8000-000000000000";

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let program = given_or_built(arguments.program.as_deref())?;
    let ratios = [
        ("postgres", on_postgres(arguments, &program)?),
        ("sqlite", on_sqlite(arguments, &program)?),
    ];
    for (database, ratio) in ratios {
        ensure!(
            ratio < TARGET,
            "{database}: reads take {ratio:.2} times as long while a campaign goes"
        );
    }
    Ok(())
}

fn size(arguments: &Arguments) -> Size {
    Size {
        // The first is the candidate, who gets none.
        people: arguments.people as usize + 1,
        events: 100,
        rush_seats: 1,
        hot_events: 0,
    }
}

fn on_postgres(arguments: &Arguments, program: &Path) -> Result<f64> {
    let cluster = Cluster::start(Durability::Durable)?;
    let database = Database::create(&cluster, "bench_campaign")?;
    let ground = Ground {
        arguments,
        program,
        name: "postgres",
        url: &database.url,
        fill: &|| fixtures::fill(&database, size(arguments)),
        run: &|sql| database.run(sql),
    };
    ground.measure()
}

fn on_sqlite(arguments: &Arguments, program: &Path) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.db");
    let run_all = |sql: &str| {
        let connector = Connector::new(DatabaseUrl::Sqlite(file.clone()));
        let mut connection = connector.open().map_err(|error| anyhow!("{error}"))?;
        connection
            .execute_batch(sql)
            .context("the file cannot be written to")
    };
    let url = format!("sqlite:{}", file.display());
    let ground = Ground {
        arguments,
        program,
        name: "sqlite",
        url: &url,
        fill: &|| sqlite::fill(&file, size(arguments), DateTime::<Utc>::from(SystemTime::now())),
        run: &run_all,
    };
    ground.measure()
}

/// A database to be measured with.
struct Ground<'a> {
    arguments: &'a Arguments,
    program: &'a Path,
    name: &'static str,
    url: &'a str,
    fill: &'a dyn Fn() -> Result<()>,
    run: &'a dyn Fn(&str) -> Result<()>,
}

impl Ground<'_> {
    /// Measures reads in quiet and during campaigns: at the pace that is configured where nobody says otherwise, and at one that takes
    /// everybody's mails out while it is measured, for comparison. Gives how many times as long they take at p99 at the former.
    fn measure(&self) -> Result<f64> {
        let signing_key = Signer::new(0)?.key_for_server();
        let settings = Settings {
            database_url: self.url,
            signing_key: &signing_key,
            workers: std::thread::available_parallelism()?.get(),
        };
        // The first start migrates.
        Server::start(self.program, &settings)?.stop()?;
        eprintln!("{}: filling in {} people", self.name, self.arguments.people);
        (self.fill)()?;
        (self.run)(&self.people_with_seats())?;
        let all_at_once = u64::from(self.arguments.people) * 60 / self.arguments.seconds;
        let mut rows = Vec::new();
        // The fast one is at its end when the other begins.
        let fast = self.measure_at(&settings, all_at_once, &mut rows)?;
        let usual = self.measure_at(&settings, USUAL_PACE, &mut rows)?;
        let report = Report {
            settings: [
                ("database", self.name.to_owned()),
                ("people", self.arguments.people.to_string()),
                ("seconds", self.arguments.seconds.to_string()),
                ("rate", self.arguments.rate.to_string()),
            ]
            .into(),
            rows,
            ..Report::default()
        };
        println!("{}\n{}", self.name, report.table());
        println!(
            "p99 during a campaign is {usual:.2} times that in quiet at {USUAL_PACE} mails a minute, \
             and {fast:.2} times at {all_at_once}"
        );
        let path = report.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench"))?;
        println!("written to {}", path.display());
        Ok(usual)
    }

    /// The same at one pace.
    fn measure_at(&self, settings: &Settings<'_>, a_minute: u64, rows: &mut Vec<Row>) -> Result<f64> {
        let post = SmtpServer::start_with(SmtpOptions {
            keep: false,
            ..SmtpOptions::default()
        });
        let sending = [
            ("PODIUM_MAIL__SMTP_URL", post.url()),
            ("PODIUM_MAIL__CAMPAIGN_PER_MINUTE", a_minute.to_string()),
        ];
        let server = Server::start_with(self.program, settings, &sending)?;
        // What is read once is read from then on from memory, in both cases.
        self.read(server.address, Duration::from_secs(2))?;
        let time = Duration::from_secs(self.arguments.seconds);
        let quiet = self.read(server.address, time)?;
        (self.run)(&campaign(a_minute))?;
        let during = self.read(server.address, time)?;
        let mails = post.count();
        let memory = server.memory()?;
        server.stop()?;
        ensure!(
            mails as u64 >= a_minute * self.arguments.seconds / 60 / 2,
            "only {mails} mails left while it was measured at {a_minute} a minute"
        );
        rows.push(Row::new("event, in quiet", &quiet, None, None));
        let name = format!("event, while {mails} mails leave");
        rows.push(Row::new(&name, &during, None, Some(memory)));
        Ok(p99(&during) / p99(&quiet))
    }

    fn read(&self, address: SocketAddr, time: Duration) -> Result<Outcome> {
        let pace = Pace {
            address,
            connections: READERS,
            a_second: self.arguments.rate,
            time,
        };
        let path = format!("/api/v1/events/{}", id(Thing::Event, 0));
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        let outcome = load::run_paced(&pace, request.as_bytes())?;
        ensure!(
            outcome.failures == 0 && outcome.statuses.keys().all(|status| *status == 200),
            "the event was answered {:?}; {:?}",
            outcome.statuses,
            outcome.first_failure
        );
        Ok(outcome)
    }

    /// Everybody has a seat at the first event, where one votes; the first person stands for speaker.
    fn people_with_seats(&self) -> String {
        let last = self.arguments.people;
        let (registration, attendee, series) = if self.name == "postgres" {
            (
                "bench_id(5, n)",
                "bench_id(3, n)",
                format!("generate_series(0, {last}) AS n"),
            )
        } else {
            (
                "printf('01900000-0005-7000-8000-%012x', n)",
                "printf('01900000-0003-7000-8000-%012x', n)",
                format!(
                    "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {last}) SELECT n FROM s)"
                ),
            )
        };
        let (now, event) = (now(), id(Thing::Event, 0));
        let (user, candidate) = (id(Thing::User, 0), id(Thing::Attendee, 0));
        let taken = last + 1;
        format!(
            "BEGIN;
             INSERT INTO registrations (id, event_id, attendee_id, status, registered_at, ticket_code)
             SELECT {registration}, '{event}', {attendee}, 'confirmed', '{now}', 'B' || CAST(10000000000 + n AS text) FROM {series};
             UPDATE events SET seats_taken = {taken}, voting_opens_at = '{now}' WHERE id = '{event}';
             INSERT INTO candidates (id, event_id, attendee_id, nominated_by, status, talk_title, abstract, nominated_at, listed_at,
                 updated_at)
             VALUES ('{CANDIDATE}', '{event}', '{candidate}', '{user}', 'listed', 'Locks', 'And how to wait for none.', '{now}',
                 '{now}', '{now}');
             COMMIT;"
        )
    }
}

/// A campaign that is approved and due, one for each pace.
fn campaign(a_minute: u64) -> String {
    let (now, event, user) = (now(), id(Thing::Event, 0), id(Thing::User, 0));
    let body =
        "Dear {{ name }},\n\nI would like to talk about **{{ talk }}**: [vote for me]({{ vote_url }}).";
    format!(
        "INSERT INTO campaigns (id, event_id, candidate_id, requested_by, status, subject, body, audience, send_at, at_work,
             requested_at, updated_at)
         VALUES ('01900000-0007-7000-8000-{a_minute:012x}', '{event}', '{CANDIDATE}', '{user}', 'approved', 'Vote for {{{{ talk }}}}',
             '{body}', 'event', '{now}', TRUE, '{now}', '{now}');"
    )
}

fn now() -> String {
    DateTime::<Utc>::from(SystemTime::now()).to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
fn p99(outcome: &Outcome) -> f64 {
    outcome.latency.value_at_quantile(0.99) as f64 / 1000.0
}
