//! Asks right before campaigns' mails leave whether they are still to be sent: all that senders ask while the last ones were asked
//! for, at once.

use super::Shared;
use campaign::Stand;
use kernel::{DeliveryId, StoreError};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Questions that are asked at once; there are no more senders.
const MOST: usize = 64;

/// A sender's question, which it waits with until it is answered.
pub struct Question {
    /// Which copy.
    pub delivery: DeliveryId,
    /// Told how it stands, as things are after the question, or why that is not known.
    pub answer: oneshot::Sender<Result<Stand, String>>,
}

/// Answers until there is nobody who sends.
pub async fn run(shared: Arc<Shared>, mut questions: mpsc::UnboundedReceiver<Question>) {
    let mut batch = Vec::new();
    while questions.recv_many(&mut batch, MOST).await > 0 {
        let ids: Vec<DeliveryId> = batch.iter().map(|question| question.delivery).collect();
        let together = ask(&shared, ids).await;
        for Question { delivery, answer } in batch.drain(..) {
            let stands = match &together {
                Ok(stands) => Ok(stands.get(&delivery).copied()),
                // What cannot be read of one is no reason to hold up the others.
                Err(_) => ask(&shared, vec![delivery])
                    .await
                    .map(|stands| stands.get(&delivery).copied()),
            };
            // A sender that was cut off waits no more.
            let _ = answer.send(match stands {
                Ok(stand) => Ok(stand.unwrap_or(Stand::Moot)),
                Err(error) => Err(error.to_string()),
            });
        }
    }
}

async fn ask(shared: &Shared, ids: Vec<DeliveryId>) -> Result<HashMap<DeliveryId, Stand>, StoreError> {
    let (now, keys) = (shared.parts.clock.now(), Arc::clone(&shared.parts.couriers.keys));
    let reading = shared
        .parts
        .store
        .read(move |tx| campaign::still_true(tx, now, &keys, &ids));
    reading.await
}
