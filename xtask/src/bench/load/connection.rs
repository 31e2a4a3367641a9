//! One kept connection: sends prepared bytes, reads one answer by its `Content-Length`.

use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    /// What has been read of the answer.
    buffer: Vec<u8>,
}

/// What an answer's head says.
pub(super) struct Head {
    pub(super) status: u16,
    /// Head and body together, in bytes.
    pub(super) length: usize,
    /// The server hangs up after this answer.
    closes: bool,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            address,
            stream: connect(address).await?,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }

    pub(super) async fn reopen(&mut self) -> Result<()> {
        self.stream = connect(self.address).await?;
        self.buffer.clear();
        Ok(())
    }

    /// Sends one whole request, reads one whole answer, and gives its status.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<u16> {
        self.stream
            .write_all(request)
            .await
            .context("the request could not be sent")?;
        let head = loop {
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
            self.read_more().await?;
        };
        while self.buffer.len() < head.length {
            self.read_more().await?;
        }
        if self.buffer.len() > head.length {
            bail!("more came than one answer");
        }
        self.buffer.clear();
        if head.closes {
            self.reopen().await?;
        }
        Ok(head.status)
    }

    async fn read_more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => bail!("the server hung up"),
            Ok(_) => Ok(()),
            Err(error) => Err(error).context("the answer could not be read"),
        }
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("no connection to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The head at the start of the buffer; none where it has not come whole yet.
pub(super) fn head(buffer: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(buffer).context("this is no HTTP answer")? else {
        return Ok(None);
    };
    let status = response.code.context("an answer without status")?;
    let (mut body, mut closes) = (None, false);
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            body = Some(std::str::from_utf8(header.value)?.trim().parse::<usize>()?);
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    let body = match (status, body) {
        (204 | 304, _) => 0,
        (_, Some(length)) => length,
        (_, None) => bail!("an answer of status {status} without Content-Length"),
    };
    Ok(Some(Head {
        status,
        length: head + body,
        closes,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_how_long_the_answer_is() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";
        let read = head(answer).unwrap().unwrap();
        assert_eq!(
            (read.status, read.length, read.closes),
            (200, answer.len() + 4, true)
        );
        let read = head(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 900\r\n\r\n")
            .unwrap()
            .unwrap();
        assert_eq!((read.status, read.length, read.closes), (304, 50, false));
        assert!(head(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap().is_none());
        assert!(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(head(b"SMTP ready\r\n\r\n").is_err());
    }
}
