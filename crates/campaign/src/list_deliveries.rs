//! A reviewer reads what has become of a campaign's copies.

use crate::{CampaignRefused, CampaignTx, Delivery, DeliveryStatus};
use kernel::{CampaignId, Ctx, Page, PageRequest, Permission};

/// A page of the deliveries of a campaign.
pub fn list_deliveries(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
    status: Option<DeliveryStatus>,
    page: PageRequest,
) -> Result<Page<Delivery>, CampaignRefused> {
    ctx.actor.require(Permission::CampaignReview)?;
    tx.find_campaign(id)?.ok_or(CampaignRefused::NotFound)?;
    Ok(tx.list_deliveries(id, status, page)?)
}
