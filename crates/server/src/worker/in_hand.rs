//! What a worker has claimed and not settled yet.
//!
//! Invariant: a message is in hand once. One that is claimed again while it is in hand, because the clock was turned
//! over the end of its lease, is not sent twice.

use kernel::{Instant, OutboxId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is in hand.
#[derive(Default)]
pub struct InHand {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: HashMap<OutboxId, Held>,
    /// Nothing is begun any more.
    stopping: bool,
}

#[derive(Clone, Copy)]
struct Held {
    /// The end of the lease.
    until: Instant,
    /// A sender is at it.
    begun: bool,
    /// Another worker has it.
    lost: bool,
    /// It was claimed once more while a sender was at it.
    again: bool,
}

impl InHand {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.state().held.len()
    }

    /// Notes a claimed message; gives whether it is new here.
    pub fn take(&self, id: OutboxId, until: Instant) -> bool {
        let mut state = self.state();
        if let Some(held) = state.held.get_mut(&id) {
            held.until = until;
            held.lost = false;
            held.again = held.begun;
            return false;
        }
        let held = Held {
            until,
            begun: false,
            lost: false,
            again: false,
        };
        state.held.insert(id, held);
        true
    }

    /// Whether a message may be sent now. If not, it is not in hand any more: its lease is over, or others have it.
    pub fn begin(&self, id: OutboxId, now: Instant) -> bool {
        let mut state = self.state();
        let stopping = state.stopping;
        match state.held.get_mut(&id) {
            Some(held) if !stopping && !held.lost && now < held.until => {
                held.begun = true;
                true
            }
            _ => {
                state.held.remove(&id);
                false
            }
        }
    }

    /// The message is done with; gives whether it was claimed once more meanwhile, so that it has to be given back.
    pub fn put_down(&self, id: OutboxId) -> bool {
        self.state().held.remove(&id).is_some_and(|held| held.again)
    }

    /// All that is held, each with the end of its lease.
    pub fn leases(&self) -> Vec<(OutboxId, Instant)> {
        let state = self.state();
        let held = state.held.iter().filter(|(_, held)| !held.lost);
        held.map(|(id, held)| (*id, held.until)).collect()
    }

    /// Of the leases that were asked for, those of `kept` are good until then, the others are lost.
    pub fn renewed(&self, asked: &[(OutboxId, Instant)], kept: &[OutboxId], until: Instant) {
        let mut state = self.state();
        for (id, before) in asked {
            let Some(held) = state.held.get_mut(id) else {
                continue;
            };
            if kept.contains(id) {
                held.until = until;
            } else if held.until == *before {
                // It was not claimed anew meanwhile.
                held.lost = true;
            }
        }
    }

    /// From now on nothing is begun; gives what was not.
    pub fn stop(&self) -> Vec<OutboxId> {
        let mut state = self.state();
        state.stopping = true;
        let idle: Vec<OutboxId> = state
            .held
            .iter()
            .filter(|(_, held)| !held.begun && !held.lost)
            .map(|(id, _)| *id)
            .collect();
        for id in &idle {
            state.held.remove(id);
        }
        idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use kernel::{IdSource, TimeOrderedIds, TypedId};

    fn id() -> OutboxId {
        OutboxId::from_uuid(TimeOrderedIds::new().next_id(Instant::default()))
    }

    fn at(seconds: i64) -> Instant {
        Instant::default() + TimeDelta::seconds(seconds)
    }

    #[test]
    fn what_is_in_hand_is_not_taken_twice() {
        let (hand, id) = (InHand::default(), id());
        assert!(hand.take(id, at(30)));
        assert!(!hand.take(id, at(60)), "it is there already");
        assert!(hand.begin(id, at(59)), "and its lease is the newer one");
        assert!(!hand.take(id, at(90)));
        assert!(hand.put_down(id), "it was claimed while it was sent");
        assert!(hand.take(id, at(90)));
        assert!(hand.begin(id, at(59)) && !hand.put_down(id));
    }

    #[test]
    fn nothing_is_begun_after_its_lease_or_the_stop() {
        let hand = InHand::default();
        let (over, lost, begun, idle) = (id(), id(), id(), id());
        for id in [over, lost, begun, idle] {
            assert!(hand.take(id, at(30)));
        }
        assert!(!hand.begin(over, at(30)));
        hand.renewed(&hand.leases(), &[begun, idle], at(60));
        assert!(!hand.begin(lost, at(10)));
        assert!(hand.begin(begun, at(59)));
        assert_eq!(hand.stop(), [idle]);
        assert!(!hand.begin(idle, at(10)));
        assert_eq!(hand.len(), 1, "what is being sent stays in hand");
    }

    #[test]
    fn a_claim_that_came_while_leases_were_renewed_counts() {
        let (hand, id) = (InHand::default(), id());
        hand.take(id, at(30));
        let asked = hand.leases();
        hand.take(id, at(40));
        hand.renewed(&asked, &[], at(60));
        assert!(hand.begin(id, at(39)));
    }
}
