//! Developer commands.

mod bench;

use clap::Parser;

#[derive(Parser)]
enum Command {
    /// Measures the server against its floor and against the database alone
    Bench(bench::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Bench(arguments) => bench::run(arguments),
    }
}
