//! `cargo xtask bench export`: how long the list of all seat holders of one large event takes, on both databases: until its
//! first byte and as a whole; what the server's memory does meanwhile, and what becomes of those who read an event.

use super::database::Database;
use super::fixtures::{self, Size, Thing, id};
use super::load::{self, Outcome, Pace};
use super::report::{Report, Row};
use super::server::{Server, Settings, given_or_built};
use super::sqlite;
use super::token::Signer;
use anyhow::{Context, Result, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use storage::{Connector, DatabaseUrl};
use testkit::cluster::{Cluster, Durability};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Seat holders of the event
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    attendees: u32,
    /// Exports that are measured, one after the other
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    exports: u32,
    /// Seconds for which the event is read, in quiet and while exports go on
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Reads a second
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// A built server to measure, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Connections that the reads take turns on.
const READERS: u16 = 16;
/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// A piece of an answer may take so long.
const LIMIT: Duration = Duration::from_secs(30);
/// How a chunked answer ends that is whole.
const END: &[u8] = b"\r\n0\r\n\r\n";

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let program = given_or_built(arguments.program.as_deref())?;
    let issued_at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let signer = Signer::new(issued_at)?;
    let bench = Bench {
        arguments,
        program: &program,
        token: signer.sign(&id(Thing::User, 0), &id(Thing::Session, 0)),
        signing_key: signer.key_for_server(),
        size: Size {
            people: arguments.attendees as usize,
            events: 1,
            rush_seats: 1,
            hot_events: 1,
        },
    };
    let mut report = Report {
        settings: [
            ("attendees", arguments.attendees.to_string()),
            ("exports", arguments.exports.to_string()),
            ("seconds", arguments.seconds.to_string()),
            ("rate", arguments.rate.to_string()),
        ]
        .into(),
        ..Report::default()
    };
    bench.on_postgres(&mut report)?;
    bench.on_sqlite(&mut report)?;
    println!("{}", report.table());
    let path = report.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench"))?;
    println!("written to {}", path.display());
    Ok(())
}

struct Bench<'a> {
    arguments: &'a Arguments,
    program: &'a Path,
    token: String,
    signing_key: String,
    size: Size,
}

/// One export.
struct Exported {
    first_byte: Duration,
    whole: Duration,
    bytes: usize,
}

