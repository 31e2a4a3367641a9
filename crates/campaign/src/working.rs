//! What each step of sending a campaign begins with: its row, locked, and whether it is to go on.

use crate::end_campaigns::ended;
use crate::{Campaign, CampaignStatus, CampaignTx, Skip};
use event::Event;
use kernel::{CampaignId, Ctx, StoreError};
use voting::{CandidateStatus, CandidateView, VotingState, voting_state};

/// Deliveries that are skipped in one transaction.
const SKIPPED_AT_ONCE: u32 = 1_000;

/// A campaign on its way, locked.
pub(crate) struct Working {
    pub(crate) campaign: Campaign,
    pub(crate) event: Event,
    pub(crate) candidate: CandidateView,
}

/// What is to be done with a campaign.
pub(crate) enum Work {
    /// Nothing now: it waits, somebody else is at it, or it is over.
    Rest,
    /// It was moved on a little, and there is more to do.
    More,
    /// It is on its way.
    Send(Box<Working>),
}

/// Locks the campaign, if nobody else has, and finds out what is to be done with it. One whose time has come begins; one that
/// can win no votes any more is ended; of one that was given up the rest is skipped.
pub(crate) fn take_up(tx: &mut dyn CampaignTx, ctx: &Ctx, id: CampaignId) -> Result<Work, StoreError> {
    let Some(campaign) = tx.lock_free_campaign(id)? else {
        return Ok(Work::Rest);
    };
    match campaign.status {
        CampaignStatus::Rejected | CampaignStatus::Sent => return Ok(Work::Rest),
        CampaignStatus::Cancelled => {
            let skipped = tx.skip_waiting(id, Skip::Over, SKIPPED_AT_ONCE, ctx.now)?;
            if skipped > 0 {
                return Ok(Work::More);
            }
            tx.repair_queued(id, ctx.now)?;
            return Ok(Work::Rest);
        }
        CampaignStatus::Requested
        | CampaignStatus::Approved
        | CampaignStatus::Sending
        | CampaignStatus::Paused => {}
    }
    let event = tx.find_event(campaign.event_id)?;
    let candidate = tx.find_candidate_view(campaign.candidate_id)?;
    let (Some(event), Some(candidate)) = (event, candidate) else {
        // Both are referred to: the campaign went with them since it was looked up.
        return Ok(Work::Rest);
    };
    let over = match voting_state(&event, ctx.now) {
        VotingState::None | VotingState::Closed => Some("voting is over"),
        VotingState::NotOpen | VotingState::Open => None,
    };
    let left = (candidate.candidate.status != CandidateStatus::Listed)
        .then_some("the candidate does not stand any more");
    if let Some(reason) = over.or(left) {
        ended(tx, ctx, campaign, Some(reason.to_owned()))?;
        return Ok(Work::More);
    }
    match campaign.status {
        CampaignStatus::Sending => Ok(Work::Send(Box::new(Working {
            campaign,
            event,
            candidate,
        }))),
        CampaignStatus::Approved if campaign.send_at.is_some_and(|at| at <= ctx.now) => {
            tx.update_campaign(&Campaign {
                status: CampaignStatus::Sending,
                started_at: Some(ctx.now),
                ..campaign
            })?;
            Ok(Work::More)
        }
        _ => Ok(Work::Rest),
    }
}
