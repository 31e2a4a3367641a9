//! A line to a database that can be cut.

use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes bytes between a server and its database as long as the line is whole.
pub struct Proxy {
    url: String,
    whole: watch::Sender<bool>,
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
        let (whole, watched) = watch::channel(true);
        let passing_to = target.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                // Of a line that is cut, a new connection closes at once.
                if *watched.borrow() {
                    tokio::spawn(pass(near, passing_to.clone(), watched.clone()));
                }
            }
        });
        Self {
            url: url.replace(&target, &address.to_string()),
            whole,
        }
    }

    /// Where the database is reached over the line.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Cuts the line: connections close, and new ones close at once.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Makes it whole again.
    pub fn restore(&self) {
        self.whole.send_replace(true);
    }
}

async fn pass(mut near: TcpStream, target: String, mut watched: watch::Receiver<bool>) {
    let Ok(mut far) = TcpStream::connect(target).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = watched.wait_for(|whole| !whole) => {}
    }
}
