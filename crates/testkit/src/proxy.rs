//! A line to a database that can be cut.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes bytes between a server and its database as long as the line is whole.
pub struct Proxy {
    url: String,
    line: watch::Sender<Line>,
}

/// What passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Everything.
    Whole,
    /// What the server is asked. In the place of its next answer the connection closes, and then the line is whole.
    Unanswered,
    /// Nothing.
    Cut,
}

impl Proxy {
    /// A whole line to the server that this URL names.
    pub async fn before(url: &str) -> Self {
        let after_scheme = url.split_once("://").expect("a URL").1;
        let authority = after_scheme.split(['/', '?']).next().expect("an authority");
        let target = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host)
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let (line, watched) = watch::channel(Line::Whole);
        let (passing_to, end) = (target.clone(), line.clone());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                // Of a line that is cut, a new connection closes at once.
                if *watched.borrow() != Line::Cut {
                    tokio::spawn(pass(near, passing_to.clone(), end.clone(), watched.clone()));
                }
            }
        });
        Self {
            url: url.replace(&target, &address.to_string()),
            line,
        }
    }

    /// Where the database is reached over the line.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Cuts the line: connections close, and new ones close at once.
    pub fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    /// Makes it whole again.
    pub fn restore(&self) {
        self.line.send_replace(Line::Whole);
    }

    /// The server hears what it is asked next, and nobody hears its answer.
    pub fn lose_an_answer(&self) {
        self.line.send_replace(Line::Unanswered);
    }
}

async fn pass(
    near: TcpStream,
    target: String,
    line: watch::Sender<Line>,
    mut watched: watch::Receiver<Line>,
) {
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let (mut asked, near) = near.into_split();
    let (far, mut server) = far.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut asked, &mut server) => {}
        () = answer(far, near, &line) => {}
        _ = watched.wait_for(|line| *line == Line::Cut) => {}
    }
}

/// Passes answers on, up to one that is lost.
async fn answer(mut far: OwnedReadHalf, mut near: OwnedWriteHalf, line: &watch::Sender<Line>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(many @ 1..) = far.read(&mut bytes).await {
        let is_lost = line.send_if_modified(|now| {
            let is_lost = *now == Line::Unanswered;
            if is_lost {
                *now = Line::Whole;
            }
            is_lost
        });
        if is_lost || near.write_all(&bytes[..many]).await.is_err() {
            return;
        }
    }
}
