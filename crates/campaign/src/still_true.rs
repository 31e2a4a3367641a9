//! Whether a copy of a campaign may go to its person, as things are now.

use crate::{Audience, Campaign, CampaignStatus, CampaignTx, DeliveryNow, DeliveryStatus, Skip};
use kernel::{CampaignId, DeliveryId, EmailAddress, Instant, KeyPurpose, ServerKeys, StoreError};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use voting::{Candidate, CandidateStatus, VotingState, voting_state};

/// What is to be done with a message that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// It is to be sent.
    Send,
    /// It is not to be sent now: it leaves the queue, and may come again.
    NotNow,
    /// It is not to be sent at all.
    Moot,
}

/// What decides for all copies of a campaign.
struct Around {
    campaign: Campaign,
    candidate: Option<Candidate>,
    can_win: bool,
}

/// How the copies stand that are in the queue. One that is not there has no business in it.
pub fn still_true(
    tx: &mut dyn CampaignTx,
    now: Instant,
    keys: &ServerKeys,
    ids: &[DeliveryId],
) -> Result<HashMap<DeliveryId, Stand>, StoreError> {
    let mut stands: HashMap<DeliveryId, Stand> = ids.iter().map(|id| (*id, Stand::Moot)).collect();
    let deliveries = tx.find_deliveries_now(ids)?;
    let whys = skipped(tx, keys, &deliveries)?;
    let mut around: HashMap<CampaignId, Option<Around>> = HashMap::new();
    for delivery in &deliveries {
        let campaign_id = delivery.delivery.campaign_id;
        let around = match around.entry(campaign_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(around_campaign(tx, now, campaign_id)?),
        };
        let Some(around) = around else {
            continue;
        };
        let id = delivery.delivery.id;
        stands.insert(id, stand(around, delivery, whys.get(&id).copied()));
    }
    Ok(stands)
}

fn around_campaign(
    tx: &mut dyn CampaignTx,
    now: Instant,
    id: CampaignId,
) -> Result<Option<Around>, StoreError> {
    let Some(campaign) = tx.find_campaign(id)? else {
        return Ok(None);
    };
    let event = tx.find_event(campaign.event_id)?;
    let candidate = tx.find_candidate(campaign.candidate_id)?;
    let is_open = event.is_some_and(|event| {
        matches!(
            voting_state(&event, now),
            VotingState::NotOpen | VotingState::Open
        )
    });
    let stands = candidate
        .as_ref()
        .is_some_and(|candidate| candidate.status == CandidateStatus::Listed);
    Ok(Some(Around {
        can_win: is_open && stands,
        candidate,
        campaign,
    }))
}

fn stand(around: &Around, delivery: &DeliveryNow, suppressed: Option<Skip>) -> Stand {
    if delivery.delivery.status != DeliveryStatus::Queued || !around.can_win {
        return Stand::Moot;
    }
    match around.campaign.status {
        CampaignStatus::Paused => return Stand::NotNow,
        // A dead letter that is tried again comes after the end.
        CampaignStatus::Sending | CampaignStatus::Sent => {}
        _ => return Stand::Moot,
    }
    if why_not(&around.campaign, around.candidate.as_ref(), delivery, suppressed).is_some() {
        return Stand::Moot;
    }
    // Whoever reads the former address is not to vote for the person.
    let moved = delivery
        .person
        .as_ref()
        .is_some_and(|person| person.email.key() != delivery.delivery.email.key());
    if moved && around.campaign.status == CampaignStatus::Sending {
        Stand::NotNow
    } else if moved {
        Stand::Moot
    } else {
        Stand::Send
    }
}

/// Why a copy does not go to its person, if so.
pub(crate) fn why_not(
    campaign: &Campaign,
    candidate: Option<&Candidate>,
    delivery: &DeliveryNow,
    suppressed: Option<Skip>,
) -> Option<Skip> {
    let wanted = match campaign.audience {
        Some(Audience::All) => (!delivery.opted_in).then_some(Skip::OptedOut),
        Some(Audience::Event) | None => (!delivery.has_seat).then_some(Skip::NoSeat),
    };
    // Whoever is suspended can do nothing with one: their link gives no vote.
    let wanted = wanted.or(delivery.is_suspended.then_some(Skip::OptedOut));
    let is_candidate = delivery.delivery.attendee_id.is_some()
        && delivery.delivery.attendee_id == candidate.map(|candidate| candidate.attendee_id);
    // What a person said themselves comes first.
    suppressed
        .or(wanted)
        .or(is_candidate.then_some(Skip::Candidate))
        .or(delivery.person.is_none().then_some(Skip::OptedOut))
}

/// Of these copies, those whose addresses get no campaigns: the address that they were written down with, and the one that the
/// person has now.
pub(crate) fn skipped(
    tx: &mut dyn CampaignTx,
    keys: &ServerKeys,
    deliveries: &[DeliveryNow],
) -> Result<HashMap<DeliveryId, Skip>, StoreError> {
    let both = |delivery: &DeliveryNow| {
        let now = delivery.person.as_ref().map(|person| person.email.clone());
        std::iter::once(delivery.delivery.email.clone()).chain(now)
    };
    let addresses: Vec<EmailAddress> = deliveries.iter().flat_map(both).collect();
    let addresses: Vec<&EmailAddress> = addresses.iter().collect();
    let suppressed = suppressed(tx, keys, &addresses)?;
    let why = |delivery: &DeliveryNow| {
        let why = both(delivery).find_map(|address| suppressed.get(address.key()).copied())?;
        Some((delivery.delivery.id, why))
    };
    Ok(deliveries.iter().filter_map(why).collect())
}

/// Which of these addresses get no campaigns, and why, by their keys.
pub(crate) fn suppressed(
    tx: &mut dyn CampaignTx,
    keys: &ServerKeys,
    addresses: &[&EmailAddress],
) -> Result<HashMap<String, Skip>, StoreError> {
    let mut by_mac = HashMap::new();
    for address in addresses {
        for mac in keys.macs(KeyPurpose::SuppressedAddress, &[address.key()]) {
            by_mac.insert(mac, address.key());
        }
    }
    let macs: Vec<String> = by_mac.keys().cloned().collect();
    let mut found = tx.suppressed_among(&macs)?;
    // Of two reasons the one that the person gave is told.
    found.sort_by_key(|(_, why)| *why == Skip::Unsubscribed);
    let named = |(mac, why): (String, Skip)| Some((by_mac.get(&mac).copied()?.to_owned(), why));
    Ok(found.into_iter().filter_map(named).collect())
}
