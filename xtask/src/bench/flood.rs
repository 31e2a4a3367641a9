//! `cargo xtask bench flood`: how long a read takes while a flood of sign-ins with wrong passwords comes in, against the
//! same read in quiet. The limits are off: what is measured is what holds where they do not.
//!
//! The reads are asked for at fixed moments, whatever became of those before (an open loop), and each is measured from the
//! moment at which it was due: a server that stops for a while is charged for everyone who would have come.

use super::fixtures::{Thing, id};
use super::ground::{Ground, PEOPLE, address, post};
use super::load::{self, Outcome, Pace, Plan, Source, Until};
use super::report::{Report, Row};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often quiet and flood take turns
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Reads a second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Connections that sign in at the same time
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// A built server to measure, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

/// From the flood's start until it is measured.
const RISE: Duration = Duration::from_secs(2);
/// Connections that the reads take turns on.
const READERS: u16 = 16;

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let ground = Ground::start(arguments.program.as_deref())?;
    let mut bench = Flood {
        arguments,
        address: ground.server.address,
        quiet: Outcome::new()?,
        flooded: Outcome::new()?,
        sign_ins: Outcome::new()?,
    };
    bench.read(Duration::from_secs(2))?;
    for round in 1..=arguments.rounds {
        bench.round(round)?;
    }
    let report = Report {
        settings: [
            ("seconds", arguments.seconds.to_string()),
            ("rounds", arguments.rounds.to_string()),
            ("rate", arguments.rate.to_string()),
            ("connections", arguments.connections.to_string()),
        ]
        .into(),
        rows: vec![
            Row::new("event, in quiet", &bench.quiet, None, None),
            Row::new("event, in the flood", &bench.flooded, None, None),
            Row::new(
                "sign-ins of the flood",
                &bench.sign_ins,
                None,
                Some(ground.server.memory()?),
            ),
        ],
        ..Report::default()
    };
    println!("{}", report.table());
    println!(
        "p99 in the flood is {:.2} times that in quiet; {:.1} passwords a second were checked",
        ratio(&bench.flooded, &bench.quiet),
        bench.checked_a_second()
    );
    let path = report.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench"))?;
    println!("written to {}", path.display());
    Ok(())
}

struct Flood<'a> {
    arguments: &'a Arguments,
    address: SocketAddr,
    quiet: Outcome,
    flooded: Outcome,
    sign_ins: Outcome,
}

impl Flood<'_> {
    fn round(&mut self, round: u32) -> Result<()> {
        let time = Duration::from_secs(self.arguments.seconds);
        let quiet = self.read(time)?;
        let plan = Plan {
            address: self.address,
            connections: self.arguments.connections.into(),
            until: Until::Elapsed(RISE + time),
        };
        let flood = std::thread::spawn(move || load::run(&plan, guesses()));
        std::thread::sleep(RISE);
        let flooded = self.read(time)?;
        let sign_ins = flood
            .join()
            .map_err(|_| anyhow::anyhow!("the flood broke off"))?
            .context("the flood")?;
        println!(
            "round {round}: p99 {:.2} ms in quiet, {:.2} ms in the flood, {:.2} times",
            p99(&quiet),
            p99(&flooded),
            ratio(&flooded, &quiet)
        );
        self.quiet.add(&quiet)?;
        self.flooded.add(&flooded)?;
        self.sign_ins.add(&sign_ins)
    }

    /// The others of the flood gave up waiting for their turn.
    #[expect(clippy::cast_precision_loss, reason = "a count of answers is far below 2^52")]
    fn checked_a_second(&self) -> f64 {
        let refused = self.sign_ins.statuses.get(&401).copied().unwrap_or(0);
        refused as f64 / self.sign_ins.elapsed.as_secs_f64()
    }

    fn read(&self, time: Duration) -> Result<Outcome> {
        let pace = Pace {
            address: self.address,
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
}

/// Wrong passwords, for people who have an account and for others in turn.
fn guesses() -> impl Fn(usize) -> Source {
    let next = Rc::new(Cell::new(0));
    move |_| {
        let next = Rc::clone(&next);
        Box::new(move |request| {
            let turn = next.replace(next.get() + 1);
            let email = address(turn / 2 % PEOPLE, turn.is_multiple_of(2));
            let body = json!({"email": email, "password": format!("a wrong guess {turn}")});
            request.extend_from_slice(&post("/api/v1/auth/login", &body));
            true
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
fn p99(outcome: &Outcome) -> f64 {
    outcome.latency.value_at_quantile(0.99) as f64 / 1000.0
}

fn ratio(one: &Outcome, other: &Outcome) -> f64 {
    p99(one) / p99(other)
}
