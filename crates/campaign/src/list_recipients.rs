//! Who gets a campaign is written down, a few hundred at a time.

use crate::still_true::suppressed;
use crate::working::{Work, take_up};
use crate::{Audience, Campaign, CampaignTx, Delivery, DeliveryStatus};
use kernel::{AttendeeId, CampaignId, Ctx, DeliveryId, Position, ServerKeys, StoreError, TypedId, UserId};
use notification::Recipient;

/// So many people are written down in one transaction at the most.
const PEOPLE_AT_ONCE: u32 = 200;

/// Somebody who is to get the campaign.
struct Found {
    attendee_id: Option<AttendeeId>,
    recipient: Recipient,
}

/// Begins a campaign whose time has come, and writes down the next of its recipients; gives whether there is more to be written
/// down. Nobody is written down twice, and the candidate not at all.
pub fn list_recipients(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    id: CampaignId,
) -> Result<bool, StoreError> {
    let working = match take_up(tx, ctx, id)? {
        Work::Rest => return Ok(false),
        Work::More => return Ok(true),
        Work::Send(working) => working,
    };
    let campaign = working.campaign;
    if campaign.all_listed {
        return Ok(false);
    }
    let (found, listed_to) = match campaign.audience {
        Some(Audience::All) => readers(tx, &campaign)?,
        Some(Audience::Event) | None => seat_holders(tx, &campaign)?,
    };
    let candidate = working.candidate;
    let is_candidate = |found: &Found| {
        found.attendee_id == Some(candidate.candidate.attendee_id)
            || (found.recipient.user_id.is_some() && found.recipient.user_id == candidate.user_id)
    };
    let count = found.len();
    let found: Vec<Found> = found.into_iter().filter(|found| !is_candidate(found)).collect();
    let deliveries = deliveries_to(tx, ctx, keys, id, found)?;
    tx.insert_deliveries(&deliveries, ctx.now)?;
    let all_listed = count < PEOPLE_AT_ONCE as usize;
    tx.update_campaign(&Campaign {
        listed_to: listed_to.or(campaign.listed_to),
        all_listed,
        ..campaign
    })?;
    Ok(!all_listed)
}

/// The next who hold a seat, in the order of registering.
fn seat_holders(
    tx: &mut dyn CampaignTx,
    campaign: &Campaign,
) -> Result<(Vec<Found>, Option<Position>), StoreError> {
    let holders = tx.list_seat_holders_after(campaign.event_id, campaign.listed_to, PEOPLE_AT_ONCE)?;
    let listed_to = holders.last().map(|holder| Position {
        value: holder.registration.registered_at.timestamp_micros(),
        id: holder.registration.id.uuid(),
    });
    let found = holders.into_iter().map(|holder| Found {
        attendee_id: Some(holder.attendee.id),
        recipient: holder.attendee.recipient(),
    });
    Ok((found.collect(), listed_to))
}

/// The next who want campaigns, in the order of their accounts.
fn readers(
    tx: &mut dyn CampaignTx,
    campaign: &Campaign,
) -> Result<(Vec<Found>, Option<Position>), StoreError> {
    let after = campaign.listed_to.map(|place| UserId::from_uuid(place.id));
    let readers = tx.list_readers_after(after, PEOPLE_AT_ONCE)?;
    let listed_to = readers.last().map(|reader| Position {
        value: 0,
        id: reader.user_id.uuid(),
    });
    let found = readers.into_iter().map(|reader| Found {
        attendee_id: reader.attendee_id,
        recipient: reader.recipient,
    });
    Ok((found.collect(), listed_to))
}

fn deliveries_to(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    campaign_id: CampaignId,
    found: Vec<Found>,
) -> Result<Vec<Delivery>, StoreError> {
    let addresses: Vec<_> = found.iter().map(|found| &found.recipient.email).collect();
    let suppressed = suppressed(tx, keys, &addresses)?;
    let delivery = |Found {
                        attendee_id,
                        recipient,
                    }: Found| {
        let why = suppressed.get(recipient.email.key()).copied();
        Delivery {
            id: ctx.new_id::<DeliveryId>(),
            campaign_id,
            attendee_id,
            user_id: recipient.user_id,
            name: recipient.name,
            status: match why {
                Some(_) => DeliveryStatus::Skipped,
                None => DeliveryStatus::Waiting,
            },
            error: why.map(|why| why.as_str().to_owned()),
            finished_at: why.map(|_| ctx.now),
            email: recipient.email,
        }
    };
    Ok(found.into_iter().map(delivery).collect())
}
