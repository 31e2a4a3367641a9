//! `cargo xtask bench timing`: whether the time of an answer tells that an address has an account.
//!
//! Known and unknown addresses are asked in turn, one at a time. The statistic is the area under the ROC curve: how
//! likely an answer about a known address takes longer than one about an unknown. At 0.5 the time tells nothing; from a
//! few hundred answers of each it comes out between 0.45 and 0.55 then.

use super::ground::{Ground, PEOPLE, address, post};
use super::load::{ask, connect};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Answers of each kind
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=1000))]
    answers: u32,
    /// A built server to measure, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

/// A route that must not tell.
struct Route {
    name: &'static str,
    path: &'static str,
    body: fn(String) -> Value,
    status: u16,
}

const ROUTES: [Route; 2] = [
    Route {
        name: "login with a wrong password",
        path: "/api/v1/auth/login",
        body: |email| json!({"email": email, "password": "a wrong password"}),
        status: 401,
    },
    Route {
        name: "forgot",
        path: "/api/v1/auth/password/forgot",
        body: |email| json!({"email": email}),
        status: 202,
    },
];

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let ground = Ground::start(arguments.program.as_deref())?;
    println!(
        "{:<28} {:<8} {:>9} {:>9} {:>9}  told apart (0.5: not at all)",
        "route", "address", "lower ms", "median ms", "upper ms"
    );
    for route in &ROUTES {
        match measure(ground.server.address, route, arguments.answers as usize)? {
            Some(times) => times.print(route.name),
            None => println!("{:<28} left out: the server has no such route", route.name),
        }
    }
    Ok(())
}

/// Milliseconds of answers, in order.
struct Times {
    known: Vec<f64>,
    unknown: Vec<f64>,
}

fn measure(server: SocketAddr, route: &Route, answers: usize) -> Result<Option<Times>> {
    let mut stream = connect(server)?;
    let mut buffer = Vec::new();
    let mut take = |number: usize, known: bool| -> Result<(u16, f64)> {
        let request = post(route.path, &(route.body)(address(number, known)));
        // What goes on after an answer is to be over before the next is asked for, and never fills its queue.
        std::thread::sleep(Duration::from_millis(25));
        let sent = Instant::now();
        let status = ask(&mut stream, &mut buffer, &request)?;
        Ok((status, sent.elapsed().as_secs_f64() * 1000.0))
    };
    // The first answers warm both ways up.
    for number in PEOPLE - 5..PEOPLE {
        for known in [true, false] {
            let (status, _) = take(number, known)?;
            if status == 404 {
                return Ok(None);
            }
        }
    }
    let mut times = Times {
        known: Vec::with_capacity(answers),
        unknown: Vec::with_capacity(answers),
    };
    for number in 0..answers {
        // Each kind is first in every second pair, so that what follows something in time is shared.
        for known in [number % 2 == 0, number % 2 != 0] {
            let (status, time) = take(number, known)?;
            ensure!(status == route.status, "{} answers {status}", route.path);
            if known {
                &mut times.known
            } else {
                &mut times.unknown
            }
            .push(time);
        }
    }
    times.known.sort_by(f64::total_cmp);
    times.unknown.sort_by(f64::total_cmp);
    Ok(Some(times))
}

impl Times {
    fn print(&self, name: &str) {
        let told = format!("{:.3}", area_under_curve(&self.known, &self.unknown));
        for (kind, times, told) in [
            ("known", &self.known, told.as_str()),
            ("unknown", &self.unknown, ""),
        ] {
            let [lower, median, upper] = [1, 2, 3].map(|quarter| times[(times.len() - 1) * quarter / 4]);
            println!("{name:<28} {kind:<8} {lower:>9.2} {median:>9.2} {upper:>9.2}  {told}");
        }
    }
}

/// How likely one of the first is greater than one of the second; what is equal counts half (the statistic of Mann and
/// Whitney).
#[expect(clippy::cast_precision_loss, reason = "a thousand answers at the most")]
fn area_under_curve(first: &[f64], second: &[f64]) -> f64 {
    let wins: f64 = first
        .iter()
        .flat_map(|one| second.iter().map(move |other| one.total_cmp(other)))
        .map(|order| match order {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    wins / (first.len() * second.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_a_half_where_nothing_is_told_and_one_where_all_is() {
        let close = |given: f64, expected: f64| assert!((given - expected).abs() < 1e-9, "{given}");
        close(area_under_curve(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), 0.5);
        close(area_under_curve(&[4.0, 5.0], &[1.0, 2.0]), 1.0);
        close(area_under_curve(&[1.0, 2.0], &[4.0, 5.0]), 0.0);
        close(area_under_curve(&[1.0, 3.0], &[2.0, 2.0]), 0.5);
    }
}