impl Bench<'_> {
    fn on_postgres(&self, report: &mut Report) -> Result<()> {
        let cluster = Cluster::start(Durability::Durable)?;
        let database = Database::create(&cluster, "bench_export")?;
        Server::start(self.program, &self.settings(&database.url))?.stop()?;
        eprintln!("PostgreSQL: {} seat holders", self.size.people);
        fixtures::fill(&database, self.size)?;
        database.run(&self.seats("bench_id(5, n)", "bench_id(3, n)", "lpad(n::text, 12, '0')"))?;
        database.run("VACUUM (ANALYZE)")?;
        self.measure("PostgreSQL", &database.url, report)
    }

    fn on_sqlite(&self, report: &mut Report) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("bench.db");
        let url = format!("sqlite:{}", file.display());
        Server::start(self.program, &self.settings(&url))?.stop()?;
        eprintln!("SQLite: {} seat holders", self.size.people);
        sqlite::fill(&file, self.size, SystemTime::now().into())?;
        let connector = Connector::new(DatabaseUrl::Sqlite(file));
        let mut connection = connector
            .open()
            .map_err(|error| anyhow::anyhow!("the file does not open: {error}"))?;
        let id = |thing: u8| format!("printf('01900000-000{thing}-7000-8000-%012x', n)");
        let seats = self.seats(&id(5), &id(3), "printf('%012d', n)");
        connection
            .execute_batch(&seats)
            .context("the seats cannot be written")?;
        drop(connection);
        self.measure("SQLite", &url, report)
    }

    /// Everybody has a seat at the event 0, which the person 0 runs.
    fn seats(&self, registration: &str, attendee: &str, code: &str) -> String {
        let (event, organizer, people) = (id(Thing::Event, 0), id(Thing::User, 0), self.size.people);
        format!(
            "BEGIN;
             UPDATE user_roles SET role_name = 'organizer' WHERE user_id = '{organizer}';
             INSERT INTO registrations (id, event_id, attendee_id, status, registered_at, ticket_code)
             WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {people} - 1)
             SELECT {registration}, e.id, {attendee}, 'confirmed', e.created_at, {code} FROM s, events e WHERE e.id = '{event}';
             UPDATE events SET seats_taken = {people} WHERE id = '{event}';
             COMMIT;"
        )
    }

    fn settings<'s>(&'s self, database_url: &'s str) -> Settings<'s> {
        Settings {
            database_url,
            signing_key: &self.signing_key,
            workers: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        }
    }

    fn measure(&self, database: &str, url: &str, report: &mut Report) -> Result<()> {
        let server = Server::start(self.program, &self.settings(url))?;
        self.read(server.address, Duration::from_secs(1))?;
        let before = server.idle_memory()?;
        let (mut first_bytes, mut wholes) = (Outcome::new()?, Outcome::new()?);
        let (mut most, mut bytes) = (before.resident, 0);
        for _ in 0..self.arguments.exports {
            let over = AtomicBool::new(false);
            let exported = std::thread::scope(|scope| {
                let watch = scope.spawn(|| {
                    let mut most = 0;
                    while !over.load(Ordering::Relaxed) {
                        most = server.memory().map_or(most, |memory| most.max(memory.resident));
                        std::thread::sleep(LOOK);
                    }
                    most
                });
                let exported = self.export(server.address);
                over.store(true, Ordering::Relaxed);
                most = most.max(watch.join().unwrap_or_default());
                exported
            })?;
            first_bytes.count(200, exported.first_byte);
            wholes.count(200, exported.whole);
            first_bytes.elapsed += exported.whole;
            wholes.elapsed += exported.whole;
            bytes = exported.bytes;
        }
        let after = server.idle_memory()?;
        let time = Duration::from_secs(self.arguments.seconds);
        let quiet = self.read(server.address, time)?;
        let over = AtomicBool::new(false);
        let meanwhile = std::thread::scope(|scope| {
            let exports = scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    self.export(server.address)?;
                }
                Ok::<_, anyhow::Error>(())
            });
            let read = self.read(server.address, time);
            over.store(true, Ordering::Relaxed);
            let exports = exports.join();
            exports.map_err(|_| anyhow::anyhow!("the exports broke off"))??;
            read
        })?;
        let milliseconds =
            |outcome: &Outcome, quantile: f64| milliseconds(outcome.latency.value_at_quantile(quantile));
        println!(
            "{database}: {} lines, {:.1} MB: first byte after {:.1} ms (worst {:.1}), all after {:.0} ms (worst {:.0})",
            self.size.people,
            megabytes(bytes as u64),
            milliseconds(&first_bytes, 0.5),
            milliseconds(&first_bytes, 1.0),
            milliseconds(&wholes, 0.5),
            milliseconds(&wholes, 1.0),
        );
        println!(
            "{database}: memory {:.1} MB before, {:.1} MB at most while exporting, {:.1} MB after",
            megabytes(before.resident),
            megabytes(most),
            megabytes(after.resident),
        );
        println!(
            "{database}: an event is read with a p99 of {:.2} ms in quiet, {:.2} ms while exports go on",
            milliseconds(&quiet, 0.99),
            milliseconds(&meanwhile, 0.99),
        );
        let name = |what: &str| format!("{database}: {what}");
        report.rows.extend([
            Row::new(&name("export, first byte"), &first_bytes, None, None),
            Row::new(&name("export, whole"), &wholes, None, Some(server.memory()?)),
            Row::new(&name("event, in quiet"), &quiet, None, None),
            Row::new(&name("event, while exporting"), &meanwhile, None, None),
        ]);
        server.stop()?;
        Ok(())
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

    /// Asks for the list and takes it as fast as it comes. Each line has one `@`.
    fn export(&self, address: SocketAddr) -> Result<Exported> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(LIMIT))?;
        let path = format!("/api/v1/events/{}/attendees.csv", id(Thing::Event, 0));
        let began = Instant::now();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\r\n",
            self.token
        )?;
        let (mut chunk, mut tail) = (vec![0; 65_536], Vec::new());
        let (mut bytes, mut lines, mut first_byte) = (0, 0, None);
        loop {
            let read = stream.read(&mut chunk)?;
            ensure!(read > 0, "the list broke off after {lines} lines");
            let came = &chunk[..read];
            if first_byte.is_none() {
                first_byte = Some(began.elapsed());
                ensure!(
                    came.starts_with(b"HTTP/1.1 200 "),
                    "{}",
                    String::from_utf8_lossy(came)
                );
            }
            bytes += read;
            lines += came.split(|byte| *byte == b'@').count() - 1;
            tail.extend_from_slice(came);
            tail.drain(..tail.len().saturating_sub(END.len()));
            if tail == END {
                break;
            }
        }
        ensure!(lines == self.size.people, "the list has {lines} lines");
        Ok(Exported {
            first_byte: first_byte.unwrap_or_default(),
            whole: began.elapsed(),
            bytes,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a process are far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
