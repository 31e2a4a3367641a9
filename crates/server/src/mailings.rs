//! Goes on with texts to all who hold a seat: what a request or a round of reminders began is finished here, whoever began
//! it and whatever stopped since.

use crate::rounds::Rounds;
use kernel::{Clock, Ctx, IdSource, MailingId, StoreError};
use registration::{MailingRepository, Written};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use storage::Store;

/// How often it looks. Nothing waits in all but a few looks.
const EVERY: Duration = Duration::from_secs(1);

/// Finishes what was begun, until it is aborted. A failure is logged and tried again the next time.
pub async fn run(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) {
    let mut rounds = Rounds::new(EVERY, "mailings", clock, ids);
    loop {
        if let Err(error) = go_on(&store, rounds.next().await).await {
            tracing::warn!(%error, "texts to all who hold a seat could not be looked up; it is tried again soon");
        }
    }
}

/// One look: finishes all that was begun, a part of each in turn, so that a big one holds up no other, also none that is begun
/// meanwhile. One that fails is left for the next look. Gives how many people were written to.
pub async fn go_on(store: &Store, ctx: Ctx) -> Result<u32, StoreError> {
    let mut people = 0;
    let mut failed = BTreeSet::new();
    loop {
        let mut begun = store.read(|tx| tx.list_mailings()).await?;
        begun.retain(|id| !failed.contains(id));
        if begun.is_empty() {
            return Ok(people);
        }
        for id in begun {
            match write_part(store, &ctx, id).await {
                Ok(written) => people += written.people,
                Err(error) => {
                    tracing::warn!(%error, mailing = %id, "a text to all who hold a seat could not be written; it is tried again soon");
                    failed.insert(id);
                }
            }
        }
    }
}

/// Finishes one, in as many transactions as it takes, so that other writes come in between; gives how many people were
/// written to in all.
pub async fn finish(store: &Store, ctx: &Ctx, begun: Written) -> Result<u32, StoreError> {
    let Written { mut people, mut left } = begun;
    while let Some(id) = left {
        let written = write_part(store, ctx, id).await?;
        people += written.people;
        left = written.left;
    }
    Ok(people)
}

async fn write_part(store: &Store, ctx: &Ctx, id: MailingId) -> Result<Written, StoreError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| registration::continue_mailing(tx, &ctx, id))
        .await
}
