//! What a batch of operations has read at once, and what it has to write at once. While a transaction carries a tray, what is on it
//! is not asked of the database, and nothing else can be.

use crate::outbox::OutboxRow;
use crate::texts::TextCopy;
use event::{EventSeats, SeatChange};
use kernel::{
    AttendeeId, EventId, IdempotencyScope, Instant, RegistrationId, Remembered, StoredAnswer, UserId,
    WaitlistEntryId,
};
use registration::{Registration, RegistrationStatus, RegistrationView, Standing};
use std::collections::{HashMap, HashSet};
use user::Attendee;
use waitlist::{EntryLogLine, EntryStatus, WaitingPerson, WaitlistEntry};

/// It is not on the tray: the operation needs more than a batch reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotRead;

/// Who sent a request under which key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) user_id: UserId,
    pub(crate) route: String,
    pub(crate) text: String,
}

impl Key {
    pub(crate) fn of(scope: &IdempotencyScope) -> Self {
        Self {
            user_id: scope.user_id,
            route: scope.route.clone(),
            text: scope.key.as_str().to_owned(),
        }
    }
}

/// An event whose row is locked.
#[derive(Debug, Clone)]
pub(crate) struct LockedEvent {
    pub(crate) seats: EventSeats,
    /// What is to be added to what the row counts.
    pub(crate) change: SeatChange,
    /// How many changes that are.
    pub(crate) changes: i64,
    /// So many of `heads` have been served.
    pub(crate) served: usize,
}

/// What was read.
#[derive(Default)]
pub(crate) struct Read {
    /// Events that somebody else holds.
    pub(crate) left: HashSet<EventId>,
    /// Accounts that somebody else holds, to erase them or to give them another address.
    pub(crate) busy: HashSet<UserId>,
    pub(crate) events: HashMap<EventId, Option<LockedEvent>>,
    pub(crate) standings: HashMap<(EventId, UserId), Option<Standing>>,
    /// What is remembered of keys, with their fingerprints; nothing is known of one that is not here.
    pub(crate) keys: HashMap<Key, Option<(String, Remembered)>>,
    pub(crate) views: HashMap<RegistrationId, Option<(RegistrationView, Attendee)>>,
    /// The first who wait, in order.
    pub(crate) heads: HashMap<EventId, Vec<WaitingPerson>>,
    /// Those whose seat something stands on: a vote, a candidacy.
    pub(crate) tied: HashSet<(EventId, AttendeeId)>,
}

/// A key that is taken, and the answer that is given under it.
pub(crate) struct Answered {
    pub(crate) key: Key,
    pub(crate) fingerprint: String,
    pub(crate) at: Instant,
    pub(crate) answer: Option<StoredAnswer>,
}

/// A registration that ends, as it was read.
pub(crate) struct Ended {
    pub(crate) id: RegistrationId,
    pub(crate) event_id: EventId,
    pub(crate) attendee_id: AttendeeId,
    pub(crate) was: RegistrationStatus,
    pub(crate) status: RegistrationStatus,
    pub(crate) at: Instant,
}

/// What is to be written.
#[derive(Default)]
pub(crate) struct ToWrite {
    pub(crate) answers: Vec<Answered>,
    pub(crate) attendees: Vec<Attendee>,
    pub(crate) registrations: Vec<Registration>,
    pub(crate) ended: Vec<Ended>,
    pub(crate) entries: Vec<WaitlistEntry>,
    pub(crate) ended_entries: Vec<(WaitlistEntryId, EntryStatus, Instant)>,
    pub(crate) lines: Vec<EntryLogLine>,
    pub(crate) outbox: Vec<OutboxRow>,
    pub(crate) texts: Vec<TextCopy>,
}

/// Both.
#[derive(Default)]
pub(crate) struct Tray {
    pub(crate) read: Read,
    pub(crate) to_write: ToWrite,
    /// The event that the operation is at which is done now. Nothing is known to it of others.
    here: Option<EventId>,
}

/// How a tray was before an operation.
pub(crate) struct Mark {
    lengths: [usize; 9],
    event: Option<LockedEvent>,
}

impl Tray {
    /// With nothing to write yet.
    pub(crate) fn of(read: Read) -> Self {
        Self {
            read,
            ..Self::default()
        }
    }

    /// Begins an operation at that event; gives how all was before it.
    pub(crate) fn begin(&mut self, event_id: EventId) -> Mark {
        self.here = Some(event_id);
        let to_write = &self.to_write;
        Mark {
            lengths: [
                to_write.answers.len(),
                to_write.attendees.len(),
                to_write.registrations.len(),
                to_write.ended.len(),
                to_write.entries.len(),
                to_write.ended_entries.len(),
                to_write.lines.len(),
                to_write.outbox.len(),
                to_write.texts.len(),
            ],
            event: self.read.events.get(&event_id).cloned().flatten(),
        }
    }

    /// Takes back what an operation did.
    pub(crate) fn take_back(&mut self, mark: Mark) {
        let [
            answers,
            attendees,
            registrations,
            ended,
            entries,
            ended_entries,
            lines,
            outbox,
            texts,
        ] = mark.lengths;
        let to_write = &mut self.to_write;
        to_write.answers.truncate(answers);
        to_write.attendees.truncate(attendees);
        to_write.registrations.truncate(registrations);
        to_write.ended.truncate(ended);
        to_write.entries.truncate(entries);
        to_write.ended_entries.truncate(ended_entries);
        to_write.lines.truncate(lines);
        to_write.outbox.truncate(outbox);
        to_write.texts.truncate(texts);
        if let Some(event) = mark.event {
            self.read.events.insert(event.seats.id, Some(event));
        }
    }

