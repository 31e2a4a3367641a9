//! Sends campaigns: writes down who gets them and hands their mails to the queue as fast as they may leave, in many short
//! transactions. Every instance with a worker does so; the row of a campaign is locked by the one that is at it.

use crate::rounds::Rounds;
use campaign::{AtWork, CampaignRepository, Rate};
use kernel::{Clock, Ctx, IdSource, ServerKeys, StoreError};
use std::sync::Arc;
use std::time::Duration;
use storage::Store;

/// How often it looks: short beside the second within which a campaign is to stop.
const EVERY: Duration = Duration::from_millis(250);
/// Parts of the recipients that are written down in one round: its mails begin to leave before all are, and nobody waits long for
/// the database.
const LISTED_AT_ONCE: u32 = 2;
/// Steps of feeding in one round, so that a campaign whose recipients are skipped holds up no other.
const FED_AT_ONCE: u32 = 200;
/// Of so many rounds one looks at campaigns that wait for somebody or for their time: whether they can win votes still.
const ROUNDS_PER_LOOK_AT_RESTING: u32 = 20;

/// What campaigns are sent with.
pub struct Feeder {
    /// Where they are.
    pub store: Store,
    /// Tell which addresses get none.
    pub keys: Arc<ServerKeys>,
    /// How fast their mails leave.
    pub rate: Rate,
}

/// Sends campaigns, until it is aborted. A failure is logged and tried again the next time.
pub async fn run(feeder: Feeder, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) {
    let mut rounds = Rounds::new(EVERY, "campaigns", clock, ids);
    let mut until_look = (0..ROUNDS_PER_LOOK_AT_RESTING).cycle();
    loop {
        let ctx = rounds.next().await;
        let looks_at_resting = until_look.next() == Some(0);
        if let Err(error) = feeder.look(ctx, looks_at_resting).await {
            tracing::warn!(%error, "campaigns could not be looked up; it is tried again soon");
        }
    }
}

impl Feeder {
    /// One round over all campaigns, also those that rest.
    pub async fn round(&self, ctx: Ctx) -> Result<(), StoreError> {
        self.look(ctx, true).await
    }

    /// One round. A campaign that fails is left for the next one.
    async fn look(&self, ctx: Ctx, looks_at_resting: bool) -> Result<(), StoreError> {
        let at_work = self.store.read(|tx| tx.list_campaigns_at_work()).await?;
        for campaign in at_work {
            let rests = campaign.rests_at(ctx.now);
            if rests && !looks_at_resting {
                continue;
            }
            if let Err(error) = self.work_on(&ctx, campaign).await {
                tracing::warn!(%error, campaign = %campaign.id, "a campaign could not go on; it is tried again soon");
            }
        }
        Ok(())
    }

    async fn work_on(&self, ctx: &Ctx, campaign: AtWork) -> Result<(), StoreError> {
        let id = campaign.id;
        for _ in 0..LISTED_AT_ONCE {
            let (ctx, keys) = (ctx.clone(), Arc::clone(&self.keys));
            let listed = self
                .store
                .write(move |tx| campaign::list_recipients(tx, &ctx, &keys, id));
            if !listed.await? {
                break;
            }
        }
        for _ in 0..FED_AT_ONCE {
            let (ctx, keys, rate) = (ctx.clone(), Arc::clone(&self.keys), self.rate);
            let fed = self
                .store
                .write(move |tx| campaign::feed_campaign(tx, &ctx, &keys, id, rate));
            if !fed.await? {
                break;
            }
        }
        self.tell(ctx, campaign).await
    }

    /// Tells the owner how far the campaign is, at most once a second. The counting is done outside of any transaction.
    async fn tell(&self, ctx: &Ctx, campaign: AtWork) -> Result<(), StoreError> {
        if campaign.was_told_just_before(ctx.now) {
            return Ok(());
        }
        let id = campaign.id;
        let now = ctx.now;
        let view = self
            .store
            .read(move |tx| campaign::read_progress(tx, now, id))
            .await?;
        let Some(view) = view.filter(campaign::is_to_be_told) else {
            return Ok(());
        };
        let ctx = ctx.clone();
        self.store
            .write(move |tx| campaign::tell_progress(tx, &ctx, &view))
            .await
    }
}
