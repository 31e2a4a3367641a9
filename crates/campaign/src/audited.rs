//! The line of the audit log that an action on a campaign leaves.

use crate::{Campaign, CampaignTx};
use kernel::{AuditEntry, Ctx, Invalid, StoreError, TypedId};

/// Notes what was done with a campaign. What it says is not in it.
pub(crate) fn note(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    action: &'static str,
    campaign: &Campaign,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let entry = AuditEntry::new(action, "campaign", campaign.id.uuid())
        .with("event_id", &campaign.event_id)
        .because(reason.map(str::to_owned));
    let entry = match campaign.audience {
        Some(audience) => entry.with("audience", audience.as_str()),
        None => entry,
    };
    tx.record_audit(ctx, entry)
}

/// Characters of a reason at the most.
const LONGEST_REASON: usize = 1_000;

/// Refuses a reason that is too long; none is none.
pub(crate) fn check_reason(reason: Option<&str>) -> Result<(), Invalid> {
    match reason {
        Some(reason) if !(1..=LONGEST_REASON).contains(&reason.chars().count()) => {
            Err(Invalid::field("/reason", "length", "1 to 1,000 characters"))
        }
        _ => Ok(()),
    }
}
