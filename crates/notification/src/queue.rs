//! The queue of messages: who claims one has it for the time of a lease, and says then what became of it.
//!
//! Invariants: a message that was sent is not sent again by us; one whose sender died is due again when the lease is over;
//! what was refused for good, or too often, is kept as a dead letter until somebody looks at it.

use crate::{Destination, Medium, Message};
use chrono::TimeDelta;
use kernel::{Instant, OutboxId, StoreError, UserId};

/// Waits between one try and the next; after the last, the message is a dead letter.
const DELAYS: [TimeDelta; 8] = [
    TimeDelta::seconds(5),
    TimeDelta::seconds(30),
    TimeDelta::minutes(2),
    TimeDelta::minutes(10),
    TimeDelta::hours(1),
    TimeDelta::hours(4),
    TimeDelta::hours(8),
    TimeDelta::hours(12),
];

/// A message that a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its row; mails take their Message-ID from it, so that a second copy of one mail is known as such.
    pub id: OutboxId,
    /// How the recipient is addressed.
    pub name: String,
    /// Where it goes.
    pub to: Destination,
    /// What it says.
    pub message: Message,
    /// Tries that failed before.
    pub attempts: u32,
    /// When it was asked for.
    pub created_at: Instant,
    /// The account that it is for.
    pub user_id: Option<UserId>,
}

/// What a worker wants.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whose the messages are then.
    pub worker: String,
    /// By what they are to travel.
    pub media: Vec<Medium>,
    /// How many at the most.
    pub most: u32,
    /// For how long, from now on.
    pub lease: TimeDelta,
}

/// What a claim found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimed {
    /// What is the worker's to send now.
    pub jobs: Vec<Job>,
    /// What was due and cannot be read by this version; another one may.
    pub unreadable: Vec<Unreadable>,
}

/// A message that this version cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its row.
    pub id: OutboxId,
    /// Its kind, as it was written.
    pub kind: String,
    /// By what it was to travel.
    pub medium: Medium,
    /// Tries that failed before.
    pub attempts: u32,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The other side has taken it.
    Sent,
    /// The other side refused it for good.
    Refused(String),
    /// The other side refused it for good, as it takes nothing for that address.
    Bounced(String),
    /// It did not work this time; it may the next.
    Failed(String),
    /// The other side could not be reached at all: that is no try.
    Unreachable(String),
}

/// What is to be written of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done; what it said is forgotten.
    Done,
    /// A try that failed; to be tried again then.
    Again {
        /// When.
        due_at: Instant,
        /// What was in the way.
        error: String,
    },
    /// It was no try: due again at once. Whoever claims it waits by itself for what was in the way.
    Back {
        /// What was in the way.
        error: String,
    },
    /// A dead letter.
    Dead {
        /// Why.
        error: String,
    },
    /// What it tells is no longer so, or no longer wanted: it is not sent, and what it said is forgotten.
    Moot,
    /// It is not to be sent now: its row goes, and whoever asked for it may ask again.
    Withdrawn,
}

/// How often a server that was found unreachable is tried, with one message.
pub const PROBE_EVERY: TimeDelta = TimeDelta::seconds(5);

/// What is to be written, given how the try ended. `jitter` is from 0 to 1 and spreads the tries of those that failed
/// together over a fifth of the wait.
pub fn judge(delivery: Delivery, attempts: u32, now: Instant, jitter: f64) -> Verdict {
    match delivery {
        Delivery::Sent => Verdict::Done,
        Delivery::Refused(error) | Delivery::Bounced(error) => Verdict::Dead { error },
        Delivery::Unreachable(error) => Verdict::Back { error },
        Delivery::Failed(error) => match DELAYS.get(attempts as usize) {
            None => Verdict::Dead { error },
            Some(delay) => {
                let spread = delay
                    .to_std()
                    .unwrap_or_default()
                    .mul_f64(0.2 * jitter.clamp(0.0, 1.0));
                Verdict::Again {
                    due_at: now + *delay + TimeDelta::from_std(spread).unwrap_or_default(),
                    error,
                }
            }
        },
    }
}

/// How the queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueFigures {
    /// Messages that are to be sent.
    pub queued: u64,
    /// Dead letters.
    pub dead: u64,
    /// Since when the oldest that is to be sent waits.
    pub oldest_at: Option<Instant>,
}

/// Where the messages are kept until they are sent.
pub trait MessageQueue {
    /// Claims messages that are due and still worth something, those to one person before those to many. What cannot be
    /// read is claimed too and told apart, so that it holds nothing up.
    fn claim_messages(&mut self, now: Instant, claim: &Claim) -> Result<Claimed, StoreError>;
    /// Keeps claimed messages until then; gives those that are still the worker's.
    fn renew_leases(
        &mut self,
        until: Instant,
        worker: &str,
        ids: &[OutboxId],
    ) -> Result<Vec<OutboxId>, StoreError>;
    /// Writes what became of claimed messages; gives those that were still the worker's. One that was sent is done even if
    /// its lease was over and another has claimed it meanwhile: that one has no reason to send it again.
    fn settle_messages(
        &mut self,
        now: Instant,
        worker: &str,
        verdicts: &[(OutboxId, Verdict)],
    ) -> Result<Vec<OutboxId>, StoreError>;
    /// Gives claimed messages back unsent, due now; gives how many.
    fn return_messages(&mut self, now: Instant, worker: &str, ids: &[OutboxId]) -> Result<u32, StoreError>;
    /// Ends all leases: for the only worker of a database, at its start; gives how many there were.
    fn end_leases(&mut self, now: Instant) -> Result<u32, StoreError>;
    /// How the queue stands.
    fn queue_figures(&mut self) -> Result<QueueFigures, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(attempts: u32, jitter: f64) -> Verdict {
        judge(
            Delivery::Failed("451".into()),
            attempts,
            Instant::default(),
            jitter,
        )
    }

    #[test]
    fn tries_come_after_growing_waits_and_end_as_a_dead_letter() {
        let mut before = TimeDelta::zero();
        for attempts in 0..8 {
            let Verdict::Again { due_at, .. } = failed(attempts, 0.0) else {
                panic!("{attempts}");
            };
            let wait = due_at - Instant::default();
            assert!(wait > before, "{attempts}: {wait}");
            before = wait;
        }
        assert_eq!(before, TimeDelta::hours(12));
        assert_eq!(failed(8, 0.0), Verdict::Dead { error: "451".into() });
    }

    #[test]
    fn the_spread_is_a_fifth_of_the_wait_at_the_most() {
        let Verdict::Again { due_at, .. } = failed(0, 1.0) else {
            panic!()
        };
        assert_eq!(due_at - Instant::default(), TimeDelta::seconds(6));
    }

    #[test]
    fn a_server_that_is_away_uses_up_no_try_and_a_refusal_is_final() {
        let away = judge(Delivery::Unreachable("away".into()), 8, Instant::default(), 0.5);
        assert_eq!(away, Verdict::Back { error: "away".into() });
        assert_eq!(
            judge(Delivery::Refused("550".into()), 0, Instant::default(), 0.0),
            Verdict::Dead { error: "550".into() }
        );
    }
}
