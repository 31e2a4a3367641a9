//! Connections that wait for the next mail.

use super::connection::Connection;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// How long a connection may wait. Servers close those that are idle, after minutes (RFC 5321, section 4.5.3.2.7).
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The connections that are open and idle. They are not asked whether they live: whoever finds one closed opens another.
pub(super) struct Pool {
    most: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// With the time since when; the one that waits longest is the first.
    connections: Vec<(Connection, Instant)>,
    /// Whether somebody looks after those that wait for too long.
    is_watched: bool,
}

impl Pool {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            idle: Mutex::default(),
        })
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last.
    pub(super) fn take(&self) -> Option<Connection> {
        self.idle().connections.pop().map(|(connection, _)| connection)
    }

    /// Keeps a connection for the next mail.
    pub(super) fn park(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.idle();
        if idle.connections.len() >= self.most {
            return;
        }
        idle.connections.push((connection, Instant::now()));
        if !idle.is_watched {
            idle.is_watched = true;
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Those that have waited for too long; none, and nobody watches any more, where there are none at all.
    fn outdated(&self) -> Option<Vec<Connection>> {
        let mut idle = self.idle();
        if idle.connections.is_empty() {
            idle.is_watched = false;
            return None;
        }
        let young = |(_, since): &(Connection, Instant)| since.elapsed() < LONGEST_WAIT;
        let count = idle.connections.iter().take_while(|one| !young(one)).count();
        Some(
            idle.connections
                .drain(..count)
                .map(|(connection, _)| connection)
                .collect(),
        )
    }
}

/// Takes leave on the connections that nobody uses.
async fn watch(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(LONGEST_WAIT / 2).await;
        let Some(outdated) = pool.upgrade().and_then(|pool| pool.outdated()) else {
            return;
        };
        for connection in outdated {
            connection.leave().await;
        }
    }
}
