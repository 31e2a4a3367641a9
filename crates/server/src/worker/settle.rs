//! Writes down what became of messages: all that came in while the last ones were written, in one transaction.

use super::Shared;
use kernel::{EmailAddress, OutboxId};
use notification::{MessageQueue, Verdict};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Wait before what could not be written is tried again, at first and at the most.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Verdicts in one transaction; there are no more senders.
const MOST: usize = 64;

/// What became of a message, and who waits until that is written.
pub struct Settling {
    /// The message.
    pub id: OutboxId,
    /// What became of it.
    pub verdict: Verdict,
    /// The address, if the other side takes nothing for it.
    pub bounced: Option<EmailAddress>,
    /// Told when it is committed.
    pub written: oneshot::Sender<()>,
}

/// Writes until there is nobody who sends.
pub async fn run(shared: Arc<Shared>, mut to_settle: mpsc::UnboundedReceiver<Settling>) {
    let mut batch = Vec::new();
    while to_settle.recv_many(&mut batch, MOST).await > 0 {
        write(&shared, &batch).await;
        let mut again = Vec::new();
        for settling in batch.drain(..) {
            if shared.in_hand.put_down(settling.id) {
                again.push(settling.id);
            }
            // A sender that was cut off waits no more.
            let _ = settling.written.send(());
        }
        shared.room.notify_one();
        give_back(&shared, again).await;
    }
}

/// What was claimed between the commit and now was not handed on, as it was still in hand. What is done stays so.
async fn give_back(shared: &Shared, ids: Vec<OutboxId>) {
    if ids.is_empty() {
        return;
    }
    let (now, name) = (shared.parts.clock.now(), shared.name.clone());
    let returning = shared
        .parts
        .store
        .write(move |tx| tx.return_messages(now, &name, &ids));
    if let Err(error) = returning.await {
        tracing::warn!(%error, "messages could not be given back; they are due again when their lease is over");
    }
}

/// Tries until it is written: what was sent and is not marked would be sent again.
async fn write(shared: &Shared, batch: &[Settling]) {
    let verdicts: Arc<[(OutboxId, Verdict)]> = batch
        .iter()
        .map(|settling| (settling.id, settling.verdict.clone()))
        .collect();
    let bounced: Arc<[EmailAddress]> = batch
        .iter()
        .filter_map(|settling| settling.bounced.clone())
        .collect();
    let mut wait = WAITS.0;
    loop {
        let (now, name, verdicts) = (
            shared.parts.clock.now(),
            shared.name.clone(),
            Arc::clone(&verdicts),
        );
        let (bounced, keys) = (Arc::clone(&bounced), Arc::clone(&shared.parts.couriers.keys));
        let settled = shared
            .parts
            .store
            .write(move |tx| {
                for address in bounced.iter() {
                    campaign::note_bounce(tx, now, &keys, address)?;
                }
                tx.settle_messages(now, &name, &verdicts)
            })
            .await;
        match settled {
            Ok(settled) => {
                for settling in batch.iter().filter(|one| !settled.contains(&one.id)) {
                    tracing::warn!(id = %settling.id, "a message was not this worker's any more when it was done with");
                }
                return;
            }
            Err(error) => {
                if wait == WAITS.0 {
                    tracing::warn!(%error, "what became of messages cannot be written; it is tried again and again");
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAITS.1);
            }
        }
    }
}
