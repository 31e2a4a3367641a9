//! A reviewer says no to a campaign.

use crate::access::refuse_alike;
use crate::approve_campaign::tell_owner;
use crate::audited::{check_reason, note};
use crate::{Campaign, CampaignStatus, CampaignTx, CampaignView, Progress};
use kernel::{CampaignId, Ctx, Denied, Invalid, Permission, StoreError};

/// Why it is not rejected.
#[derive(Debug, thiserror::Error)]
pub enum RejectCampaignError {
    /// There is none with that id.
    #[error("no such campaign")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The reason does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It was decided on.
    #[error("the campaign is {}", .0.as_str())]
    WrongState(CampaignStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

refuse_alike!(RejectCampaignError);

/// Rejects a campaign that was asked for; its owner is told why.
pub fn reject_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
    reason: String,
) -> Result<CampaignView, RejectCampaignError> {
    ctx.actor.require(Permission::CampaignReview)?;
    let before = tx.lock_campaign(id)?.ok_or(RejectCampaignError::NotFound)?;
    let event = tx
        .find_event(before.event_id)?
        .ok_or(RejectCampaignError::NotFound)?;
    check_reason(Some(&reason))?;
    if before.status != CampaignStatus::Requested {
        return Err(RejectCampaignError::WrongState(before.status));
    }
    let campaign = Campaign {
        status: CampaignStatus::Rejected,
        at_work: false,
        reason: Some(reason),
        decided_by: ctx.actor.user_id(),
        finished_at: Some(ctx.now),
        updated_at: ctx.now,
        ..before
    };
    tx.update_campaign(&campaign)?;
    note(tx, ctx, "campaign.reject", &campaign, campaign.reason.as_deref())?;
    tell_owner(tx, ctx, &campaign, &event)?;
    Ok(CampaignView {
        campaign,
        progress: Progress::default(),
    })
}
