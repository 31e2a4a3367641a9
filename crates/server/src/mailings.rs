//! Goes on with texts to all who hold a seat: what a request or a round of reminders began is finished here, whoever began
//! it and whatever stopped since.

use crate::rounds::Rounds;
use kernel::{Clock, Ctx, IdSource, StoreError};
use registration::{MailingRepository, Written};
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
            tracing::warn!(%error, "a text to all who hold a seat could not be written; it is tried again soon");
        }
    }
}

/// One look: finishes all that was begun; gives how many people were written to.
pub async fn go_on(store: &Store, ctx: Ctx) -> Result<u32, StoreError> {
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method itself is not general over the lifetime of the transaction"
    )]
    let begun = store.read(|tx| tx.list_mailings()).await?;
    let mut people = 0;
    for id in begun {
        let begun = Written {
            people: 0,
            left: Some(id),
        };
        people += finish(store, &ctx, begun).await?;
    }
    Ok(people)
}

/// Finishes one, in as many transactions as it takes, so that other writes come in between; gives how many people were
/// written to in all.
pub async fn finish(store: &Store, ctx: &Ctx, begun: Written) -> Result<u32, StoreError> {
    let Written { mut people, mut left } = begun;
    while let Some(id) = left {
        let ctx = ctx.clone();
        let written = store
            .write(move |tx| registration::continue_mailing(tx, &ctx, id))
            .await?;
        people += written.people;
        left = written.left;
    }
    Ok(people)
}
