//! `cargo xtask bench`: measures the server on this machine, on a durable PostgreSQL of its own.
//!
//! Reads are compared with a floor, the same framework giving the same bytes; writes with the database alone, pgbench
//! running the same statements. Ten parts are run by themselves: `flood`, reads while passwords are guessed, `timing`,
//! whether the time of an answer tells who has an account, `messages`, how fast what waits in the queue is sent, `check-ins`,
//! how many people a second are let in, `export`, what the list of a large event's seat holders costs, `search`, lists and
//! searches among many, `rush`, how many people a second get a seat when all come at once, `tickets`, what a ticket's page costs, `votes`, how many are cast a second and what counting them
//! costs, and `campaign`, how long reads take while one is sent. The load shares the machine with what it measures, so the
//! ratios say more than the figures.

mod campaign;
mod check_ins;
mod database;
mod export;
mod fetch;
mod fixtures;
mod flood;
mod floor;
mod ground;
mod load;
mod memory;
mod messages;
mod pgbench;
mod report;
mod rush;
mod scenarios;
mod search;
mod server;
mod sqlite;
mod tickets;
mod timing;
mod token;
mod votes;

use anyhow::{Context, Result};
use database::Database;
use fixtures::{Pairs, Size, Thing, id};
use pgbench::Figures;
use report::{Reference, Report};
use scenarios::Stage;
use server::{Server, Settings};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use testkit::cluster::{Cluster, Durability};
use token::Signer;

/// What is asked for.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Connections that ask at the same time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// People with accounts
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(10_000..=1_000_000))]
    people: u32,
    /// Events with room for everyone
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    events: u32,
    /// Only what the server is compared with: no server is built
    #[arg(long)]
    references_only: bool,
    /// A built server to measure, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Answers every request alike
    #[command(hide = true)]
    Floor(floor::Arguments),
    /// Reads while a flood of sign-ins comes in, against reads in quiet
    Flood(flood::Arguments),
    /// Whether the time of an answer tells that an address has an account
    Timing(timing::Arguments),
    /// How fast a worker sends what waits in the queue
    Messages(messages::Arguments),
    /// How long reads take while a campaign goes to thousands
    Campaign(campaign::Arguments),
    /// How many people a second are let in at one event
    CheckIns(check_ins::Arguments),
    /// How long the list of a large event's seat holders takes, and what it costs
    Export(export::Arguments),
    /// How long lists and searches take among many people and registrations
    Search(search::Arguments),
    /// How many people a second get a seat when all come at once
    Rush(rush::Arguments),
    /// How long a ticket's page takes to write
    Tickets(tickets::Arguments),
    /// How many votes a second are cast at one event, and how long counting them takes
    Votes(votes::Arguments),
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<()> {
    match &arguments.part {
        Some(Part::Floor(floor)) => floor::serve(floor),
        // A load generator or a floor that is not optimised would be what is measured.
        _ if cfg!(debug_assertions) => again_in_release(),
        Some(Part::Flood(flood)) => flood::run(flood),
        Some(Part::Timing(timing)) => timing::run(timing),
        Some(Part::Messages(messages)) => messages::run(messages),
        Some(Part::Campaign(campaign)) => campaign::run(campaign),
        Some(Part::CheckIns(check_ins)) => check_ins::run(check_ins),
        Some(Part::Export(export)) => export::run(export),
        Some(Part::Search(search)) => search::run(search),
        Some(Part::Rush(rush)) => rush::run(rush),
        Some(Part::Tickets(tickets)) => tickets::run(tickets),
        Some(Part::Votes(votes)) => votes::run(votes),
        None => Bench::new(arguments)?.run(),
    }
}

/// Runs this command again, built as the server is.
fn again_in_release() -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "xtask",
            "--features",
            "bench",
            "--",
        ])
        .args(std::env::args_os().skip(1));
    let status = command.status().context("cargo does not run")?;
    anyhow::ensure!(status.success(), "the benchmark ended with {status}");
    Ok(())
}

struct Bench {
    arguments: Arguments,
    cluster: Cluster,
    size: Size,
    time: Duration,
    workers: usize,
}

/// The database alone, in each of the scenarios that write or read it.
struct Alone {
    many: Figures,
    hot: Figures,
    event: Figures,
}

impl Bench {
    fn new(arguments: Arguments) -> Result<Self> {
        let cluster = Cluster::start(Durability::Durable)?;
        let size = Size {
            people: arguments.people as usize,
            events: arguments.events as usize,
            rush_seats: 500,
            hot_events: 20,
        };
        let time = Duration::from_secs(arguments.seconds);
        let workers = std::thread::available_parallelism()?.get();
        Ok(Self {
            arguments,
            cluster,
            size,
            time,
            workers,
        })
    }

    fn run(&self) -> Result<()> {
        eprintln!("measuring the database alone");
        let alone = self.measure_database()?;
        let reference = |name: &str, figures: &Figures| {
            println!(
                "{name}: {:.0}/s, {:.2} ms each",
                figures.throughput, figures.mean_milliseconds
            );
        };
        reference("database alone, registrations over many events", &alone.many);
        reference("database alone, registrations for one event", &alone.hot);
        reference("database alone, reads of one event", &alone.event);
        if self.arguments.references_only {
            return Ok(());
        }
        let report = self.measure_server(&alone)?;
        println!("{}", report.table());
        let path = report.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench"))?;
        println!("written to {}", path.display());
        Ok(())
    }

