//! `cargo xtask bench rush`: how many people a second get a seat when all come at once, at one hot event and at many, with what waits
//! written together and one by one. Whole operations over the store, with a key each, what is to be mailed and what is told live, on
//! disks that keep every commit; beside them, in the same run, pgbench with one commit a person.
//!
//! The server's part around it, HTTP and tokens, is in the plain `bench`.

use super::database::Database;
use super::fixtures::{self, Pairs, Size, Thing, id};
use super::load::Outcome;
use super::pgbench;
use super::report::{Reference, Report, Row};
use super::sqlite;
use anyhow::{Context, Result, anyhow, ensure};
use kernel::{
    Actor, Clock, Ctx, EventId, IdempotencyKey, IdempotencyScope, IdempotencyStore, PermissionSet,
    Remembered, RequestId, SignedIn, StoredAnswer, SystemClock, TimeOrderedIds, UserId,
};
use registration::{Person, Register, RegisterError, Registered, Rules};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};
use storage::{Connector, DatabaseUrl, Store, StoreOptions, Together, Tx, migrations};
use testkit::cluster::{Cluster, Durability};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// People with accounts
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    people: u32,
    /// Events for the measurement of many
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    events: u32,
    /// One database alone
    #[arg(long)]
    only: Option<Only>,
}

/// A database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    Postgres,
    Sqlite,
}

/// Everybody to one event, or to many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Hot,
    Many,
}

/// All at once, and one by one.
const CROWDS: [usize; 2] = [64, 256];
/// So few that nobody need wait for another.
const FEW: [usize; 2] = [1, 4];

/// What is to be reached: at one event against pgbench, at many against pgbench, on SQLite against itself one by one.
const HOT_TIMES: f64 = 8.0;
const MANY_TIMES: f64 = 3.0;
const SQLITE_TIMES: f64 = 3.0;
/// In milliseconds, of 64.
const LONGEST: f64 = 100.0;
/// Of one or four, against one by one: not slower, but for what two measurements differ by.
const FEW_TIMES: f64 = 0.95;

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let bench = Bench {
        size: Size {
            people: arguments.people as usize,
            events: arguments.events as usize,
            rush_seats: 1,
            hot_events: 60,
        },
        time: Duration::from_secs(arguments.seconds),
        runtime: tokio::runtime::Runtime::new()?,
    };
    let mut found = Found {
        report: Report {
            settings: [
                ("seconds", arguments.seconds.to_string()),
                ("people", arguments.people.to_string()),
                ("events", arguments.events.to_string()),
            ]
            .into(),
            ..Report::default()
        },
        targets: Vec::new(),
    };
    if arguments.only != Some(Only::Sqlite) {
        bench.on_postgres(&mut found)?;
    }
    if arguments.only != Some(Only::Postgres) {
        bench.on_sqlite(&mut found)?;
    }
    println!("{}", found.report.table());
    for target in &found.targets {
        println!("{target}");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    println!("written to {}", found.report.write(&folder)?.display());
    Ok(())
}

struct Found {
    report: Report,
    targets: Vec<String>,
}

impl Found {
    fn row(&mut self, name: &str, outcome: &Outcome, against: Option<(&'static str, f64)>) {
        let reference = against.map(|(name, throughput)| Reference { name, throughput });
        self.report.rows.push(Row::new(name, outcome, reference, None));
    }

    fn at_least(&mut self, what: &str, got: f64, wanted: f64) {
        let verdict = if got >= wanted { "met" } else { "MISSED" };
        self.targets
            .push(format!("{verdict:<7} {what}: {got:.2} times, wanted {wanted:.2}"));
    }

    fn within(&mut self, what: &str, outcome: &Outcome) {
        let got = p99(outcome);
        let verdict = if got < LONGEST { "met" } else { "MISSED" };
        self.targets.push(format!(
            "{verdict:<7} {what}: p99 {got:.1} ms, wanted below {LONGEST:.0}"
        ));
    }
}

struct Bench {
    size: Size,
    time: Duration,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn on_postgres(&self, found: &mut Found) -> Result<()> {
        let cluster = Cluster::start(Durability::Durable)?;
        let database = self.filled(&cluster, "bench_alone")?;
        let mut floors = Vec::new();
        for place in [Where::Hot, Where::Many] {
            for crowd in CROWDS {
                let floor = self.floor(&cluster, &database, place, crowd)?;
                eprintln!("pgbench, {place:?}, {crowd}: {floor:.0}/s");
                floors.push((place, crowd, floor));
            }
        }
        let database = self.filled(&cluster, "bench_rush")?;
        let url: DatabaseUrl = database.url.parse().map_err(|error| anyhow!("{error}"))?;
        let turns = Turns::of(self.size);
        let (alone, together) = self.few_and_many(&url, &turns)?;
        for measured in alone.iter().chain(&together) {
            let floor = floors
                .iter()
                .find(|(place, crowd, _)| (*place, *crowd) == (measured.place, measured.crowd));
            let against = floor.map(|(.., floor)| ("pgbench", *floor));
            found.row(&measured.name("PG"), &measured.outcome, against);
        }
        for (place, crowd, floor) in floors {
            let measured = of(&together, place, crowd)?;
            let wanted = match place {
                Where::Hot => HOT_TIMES,
                Where::Many => MANY_TIMES,
            };
            let what = format!("PostgreSQL, {place:?}, {crowd} at once, against pgbench");
            found.at_least(&what, measured.throughput() / floor, wanted);
        }
        compare(found, "PostgreSQL", &alone, &together)?;
        let given = database
            .ask("SELECT count(*) || '|' || (SELECT sum(seats_taken) FROM events) FROM registrations")?;
        let wanted = turns.taken();
        ensure!(
            given == format!("{wanted}|{wanted}"),
            "registrations|seats are {given}, and {wanted} people were told that they have one"
        );
        Ok(())
    }

