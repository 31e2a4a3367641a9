//! A reviewer holds a campaign that is on its way.

use crate::access::refuse_alike;
use crate::audited::{check_reason, note};
use crate::{Campaign, CampaignStatus, CampaignTx, CampaignView};
use kernel::{CampaignId, Ctx, Denied, Invalid, Permission, StoreError};

/// Why it goes on.
#[derive(Debug, thiserror::Error)]
pub enum PauseCampaignError {
    /// There is none with that id.
    #[error("no such campaign")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The reason does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is not on its way.
    #[error("the campaign is {}", .0.as_str())]
    WrongState(CampaignStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

refuse_alike!(PauseCampaignError);

/// Holds a campaign: what is in the queue and no worker has claimed waits again.
pub fn pause_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
    reason: Option<String>,
) -> Result<CampaignView, PauseCampaignError> {
    ctx.actor.require(Permission::CampaignReview)?;
    let before = tx.lock_campaign(id)?.ok_or(PauseCampaignError::NotFound)?;
    check_reason(reason.as_deref())?;
    if before.status != CampaignStatus::Sending {
        return Err(PauseCampaignError::WrongState(before.status));
    }
    let campaign = Campaign {
        status: CampaignStatus::Paused,
        reason,
        updated_at: ctx.now,
        ..before
    };
    tx.update_campaign(&campaign)?;
    tx.take_back_queued(campaign.id)?;
    note(tx, ctx, "campaign.pause", &campaign, campaign.reason.as_deref())?;
    Ok(CampaignView {
        progress: tx.count_progress(campaign.id)?,
        campaign,
    })
}
