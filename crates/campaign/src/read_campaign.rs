//! Campaigns are read: one, those of an event, one's own.

use crate::access::{results_are_public, see};
use crate::{CampaignFilter, CampaignRefused, CampaignStatus, CampaignTx, CampaignView, Owner, Runs};
use event::may_manage;
use kernel::{CampaignId, Ctx, EventId, Page, PageRequest, Permission, StoreError};
use std::collections::HashMap;

/// A campaign, and the version of what it says: see [`crate::Campaign::version`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRead {
    /// The campaign.
    pub view: CampaignView,
    /// The version.
    pub version: String,
}

/// One campaign with its progress, for its owner, who runs the event, and reviewers.
pub fn read_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
) -> Result<CampaignRead, CampaignRefused> {
    let found = tx.find_campaign(id)?;
    let seen = see(tx, ctx, found)?;
    let progress = tx.count_progress(id)?.told(seen.sees_votes(ctx));
    let candidate = tx
        .find_candidate_view(seen.campaign.candidate_id)?
        .ok_or(CampaignRefused::NotFound)?;
    Ok(CampaignRead {
        version: seen.campaign.version(&candidate),
        view: CampaignView {
            progress,
            campaign: seen.campaign,
        },
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
        owner: (!sees_all).then_some(Owner {
            user_id,
            runs: Runs::Nothing,
        }),
        status,
    };
    let sees_votes = sees_all || results_are_public(&event, ctx.now);
    let told = |view: CampaignView| CampaignView {
        progress: view.progress.told(sees_votes),
        ..view
    };
    Ok(tx.list_campaigns(&filter, page)?.map(told))
}

/// The campaigns that the actor asked for at events that they run still, and those for their candidacies.
pub fn list_own_campaigns(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    status: Option<CampaignStatus>,
    page: PageRequest,
) -> Result<Page<CampaignView>, CampaignRefused> {
    let filter = CampaignFilter {
        event_id: None,
        owner: Some(Owner {
            user_id: ctx.actor.signed_in()?.user_id,
            runs: if ctx.actor.holds(Permission::EventManageAny) {
                Runs::Everything
            } else if ctx.actor.holds(Permission::EventCreate) {
                Runs::OwnAndStaffed
            } else {
                Runs::Staffed
            },
        }),
        status,
    };
    let mut page = tx.list_campaigns(&filter, page)?;
    let reviews = ctx.actor.holds(Permission::CampaignReview);
    let mut told_at: HashMap<EventId, bool> = HashMap::new();
    for view in page.items.iter_mut().filter(|_| !reviews) {
        let event_id = view.campaign.event_id;
        let sees_votes = match told_at.get(&event_id) {
            Some(known) => *known,
            None => tx.find_event(event_id)?.map_or(Ok(false), |event| {
                let is_public = results_are_public(&event, ctx.now);
                Ok::<_, StoreError>(is_public || may_manage(tx, &ctx.actor, event.reference())?)
            })?,
        };
        told_at.insert(event_id, sees_votes);
        view.progress = view.progress.told(sees_votes);
    }
    Ok(page)
}
