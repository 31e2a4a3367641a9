//! Mails of a campaign are handed to the queue, as fast as they may leave and no faster.

use crate::still_true::{skipped, why_not};
use crate::working::{Work, Working, take_up};
use crate::{Campaign, CampaignStatus, CampaignTx, DeliveryNow, Skip};
use chrono::TimeDelta;
use kernel::{CampaignId, Ctx, DeliveryId, Instant, OutboxId, ServerKeys, StoreError, TypedId};
use notification::{Message, Recipient};

/// So many people are looked at in one transaction at the most, which others wait for.
const PEOPLE_AT_ONCE: u32 = 50;
/// What was left of the time when it was last looked counts, so that looking now and then loses nothing of a rate.
const LEFT_OF_A_ROUND: TimeDelta = TimeDelta::milliseconds(250);
/// So many mails of a campaign are in the queue whatever the rate, so that senders have something in hand.
const FEWEST_QUEUED: u64 = 10;

/// How fast mails of one campaign leave. What was not used of it is there for a second.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    per_minute: u32,
}

impl Rate {
    /// So many a minute, at least one.
    pub fn per_minute(per_minute: u32) -> Self {
        Self {
            per_minute: per_minute.max(1),
        }
    }

    /// The time between one mail and the next; a little more rather than less.
    fn between(self) -> TimeDelta {
        TimeDelta::microseconds(60_000_000_u32.div_ceil(self.per_minute).into())
    }

    /// Mails of a second, at least one.
    fn of_a_second(self) -> u32 {
        (self.per_minute / 60).max(1)
    }

    /// How many may be handed over now, if those before were up to `fed_at`.
    fn allowed(self, fed_at: Option<Instant>, now: Instant) -> u32 {
        let passed = now - self.from(fed_at, now);
        let allowed = passed.num_microseconds().unwrap_or(0) / self.between().num_microseconds().unwrap_or(1);
        u32::try_from(allowed).unwrap_or(0).min(self.of_a_second())
    }

    /// Up to when mails are handed over after so many more.
    fn after(self, fed_at: Option<Instant>, now: Instant, count: u32) -> Instant {
        self.from(fed_at, now) + self.between() * i32::try_from(count).unwrap_or(i32::MAX)
    }

    /// From when on time counts: what was not used for longer than a second is lost.
    fn from(self, fed_at: Option<Instant>, now: Instant) -> Instant {
        let earliest = now - self.between() * i32::try_from(self.of_a_second()).unwrap_or(i32::MAX);
        fed_at.map_or(earliest, |at| at.max(earliest - LEFT_OF_A_ROUND))
    }

    /// How many may be in the queue.
    fn most_queued(self) -> u64 {
        u64::from(self.of_a_second()).max(FEWEST_QUEUED)
    }
}

/// Hands the next mails of a campaign to the queue; gives whether more could follow at once. When nothing is left, the
/// campaign is sent. Who shall not get it any more is skipped, and costs nothing of the rate.
pub fn feed_campaign(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    id: CampaignId,
    rate: Rate,
) -> Result<bool, StoreError> {
    let working = match take_up(tx, ctx, id)? {
        Work::Rest => return Ok(false),
        Work::More => return Ok(true),
        Work::Send(working) => working,
    };
    let fed_at = working.campaign.fed_at;
    let queued = tx.count_queued_deliveries(id)?;
    // A mail that was put off leaves its place in the queue to others: ten of them would hold up all for hours.
    let room = u32::try_from(rate.most_queued().saturating_sub(queued.untried)).unwrap_or(u32::MAX);
    let most = rate.allowed(fed_at, ctx.now).min(room);
    if most == 0 {
        return Ok(false);
    }
    let asked = most.min(PEOPLE_AT_ONCE);
    let waiting = tx.list_waiting_deliveries(id, asked)?;
    if waiting.is_empty() {
        if working.campaign.all_listed && queued.all == 0 {
            finish(tx, ctx, working.campaign)?;
        } else if queued.with_message < queued.all {
            tx.repair_queued(id, ctx.now)?;
        }
        return Ok(false);
    }
    let looked_at = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
    let handed_over = hand_over(tx, ctx, keys, &working, waiting)?;
    if handed_over > 0 {
        tx.update_campaign(&Campaign {
            fed_at: Some(rate.after(fed_at, ctx.now, handed_over)),
            ..working.campaign
        })?;
    }
    Ok(looked_at == asked && handed_over < most)
}

