//! `cargo xtask bench votes`: how many votes a second are cast at one event, on PostgreSQL, beside the database alone doing one
//! upsert in a transaction; and how long it takes to count all of them.

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

/// People who stand for speaker.
const CANDIDATES: usize = 20;
/// How long the server keeps results, and a little more: whoever asks then has them counted.
const ANEW: Duration = Duration::from_millis(1_050);

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// People with a seat
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    people: u32,
    /// How many of them vote over and over
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    voters: u32,
    /// Connections that ask at the same time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often the votes are counted
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    counts: u32,
    /// A built server to measure, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let cluster = Cluster::start(Durability::Durable)?;
    let alone = arguments.measure_database(&cluster)?;
    eprintln!(
        "database alone: {:.0} votes/s, {:.2} ms each",
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
            ("people", (self.voters as usize + CANDIDATES).to_string()),
            ("candidates", CANDIDATES.to_string()),
        ];
        let run = pgbench::Run {
            binaries: cluster.binaries(),
            url: &database.url,
            script: include_str!("sql/vote.sql"),
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
        let voters = CANDIDATES..CANDIDATES + self.voters as usize;
        let tokens = voters
            .map(|number| signer.sign(&id(Thing::User, number), &id(Thing::Session, number)))
            .collect();
        let stage = Stage {
            address: server.address,
            tokens: Rc::new(tokens),
        };
        let voting = stage.vote(self.connections.into(), Duration::from_secs(self.seconds))?;
        ensure!(
            voting.statuses.get(&200) == Some(&voting.answers()),
            "not every vote was taken: {:?}",
            voting.statuses
        );
        let cast = database.ask("SELECT count(*) FROM votes WHERE via = 'signed_in'")?;
        ensure!(
            cast == (self.people as usize - CANDIDATES).to_string(),
            "{cast} votes"
        );
        database.run("VACUUM (ANALYZE) votes")?;
        let counting = stage.count(self.counts)?;
        ensure!(
            counting.statuses.get(&200) == Some(&u64::from(self.counts)),
            "not every count was told: {:?}",
            counting.statuses
        );
        let crowd = stage.read(self.connections.into(), Duration::from_secs(self.seconds))?;
        let memory = Some(server.memory()?);
        let reference = Reference {
            name: "the database",
            throughput: alone.throughput,
        };
        let report = Report {
            settings: [
                ("people", self.people.to_string()),
                ("voters", self.voters.to_string()),
                ("connections", self.connections.to_string()),
                ("seconds", self.seconds.to_string()),
            ]
            .into(),
            rows: vec![
                Row::new("votes, one event", &voting, Some(reference), memory),
                Row::new("results, counted each time", &counting, None, memory),
                Row::new("results, for a crowd", &crowd, None, memory),
            ],
            ..Report::default()
        };
        server.stop()?;
        Ok(report)
    }

    /// Everybody has a seat at the first event and has voted, but for the candidates.
    fn fill(&self, database: &Database) -> Result<()> {
        let size = Size {
            people: self.people as usize,
            events: 1,
            rush_seats: 1,
            hot_events: 0,
        };
        fixtures::fill(database, size)?;
        let people = self.people;
        database.run(&format!(
            "BEGIN;
             INSERT INTO registrations (id, event_id, attendee_id, status, registered_by, registered_at, ticket_code)
             SELECT bench_id(5, n), bench_id(4, 0), bench_id(3, n), 'confirmed', bench_id(1, n), now(), lpad(n::text, 12, '0')
             FROM generate_series(0, {people} - 1) AS n;
             INSERT INTO candidates (id, event_id, attendee_id, nominated_by, status, talk_title, abstract, nominated_at,
                    listed_at, updated_at)
             SELECT bench_id(6, n), bench_id(4, 0), bench_id(3, n), bench_id(1, n), 'listed', 'Talk ' || n,
                    repeat('What it is about. ', 20), now(), now(), now()
             FROM generate_series(0, {CANDIDATES} - 1) AS n;
             INSERT INTO votes (event_id, voter_id, candidate_id, candidate_attendee_id, via, cast_at)
             SELECT bench_id(4, 0), bench_id(3, n), bench_id(6, n % {CANDIDATES}), bench_id(3, n % {CANDIDATES}), 'signed_in',
                    now()
             FROM generate_series({CANDIDATES}, {people} - 1) AS n;
             UPDATE events SET seats_taken = {people}, voting_opens_at = now() - interval '1 hour', live_results = TRUE
             WHERE id = bench_id(4, 0);
             COMMIT;"
        ))?;
        database.run("VACUUM (ANALYZE)")
    }
}

