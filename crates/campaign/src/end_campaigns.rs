//! What a campaign asks for is gone: the candidate left, the event is called off, who asked was forgotten.

use crate::{Campaign, CampaignStatus, CampaignTx};
use kernel::{CampaignId, CandidateId, Ctx, EventId, StoreError, UserId};

/// Ends all that is open of a candidacy.
pub fn end_campaigns_of(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    candidate_id: CandidateId,
) -> Result<(), StoreError> {
    let open = tx.list_open_campaigns_for(candidate_id)?;
    end_all(tx, ctx, open, "the candidate does not stand any more")
}

/// Ends all that is open at an event that is called off.
pub fn end_campaigns_of_event(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<(), StoreError> {
    let open = tx.list_open_campaigns_at(event_id)?;
    end_all(tx, ctx, open, "the event is called off")
}

/// Ends all that is open of what a person asked for who is about to be forgotten.
pub fn withdraw_campaigns_of(tx: &mut dyn CampaignTx, ctx: &Ctx, user_id: UserId) -> Result<(), StoreError> {
    let open = tx.list_open_campaigns_by(user_id)?;
    end_all(tx, ctx, open, "whoever asked for it has no account any more")
}

fn end_all(tx: &mut dyn CampaignTx, ctx: &Ctx, ids: Vec<CampaignId>, reason: &str) -> Result<(), StoreError> {
    for id in ids {
        let found = tx.lock_campaign(id)?;
        if let Some(campaign) = found.filter(|campaign| campaign.status.is_open()) {
            ended(tx, ctx, campaign, Some(reason.to_owned()))?;
        }
    }
    Ok(())
}

/// Ends a campaign, which is open and locked. What no worker has claimed is taken out of the queue; the feeder skips that and
/// all that waits besides, bit by bit.
pub(crate) fn ended(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    campaign: Campaign,
    reason: Option<String>,
) -> Result<Campaign, StoreError> {
    let campaign = Campaign {
        status: CampaignStatus::Cancelled,
        // Of a candidate who is gone nothing is kept.
        approved_names: None,
        reason,
        finished_at: Some(ctx.now),
        updated_at: ctx.now,
        ..campaign
    };
    tx.update_campaign(&campaign)?;
    tx.take_back_queued(campaign.id)?;
    Ok(campaign)
}
