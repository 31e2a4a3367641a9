//! A campaign is given up.

use crate::access::{refuse_alike, see};
use crate::audited::{check_reason, note};
use crate::end_campaigns::ended;
use crate::{CampaignStatus, CampaignTx, CampaignView};
use kernel::{CampaignId, Ctx, Denied, Invalid, Permission, StoreError};

/// Why it stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum CancelCampaignError {
    /// There is none with that id that the actor may know of.
    #[error("no such campaign")]
    NotFound,
    /// The actor neither owns nor reviews it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The reason does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is over.
    #[error("the campaign is {}", .0.as_str())]
    WrongState(CampaignStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

refuse_alike!(CancelCampaignError);

/// Gives a campaign up, for good: by its owner or a reviewer. Who has not got it yet does not get it.
pub fn cancel_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
    reason: Option<String>,
) -> Result<CampaignView, CancelCampaignError> {
    let locked = tx.lock_campaign(id)?;
    let seen = see(tx, ctx, locked)?;
    seen.require_canceller(ctx)?;
    let is_noted = seen.manages || ctx.actor.holds(Permission::CampaignReview);
    let sees_votes = seen.sees_votes(ctx);
    let campaign = seen.campaign;
    check_reason(reason.as_deref())?;
    if !campaign.status.is_open() {
        return Err(CancelCampaignError::WrongState(campaign.status));
    }
    let campaign = ended(tx, ctx, campaign, reason)?;
    if is_noted {
        note(tx, ctx, "campaign.cancel", &campaign, campaign.reason.as_deref())?;
    }
    Ok(CampaignView {
        progress: tx.count_progress(campaign.id)?.told(sees_votes),
        campaign,
    })
}
