//! One request on a connection of its own: to see whether a server is ready, and to take an answer as a model.

use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long connecting, and each read, may take.
const LIMIT: Duration = Duration::from_secs(5);

/// A whole answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, as they came.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Reads a path.
pub fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes)? else {
        anyhow::bail!("half an answer")
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = response
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), text(header.value)))
        .collect();
    Ok(Answer {
        status: response.code.context("no status")?,
        headers,
        body: bytes[head..].to_vec(),
    })
}

impl Answer {
    /// The headers that a floor must send to answer alike: those that the framework does not write by itself.
    pub fn own_headers(&self) -> Vec<(String, String)> {
        let by_itself = ["connection", "content-length", "date", "transfer-encoding"];
        let own = |name: &str| !by_itself.iter().any(|other| name.eq_ignore_ascii_case(other));
        self.headers
            .iter()
            .filter(|(name, _)| own(name))
            .cloned()
            .collect()
    }
}
