//! How far a campaign is, told to its owner while it goes on.

use crate::access::results_are_public;
use crate::{AtWork, Campaign, CampaignStatus, CampaignTx, CampaignView, Progress};
use chrono::TimeDelta;
use event::StaffRole;
use kernel::{CampaignId, Ctx, Instant, StoreError};
use realtime::LiveEvent;

/// The owner is told no more often.
const BETWEEN: TimeDelta = TimeDelta::seconds(1);

impl AtWork {
    /// Whether the owner was told within the last second.
    pub fn was_told_just_before(&self, now: Instant) -> bool {
        is_soon(self.told_at, now)
    }
}

fn is_soon(told_at: Option<Instant>, now: Instant) -> bool {
    told_at.is_some_and(|at| now < at + BETWEEN)
}

/// A campaign and how far it is, for who tells of it.
pub fn read_progress(
    tx: &mut dyn CampaignTx,
    now: Instant,
    id: CampaignId,
) -> Result<Option<CampaignView>, StoreError> {
    let Some(campaign) = tx.find_campaign(id)? else {
        return Ok(None);
    };
    let progress = tx.count_progress(id)?.told(owner_sees_votes(tx, now, &campaign)?);
    Ok(Some(CampaignView { campaign, progress }))
}

/// Whether who asked for the campaign is told what it has won: when the results are for all, or to whoever runs the event. That the
/// count moves would tell it too, so that it is left out of all that decides whether there is news.
fn owner_sees_votes(tx: &mut dyn CampaignTx, now: Instant, campaign: &Campaign) -> Result<bool, StoreError> {
    let Some(event) = tx.find_event(campaign.event_id)? else {
        return Ok(false);
    };
    let owner = campaign.requested_by;
    Ok(results_are_public(&event, now)
        || event.reference().organizer_id == owner
        || tx.find_staff_role(event.id, owner)? == Some(StaffRole::Manager))
}

/// Whether there is something to tell of a campaign, or it is to be let go of.
pub fn is_to_be_told(view: &CampaignView) -> bool {
    is_news(view) || is_done(view)
}

fn is_news(view: &CampaignView) -> bool {
    // Whoever asked knows that they did.
    view.campaign.status != CampaignStatus::Requested
        && view.campaign.told.as_deref() != Some(summary(view.campaign.status, &view.progress).as_str())
}

/// Whether it is over and nothing of it waits or is in the queue: until then somebody has to skip or count it.
fn is_done(view: &CampaignView) -> bool {
    let Progress {
        total, sent, failed, ..
    } = view.progress;
    matches!(
        view.campaign.status,
        CampaignStatus::Sent | CampaignStatus::Cancelled
    ) && sent + failed == total
}

/// Tells the owner of a campaign how far it was when it was read, and lets go of it when it is done with. Does nothing if
/// somebody else is at it, or told of it within the last second.
pub fn tell_progress(tx: &mut dyn CampaignTx, ctx: &Ctx, read: &CampaignView) -> Result<(), StoreError> {
    let Some(campaign) = tx.lock_free_campaign(read.campaign.id)? else {
        return Ok(());
    };
    let has_moved_on = campaign.status != read.campaign.status || campaign.told != read.campaign.told;
    if has_moved_on || is_soon(campaign.told_at, ctx.now) {
        return Ok(());
    }
    let is_news = is_news(read);
    // Who was forgotten is told nothing.
    if is_news && tx.find_user(campaign.requested_by)?.is_some() {
        tx.publish(ctx, news(&campaign, &read.progress));
    }
    tx.update_campaign(&Campaign {
        at_work: !is_done(read),
        told_at: if is_news { Some(ctx.now) } else { campaign.told_at },
        told: Some(summary(campaign.status, &read.progress)),
        ..campaign
    })
}

/// What is told, in a line.
fn summary(status: CampaignStatus, progress: &Progress) -> String {
    let Progress {
        total,
        sent,
        failed,
        votes_won,
    } = progress;
    let votes_won = votes_won.map_or_else(String::new, |votes| votes.to_string());
    format!("{} {total} {sent} {failed} {votes_won}", status.as_str())
}

fn news(campaign: &Campaign, progress: &Progress) -> LiveEvent {
    LiveEvent::CampaignProgress {
        user_id: campaign.requested_by,
        event_id: campaign.event_id,
        campaign_id: campaign.id,
        status: campaign.status.as_str().to_owned(),
        total: progress.total,
        sent: progress.sent,
        failed: progress.failed,
        percent: progress.percent(),
        votes_won: progress.votes_won,
    }
}
