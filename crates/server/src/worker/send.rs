//! A sender: takes one message after the other, hands it over, and waits until it is written down what came of it.

use super::Shared;
use super::ask::Question;
use super::couriers::Attempt;
use super::dispatch::{Task, delivery_of};
use super::settle::Settling;
use campaign::Stand;
use kernel::EmailAddress;
use notification::{Delivery, Destination, Job, Verdict, judge};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;

/// Whoever hands over ends by itself within a minute; this is for the one who does not.
const LIMIT: Duration = Duration::from_secs(90);

/// Sends until there is nothing more to come.
pub async fn run(
    shared: Arc<Shared>,
    waiting: Arc<Mutex<mpsc::UnboundedReceiver<Task>>>,
    questions: mpsc::UnboundedSender<Question>,
    verdicts: mpsc::UnboundedSender<Settling>,
) {
    loop {
        let next = waiting.lock().await.recv().await;
        let Some(task) = next else {
            return;
        };
        let id = task.job.id;
        let to = task.job.to.clone();
        let Some((verdict, bounced)) = attempt(&shared, &questions, task).await else {
            shared.room.notify_one();
            continue;
        };
        let (written, is_written) = oneshot::channel();
        let settling = Settling {
            id,
            verdict,
            bounced: address_of(&to).filter(|_| bounced),
            written,
        };
        if verdicts.send(settling).is_err() || is_written.await.is_err() {
            // The worker was cut off.
            return;
        }
    }
}

/// Where a mail goes.
fn address_of(to: &Destination) -> Option<EmailAddress> {
    match to {
        Destination::Email(address) => address.parse().ok(),
        Destination::Phone(_) => None,
    }
}

/// What became of the message, if it was the worker's still, and whether the other side takes nothing for its address.
async fn attempt(
    shared: &Arc<Shared>,
    questions: &mpsc::UnboundedSender<Question>,
    task: Task,
) -> Option<(Verdict, bool)> {
    let Task { job, probe } = task;
    let (medium, now) = (job.to.medium(), shared.parts.clock.now());
    let too_late = job.message.not_after().is_some_and(|end| end <= now);
    let begun = shared.in_hand.begin(job.id, now);
    if probe && (too_late || !begun) {
        shared.gates.not_probed(medium);
    }
    if !begun {
        return None;
    }
    if too_late {
        // Nobody claims it any more; housekeeping wipes it.
        return Some((Verdict::Back { error: String::new() }, false));
    }
    if !probe && let Some(error) = shared.gates.closed(medium) {
        return Some((Verdict::Back { error }, false));
    }
    if let Some(verdict) = ask_again(questions, &job).await {
        if probe {
            shared.gates.not_probed(medium);
        }
        return Some((verdict, false));
    }
    let (id, kind, attempts) = (job.id, job.message.kind(), job.attempts);
    let delivery = match deliver(shared, job).await {
        Attempt::Asked(delivery) => {
            if shared.gates.heard(medium, &delivery) {
                shared.parts.bell.notify_one();
            }
            delivery
        }
        Attempt::NotAsked(error) => {
            if probe {
                shared.gates.not_probed(medium);
            }
            Delivery::Failed(error)
        }
    };
    let outcome = match &delivery {
        Delivery::Sent => "sent",
        Delivery::Refused(_) | Delivery::Bounced(_) => "dead",
        Delivery::Failed(_) => "failed",
        Delivery::Unreachable(_) => "unreachable",
    };
    let bounced = matches!(delivery, Delivery::Bounced(_));
    let verdict = judge(delivery, attempts, shared.parts.clock.now(), jitter());
    let outcome = match &verdict {
        Verdict::Dead { error } => {
            tracing::warn!(%id, kind, error, "a message was given up; it is a dead letter");
            "dead"
        }
        Verdict::Again { error, .. } => {
            tracing::info!(%id, kind, error, "a message could not be sent this time");
            outcome
        }
        Verdict::Done | Verdict::Back { .. } | Verdict::Moot | Verdict::Withdrawn => outcome,
    };
    metrics::counter!("podium_messages_total", "kind" => kind, "medium" => medium.as_str(), "outcome" => outcome)
        .increment(1);
    Some((verdict, bounced))
}

/// Whether a campaign's mail is still to be sent, asked for each right before it begins: who wants no more of them gets none after
/// the answer to that, and who stops a campaign does not wait for what others have in their hands. None for what is to be sent.
async fn ask_again(questions: &mpsc::UnboundedSender<Question>, job: &Job) -> Option<Verdict> {
    let delivery = delivery_of(job)?;
    let (answer, answered) = oneshot::channel();
    // Without whoever asks the worker was cut off, and nothing leaves any more.
    let cut_off = || Err("the worker was stopped".to_owned());
    let stand = match questions.send(Question { delivery, answer }) {
        Ok(()) => answered.await.unwrap_or_else(|_| cut_off()),
        Err(_) => cut_off(),
    };
    match stand {
        Ok(Stand::Send) => None,
        Ok(Stand::NotNow) => Some(Verdict::Withdrawn),
        Ok(Stand::Moot) => Some(Verdict::Moot),
        Err(error) => Some(Verdict::Back { error }),
    }
}

/// Hands one over, in a task of its own: a message that makes us panic must not take the sender with it.
async fn deliver(shared: &Arc<Shared>, job: Job) -> Attempt {
    let courier = Arc::clone(shared);
    // It ends with this sender, so that nothing is sent that nobody writes down.
    let mut handing_over = JoinSet::new();
    shared.parts.background.spawn(&mut handing_over, async move {
        courier.parts.couriers.deliver(&job).await
    });
    match tokio::time::timeout(LIMIT, handing_over.join_next()).await {
        Ok(Some(Ok(attempt))) => attempt,
        Ok(Some(Err(_)) | None) => {
            Attempt::NotAsked("a mistake of Podium's own; the log tells more".to_owned())
        }
        Err(_) => Attempt::Asked(Delivery::Failed(format!(
            "it took longer than {} s",
            LIMIT.as_secs()
        ))),
    }
}

/// From 0 to 1. Without randomness tries are only less spread.
fn jitter() -> f64 {
    let mut random = [0_u8; 4];
    let _ = getrandom::fill(&mut random);
    f64::from(u32::from_ne_bytes(random)) / f64::from(u32::MAX)
}
