//! Who waits before a desk, and who is next.

use crate::store::QUEUE_PATIENCE;
use crate::waiting::Waiting;
use kernel::{EventId, IdempotencyScope, Instant as Moment, RegistrationId, StoreError, UserId};
use std::collections::{BTreeMap, HashSet, VecDeque};

/// Operations that are written together at the most.
pub(super) const MOST_TOGETHER: usize = 128;
/// Operations that wait for an earlier one of the same person at the most, whatever comes after them.
const MOST_PUT_ASIDE: usize = 512;

/// What an operation is about that can be written together with others.
#[derive(Debug, Clone)]
pub struct Together {
    event_id: EventId,
    user_id: UserId,
    cancels: Option<RegistrationId>,
    key: Option<IdempotencyScope>,
    now: Moment,
}

impl Together {
    /// An account registers itself for an event.
    pub fn register(now: Moment, event_id: EventId, user_id: UserId, key: Option<IdempotencyScope>) -> Self {
        Self {
            event_id,
            user_id,
            cancels: None,
            key,
            now,
        }
    }

    /// An account cancels a registration at an event.
    pub fn cancel(now: Moment, event_id: EventId, user_id: UserId, registration_id: RegistrationId) -> Self {
        Self {
            event_id,
            user_id,
            cancels: Some(registration_id),
            key: None,
            now,
        }
    }

    pub(super) fn now(&self) -> Moment {
        self.now
    }

    pub(super) fn event_id(&self) -> EventId {
        self.event_id
    }

    pub(super) fn user_id(&self) -> UserId {
        self.user_id
    }

    pub(super) fn registers(&self) -> Option<(EventId, UserId)> {
        self.cancels.is_none().then_some((self.event_id, self.user_id))
    }

    pub(super) fn cancels(&self) -> Option<(EventId, RegistrationId)> {
        self.cancels.map(|id| (self.event_id, id))
    }

    pub(super) fn key(&self) -> Option<&IdempotencyScope> {
        self.key.as_ref()
    }
}

/// One that waits.
pub(super) struct Person {
    pub(super) about: Together,
    pub(super) waiting: Box<dyn Waiting>,
}

pub(super) fn put_off(people: Vec<Person>, error: &StoreError) {
    for person in people {
        person.waiting.put_off(error.clone());
    }
}

pub(super) fn is_of_one_event(people: &[Person]) -> bool {
    let mut events = people.iter().map(|person| person.about.event_id());
    let first = events.next();
    events.all(|event| Some(event) == first)
}

/// A group for each event.
pub(super) fn by_event(people: Vec<Person>) -> Vec<Vec<Person>> {
    let mut groups: BTreeMap<EventId, Vec<Person>> = BTreeMap::new();
    for person in people {
        groups.entry(person.about.event_id()).or_default().push(person);
    }
    groups.into_values().collect()
}

/// Takes from those who are here whom the next batch is for, in order. Nobody is in it who gave up or waited for too long, and nobody
/// whom another one of it changes something for: the second request of one person waits for the first, as does whoever is about the
/// same registration.
pub(super) fn take(here: &mut VecDeque<Person>) -> Vec<Person> {
    let (mut people, mut registrations) = (HashSet::new(), HashSet::new());
    let (mut batch, mut later) = (Vec::with_capacity(here.len()), VecDeque::new());
    for person in here.drain(..) {
        if person.waiting.is_given_up() {
            continue;
        }
        if person.waiting.since().elapsed() > QUEUE_PATIENCE {
            let late = "the turn did not come in time".to_owned();
            person.waiting.fail(StoreError::Unavailable(late));
            continue;
        }
        let is_new = batch.len() < MOST_TOGETHER
            && people.insert(person.about.user_id())
            && person.about.cancels.is_none_or(|id| registrations.insert(id));
        if is_new {
            batch.push(person);
        } else {
            later.push_back(person);
        }
    }
    // What few people ask for many times keeps nobody else from the batches.
    for person in later.split_off(later.len().min(MOST_PUT_ASIDE)) {
        let many = "others of the same person wait".to_owned();
        person.waiting.put_off(StoreError::Contention(many));
    }
    *here = later;
    batch
}