    /// What is to be written, for an operation at that event.
    pub(crate) fn laid_at(&mut self, event_id: EventId) -> Result<&mut ToWrite, NotRead> {
        if self.here == Some(event_id) {
            Ok(&mut self.to_write)
        } else {
            Err(NotRead)
        }
    }

    pub(crate) fn seats(&self, id: EventId) -> Result<Option<EventSeats>, NotRead> {
        let here = self.here.filter(|here| *here == id);
        let event = here.and_then(|here| self.read.events.get(&here)).ok_or(NotRead)?;
        Ok(event.as_ref().map(|event| event.seats.clone()))
    }

    /// How an account stands with the event, unless that is another since it was read: a seat may have been passed on to it.
    pub(crate) fn standing(&self, event_id: EventId, user_id: UserId) -> Result<Option<Standing>, NotRead> {
        let standing = self.read.standings.get(&(event_id, user_id)).ok_or(NotRead)?;
        let entry = standing.as_ref().and_then(|standing| standing.entry.as_ref());
        let ended = &self.to_write.ended_entries;
        let is_other = entry.is_some_and(|entry| ended.iter().any(|(id, ..)| *id == entry.id));
        if is_other {
            Err(NotRead)
        } else {
            Ok(standing.clone())
        }
    }

    pub(crate) fn view(&self, id: RegistrationId) -> Result<Option<RegistrationView>, NotRead> {
        let view = self.read.views.get(&id).ok_or(NotRead)?;
        Ok(view.as_ref().map(|(view, _)| view.clone()))
    }

    /// An attendee whose registration is asked about.
    pub(crate) fn attendee(&self, id: AttendeeId) -> Option<Attendee> {
        let views = self.read.views.values().flatten();
        views
            .map(|(_, attendee)| attendee)
            .find(|attendee| attendee.id == id)
            .cloned()
    }

    /// Whether nothing stands on the seat of somebody whose registration is asked about.
    pub(crate) fn is_free_of_ties(&self, event_id: EventId, attendee_id: AttendeeId) -> bool {
        let is_known = self
            .to_write
            .ended
            .iter()
            .any(|ended| (ended.event_id, ended.attendee_id) == (event_id, attendee_id));
        is_known && !self.read.tied.contains(&(event_id, attendee_id))
    }

    /// Takes a key of which nothing is remembered, or tells what it stands for.
    pub(crate) fn claim(&mut self, now: Instant, scope: &IdempotencyScope) -> Option<Remembered> {
        let key = Key::of(scope);
        match self.read.keys.get(&key)? {
            None => {
                self.to_write.answers.push(Answered {
                    key,
                    fingerprint: scope.fingerprint.clone(),
                    at: now,
                    answer: None,
                });
                Some(Remembered::New)
            }
            Some((fingerprint, _)) if *fingerprint != scope.fingerprint => Some(Remembered::OtherRequest),
            Some((_, remembered)) => Some(remembered.clone()),
        }
    }

    /// Keeps the answer under the key, if that was taken here, last of all.
    pub(crate) fn keep_answer(&mut self, scope: &IdempotencyScope, answer: &StoredAnswer) -> Option<()> {
        let taken = self.to_write.answers.last_mut()?;
        (taken.key == Key::of(scope)).then(|| taken.answer = Some(answer.clone()))
    }

    /// Adds to what an event counts, within its bounds; false leaves it as it is.
    pub(crate) fn change_seats(&mut self, id: EventId, change: SeatChange) -> Option<bool> {
        let here = self.here.filter(|here| *here == id)?;
        let event = self.read.events.get_mut(&here)?.as_mut()?;
        let taken = event.seats.taken.checked_add_signed(change.taken);
        let (Some(taken), Some(waiting)) = (taken, event.seats.waiting.checked_add_signed(change.waiting))
        else {
            return Some(false);
        };
        if taken > event.seats.capacity {
            return Some(false);
        }
        event.seats.taken = taken;
        event.seats.waiting = waiting;
        event.seats.next_rank += change.ranks;
        event.change.taken += change.taken;
        event.change.waiting += change.waiting;
        event.change.ranks += change.ranks;
        event.changes += 1;
        Some(true)
    }

    /// The first so many who wait and were not served yet, if so many were read.
    pub(crate) fn first_waiting(&self, id: EventId, count: u32) -> Option<Vec<WaitingPerson>> {
        let event = self.read.events.get(&id)?.as_ref()?;
        let heads = self.read.heads.get(&id)?.get(event.served..)?;
        heads.get(..usize::try_from(count).ok()?).map(<[_]>::to_vec)
    }

    /// Ends entries that are the next to be served; gives how many, if all are.
    pub(crate) fn end_entries(
        &mut self,
        ids: &[WaitlistEntryId],
        status: EntryStatus,
        at: Instant,
    ) -> Option<u32> {
        let here = self.here?;
        let event = self.read.events.get_mut(&here)?.as_mut()?;
        let heads = self.read.heads.get(&here)?.get(event.served..)?;
        let next = heads.get(..ids.len())?;
        if next.iter().map(|person| person.entry.id).ne(ids.iter().copied()) {
            return None;
        }
        event.served += ids.len();
        self.to_write
            .ended_entries
            .extend(ids.iter().map(|id| (*id, status, at)));
        u32::try_from(ids.len()).ok()
    }
}
