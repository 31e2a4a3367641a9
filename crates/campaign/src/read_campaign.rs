//! Campaigns are read: one, those of an event, one's own.

use crate::access::see;
use crate::{CampaignFilter, CampaignRefused, CampaignStatus, CampaignTx, CampaignView};
use event::may_manage;
use kernel::{CampaignId, Ctx, EventId, Page, PageRequest, Permission};

/// One campaign with its progress, for its owner, who runs the event, and reviewers.
pub fn read_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
) -> Result<CampaignView, CampaignRefused> {
    let found = tx.find_campaign(id)?;
    let campaign = see(tx, ctx, found)?.campaign;
    Ok(CampaignView {
        progress: tx.count_progress(campaign.id)?,
        campaign,
    })
}

/// The campaigns of an event: all for who runs it and for reviewers, their own for everybody else.
pub fn list_campaigns_of_event(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: EventId,
    status: Option<CampaignStatus>,
    page: PageRequest,
) -> Result<Page<CampaignView>, CampaignRefused> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let event = tx.find_event(id)?.ok_or(CampaignRefused::NotFound)?;
    let manages = may_manage(tx, &ctx.actor, event.reference())?;
    if event.is_private() && !manages {
        return Err(CampaignRefused::NotFound);
    }
    let sees_all = manages || ctx.actor.holds(Permission::CampaignReview);
    let filter = CampaignFilter {
        event_id: Some(id),
        owner_id: (!sees_all).then_some(user_id),
        status,
    };
    Ok(tx.list_campaigns(&filter, page)?)
}

/// The campaigns that the actor asked for, and those for their candidacies.
pub fn list_own_campaigns(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    status: Option<CampaignStatus>,
    page: PageRequest,
) -> Result<Page<CampaignView>, CampaignRefused> {
    let filter = CampaignFilter {
        event_id: None,
        owner_id: Some(ctx.actor.signed_in()?.user_id),
        status,
    };
    Ok(tx.list_campaigns(&filter, page)?)
}
