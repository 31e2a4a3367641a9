//! `cargo xtask bench tickets`: how long one core takes to set and write a ticket's page. Every mail that confirms a seat
//! carries one, so this bounds how many of them a worker sends.

use anyhow::{Context, Result};
use kernel::{EventId, ServerKeys};
use std::time::{Duration, Instant};
use ticket::{Sheet, TicketCode};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Pages of each kind
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pages: u32,
}

/// In what is it written; title, place and name.
const PEOPLE: [(&str, &str, &str, &str); 3] = [
    (
        "Latin",
        "Rust Delhi: async from the ground up",
        "India Habitat Centre, New Delhi",
        "Åsa Nordström",
    ),
    (
        "Devanagari, Tamil",
        "क्षेत्रीय सम्मेलन: प्रौद्योगिकी और संस्कृति",
        "தமிழ் இலக்கிய விழா",
        "श्रीकृष्ण",
    ),
    (
        "Japanese, Korean",
        "東京技術大会 서울 기술 대회",
        "東京都千代田区丸の内一丁目",
        "김철수",
    ),
];

/// Runs the measurement and prints what it found.
pub fn run(arguments: &Arguments) -> Result<()> {
    let code: TicketCode = "01AB89XYZT0K".parse().context("the code does not read")?;
    let keys = ServerKeys::new(vec![1; 32], Vec::new());
    let event: EventId = super::id(super::Thing::Event, 0).parse()?;
    let signed_text = ticket::signed_text(&keys, &code, event)?;
    let write = |(_, title, place, name): (&str, &str, &str, &str)| {
        ticket::print(&Sheet {
            title,
            when: "Saturday, 24 October 2026, 22:00 – 23:30, Asia/Kolkata",
            place,
            name,
            code: &code,
            signed_text: &signed_text,
            reference: "01905e5e-0000-7000-8000-000000000001",
        })
    };
    let begun = Instant::now();
    write(PEOPLE[0])?;
    println!(
        "the first page, with reading the fonts: {:.1} ms",
        milliseconds(begun.elapsed())
    );
    println!("{:<20} {:>9} {:>9}", "script", "ms a page", "bytes");
    for person in PEOPLE {
        let begun = Instant::now();
        let mut bytes = 0;
        for _ in 0..arguments.pages {
            bytes = write(person)?.len();
        }
        let each = milliseconds(begun.elapsed() / arguments.pages);
        println!("{:<20} {each:>9.2} {bytes:>9}", person.0);
    }
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