    fn measure_database(&self) -> Result<Alone> {
        let database = Database::create(&self.cluster, "bench_alone")?;
        database.migrate()?;
        fixtures::fill(&database, self.size)?;
        let event = self.pgbench(&database, include_str!("bench/sql/event.sql"), self.size.many())?;
        let many = self.pgbench(
            &database,
            include_str!("bench/sql/registration.sql"),
            self.size.many(),
        )?;
        let hot = self.pgbench(
            &database,
            include_str!("bench/sql/registration.sql"),
            self.size.hot(),
        )?;
        Ok(Alone { many, hot, event })
    }

    fn pgbench(&self, database: &Database, script: &str, pairs: Pairs) -> Result<Figures> {
        let clients = usize::from(self.arguments.connections);
        let run = pgbench::Run {
            binaries: self.cluster.binaries(),
            url: &database.url,
            script,
            variables: &pgbench::variables(pairs, clients),
            clients,
            threads: 1,
            duration: self.time,
        };
        run.measure()
    }

    fn measure_server(&self, alone: &Alone) -> Result<Report> {
        let program = server::given_or_built(self.arguments.program.as_deref())?;
        let database = Database::create(&self.cluster, "bench_server")?;
        let issued_at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock stands before 1970")?;
        let signer = Signer::new(issued_at.as_secs())?;
        let signing_key = signer.key_for_server();
        let settings = Settings {
            database_url: &database.url,
            signing_key: &signing_key,
            workers: self.workers,
        };
        // The first start migrates; the second is the one to measure.
        Server::start(&program, &settings)?.stop()?;
        fixtures::fill(&database, self.size)?;
        let server = Server::start(&program, &settings)?;
        let mut report = Report {
            settings: self.settings(),
            ..Report::default()
        };
        report.started_in(server.started_in);
        report.idle = Some(server.idle_memory()?);
        let sign = |number| signer.sign(&id(Thing::User, number), &id(Thing::Session, number));
        let tokens = Rc::new((0..self.size.people).map(sign).collect());
        let stage = Stage {
            server: &server,
            database: Some(&database),
            size: self.size,
            tokens: &tokens,
            connections: self.arguments.connections.into(),
            time: self.time,
            workers: self.workers,
        };
        self.run_scenarios(&stage, alone, &mut report)?;
        let stopped_in = server.stop()?;
        eprintln!("the server stopped within {stopped_in:?}");
        self.measure_sqlite(&program, &signer, &tokens, &mut report)?;
        Ok(report)
    }

    /// The same registrations on an SQLite file whose every commit reaches the disk (`synchronous=FULL`).
    fn measure_sqlite(
        &self,
        program: &Path,
        signer: &Signer,
        tokens: &Rc<Vec<String>>,
        report: &mut Report,
    ) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("bench.db");
        let signing_key = signer.key_for_server();
        let settings = Settings {
            database_url: &format!("sqlite:{}", file.display()),
            signing_key: &signing_key,
            workers: self.workers,
        };
        Server::start(program, &settings)?.stop()?;
        sqlite::fill(&file, self.size, SystemTime::now().into())?;
        let server = Server::start(program, &settings)?;
        let stage = Stage {
            server: &server,
            database: None,
            size: self.size,
            tokens,
            connections: self.arguments.connections.into(),
            time: self.time,
            workers: self.workers,
        };
        report.rows.push(stage.rush("SQLite: rush, 10,000 on 500 seats")?);
        report
            .rows
            .push(stage.register("SQLite: register, many events", self.size.many(), None)?);
        report
            .rows
            .push(stage.register("SQLite: register, one hot event", self.size.hot(), None)?);
        server.stop()?;
        Ok(())
    }

    fn run_scenarios(&self, stage: &Stage<'_>, alone: &Alone, report: &mut Report) -> Result<()> {
        let against = |figures: &Figures| {
            Some(Reference {
                name: "the database",
                throughput: figures.throughput,
            })
        };
        report.rows.push(stage.read_cached()?);
        report.rows.push(stage.read_uncached(against(&alone.event))?);
        report.rows.push(stage.list()?);
        report.rows.push(stage.rush("rush: 10,000 on 500 seats")?);
        report
            .rows
            .push(stage.register("register, many events", self.size.many(), against(&alone.many))?);
        report
            .rows
            .push(stage.register("register, one hot event", self.size.hot(), against(&alone.hot))?);
        Ok(())
    }

    fn settings(&self) -> std::collections::BTreeMap<&'static str, String> {
        let Arguments {
            seconds,
            connections,
            people,
            events,
            ..
        } = &self.arguments;
        [
            ("seconds", seconds.to_string()),
            ("connections", connections.to_string()),
            ("people", people.to_string()),
            ("events", events.to_string()),
            ("workers", self.workers.to_string()),
        ]
        .into()
    }
}
