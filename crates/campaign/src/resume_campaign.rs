//! A reviewer lets a campaign go on that was held.

use crate::access::refuse_alike;
use crate::audited::note;
use crate::{Campaign, CampaignStatus, CampaignTx, CampaignView};
use kernel::{CampaignId, Ctx, Denied, Permission, StoreError};

/// Why it stays held.
#[derive(Debug, thiserror::Error)]
pub enum ResumeCampaignError {
    /// There is none with that id.
    #[error("no such campaign")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is not held.
    #[error("the campaign is {}", .0.as_str())]
    WrongState(CampaignStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

refuse_alike!(ResumeCampaignError);

/// Lets a campaign go on.
pub fn resume_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
) -> Result<CampaignView, ResumeCampaignError> {
    ctx.actor.require(Permission::CampaignReview)?;
    let before = tx.lock_campaign(id)?.ok_or(ResumeCampaignError::NotFound)?;
    if before.status != CampaignStatus::Paused {
        return Err(ResumeCampaignError::WrongState(before.status));
    }
    let campaign = Campaign {
        status: CampaignStatus::Sending,
        reason: None,
        updated_at: ctx.now,
        ..before
    };
    tx.update_campaign(&campaign)?;
    note(tx, ctx, "campaign.resume", &campaign, None)?;
    Ok(CampaignView {
        progress: tx.count_progress(campaign.id)?,
        campaign,
    })
}
