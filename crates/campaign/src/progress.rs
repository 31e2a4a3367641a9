//! How far a campaign is, told to its owner while it goes on.

use crate::{Campaign, CampaignStatus, CampaignTx, CampaignView, Progress};
use chrono::TimeDelta;
use kernel::{CampaignId, Ctx, StoreError};
use realtime::LiveEvent;

/// The owner is told no more often.
const BETWEEN: TimeDelta = TimeDelta::seconds(1);

/// A campaign and how far it is, for who tells of it.
pub fn read_progress(tx: &mut dyn CampaignTx, id: CampaignId) -> Result<Option<CampaignView>, StoreError> {
    let Some(campaign) = tx.find_campaign(id)? else {
        return Ok(None);
    };
    let progress = tx.count_progress(id)?;
    Ok(Some(CampaignView { campaign, progress }))
}

/// Tells the owner of a campaign how far it is, if that is news and they were not told within the last second. One that is over
/// is let go of when that was told: `rests` says that nothing of it waits to be skipped.
pub fn tell_progress(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    view: &CampaignView,
    rests: bool,
) -> Result<(), StoreError> {
    let Some(campaign) = tx.lock_free_campaign(view.campaign.id)? else {
        return Ok(());
    };
    let is_over = matches!(campaign.status, CampaignStatus::Sent | CampaignStatus::Cancelled);
    let what = told(campaign.status, &view.progress);
    let is_news = campaign.told.as_deref() != Some(what.as_str());
    let is_soon = campaign.told_at.is_some_and(|at| ctx.now < at + BETWEEN);
    if campaign.status != view.campaign.status || (is_news && is_soon) {
        return Ok(());
    }
    let at_work = !(is_over && rests);
    if !is_news && at_work {
        return Ok(());
    }
    // Who was forgotten is told nothing.
    if is_news && tx.find_user(campaign.requested_by)?.is_some() {
        tx.publish(ctx, news(&campaign, &view.progress));
    }
    tx.update_campaign(&Campaign {
        at_work,
        told_at: if is_news { Some(ctx.now) } else { campaign.told_at },
        told: Some(what),
        ..campaign
    })
}

/// What was told, in a line.
fn told(status: CampaignStatus, progress: &Progress) -> String {
    let Progress {
        total,
        sent,
        failed,
        votes_won,
    } = progress;
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
