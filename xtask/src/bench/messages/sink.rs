//! What the mail server alone can take: connections that send one ready mail after the other, so that one sees whether
//! it is the server that a worker waits for.

use crate::bench::load::Outcome;
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// As long as a mail of ours with its headers, both parts and what is attached.
const LENGTH: usize = 4_000;

/// Sends on so many connections for so long.
pub fn load(address: SocketAddr, connections: usize, time: Duration) -> Result<Outcome> {
    let began = Instant::now();
    let senders: Vec<_> = (0..connections)
        .map(|_| std::thread::spawn(move || send(address, began + time)))
        .collect();
    let mut outcome = Outcome::new()?;
    for sender in senders {
        let sent = sender
            .join()
            .map_err(|_| anyhow::anyhow!("a sender broke off"))??;
        outcome.add(&sent)?;
    }
    outcome.elapsed = began.elapsed();
    Ok(outcome)
}

fn send(address: SocketAddr, end: Instant) -> Result<Outcome> {
    let mut session = Session::open(address)?;
    let line = format!("{}\r\n", "x".repeat(70));
    let mut content = "Subject: A seat for you\r\n\r\n".to_owned();
    while content.len() < LENGTH {
        content.push_str(&line);
    }
    content.push_str(".\r\n");
    let mut outcome = Outcome::new()?;
    while Instant::now() < end {
        let began = Instant::now();
        session.say("MAIL FROM:<podium@localhost>\r\n", "250")?;
        session.say("RCPT TO:<person@podium.example>\r\n", "250")?;
        session.say("DATA\r\n", "354")?;
        session.say(&content, "250")?;
        outcome.count(250, began.elapsed());
    }
    Ok(outcome)
}

struct Session {
    reader: BufReader<TcpStream>,
}

impl Session {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut session = Self {
            reader: BufReader::new(stream),
        };
        session.hear("220")?;
        session.say("EHLO localhost\r\n", "250")?;
        Ok(session)
    }

    fn say(&mut self, command: &str, code: &str) -> Result<()> {
        self.reader.get_mut().write_all(command.as_bytes())?;
        self.hear(code)
    }

    /// Reads an answer to its last line: the one without a hyphen behind the code.
    fn hear(&mut self, code: &str) -> Result<()> {
        let mut line = String::new();
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            ensure!(
                line.starts_with(code),
                "the mail server answered {line:?}, not {code}"
            );
            if line.chars().nth(3).context("an answer without a code")? != '-' {
                return Ok(());
            }
        }
    }
}
