//! `cargo xtask bench search`: how long lists and searches of people and registrations take where there are many, over the real
//! server, on PostgreSQL and on an SQLite file. One event is big, one organiser runs two hundred events and another one.

use super::database::Database;
use super::fixtures::{Thing, id};
use super::load::{self, Outcome, Plan, Source, Until};
use super::report::{Report, Row};
use super::server::{Server, Settings, given_or_built};
use super::token::Signer;
use anyhow::{Context, Result, anyhow, ensure};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use storage::{Connector, DatabaseUrl};
use testkit::cluster::{Cluster, Durability};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Registrations on PostgreSQL; on SQLite a tenth of them
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2_000..=10_000_000))]
    registrations: u32,
    /// Connections that ask at the same time; parts of names are asked for by one
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Only the questions whose names have this
    #[arg(long, default_value = "")]
    only: String,
    /// A built server to measure, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Milliseconds that a list or a search may take at p99.
const TARGET: f64 = 50.0;
/// The same for a part of a name among all people.
const TARGET_OF_PARTS: f64 = 500.0;

/// Different first and last names. Every hundredth person has a given first name.
const FIRST_NAMES: u32 = 97;
const LAST_NAMES: u32 = 5_003;
/// Events beside the big one.
const EVENTS: u32 = 1_000;

/// Those who ask, by the numbers of their accounts.
#[derive(Debug, Clone, Copy)]
enum Asker {
    /// Runs the big event and two hundred others.
    Many = 0,
    /// Runs one event.
    Few = 1,
    Admin = 2,
    /// Takes part.
    Person = 3,
}

/// One kind of question; `{f}`, `{l}` and `{p}` are the numbers of a first name, a last name and a person.
struct Kind {
    name: &'static str,
    asker: Asker,
    path: &'static str,
    is_part: bool,
}

const fn kind(name: &'static str, asker: Asker, path: &'static str) -> Kind {
    Kind {
        name,
        asker,
        path,
        is_part: false,
    }
}

const BIG: &str = "/events/01900000-0004-7000-8000-000000000000";

const KINDS: [Kind; 21] = [
    kind("attendees of all", Asker::Admin, "/attendees"),
    kind("all: a first name", Asker::Admin, "/attendees?q=fn{f}"),
    kind("all: a last name", Asker::Admin, "/attendees?q=ln{l}"),
    kind("all: both names", Asker::Admin, "/attendees?q=fn{f}+ln{l}"),
    kind(
        "all: an address",
        Asker::Admin,
        "/attendees?q=p{p}@podium.example",
    ),
    kind(
        "all: one attendee",
        Asker::Admin,
        "/attendees/01900000-0003-7000-8000-000000000000",
    ),
    kind("registrations of all", Asker::Admin, "/registrations"),
    kind(
        "all that were cancelled",
        Asker::Admin,
        "/registrations?status=cancelled",
    ),
    kind("of 200 events", Asker::Many, "/attendees"),
    kind("of 200: a first name", Asker::Many, "/attendees?q=fn{f}"),
    kind("of 200: a last name", Asker::Many, "/attendees?q=ln{l}"),
    kind("of one event", Asker::Few, "/attendees"),
    kind("of one: a first name", Asker::Few, "/attendees?q=fn{f}"),
    kind("of one: a last name", Asker::Few, "/attendees?q=ln{l}"),
    kind("at the big event", Asker::Many, "{big}/registrations"),
    kind("big: a first name", Asker::Many, "{big}/registrations?q=fn{f}"),
    kind("big: a last name", Asker::Many, "{big}/registrations?q=ln{l}"),
    kind(
        "big: cancelled",
        Asker::Many,
        "{big}/registrations?status=cancelled",
    ),
    kind("big: the waitlist", Asker::Many, "{big}/waitlist"),
    kind("one's own", Asker::Person, "/registrations"),
    Kind {
        is_part: true,
        ..kind(
            "all: part of a name",
            Asker::Admin,
            "/attendees?name=n{f}%20ln{l}",
        )
    },
];

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let program = given_or_built(arguments.program.as_deref())?;
    let mut missed = on_postgres(arguments, &program)?;
    missed.extend(on_sqlite(arguments, &program)?);
    ensure!(missed.is_empty(), "beyond the target: {}", missed.join(", "));
    Ok(())
}

fn on_postgres(arguments: &Arguments, program: &Path) -> Result<Vec<String>> {
    let cluster = Cluster::start(Durability::Durable)?;
    let database = Database::create(&cluster, "bench_search")?;
    let fill = |sql: &str| database.run(sql);
    measure(
        arguments,
        program,
        "postgres",
        &database.url,
        arguments.registrations,
        &fill,
    )
}

