//! The text of a campaign is changed before somebody decides on it.

use crate::access::{Seen, refuse_alike, see};
use crate::audited::note;
use crate::{Campaign, CampaignStatus, CampaignTx, CampaignView, Progress};
use kernel::{CampaignId, Change, Ctx, Denied, Invalid, Permission, StoreError};

/// What is to be another text.
#[derive(Debug, Clone)]
pub struct EditCampaign {
    /// Which campaign.
    pub id: CampaignId,
    /// The subject.
    pub subject: Change<String>,
    /// What it says.
    pub body: Change<String>,
}

/// Why it stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditCampaignError {
    /// There is none with that id that the actor may know of.
    #[error("no such campaign")]
    NotFound,
    /// The actor only reviews it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The text does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It was decided on.
    #[error("the campaign is {}", .0.as_str())]
    WrongState(CampaignStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

refuse_alike!(EditCampaignError);

/// Changes a campaign that was only asked for: by who asked, the candidate, or who runs the event.
pub fn edit_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    command: EditCampaign,
) -> Result<CampaignView, EditCampaignError> {
    let locked = tx.lock_campaign(command.id)?;
    let seen = see(tx, ctx, locked)?;
    seen.require_editor()?;
    let sees_votes = seen.sees_votes(ctx);
    let Seen {
        campaign: before,
        manages,
        ..
    } = seen;
    let text = |pointer, change: Change<String>, before: &str| {
        let text = change.apply(Some(before.to_owned()));
        text.ok_or_else(|| Invalid::field(pointer, "missing", "a campaign has one"))
    };
    let campaign = Campaign {
        subject: text("/subject", command.subject, &before.subject)?,
        body: text("/body", command.body, &before.body)?,
        updated_at: ctx.now,
        ..before.clone()
    };
    notification::check_campaign(&campaign.subject, &campaign.body)?;
    if campaign.status != CampaignStatus::Requested {
        return Err(EditCampaignError::WrongState(campaign.status));
    }
    let is_changed = campaign.subject != before.subject || campaign.body != before.body;
    let campaign = if is_changed { campaign } else { before };
    if is_changed {
        tx.update_campaign(&campaign)?;
        if manages || ctx.actor.holds(Permission::CampaignReview) {
            note(tx, ctx, "campaign.edit", &campaign, None)?;
        }
    }
    Ok(CampaignView {
        campaign,
        progress: Progress::nothing().told(sees_votes),
    })
}
