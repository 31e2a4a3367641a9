//! Who sees a campaign, and whose it is.

use crate::{Campaign, CampaignTx};
use event::{Event, may_manage};
use kernel::{Actor, CampaignId, Ctx, Denied, EventId, Instant, Permission, StoreError};
use voting::{CandidateStatus, voting_state};

/// Why somebody is not let near a campaign, or may not ask for one.
#[derive(Debug, thiserror::Error)]
pub enum CampaignRefused {
    /// There is no such campaign or event, or none that the actor may know of.
    #[error("no such campaign")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What asking refuses, the operations refuse too.
macro_rules! refuse_alike {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$crate::CampaignRefused> for $error {
            fn from(refused: $crate::CampaignRefused) -> Self {
                match refused {
                    $crate::CampaignRefused::NotFound => Self::NotFound,
                    $crate::CampaignRefused::Denied(denied) => Self::Denied(denied),
                    $crate::CampaignRefused::Store(error) => Self::Store(error),
                }
            }
        }
    )+};
}
pub(crate) use refuse_alike;

/// A campaign as somebody sees it who may.
pub(crate) struct Seen {
    pub(crate) campaign: Campaign,
    pub(crate) event: Event,
    /// They asked for it and run the event still, or it is for their candidacy.
    pub(crate) is_own: bool,
    /// They run the event.
    pub(crate) manages: bool,
}

impl Seen {
    /// Whether the actor is told what a campaign has won: votes are counted for who runs the event and for reviewers, and for others
    /// when the results are for all.
    pub(crate) fn sees_votes(&self, ctx: &Ctx) -> bool {
        self.manages
            || ctx.actor.holds(Permission::CampaignReview)
            || results_are_public(&self.event, ctx.now)
    }

    pub(crate) fn require_editor(&self) -> Result<(), CampaignRefused> {
        if self.is_own || self.manages {
            Ok(())
        } else {
            Err(Denied::NotYours.into())
        }
    }

    pub(crate) fn require_canceller(&self, ctx: &Ctx) -> Result<(), CampaignRefused> {
        if self.is_own || ctx.actor.holds(Permission::CampaignReview) {
            Ok(())
        } else {
            Err(Denied::NotYours.into())
        }
    }
}

/// The campaign, if the actor may know of it: their own, at an event that they run, or any to a reviewer.
pub(crate) fn see(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    campaign: Option<Campaign>,
) -> Result<Seen, CampaignRefused> {
    if matches!(ctx.actor, Actor::Anonymous) {
        return Err(Denied::Unauthenticated.into());
    }
    let campaign = campaign.ok_or(CampaignRefused::NotFound)?;
    let event = tx
        .find_event(campaign.event_id)?
        .ok_or(CampaignRefused::NotFound)?;
    let manages = may_manage(tx, &ctx.actor, event.reference())?;
    let seen = Seen {
        is_own: is_own(tx, &ctx.actor, &campaign, manages)?,
        manages,
        campaign,
        event,
    };
    if seen.is_own || seen.manages || ctx.actor.holds(Permission::CampaignReview) {
        Ok(seen)
    } else {
        Err(CampaignRefused::NotFound)
    }
}

/// Whether everybody may read the results of the vote.
pub(crate) fn results_are_public(event: &Event, now: Instant) -> bool {
    let state = voting_state(event, now);
    voting::results_are_public(event.is_private(), state, event.details.live_results)
}

fn is_own(
    tx: &mut dyn CampaignTx,
    actor: &Actor,
    campaign: &Campaign,
    manages: bool,
) -> Result<bool, StoreError> {
    let Some(user_id) = actor.user_id() else {
        return Ok(false);
    };
    // Who asked as the one who runs the event has lost it with that.
    if manages && campaign.requested_by == user_id {
        return Ok(true);
    }
    let candidate = tx.find_candidate_view(campaign.candidate_id)?;
    Ok(candidate.is_some_and(|candidate| candidate.user_id == Some(user_id)))
}

/// Asks, without a lock, whether the actor may know of the campaign: before anybody is told what is wrong with the content of
/// theirs.
pub fn require_campaign_reader(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
) -> Result<(), CampaignRefused> {
    let campaign = tx.find_campaign(id)?;
    see(tx, ctx, campaign).map(drop)
}

/// Asks the same of who rewords it: its owner, or who runs the event.
pub fn require_campaign_editor(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
) -> Result<(), CampaignRefused> {
    let campaign = tx.find_campaign(id)?;
    see(tx, ctx, campaign)?.require_editor()
}

/// Asks the same of who gives it up: its owner, or a reviewer.
pub fn require_campaign_canceller(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: CampaignId,
) -> Result<(), CampaignRefused> {
    let campaign = tx.find_campaign(id)?;
    see(tx, ctx, campaign)?.require_canceller(ctx)
}

/// Asks whether the actor may ask for campaigns at the event: a listed candidate, or who runs it.
pub fn require_campaign_asker(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    id: EventId,
) -> Result<(), CampaignRefused> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let event = tx.find_event(id)?.ok_or(CampaignRefused::NotFound)?;
    if may_manage(tx, &ctx.actor, event.reference())? {
        return Ok(());
    }
    if event.is_private() {
        return Err(CampaignRefused::NotFound);
    }
    let stands = match tx.find_attendee_of_user(user_id)? {
        Some(attendee) => tx.find_live_candidate(id, attendee.id)?,
        None => None,
    };
    if stands.is_some_and(|candidate| candidate.status == CandidateStatus::Listed) {
        Ok(())
    } else {
        Err(Denied::NotYours.into())
    }
}