    fn on_sqlite(&self, found: &mut Found) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("bench.db");
        let url = DatabaseUrl::Sqlite(file.clone());
        migrations::up(&Connector::new(url.clone())).map_err(|error| anyhow!("{error}"))?;
        sqlite::fill(&file, self.size, SystemTime::now().into())?;
        let turns = Turns::of(self.size);
        let (alone, together) = self.few_and_many(&url, &turns)?;
        for measured in &alone {
            found.row(&measured.name("SQLite"), &measured.outcome, None);
        }
        for measured in &together {
            let before = of(&alone, measured.place, measured.crowd)?.throughput();
            found.row(
                &measured.name("SQLite"),
                &measured.outcome,
                Some(("one by one", before)),
            );
            if CROWDS.contains(&measured.crowd) {
                let what = format!(
                    "SQLite, {:?}, {} at once, against one by one",
                    measured.place, measured.crowd
                );
                found.at_least(&what, measured.outcome.throughput() / before, SQLITE_TIMES);
            }
        }
        compare(found, "SQLite", &alone, &together)
    }

    fn filled(&self, cluster: &Cluster, name: &str) -> Result<Database> {
        let database = Database::create(cluster, name)?;
        let url: DatabaseUrl = database.url.parse().map_err(|error| anyhow!("{error}"))?;
        migrations::up(&Connector::new(url)).map_err(|error| anyhow!("{error}"))?;
        fixtures::fill(&database, self.size)?;
        Ok(database)
    }

    fn floor(&self, cluster: &Cluster, database: &Database, place: Where, crowd: usize) -> Result<f64> {
        // Twice the same pairs would be refused: nobody is registered when the next begins.
        database.run(
            "TRUNCATE registrations CASCADE; UPDATE events SET seats_taken = 0; TRUNCATE outbox CASCADE",
        )?;
        let pairs = self.pairs(place);
        let run = pgbench::Run {
            binaries: cluster.binaries(),
            url: &database.url,
            script: include_str!("sql/registration.sql"),
            variables: &pgbench::variables(pairs, crowd),
            clients: crowd,
            threads: 1,
            duration: self.time,
        };
        let figures = run.measure()?;
        ensure!(figures.failed == 0, "of pgbench's people some were refused");
        Ok(figures.throughput)
    }

    fn pairs(&self, place: Where) -> Pairs {
        match place {
            Where::Hot => self.size.hot(),
            Where::Many => self.size.many(),
        }
    }

    /// One by one, and together. One after the other each time, so that both work on as much as the other.
    fn few_and_many(&self, url: &DatabaseUrl, turns: &Turns) -> Result<(Vec<Measured>, Vec<Measured>)> {
        let open = |write_together| {
            self.runtime.block_on(async {
                Store::open(&StoreOptions {
                    write_together,
                    ..StoreOptions::new(url.clone())
                })
            })
        };
        let stores = [open(false)?, open(true)?];
        let mut measured = (Vec::new(), Vec::new());
        for place in [Where::Hot, Where::Many] {
            for crowd in FEW.into_iter().chain(CROWDS) {
                for (store, write_together) in stores.iter().zip([false, true]) {
                    let outcome = self
                        .runtime
                        .block_on(rush(store, turns, place, crowd, self.time))?;
                    eprintln!(
                        "{place:?}, {crowd}, together {write_together}: {:.0}/s",
                        outcome.throughput()
                    );
                    let into = if write_together {
                        &mut measured.1
                    } else {
                        &mut measured.0
                    };
                    into.push(Measured {
                        place,
                        crowd,
                        write_together,
                        outcome,
                    });
                }
            }
        }
        Ok(measured)
    }
}

struct Measured {
    place: Where,
    crowd: usize,
    write_together: bool,
    outcome: Outcome,
}

impl Measured {
    fn name(&self, database: &str) -> String {
        let way = if self.write_together {
            "together"
        } else {
            "one by one"
        };
        let place = match self.place {
            Where::Hot => "hot",
            Where::Many => "many",
        };
        format!("{database} {place} {} {way}", self.crowd)
    }
}

