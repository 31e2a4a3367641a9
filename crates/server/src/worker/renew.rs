//! Keeps what a worker has in hand its own.

use super::Shared;
use chrono::TimeDelta;
use kernel::OutboxId;
use notification::MessageQueue;
use std::sync::Arc;

/// Renews the leases every third of one, until it is aborted. One that could not be renewed runs out.
pub async fn run(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(shared.parts.lease / 3).await;
        let asked = shared.in_hand.leases();
        if asked.is_empty() {
            continue;
        }
        let ids: Vec<OutboxId> = asked.iter().map(|(id, _)| *id).collect();
        let lease = TimeDelta::from_std(shared.parts.lease).unwrap_or(TimeDelta::MAX);
        let until = shared.parts.clock.now() + lease;
        let name = shared.name.clone();
        let renewed = shared
            .parts
            .store
            .write(move |tx| tx.renew_leases(until, &name, &ids))
            .await;
        match renewed {
            Ok(kept) => shared.in_hand.renewed(&asked, &kept, until),
            Err(error) => tracing::warn!(%error, "leases of messages could not be renewed"),
        }
    }
}
