//! A reviewer lets a campaign go, now or later.

use crate::access::refuse_alike;
use crate::audited::note;
use crate::{ApprovedNames, Audience, Campaign, CampaignStatus, CampaignTx, CampaignView};
use event::Event;
use kernel::{CampaignId, Ctx, Denied, Instant, Invalid, Permission, StoreError};
use notification::Message;
use voting::{VotingState, voting_state};

/// What is approved.
#[derive(Debug, Clone)]
pub struct ApproveCampaign {
    /// Which campaign.
    pub id: CampaignId,
    /// Whom it goes to.
    pub audience: Audience,
    /// From when on; now, if that is over or not said.
    pub send_at: Option<Instant>,
    /// What was read, as [`Campaign::version`]: one of these, if it is said.
    pub versions: Option<Vec<String>>,
}

/// Why it is not approved.
#[derive(Debug, thiserror::Error)]
pub enum ApproveCampaignError {
    /// There is none with that id.
    #[error("no such campaign")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It would come after voting.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It was decided on.
    #[error("the campaign is {}", .0.as_str())]
    WrongState(CampaignStatus),
    /// It says something else by now than what was read.
    #[error("the campaign was changed")]
    Changed,
    /// Nobody votes there any more.
    #[error("voting is over")]
    VotingClosed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

refuse_alike!(ApproveCampaignError);

/// Approves a campaign that was asked for; its owner is told.
pub fn approve_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    command: ApproveCampaign,
) -> Result<CampaignView, ApproveCampaignError> {
    ctx.actor.require(Permission::CampaignReview)?;
    let before = tx
        .lock_campaign(command.id)?
        .ok_or(ApproveCampaignError::NotFound)?;
    let event = tx
        .find_event(before.event_id)?
        .ok_or(ApproveCampaignError::NotFound)?;
    let votes_at = |at: Instant| matches!(voting_state(&event, at), VotingState::NotOpen | VotingState::Open);
    let is_votable = votes_at(ctx.now);
    let send_at = command.send_at.map_or(ctx.now, |at| at.max(ctx.now));
    if is_votable && !votes_at(send_at) {
        return Err(Invalid::field("/send_at", "range", "voting is over by then").into());
    }
    if before.status != CampaignStatus::Requested {
        return Err(ApproveCampaignError::WrongState(before.status));
    }
    if !is_votable {
        return Err(ApproveCampaignError::VotingClosed);
    }
    let candidate = tx
        .find_candidate_view(before.candidate_id)?
        .ok_or(ApproveCampaignError::NotFound)?;
    let present = before.version(&candidate);
    if command.versions.is_some_and(|read| !read.contains(&present)) {
        return Err(ApproveCampaignError::Changed);
    }
    let campaign = Campaign {
        status: CampaignStatus::Approved,
        approved_names: Some(ApprovedNames::of(&candidate)),
        audience: Some(command.audience),
        send_at: Some(send_at),
        decided_by: ctx.actor.user_id(),
        at_work: true,
        updated_at: ctx.now,
        ..before
    };
    tx.update_campaign(&campaign)?;
    note(tx, ctx, "campaign.approve", &campaign, None)?;
    tell_owner(tx, ctx, &campaign, &event)?;
    Ok(CampaignView {
        progress: tx.count_progress(campaign.id)?,
        campaign,
    })
}

/// Tells who asked for the campaign how it was decided on.
pub(crate) fn tell_owner(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    campaign: &Campaign,
    event: &Event,
) -> Result<(), StoreError> {
    if let Some(owner) = tx.find_user(campaign.requested_by)? {
        let message = Message::CampaignDecided {
            event: event.seats().facts(),
            campaign_id: campaign.id,
            subject: campaign.subject.clone(),
            send_at: campaign.send_at,
            reason: campaign.reason.clone(),
        };
        tx.enqueue(ctx, owner.recipient(), message);
    }
    Ok(())
}