fn of(all: &[Measured], place: Where, crowd: usize) -> Result<&Outcome> {
    let found = all
        .iter()
        .find(|measured| (measured.place, measured.crowd) == (place, crowd));
    found
        .map(|measured| &measured.outcome)
        .context("it was not measured")
}

/// What is wanted of both databases alike.
fn compare(found: &mut Found, name: &str, alone: &[Measured], together: &[Measured]) -> Result<()> {
    for place in [Where::Hot, Where::Many] {
        for few in FEW {
            let times = of(together, place, few)?.throughput() / of(alone, place, few)?.throughput();
            let what = format!("{name}, {place:?}, {few} at once, against one by one");
            found.at_least(&what, times, FEW_TIMES);
        }
        found.within(
            &format!("{name}, {place:?}, 64 at once"),
            of(together, place, 64)?,
        );
    }
    Ok(())
}

/// Who goes where next: no pair of person and event comes twice in one database.
struct Turns {
    hot: (Pairs, Arc<AtomicUsize>),
    many: (Pairs, Arc<AtomicUsize>),
}

impl Turns {
    fn of(size: Size) -> Self {
        Self {
            hot: (size.hot(), Arc::default()),
            many: (size.many(), Arc::default()),
        }
    }

    fn at(&self, place: Where) -> (Pairs, Arc<AtomicUsize>) {
        let (pairs, next) = match place {
            Where::Hot => &self.hot,
            Where::Many => &self.many,
        };
        (*pairs, Arc::clone(next))
    }

    fn taken(&self) -> usize {
        self.hot.1.load(Ordering::Relaxed) + self.many.1.load(Ordering::Relaxed)
    }
}

/// So many ask, each for the next person when the last has an answer.
async fn rush(store: &Store, turns: &Turns, place: Where, crowd: usize, time: Duration) -> Result<Outcome> {
    let (pairs, next) = turns.at(place);
    let started = Instant::now();
    let ids: Arc<TimeOrderedIds> = Arc::new(TimeOrderedIds::new());
    let asking = |_| {
        let (store, next, ids) = (store.clone(), Arc::clone(&next), Arc::clone(&ids));
        tokio::spawn(async move {
            let mut outcome = Outcome::new()?;
            while started.elapsed() < time {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                ensure!(
                    turn < pairs.count(),
                    "everybody has been everywhere: ask for more people"
                );
                let asked = Instant::now();
                register(&store, &ids, pairs.of(turn), turn)
                    .await
                    .with_context(|| format!("the turn {turn}"))?;
                outcome.count(201, asked.elapsed());
            }
            Ok(outcome)
        })
    };
    let tasks: Vec<_> = (0..crowd).map(asking).collect();
    let mut all = Outcome::new()?;
    for task in tasks {
        all.add(&task.await??)?;
    }
    all.elapsed = started.elapsed();
    Ok(all)
}

async fn register(
    store: &Store,
    ids: &Arc<TimeOrderedIds>,
    (person, event): (usize, usize),
    turn: usize,
) -> Result<()> {
    let user_id: UserId = id(Thing::User, person).parse()?;
    let event_id: EventId = id(Thing::Event, event).parse()?;
    let actor = Actor::User(SignedIn {
        user_id,
        session_id: id(Thing::Session, person).parse()?,
        permissions: PermissionSet::NONE,
        email_verified: true,
    });
    let ctx = Ctx::new(
        SystemClock.now(),
        actor,
        RequestId("bench".into()),
        Arc::clone(ids) as _,
    );
    let scope = IdempotencyScope {
        user_id,
        route: format!("POST /api/v1/events/{event_id}/registrations"),
        key: IdempotencyKey::parse(&format!("turn-{turn}")).context("a key")?,
        fingerprint: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".to_owned(),
    };
    let about = Together::register(ctx.now, event_id, user_id, Some(scope.clone()));
    let told = store
        .write_about(Some(about), move |tx| register_once(tx, &ctx, &scope, event_id))
        .await
        .map_err(|error| anyhow!("{error}"))?;
    ensure!(told, "there was no seat");
    Ok(())
}

/// As the route does it; says whether it is a seat.
fn register_once(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    scope: &IdempotencyScope,
    event_id: EventId,
) -> Result<bool, RegisterError> {
    if tx.claim_idempotency_key(ctx.now, scope)? != Remembered::New {
        return Ok(false);
    }
    let command = Register {
        event_id,
        person: Person::Oneself,
        rules: Rules {
            require_verified_email: true,
            invites_per_day: 0,
        },
    };
    let registered = registration::register(tx, ctx, command)?;
    let answer = StoredAnswer {
        status: 201,
        location: Some(format!("/api/v1/events/{event_id}/registrations")),
        etag: None,
        // As long as what the route gives.
        body: "{}".repeat(300),
    };
    tx.store_answer(scope, &answer)?;
    Ok(matches!(registered, Registered::Confirmed { .. }))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
fn p99(outcome: &Outcome) -> f64 {
    outcome.latency.value_at_quantile(0.99) as f64 / 1000.0
}
