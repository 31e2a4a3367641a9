//! Claims messages and hands them to the senders.

use super::{IN_HAND_PER_SENDER, Shared};
use campaign::Stand;
use chrono::TimeDelta;
use kernel::{DeliveryId, ServerKeys, StoreError};
use notification::{Claim, Delivery, Job, Medium, Message, MessageQueue, Unreadable, Verdict, judge};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Claims that found nothing more come no faster than this, however often the bell rings: in a rush of writes a look for
/// each of them would cost as much as they do.
const BREATH: Duration = Duration::from_millis(20);

/// A message for a sender.
pub struct Task {
    /// What is to be sent.
    pub job: Job,
    /// It tries whether the other side is there.
    pub probe: bool,
}

/// What a claim brought.
struct Found {
    jobs: Vec<Job>,
    unreadable: Vec<Unreadable>,
    /// How many rows it touched, with those that are not to be sent.
    claimed: usize,
}

/// Claims until it is told to stop.
pub async fn run(shared: &Shared, senders: mpsc::UnboundedSender<Task>, mut stop: watch::Receiver<bool>) {
    let mut failing = false;
    loop {
        let looked_at = Instant::now();
        let more = match look(shared, &senders).await {
            Ok(more) => {
                failing = false;
                more
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "the queue cannot be read; it is tried again and again");
                }
                failing = true;
                false
            }
        };
        let waking = async {
            if more {
                wait_for_room(shared).await;
            } else {
                wait_for_work(shared, looked_at, failing).await;
            }
        };
        tokio::select! {
            () = waking => {}
            // An error means that nobody is there any more who could say stop.
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// One look at the queue; gives whether more waits there than there was room for.
async fn look(shared: &Shared, senders: &mpsc::UnboundedSender<Task>) -> Result<bool, StoreError> {
    let room = most_in_hand(shared).saturating_sub(shared.in_hand.len());
    let open = shared.gates.open();
    let mut more = room == 0;
    if room > 0 && !open.is_empty() {
        more = claim(shared, senders, open, room, false).await? == room;
    }
    for medium in shared.gates.take_probes() {
        let claimed = claim(shared, senders, vec![medium], 1, true).await;
        if !matches!(claimed, Ok(1..)) {
            shared.gates.not_probed(medium);
        }
        claimed?;
    }
    Ok(more)
}

/// Claims so many and hands them on; gives how many were found.
async fn claim(
    shared: &Shared,
    senders: &mpsc::UnboundedSender<Task>,
    media: Vec<Medium>,
    most: usize,
    probe: bool,
) -> Result<usize, StoreError> {
    let now = shared.parts.clock.now();
    let lease = TimeDelta::from_std(shared.parts.lease).unwrap_or(TimeDelta::MAX);
    let claim = Claim {
        worker: shared.name.clone(),
        media: media.clone(),
        most: u32::try_from(most).unwrap_or(u32::MAX),
        lease,
    };
    let keys = Arc::clone(&shared.parts.couriers.keys);
    let found = shared
        .parts
        .store
        .write(move |tx| {
            let claimed = tx.claim_messages(now, &claim)?;
            let count = claimed.jobs.len() + claimed.unreadable.len();
            let (mut jobs, mut unsent) = (Vec::new(), Vec::new());
            let campaigns = campaigns_stand(tx, now, &keys, &claimed.jobs)?;
            for job in claimed.jobs {
                match stand(tx, &campaigns, &job)? {
                    Stand::Send => jobs.push(job),
                    Stand::NotNow => unsent.push((job.id, Verdict::Withdrawn)),
                    Stand::Moot => unsent.push((job.id, Verdict::Moot)),
                }
            }
            for message in &claimed.unreadable {
                let error = "this version of Podium cannot read the message".to_owned();
                // A newer one may stand beside this one.
                unsent.push((
                    message.id,
                    judge(Delivery::Failed(error), message.attempts, now, 0.0),
                ));
            }
            tx.settle_messages(now, &claim.worker, &unsent)?;
            Ok::<_, StoreError>(Found {
                jobs,
                unreadable: claimed.unreadable,
                claimed: count,
            })
        })
        .await?;
    for message in &found.unreadable {
        let (kind, medium) = (message.kind.clone(), message.medium.as_str());
        tracing::error!(id = %message.id, kind, "a message cannot be read by this version of Podium");
        metrics::counter!("podium_messages_total", "kind" => kind, "medium" => medium, "outcome" => "failed")
            .increment(1);
    }
    let mut handed_on = false;
    for job in found.jobs {
        if shared.in_hand.take(job.id, now + lease) {
            handed_on = true;
            // Senders live longer than this task.
            let _ = senders.send(Task { job, probe });
        }
    }
    if probe && !handed_on {
        for medium in media {
            shared.gates.not_probed(medium);
        }
    }
    Ok(found.claimed)
}

/// Whether a message is to be sent as things are now. One whose things cannot be read must not hold up the others: it is
/// sent, as it was asked for; a campaign's goes back to where it came from.
fn stand(
    tx: &mut storage::Tx<'_>,
    campaigns: &HashMap<DeliveryId, Stand>,
    job: &Job,
) -> Result<Stand, StoreError> {
    if let Message::Campaign { delivery_id, .. } = &job.message {
        return Ok(campaigns.get(delivery_id).copied().unwrap_or(Stand::NotNow));
    }
    match registration::still_true(tx, job) {
        Ok(true) => Ok(Stand::Send),
        Ok(false) => Ok(Stand::Moot),
        Err(StoreError::Corrupt { table, row, reason }) => {
            tracing::error!(id = %job.id, table, row, reason, "whether a message is still true cannot be read");
            Ok(Stand::Send)
        }
        Err(error) => Err(error),
    }
}

/// How the campaigns' mails among these stand, all asked for at once; nothing of them where that cannot be read.
fn campaigns_stand(
    tx: &mut storage::Tx<'_>,
    now: kernel::Instant,
    keys: &ServerKeys,
    jobs: &[Job],
) -> Result<HashMap<DeliveryId, Stand>, StoreError> {
    let deliveries: Vec<DeliveryId> = jobs.iter().filter_map(delivery_of).collect();
    if deliveries.is_empty() {
        return Ok(HashMap::new());
    }
    match campaign::still_true(tx, now, keys, &deliveries) {
        Err(StoreError::Corrupt { table, row, reason }) => {
            tracing::error!(
                table,
                row,
                reason,
                "whether campaigns' mails are to be sent cannot be read"
            );
            Ok(HashMap::new())
        }
        answer => answer,
    }
}

/// Which copy of a campaign the message is, if it is one.
pub fn delivery_of(job: &Job) -> Option<DeliveryId> {
    match &job.message {
        Message::Campaign { delivery_id, .. } => Some(*delivery_id),
        _ => None,
    }
}

/// Until half of what may be in hand is done with, so that claims bring several at a time.
async fn wait_for_room(shared: &Shared) {
    let enough = async {
        while shared.in_hand.len() > most_in_hand(shared) / 2 {
            shared.room.notified().await;
        }
    };
    tokio::select! {
        () = enough => {}
        () = tokio::time::sleep(pause(shared)) => {}
    }
}

/// Until somebody rings, or it is time to look anyway.
async fn wait_for_work(shared: &Shared, looked_at: Instant, failing: bool) {
    if failing {
        tokio::time::sleep(shared.parts.poll).await;
        return;
    }
    tokio::select! {
        () = shared.parts.bell.notified() => {}
        () = tokio::time::sleep(pause(shared)) => {}
    }
    tokio::time::sleep_until(looked_at + BREATH).await;
}

fn pause(shared: &Shared) -> Duration {
    let probe = shared
        .gates
        .next_probe()
        .map(|at| at.saturating_duration_since(Instant::now()));
    probe.map_or(shared.parts.poll, |probe| probe.min(shared.parts.poll))
}

fn most_in_hand(shared: &Shared) -> usize {
    shared.parts.concurrency * IN_HAND_PER_SENDER
}
