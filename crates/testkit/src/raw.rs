//! Bytes to a server as they are, for requests that no HTTP client would send.

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a server may take to answer before the test fails.
const LIMIT: Duration = Duration::from_secs(10);

/// What came back before the server closed the connection or had sent one whole answer.
#[derive(Debug)]
pub struct RawAnswer {
    /// The status, if the bytes begin with a head that can be read; none where the server just hung up.
    pub status: Option<u16>,
    /// Everything, head and body.
    pub text: String,
}

/// Sends the bytes to `address` (`127.0.0.1:8080`) on a connection of their own and reads one answer.
pub async fn send(address: &str, bytes: &[u8]) -> RawAnswer {
    let answer = try_send(address, bytes).await;
    answer.unwrap_or_else(|| panic!("nobody listens at {address}"))
}

/// The same; none where nobody listens.
pub async fn try_send(address: &str, bytes: &[u8]) -> Option<RawAnswer> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    // A server that has already refused may have closed its side: what it said is still to be read.
    let _ = stream.write_all(bytes).await;
    let read = tokio::time::timeout(LIMIT, read_answer(&mut stream)).await;
    let answer = read.unwrap_or_else(|_| panic!("no whole answer within {LIMIT:?}"));
    Some(RawAnswer {
        status: head(&answer).map(|head| head.status),
        text: String::from_utf8_lossy(&answer).into_owned(),
    })
}

async fn read_answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while !is_whole(&answer) {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(count) => answer.extend_from_slice(&chunk[..count]),
        }
    }
    answer
}

struct Head {
    status: u16,
    length: usize,
    body: Option<usize>,
}

/// Whether head and body are there; without a `Content-Length` only the close of the connection tells.
fn is_whole(answer: &[u8]) -> bool {
    head(answer).is_some_and(|head| head.body.is_some_and(|body| answer.len() >= head.length + body))
}

fn head(answer: &[u8]) -> Option<Head> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(answer).ok()? else {
        return None;
    };
    let content_length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = content_length.and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
    Some(Head {
        status: response.code?,
        length,
        body,
    })
}
