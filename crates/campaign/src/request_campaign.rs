//! A candidate, or who runs the event, asks for a campaign.

use crate::access::{Seen, refuse_alike, require_campaign_asker};
use crate::{Campaign, CampaignStatus, CampaignTx, CampaignView, Progress};
use event::may_manage;
use kernel::{AuditEntry, CandidateId, Ctx, Denied, EventId, Invalid, StoreError, TypedId};
use voting::{CandidateStatus, VotingState, voting_state};

/// So many of one candidacy may be asked for, approved or on their way at a time.
pub const OPEN_AT_ONCE: u64 = 3;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct RequestCampaign {
    /// At which event.
    pub event_id: EventId,
    /// For whom.
    pub candidate_id: CandidateId,
    /// The subject, with placeholders.
    pub subject: String,
    /// Markdown with placeholders.
    pub body: String,
}

/// Why it was not noted.
#[derive(Debug, thiserror::Error)]
pub enum RequestCampaignError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor neither runs the event nor is the candidate.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The text does not fit, or there is no such candidate.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Nobody votes there any more, or ever.
    #[error("voting is over, or there is none")]
    VotingClosed,
    /// As many as may be are open.
    #[error("{OPEN_AT_ONCE} campaigns of the candidacy are open")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

refuse_alike!(RequestCampaignError);

/// Notes a campaign for a reviewer to decide on.
pub fn request_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    command: RequestCampaign,
) -> Result<CampaignView, RequestCampaignError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    require_campaign_asker(tx, ctx, command.event_id)?;
    // Under the lock they are counted right.
    let event = tx
        .lock_event(command.event_id)?
        .ok_or(RequestCampaignError::NotFound)?;
    let manages = may_manage(tx, &ctx.actor, event.reference())?;
    let candidate = tx
        .find_candidate_view(command.candidate_id)?
        .filter(|found| {
            found.candidate.event_id == event.id && found.candidate.status == CandidateStatus::Listed
        })
        .ok_or_else(|| Invalid::field("/candidate_id", "unknown", "nobody who stands at this event"))?;
    if !manages && candidate.user_id != Some(user_id) {
        return Err(Denied::NotYours.into());
    }
    notification::check_campaign(&command.subject, &command.body)?;
    if !matches!(
        voting_state(&event, ctx.now),
        VotingState::NotOpen | VotingState::Open
    ) {
        return Err(RequestCampaignError::VotingClosed);
    }
    if tx.count_open_campaigns(command.candidate_id)? >= OPEN_AT_ONCE {
        return Err(RequestCampaignError::TooMany);
    }
    let campaign = Campaign {
        id: ctx.new_id(),
        event_id: event.id,
        candidate_id: command.candidate_id,
        requested_by: user_id,
        status: CampaignStatus::Requested,
        subject: command.subject,
        body: command.body,
        approved_names: None,
        audience: None,
        send_at: None,
        reason: None,
        decided_by: None,
        listed_to: None,
        all_listed: false,
        // It ends with voting, if nobody decides on it.
        at_work: true,
        fed_at: None,
        told_at: None,
        told: None,
        requested_at: ctx.now,
        started_at: None,
        finished_at: None,
        updated_at: ctx.now,
    };
    tx.insert_campaign(&campaign)?;
    if manages {
        tx.record_audit(
            ctx,
            AuditEntry::new("campaign.request", "campaign", campaign.id.uuid())
                .with("event_id", &campaign.event_id),
        )?;
    }
    let seen = Seen {
        campaign,
        event,
        is_own: true,
        manages,
    };
    Ok(CampaignView {
        progress: Progress::nothing().told(seen.sees_votes(ctx)),
        campaign: seen.campaign,
    })
}
