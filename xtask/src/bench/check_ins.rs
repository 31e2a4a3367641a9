//! `cargo xtask bench check-ins`: how many people a second are let in at one event, on PostgreSQL, and what the database alone
//! can do under the same statements. Then every ticket comes a second time.

use super::database::Database;
use super::fixtures::{self, Size, Thing, id};
use super::load::{self, Outcome, Plan, Source, Until};
use super::pgbench::{self, Figures};
use super::report::{Reference, Report, Row};
use super::server::{Server, Settings, given_or_built};
use super::token::Signer;
use anyhow::{Context, Result, ensure};
use std::cell::Cell;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use testkit::cluster::{Cluster, Durability};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// People with a seat
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    people: u32,
    /// People who scan
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    scanners: u16,
    /// Connections that ask at the same time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// A built server to measure, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let cluster = Cluster::start(Durability::Durable)?;
    let alone = arguments.measure_database(&cluster)?;
    eprintln!(
        "database alone: {:.0} check-ins/s, {:.2} ms each",
        alone.throughput, alone.mean_milliseconds
    );
    let report = arguments.measure_server(&cluster, &alone)?;
    println!("{}", report.table());
    let path = report.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench"))?;
    println!("written to {}", path.display());
    Ok(())
}

impl Arguments {
    fn measure_database(&self, cluster: &Cluster) -> Result<Figures> {
        let database = Database::create(cluster, "bench_alone")?;
        database.migrate()?;
        self.fill(&database)?;
        let variables = [
            ("turn", "0".to_owned()),
            ("clients", self.connections.to_string()),
            ("people", self.people.to_string()),
            ("scanners", self.scanners.to_string()),
        ];
        let run = pgbench::Run {
            binaries: cluster.binaries(),
            url: &database.url,
            script: include_str!("sql/check_in.sql"),
            variables: &variables,
            clients: self.connections.into(),
            threads: 1,
            duration: Duration::from_secs(self.seconds),
        };
        run.measure()
    }

    fn measure_server(&self, cluster: &Cluster, alone: &Figures) -> Result<Report> {
        let program = given_or_built(self.program.as_deref())?;
        let database = Database::create(cluster, "bench_server")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let signer = Signer::new(now.context("the clock stands before 1970")?.as_secs())?;
        let signing_key = signer.key_for_server();
        let settings = Settings {
            database_url: &database.url,
            signing_key: &signing_key,
            workers: std::thread::available_parallelism()?.get(),
        };
        // The first start migrates; the second is the one to measure.
        Server::start(&program, &settings)?.stop()?;
        self.fill(&database)?;
        let server = Server::start(&program, &settings)?;
        let tokens = (1..=usize::from(self.scanners))
            .map(|number| signer.sign(&id(Thing::User, number), &id(Thing::Session, number)))
            .collect();
        let stage = Stage {
            arguments: self,
            address: server.address,
            tokens: Rc::new(tokens),
            next: Rc::new(Cell::new(0)),
        };
        let first = stage.scan(Until::Elapsed(Duration::from_secs(self.seconds)))?;
        let scanned = first.answers();
        let attended = database.ask(
            "SELECT count(*) || '|' || (SELECT count(*) FROM audit_log WHERE action = 'registration.check_in')
             FROM registrations WHERE status = 'attended'",
        )?;
        ensure!(
            first.statuses.get(&200) == Some(&scanned) && attended == format!("{scanned}|{scanned}"),
            "of {scanned} scans {:?} were answered, and {attended} people attended|were noted",
            first.statuses
        );
        let last = stage.next.replace(0);
        let second = stage.scan_up_to(last, Until::Exhausted(Duration::from_mins(5)))?;
        let memory = Some(server.memory()?);
        let reference = Reference {
            name: "the database",
            throughput: alone.throughput,
        };
        let report = Report {
            settings: [
                ("people", self.people.to_string()),
                ("scanners", self.scanners.to_string()),
                ("connections", self.connections.to_string()),
                ("seconds", self.seconds.to_string()),
            ]
            .into(),
            rows: vec![
                Row::new("check-ins, one event", &first, Some(reference), memory),
                Row::new("the same tickets again", &second, None, memory),
            ],
            ..Report::default()
        };
        server.stop()?;
        Ok(report)
    }

    /// Everybody has a seat at the first event. The code of a ticket is its person's number.
    fn fill(&self, database: &Database) -> Result<()> {
        let size = Size {
            people: self.people as usize,
            events: 1,
            rush_seats: 1,
            hot_events: 0,
        };
        fixtures::fill(database, size)?;
        let (people, scanners) = (self.people, self.scanners);
        database.run(&format!(
            "BEGIN;
             INSERT INTO registrations (id, event_id, attendee_id, status, registered_by, registered_at, ticket_code)
             SELECT bench_id(5, n), bench_id(4, 0), bench_id(3, n), 'confirmed', bench_id(1, n), now(), lpad(n::text, 12, '0')
             FROM generate_series(0, {people} - 1) AS n;
             INSERT INTO event_staff (event_id, user_id, role, added_by, added_at)
             SELECT bench_id(4, 0), bench_id(1, n), 'scanner', bench_id(1, 0), now() FROM generate_series(1, {scanners}) AS n;
             UPDATE events SET seats_taken = {people} WHERE id = bench_id(4, 0);
             COMMIT;"
        ))?;
        database.run("VACUUM (ANALYZE)")
    }
}

struct Stage<'a> {
    arguments: &'a Arguments,
    address: SocketAddr,
    /// One of each scanner.
    tokens: Rc<Vec<String>>,
    /// The next ticket.
    next: Rc<Cell<usize>>,
}

impl Stage<'_> {
    fn scan(&self, until: Until) -> Result<Outcome> {
        self.scan_up_to(self.arguments.people as usize, until)
    }

    /// Scans ticket after ticket, up to that one.
    fn scan_up_to(&self, last: usize, until: Until) -> Result<Outcome> {
        let plan = Plan {
            address: self.address,
            connections: self.arguments.connections.into(),
            until,
        };
        load::run(&plan, |connection| self.scans(connection, last))
    }

    fn scans(&self, connection: usize, last: usize) -> Source {
        let (next, tokens, host) = (Rc::clone(&self.next), Rc::clone(&self.tokens), self.address);
        Box::new(move |request| {
            let ticket = next.get();
            if ticket >= last {
                return false;
            }
            next.set(ticket + 1);
            write_scan(request, host, ticket, &tokens[connection % tokens.len()]);
            true
        })
    }
}

fn write_scan(request: &mut Vec<u8>, host: SocketAddr, ticket: usize, token: &str) {
    let body = format!(r#"{{"ticket_code":"{ticket:012}"}}"#);
    let mut text = String::with_capacity(token.len() + 320);
    let _ = write!(
        text,
        "POST /api/v1/events/{}/check-ins HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        id(Thing::Event, 0),
        body.len()
    );
    request.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_a_whole_request() {
        let mut request = Vec::new();
        write_scan(&mut request, "127.0.0.1:80".parse().unwrap(), 42, "t0ken");
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut parsed = httparse::Request::new(&mut headers);
        let head = parsed.parse(&request).unwrap().unwrap();
        assert_eq!(
            parsed.path,
            Some("/api/v1/events/01900000-0004-7000-8000-000000000000/check-ins")
        );
        assert_eq!(&request[head..], br#"{"ticket_code":"000000000042"}"#);
    }
}