struct Stage {
    address: SocketAddr,
    /// One of each voter.
    tokens: Rc<Vec<String>>,
}

impl Stage {
    /// All vote in turn, each time for another.
    fn vote(&self, connections: usize, time: Duration) -> Result<Outcome> {
        let next = Rc::new(Cell::new(0));
        let plan = self.plan(connections, Until::Elapsed(time));
        load::run(&plan, |_| -> Source {
            let (next, tokens, host) = (Rc::clone(&next), Rc::clone(&self.tokens), self.address);
            Box::new(move |request| {
                let turn: usize = next.get();
                next.set(turn + 1);
                let (round, voter) = (turn / tokens.len(), turn % tokens.len());
                write_vote(request, host, (turn + round) % CANDIDATES, &tokens[voter]);
                true
            })
        })
    }

    /// One reader, who comes only when what was counted before is kept no more.
    fn count(&self, times: u32) -> Result<Outcome> {
        let limit = ANEW * times + Duration::from_mins(1);
        let plan = self.plan(1, Until::Exhausted(limit));
        load::run(&plan, |_| -> Source {
            let (mut left, host) = (times, self.address);
            Box::new(move |request| {
                if left == 0 {
                    return false;
                }
                left -= 1;
                std::thread::sleep(ANEW);
                write_read(request, host);
                true
            })
        })
    }

    /// A crowd that asks again and again.
    fn read(&self, connections: usize, time: Duration) -> Result<Outcome> {
        let plan = self.plan(connections, Until::Elapsed(time));
        load::run(&plan, |_| -> Source {
            let host = self.address;
            Box::new(move |request| {
                write_read(request, host);
                true
            })
        })
    }

    fn plan(&self, connections: usize, until: Until) -> Plan {
        Plan {
            address: self.address,
            connections,
            until,
        }
    }
}

fn write_vote(request: &mut Vec<u8>, host: SocketAddr, candidate: usize, token: &str) {
    let body = format!(r#"{{"candidate_id":"{}"}}"#, candidate_id(candidate));
    let mut text = String::with_capacity(token.len() + 320);
    let _ = write!(
        text,
        "PUT /api/v1/events/{}/vote HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        id(Thing::Event, 0),
        body.len()
    );
    request.extend_from_slice(text.as_bytes());
}

fn write_read(request: &mut Vec<u8>, host: SocketAddr) {
    let event = id(Thing::Event, 0);
    let text = format!("GET /api/v1/events/{event}/results HTTP/1.1\r\nHost: {host}\r\n\r\n");
    request.extend_from_slice(text.as_bytes());
}

/// As the fixtures make it.
fn candidate_id(number: usize) -> String {
    format!("01900000-0006-7000-8000-{number:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::environment;

    #[test]
    fn a_vote_is_a_whole_request() {
        let mut request = Vec::new();
        write_vote(&mut request, "127.0.0.1:80".parse().unwrap(), 17, "t0ken");
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut parsed = httparse::Request::new(&mut headers);
        let head = parsed.parse(&request).unwrap().unwrap();
        assert_eq!(
            parsed.path,
            Some("/api/v1/events/01900000-0004-7000-8000-000000000000/vote")
        );
        assert_eq!(
            &request[head..],
            br#"{"candidate_id":"01900000-0006-7000-8000-000000000011"}"#
        );
    }

    /// The fixtures and the script name columns that the migrations may change: all of them must still fit.
    #[test]
    fn the_script_runs_on_the_present_schema() {
        let cluster = match Cluster::start(Durability::Throwaway) {
            Ok(cluster) => cluster,
            Err(reason) => {
                assert!(!environment::requires("postgres"), "{reason}");
                return println!("left out: {reason}");
            }
        };
        let arguments = Arguments {
            people: 1_000,
            voters: 100,
            connections: 2,
            seconds: 1,
            counts: 1,
            program: None,
        };
        let figures = arguments.measure_database(&cluster).unwrap();
        assert!(figures.transactions > 0 && figures.failed == 0, "{figures:?}");
    }
}
