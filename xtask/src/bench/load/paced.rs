//! An open loop: requests at fixed moments, each measured from the moment at which it was due.
//!
//! Every connection has a thread, because a thread wakes within some 50 µs of the moment that it waits for, and a timer
//! of an async runtime within a millisecond, which would be most of what is measured.

use super::Outcome;
use super::connection::{Head, head};
use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long an answer may take before its connection is given up.
const LIMIT: Duration = Duration::from_secs(30);

/// Where the load goes and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The server: an address of this machine.
    pub address: SocketAddr,
    /// Connections that take turns.
    pub connections: u16,
    /// Requests a second, of all connections together.
    pub a_second: u32,
    /// How long.
    pub time: Duration,
}

/// Sends the request at the pace; a connection that is late sends its next one at once.
pub fn run_paced(pace: &Pace, request: &[u8]) -> Result<Outcome> {
    ensure!(
        pace.address.ip().is_loopback(),
        "load goes to this machine only, not to {}",
        pace.address
    );
    let streams: Vec<TcpStream> = (0..pace.connections)
        .map(|_| connect(pace.address))
        .collect::<Result<_>>()?;
    let mut whole = Outcome::new()?;
    let start = Instant::now() + Duration::from_millis(20);
    let parts: Vec<Result<Outcome>> = std::thread::scope(|scope| {
        let numbered = streams.into_iter().zip(0_u32..);
        let threads: Vec<_> = numbered
            .map(|(stream, number)| scope.spawn(move || serve(pace, stream, number, start, request)))
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Result<Outcome>>| {
            thread
                .join()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("a connection's thread broke off")))
        };
        threads.into_iter().map(join).collect()
    });
    for part in parts {
        whole.add(&part?)?;
    }
    whole.elapsed = start.elapsed();
    Ok(whole)
}

/// The turns of one connection.
fn serve(pace: &Pace, mut stream: TcpStream, number: u32, start: Instant, request: &[u8]) -> Result<Outcome> {
    let mut outcome = Outcome::new()?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    for turn in (number..).step_by(pace.connections.into()) {
        let after = Duration::from_secs_f64(f64::from(turn) / f64::from(pace.a_second));
        if after >= pace.time {
            break;
        }
        let due = start + after;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        match ask(&mut stream, &mut buffer, request) {
            Ok(status) => outcome.count(status, due.elapsed()),
            Err(error) => {
                outcome.fail(&error);
                stream = connect(pace.address)?;
            }
        }
    }
    Ok(outcome)
}

/// A connection without an answer to come.
pub fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("no connection to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Sends one request, reads one whole answer, and gives its status.
pub fn ask(stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &[u8]) -> Result<u16> {
    stream
        .write_all(request)
        .context("the request could not be sent")?;
    buffer.clear();
    let mut chunk = [0; 16 * 1024];
    loop {
        match head(buffer)? {
            Some(Head { status, length, .. }) if buffer.len() == length => return Ok(status),
            Some(Head { length, .. }) if buffer.len() > length => bail!("more came than one answer"),
            _ => {}
        }
        match stream.read(&mut chunk).context("the answer could not be read")? {
            0 => bail!("the server hung up"),
            count => buffer.extend_from_slice(&chunk[..count]),
        }
    }
}