fn on_sqlite(arguments: &Arguments, program: &Path) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.db");
    let run_all = |sql: &str| {
        let connector = Connector::new(DatabaseUrl::Sqlite(file.clone()));
        let mut connection = connector.open().map_err(|error| anyhow!("{error}"))?;
        connection.execute_batch(sql).context("the file cannot be filled")
    };
    let url = format!("sqlite:{}", file.display());
    measure(
        arguments,
        program,
        "sqlite",
        &url,
        arguments.registrations / 10,
        &run_all,
    )
}

/// Fills a database, asks every kind of question, and gives the names of those that took too long.
fn measure(
    arguments: &Arguments,
    program: &Path,
    database: &'static str,
    url: &str,
    registrations: u32,
    fill: &dyn Fn(&str) -> Result<()>,
) -> Result<Vec<String>> {
    let issued_at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let signer = Signer::new(issued_at)?;
    let settings = Settings {
        database_url: url,
        signing_key: &signer.key_for_server(),
        workers: std::thread::available_parallelism()?.get(),
    };
    // The first start migrates.
    Server::start(program, &settings)?.stop()?;
    eprintln!("{database}: filling in {registrations} registrations");
    fill(&statements(database, registrations))?;
    let server = Server::start(program, &settings)?;
    let tokens: Vec<String> = (0..4)
        .map(|number| signer.sign(&id(Thing::User, number), &id(Thing::Session, number)))
        .collect();
    let mut report = Report {
        settings: [
            ("database", database.to_owned()),
            ("registrations", registrations.to_string()),
            ("connections", arguments.connections.to_string()),
            ("seconds", arguments.seconds.to_string()),
        ]
        .into(),
        ..Report::default()
    };
    let mut missed = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.name.contains(&arguments.only)) {
        let plan = Plan {
            address: server.address,
            connections: if kind.is_part {
                1
            } else {
                arguments.connections.into()
            },
            until: Until::Elapsed(Duration::from_secs(arguments.seconds)),
        };
        let turn = Rc::new(Cell::new(0));
        let outcome = load::run(&plan, |_| questions(kind, &tokens, registrations / 2, &turn))?;
        check(kind, &outcome)?;
        let (p99, target) = (
            milliseconds(outcome.latency.value_at_quantile(0.99)),
            if kind.is_part { TARGET_OF_PARTS } else { TARGET },
        );
        if p99 > target {
            missed.push(format!("{database}: {} ({p99:.0} ms)", kind.name));
        }
        report.rows.push(Row::new(kind.name, &outcome, None, None));
    }
    server.stop()?;
    println!("{database}, {registrations} registrations\n{}", report.table());
    let path = report.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench"))?;
    println!("written to {}", path.display());
    Ok(missed)
}

/// The questions of one connection, other ones each time.
fn questions(kind: &Kind, tokens: &[String], people: u32, turn: &Rc<Cell<u32>>) -> Source {
    let (turn, token) = (Rc::clone(turn), tokens[kind.asker as usize].clone());
    let path = kind.path.replace("{big}", BIG);
    Box::new(move |request| {
        let number = turn.replace(turn.get().wrapping_add(1)).wrapping_mul(7_919);
        let path = path
            .replace("{f}", &(number % FIRST_NAMES).to_string())
            .replace("{l}", &(number % LAST_NAMES).to_string())
            .replace("{p}", &(number % people).to_string());
        request.extend_from_slice(
            format!("GET /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n")
                .as_bytes(),
        );
        true
    })
}

fn check(kind: &Kind, outcome: &Outcome) -> Result<()> {
    let others: Vec<_> = outcome.statuses.keys().filter(|status| **status != 200).collect();
    ensure!(
        others.is_empty() && outcome.failures == 0 && outcome.answers() > 0,
        "{}: answered {:?}, {} failures ({:?})",
        kind.name,
        outcome.statuses,
        outcome.failures,
        outcome.first_failure
    );
    Ok(())
}