fn finish(tx: &mut dyn CampaignTx, ctx: &Ctx, campaign: Campaign) -> Result<(), StoreError> {
    tx.update_campaign(&Campaign {
        status: CampaignStatus::Sent,
        approved_names: None,
        finished_at: Some(ctx.now),
        ..campaign
    })
}

/// Puts mails to those who may get one into the queue, and skips the others; gives how many went there.
fn hand_over(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    working: &Working,
    waiting: Vec<DeliveryNow>,
) -> Result<u32, StoreError> {
    let suppressed = skipped(tx, keys, &waiting)?;
    let mut to_queue = Vec::new();
    for delivery in waiting {
        let id = delivery.delivery.id;
        let why = why_not(
            &working.campaign,
            Some(&working.candidate.candidate),
            &delivery,
            suppressed.get(&id).copied(),
        );
        let person = match (why, delivery.person) {
            (None, Some(person)) => person,
            (why, _) => {
                tx.mark_skipped(&[id], why.unwrap_or(Skip::OptedOut), ctx.now)?;
                continue;
            }
        };
        let moved = person.email.key() != delivery.delivery.email.key();
        if moved && !tx.readdress_delivery(id, &person.email)? {
            // Somebody else has that address here, and gets a copy of their own.
            tx.mark_skipped(&[id], Skip::OptedOut, ctx.now)?;
            continue;
        }
        to_queue.push((id, person));
    }
    let ids: Vec<DeliveryId> = to_queue.iter().map(|(id, _)| *id).collect();
    // Whoever was forgotten at this moment does not wait any more, and nothing of them may come into the queue.
    let queued = tx.mark_queued(&ids)?;
    for (id, person) in to_queue {
        if queued.contains(&id) {
            enqueue(tx, ctx, working, id, person);
        }
    }
    Ok(u32::try_from(queued.len()).unwrap_or(u32::MAX))
}

/// The message has the delivery's id, also when it comes into the queue once more: so copies of it are known as such.
fn enqueue(tx: &mut dyn CampaignTx, ctx: &Ctx, working: &Working, id: DeliveryId, person: Recipient) {
    let names = working.campaign.names(&working.candidate);
    let message = Message::Campaign {
        event: working.event.seats().facts(),
        campaign_id: working.campaign.id,
        delivery_id: id,
        candidate: names.candidate,
        talk_title: names.talk_title,
        subject: working.campaign.subject.clone(),
        body: working.campaign.body.clone(),
    };
    tx.enqueue_as(ctx, OutboxId::from_uuid(id.uuid()), person, message);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Instant {
        Instant::default() + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn a_rate_begins_with_a_second_of_it_and_goes_on_evenly() {
        let rate = Rate::per_minute(600);
        assert_eq!(rate.allowed(None, at(0)), 10);
        let fed = rate.after(None, at(0), 10);
        assert_eq!(rate.allowed(Some(fed), at(0)), 0);
        assert_eq!(rate.allowed(Some(fed), at(99)), 0);
        assert_eq!(rate.allowed(Some(fed), at(250)), 2);
        let fed = rate.after(Some(fed), at(250), 2);
        assert_eq!(
            rate.allowed(Some(fed), at(300)),
            1,
            "what was left of the time counts"
        );
        assert_eq!(
            rate.allowed(Some(fed), at(60_000)),
            10,
            "and no more than a second of it"
        );
    }

    #[test]
    fn a_slow_rate_is_one_now_and_then() {
        let rate = Rate::per_minute(1);
        assert_eq!(rate.allowed(None, at(0)), 1);
        let fed = rate.after(None, at(0), 1);
        assert_eq!(rate.allowed(Some(fed), at(59_999)), 0);
        assert_eq!(rate.allowed(Some(fed), at(60_000)), 1);
        assert_eq!(rate.allowed(Some(fed), at(600_000)), 1);
    }

    #[test]
    fn no_rate_is_ever_exceeded() {
        for per_minute in [1, 7, 59, 60, 61, 600, 999, 10_000, 1_000_000] {
            let rate = Rate::per_minute(per_minute);
            let (mut fed_at, mut sent) = (None, 0_u64);
            for round in 0..1_200 {
                let now = at(round * 250);
                let allowed = rate.allowed(fed_at, now);
                fed_at = Some(rate.after(fed_at, now, allowed));
                sent += u64::from(allowed);
            }
            let most = u64::from(per_minute) * 5 + u64::from(rate.of_a_second());
            assert!(sent <= most, "{per_minute}: {sent} in five minutes");
            assert!(
                sent * 100 >= u64::from(per_minute) * 5 * 95,
                "{per_minute}: {sent} in five minutes"
            );
        }
    }
}
