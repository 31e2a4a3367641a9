//! A connection on which STARTTLS is to be said: what came before TLS is never taken for what came under it.
//!
//! Somebody on the way can put answers of their own behind the server's answer to STARTTLS, in one packet with it. lettre
//! reads the packet as a whole and would take them for what the server says once all is encrypted. Here it is given one line
//! at a time; what is left goes to TLS, which does not understand it and gives up.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A record of TLS that begins a conversation (RFC 8446, section 5.1). No command of SMTP does.
const HANDSHAKE: u8 = 0x16;

/// Gives one line at a time until TLS begins.
#[derive(Debug)]
pub(super) struct BeforeTls {
    stream: TcpStream,
    /// Read, and not yet given.
    held: Vec<u8>,
    is_tls: bool,
}

impl BeforeTls {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            held: Vec::new(),
            is_tls: false,
        }
    }

    /// Gives what is held: up to the end of its first line, and all of it to TLS.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let line = self
            .held
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|end| end + 1);
        let whole = self.held.len();
        let length = if self.is_tls { whole } else { line.unwrap_or(whole) };
        let length = length.min(buffer.remaining());
        buffer.put_slice(&self.held[..length]);
        self.held.drain(..length);
    }
}

impl AsyncRead for BeforeTls {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held.is_empty() {
            if this.is_tls {
                return Pin::new(&mut this.stream).poll_read(context, buffer);
            }
            let mut chunk = [0; 1024];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            this.held.extend_from_slice(read.filled());
        }
        this.give(buffer);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BeforeTls {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !this.is_tls && bytes.first() == Some(&HANDSHAKE) {
            if !this.held.is_empty() {
                let forged = "more than an answer to STARTTLS came before TLS";
                return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, forged)));
            }
            this.is_tls = true;
        }
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl AsyncTokioStream for BeforeTls {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
