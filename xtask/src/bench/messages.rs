//! `cargo xtask bench messages`: how fast a worker renders and delivers what waits in the queue, on PostgreSQL, to a mail
//! server of this process; what that server alone can take; and how long a claim lasts while all of it waits.

mod sink;

use super::database::Database;
use super::load::Outcome;
use super::report::{Report, Row};
use super::server::{forget_own_settings, given_or_built};
use super::token::Signer;
use anyhow::{Context, Result, bail, ensure};
use kernel::{Clock, OutboxId, SystemClock};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use notification::{Claim, Medium, MessageQueue};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use storage::{Store, StoreOptions};
use testkit::cluster::{Cluster, Durability};
use testkit::smtp::{SmtpOptions, SmtpServer};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Messages in the queue
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    messages: u32,
    /// Messages that the worker sends at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Claims that are measured
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    claims: u32,
    /// A built server to measure, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

/// The worker may take so long for its first message.
const START_LIMIT: Duration = Duration::from_mins(1);
/// It may take so long to stop.
const STOP_LIMIT: Duration = Duration::from_secs(40);

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let program = given_or_built(arguments.program.as_deref())?;
    let cluster = Cluster::start(Durability::Durable)?;
    let database = Database::create(&cluster, "bench_messages")?;
    let signing_key = Signer::new(0)?.key_for_server();
    let server = SmtpServer::start_with(SmtpOptions {
        keep: false,
        ..SmtpOptions::default()
    });
    let bench = Bench {
        arguments,
        program: &program,
        database: &database,
        signing_key: &signing_key,
        server: &server,
    };
    bench.run()
}

struct Bench<'a> {
    arguments: &'a Arguments,
    program: &'a Path,
    database: &'a Database,
    signing_key: &'a str,
    server: &'a SmtpServer,
}

impl Bench<'_> {
    fn run(&self) -> Result<()> {
        let status = self.podium("migrate").stdout(Stdio::null()).status()?;
        ensure!(status.success(), "podium migrate ended with {status}");
        eprintln!("filling the queue");
        self.fill()?;
        eprintln!("claiming while all of it waits");
        let claims = self.claim()?;
        eprintln!("measuring what the mail server alone can take");
        let time = Duration::from_secs(self.arguments.seconds.min(5));
        let alone = sink::load(self.server.address(), self.arguments.concurrency.into(), time)?;
        self.server.forget();
        eprintln!("sending");
        let sent = self.send()?;
        let (sent_a_second, alone_a_second) = (sent.throughput(), alone.throughput());
        let claimed = |quantile: f64| milliseconds(claims.latency.value_at_quantile(quantile));
        let (p50, p99) = (claimed(0.5), claimed(0.99));
        let report = Report {
            settings: [
                ("messages", self.arguments.messages.to_string()),
                ("concurrency", self.arguments.concurrency.to_string()),
                ("seconds", self.arguments.seconds.to_string()),
                ("claims", self.arguments.claims.to_string()),
            ]
            .into(),
            rows: vec![
                Row::new("a claim, all waiting", &claims, None, None),
                Row::new("mail server alone", &alone, None, None),
                Row::new("messages delivered", &sent, None, None),
            ],
            ..Report::default()
        };
        println!("{}", report.table());
        println!(
            "{sent_a_second:.0} messages a second were rendered and delivered, {:.2} of what the mail server alone takes",
            sent_a_second / alone_a_second
        );
        println!(
            "a claim lasts {p50:.1} ms (p50), {p99:.1} ms (p99) with {} waiting",
            self.arguments.messages
        );
        let path = report.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench"))?;
        println!("written to {}", path.display());
        Ok(())
    }

    /// Mails as a rush makes them: confirmed seats, places on the waitlist, cancellations.
    fn fill(&self) -> Result<()> {
        self.database.run(include_str!("sql/functions.sql"))?;
        let messages = self.arguments.messages;
        self.database
            .run(&include_str!("sql/messages.sql").replace(":messages", &messages.to_string()))
    }

    /// Claims batches as the worker does, one after the other, and gives all of it back.
    fn claim(&self) -> Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let mut outcome = Outcome::new()?;
        runtime.block_on(async {
            let store = Store::open(&StoreOptions::new(self.database.url.parse()?))?;
            for _ in 0..self.arguments.claims {
                let now = SystemClock.now();
                let claim = Claim {
                    worker: "bench".to_owned(),
                    media: vec![Medium::Email],
                    most: 4 * u32::from(self.arguments.concurrency),
                    lease: chrono::TimeDelta::seconds(30),
                };
                let began = Instant::now();
                let claimed = store.write(move |tx| tx.claim_messages(now, &claim)).await?;
                let taken = began.elapsed();
                outcome.count(200, taken);
                outcome.elapsed += taken;
                let ids: Vec<OutboxId> = claimed.jobs.iter().map(|job| job.id).collect();
                ensure!(
                    !ids.is_empty(),
                    "a claim found nothing: the messages cannot be read"
                );
                // To the end of the queue: the next claim finds others, as behind a worker.
                let returned = store.write(move |tx| tx.return_messages(now, "bench", &ids));
                returned.await?;
            }
            Ok::<_, anyhow::Error>(())
        })?;
        Ok(outcome)
    }

    /// From the first mail that arrives, until all have or the time is over.
    fn send(&self) -> Result<Outcome> {
        let worker = Worker(self.podium("worker").spawn().context("the worker does not run")?);
        let started = Instant::now();
        while self.server.count() == 0 {
            ensure!(
                started.elapsed() < START_LIMIT,
                "no mail came within {START_LIMIT:?}"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        let (began, before) = (Instant::now(), self.server.count());
        let time = Duration::from_secs(self.arguments.seconds);
        while began.elapsed() < time && self.server.count() < self.arguments.messages as usize {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (elapsed, arrived) = (began.elapsed(), self.server.count() - before);
        worker.stop()?;
        let (in_all, marked) = (self.server.count(), self.marked_as_sent()?);
        ensure!(
            in_all == marked,
            "{in_all} mails came, but {marked} are marked as sent"
        );
        let mut outcome = Outcome::new()?;
        outcome.elapsed = elapsed;
        outcome.statuses.insert(250, u64::try_from(arrived)?);
        Ok(outcome)
    }

    fn marked_as_sent(&self) -> Result<usize> {
        let count = self
            .database
            .ask("SELECT count(*) FROM outbox WHERE status = 'done'")?;
        Ok(count.parse()?)
    }

    fn podium(&self, command: &str) -> Command {
        let mut podium = Command::new(self.program);
        forget_own_settings(&mut podium);
        podium
            .arg(command)
            .current_dir(std::env::temp_dir())
            .env("PODIUM_DATABASE__URL", &self.database.url)
            .env("PODIUM_AUTH__SIGNING_KEY", self.signing_key)
            .env("PODIUM_MAIL__SMTP_URL", self.server.url())
            .env(
                "PODIUM_WORKER__CONCURRENCY",
                self.arguments.concurrency.to_string(),
            )
            .env("PODIUM_LOG__LEVEL", "warn")
            .stdin(Stdio::null());
        podium
    }
}

/// A running worker. It is killed when this is dropped without [`Worker::stop`].
struct Worker(Child);

impl Worker {
    fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.0.id())?), Signal::SIGTERM)?;
        let asked = Instant::now();
        loop {
            match self.0.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the worker stopped with {status}"),
                None => ensure!(
                    asked.elapsed() < STOP_LIMIT,
                    "the worker did not stop within {STOP_LIMIT:?}"
                ),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}
