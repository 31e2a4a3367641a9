//! A campaign is shown as a recipient will get it.

use crate::CampaignTx;
use crate::access::{Seen, refuse_alike, see};
use kernel::{CampaignId, Ctx, Denied, StoreError};
use notification::{CampaignText, CampaignValues, TemplateProblem, render_campaign};

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum PreviewCampaignError {
    /// There is none with that id that the actor may know of.
    #[error("no such campaign")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It cannot be rendered: what may stand in a campaign has changed since it was asked for.
    #[error(transparent)]
    Template(#[from] TemplateProblem),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

refuse_alike!(PreviewCampaignError);

/// What stands in the link where a recipient's own would.
const NO_TOKEN: &str = "preview";

/// The campaign as it would be mailed to the actor, with a link that leads nowhere.
pub fn preview_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
    public_url: &str,
) -> Result<CampaignText, PreviewCampaignError> {
    let found = tx.find_campaign(id)?;
    let Seen { campaign, event, .. } = see(tx, ctx, found)?;
    let reader = match ctx.actor.user_id() {
        Some(user_id) => tx.find_user(user_id)?,
        None => None,
    };
    let candidate = tx
        .find_candidate_view(campaign.candidate_id)?
        .ok_or(PreviewCampaignError::NotFound)?;
    let names = campaign.names(&candidate);
    let values = CampaignValues {
        name: reader.as_ref().map_or("", |user| user.name.as_str()),
        event: &event.seats().facts(),
        candidate: &names.candidate,
        talk: &names.talk_title,
        vote_url: &format!("{public_url}/vote/{NO_TOKEN}"),
    };
    Ok(render_campaign(&campaign.subject, &campaign.body, &values)?)
}