/// Everybody has a registration at one of the first five hundred events or at the big one, and one at another of the rest.
fn statements(database: &str, registrations: u32) -> String {
    let people = registrations / 2;
    let at_big = registrations / 20;
    let postgres = database == "postgres";
    let series = |last: u32| {
        if postgres {
            format!("generate_series(0, {last}) AS s(n)")
        } else {
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {last}) SELECT n FROM s)"
            )
        }
    };
    let thing = |kind: u8, number: &str| {
        if postgres {
            format!("CAST('01900000-000{kind}-7000-8000-' || lpad(to_hex({number}), 12, '0') AS uuid)")
        } else {
            format!("printf('01900000-000{kind}-7000-8000-%012x', {number})")
        }
    };
    let (now, later) = if postgres {
        ("now()".to_owned(), "now() + interval '30 days'".to_owned())
    } else {
        let at = |shift: &str| format!("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '{shift}')");
        (at("0 days"), at("30 days"))
    };
    let end = later.replace("30 days", "31 days");
    let since = |number: &str| {
        if postgres {
            format!("now() - make_interval(secs => {registrations} - {number})")
        } else {
            format!(
                "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-' || ({registrations} - {number}) || ' seconds')"
            )
        }
    };
    let (people_series, events_series) = (series(people - 1), series(EVENTS));
    let (registrations_series, askers) = (series(registrations - 1), series(3));
    let first = format!("'fn' || (n % {FIRST_NAMES})");
    // Not in step with the first names.
    let last = format!("'ln' || ((n * 31) % {LAST_NAMES})");
    let name = format!("{first} || ' ' || {last}");
    let event_of =
        format!("CASE WHEN n < {at_big} THEN 0 WHEN n < {people} THEN 1 + n % 500 ELSE 501 + n % 500 END");
    let role = "CASE WHEN n < 2 THEN 'organizer' WHEN n = 2 THEN 'admin' ELSE 'attendee' END";
    let owner = format!(
        "CASE WHEN n <= 200 THEN {} WHEN n = {EVENTS} THEN {} ELSE {} END",
        thing(1, "0"),
        thing(1, "1"),
        thing(1, "2")
    );
    let (user, session, attendee, event) = (thing(1, "n"), thing(2, "n"), thing(3, "n"), thing(4, "n"));
    let (registration, holder) = (thing(5, "n"), thing(3, &format!("(n % {people})")));
    let (at_event, registered_at) = (thing(4, &format!("({event_of})")), since("n"));
    format!(
        "BEGIN;
         INSERT INTO users (id, email, email_key, name, name_key, listed, status, email_verified_at, created_at, updated_at)
         SELECT {user}, 'p' || n || '@podium.example', 'p' || n || '@podium.example', {name}, {name}, FALSE, 'active', {now}, {now}, {now}
         FROM {askers};
         INSERT INTO user_roles (user_id, role_name) SELECT {user}, {role} FROM {askers};
         INSERT INTO sessions (id, user_id, device, address, created_at, last_seen_at, expires_at)
         SELECT {session}, {user}, 'bench', '127.0.0.1', {now}, {now}, {later} FROM {askers};
         INSERT INTO attendees (id, user_id, name, name_key, email, email_key, created_at, updated_at, words_kept)
         SELECT {attendee}, CASE WHEN n < 4 THEN {user} END, {name}, {name}, 'p' || n || '@podium.example',
                'p' || n || '@podium.example', {now}, {now}, TRUE FROM {people_series};
         INSERT INTO attendee_words (word, attendee_id) SELECT {first}, {attendee} FROM {people_series};
         INSERT INTO attendee_words (word, attendee_id) SELECT {last}, {attendee} FROM {people_series};
         INSERT INTO attendee_words (word, attendee_id) SELECT 'p' || n, {attendee} FROM {people_series};
         INSERT INTO attendee_words (word, attendee_id) SELECT '@p' || n || '@podium.example', {attendee} FROM {people_series};
         INSERT INTO events (id, organizer_id, status, title, search_key, format, location, place_key, stream_status, starts_at,
                ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled, waitlist_length, next_rank, fee_amount,
                refund_until_hours, live_results, edit_version, seats_version, published_at, created_at, updated_at)
         SELECT {event}, {owner}, 'published', 'Event ' || n, 'event ' || n, 'in_person', 'Hall ' || n, 'hall ' || n, 'idle', {later},
                {end}, 'UTC', '2030-01-01', 1000000, 0, TRUE, 0, 1048576, 0, 24, FALSE, 1, 1, {now}, {now}, {now}
         FROM {events_series};
         INSERT INTO registrations (id, event_id, attendee_id, status, registered_at)
         SELECT {registration}, {at_event}, {holder}, CASE WHEN n % 50 = 0 THEN 'cancelled' ELSE 'confirmed' END, {registered_at}
         FROM {registrations_series};
         UPDATE events SET seats_taken = (SELECT count(*) FROM registrations r WHERE r.event_id = events.id AND r.status = 'confirmed');
         COMMIT;
         {};",
        // What was filled in is written now, and not while questions are measured.
        if postgres { "VACUUM (ANALYZE); CHECKPOINT" } else { "ANALYZE" }
    )
}

#[expect(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}
