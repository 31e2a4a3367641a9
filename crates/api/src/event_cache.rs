//! Hot events as they go out: the bytes of the answer and its tag, made once and sent many times.
//!
//! Invariant: what was read before an invalidation is never answered after it. A reader takes a ticket before it reads
//! the database; the ticket holds the generation of the event, an invalidation moves the generation on, and an entry is
//! good only as long as its generation is the present one. No lock is needed for that, and a late put does no harm.
//!
//! Under a rush an event changes faster than it is read: then those who come while one reads share the read that begins after
//! they came.

use crate::ask_once::AskOnce;
use crate::problem::Problem;
use actix_web::http::header::HeaderValue;
use bytes::Bytes;
use kernel::{EventId, Instant, TypedId};
use moka::sync::Cache;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

/// Events whose ids end alike share a generation; that costs a read now and then, never a stale answer.
const GENERATIONS: usize = 1024;

/// An answer that is ready to be sent.
#[derive(Debug, Clone)]
pub struct CachedEvent {
    /// The JSON body.
    pub body: Bytes,
    /// The `ETag` header.
    pub etag: HeaderValue,
    /// From then on the answer is wrong by itself: a window opens or closes, or the cache's time is over.
    pub valid_until: Instant,
}

/// Leave to put in what is read from now on.
#[derive(Debug, Clone, Copy)]
pub struct PutTicket {
    event_id: EventId,
    generation: u64,
}

/// Bounded, and shared by all workers.
pub struct EventCache {
    entries: Cache<EventId, (u64, CachedEvent)>,
    generations: Box<[AtomicU64]>,
    /// What is read while nothing is kept; none where that is not for everybody.
    read: AskOnce<EventId, Option<CachedEvent>>,
}

impl EventCache {
    /// Events that are kept at the most, when nothing else is said.
    pub const DEFAULT_CAPACITY: u64 = 4096;

    /// An empty cache for so many events.
    pub fn new(capacity: u64) -> Self {
        Self {
            entries: Cache::new(capacity),
            generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect(),
            read: AskOnce::new(capacity),
        }
    }

    /// The answer, if there is one that still holds.
    pub fn get(&self, event_id: EventId, now: Instant) -> Option<CachedEvent> {
        let (generation, entry) = self.entries.get(&event_id)?;
        (generation == self.present_generation(event_id) && now < entry.valid_until).then_some(entry)
    }

    /// The answer as it is kept, or as it is read after this call; none where it is not for everybody.
    pub async fn get_or_read<E>(
        &self,
        event_id: EventId,
        now: Instant,
        read: impl Future<Output = Result<Option<CachedEvent>, E>>,
    ) -> Result<Option<CachedEvent>, Problem>
    where
        Problem: From<E>,
    {
        if let Some(hit) = self.get(event_id, now) {
            return Ok(Some(hit));
        }
        let read = async {
            // Who waited for their turn may find it kept by now.
            if let Some(hit) = self.get(event_id, now) {
                return Ok(Some(hit));
            }
            let ticket = self.ticket(event_id);
            let found = read.await?;
            if let Some(entry) = &found {
                self.put(ticket, entry.clone());
            }
            Ok::<_, E>(found)
        };
        self.read.get(event_id, |_| false, read).await
    }

    /// To be taken before the database is read.
    pub fn ticket(&self, event_id: EventId) -> PutTicket {
        PutTicket {
            event_id,
            generation: self.present_generation(event_id),
        }
    }

    /// Keeps an answer that was read after the ticket was taken, unless the event changed since. Says whether it did.
    pub fn put(&self, ticket: PutTicket, entry: CachedEvent) -> bool {
        let holds = ticket.generation == self.present_generation(ticket.event_id);
        if holds {
            self.entries.insert(ticket.event_id, (ticket.generation, entry));
        }
        holds
    }

    /// To be called after every commit that changed the event, here or on another instance.
    pub fn invalidate(&self, event_id: EventId) {
        self.generation(event_id).fetch_add(1, Ordering::SeqCst);
        self.entries.invalidate(&event_id);
    }

    /// Forgets everything: what changed is not known, as after losing touch with the other instances.
    pub fn invalidate_all(&self) {
        for generation in &self.generations {
            generation.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.invalidate_all();
    }

    fn present_generation(&self, event_id: EventId) -> u64 {
        self.generation(event_id).load(Ordering::SeqCst)
    }

    /// The last bits of an id are random (RFC 9562, section 5.7), so they spread events evenly.
    fn generation(&self, event_id: EventId) -> &AtomicU64 {
        let [.., high, low] = *event_id.uuid().as_bytes();
        &self.generations[usize::from(u16::from_be_bytes([high, low])) % GENERATIONS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};
    use std::sync::Barrier;
    use std::sync::atomic::AtomicBool;

    const NOW: Instant = DateTime::UNIX_EPOCH;

    fn id(number: u128) -> EventId {
        EventId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn entry(version: u64) -> CachedEvent {
        CachedEvent {
            body: Bytes::from(version.to_string()),
            etag: HeaderValue::from(version),
            valid_until: NOW + TimeDelta::seconds(5),
        }
    }

    #[test]
    fn an_answer_is_kept_until_its_time_is_over() {
        let cache = EventCache::new(10);
        assert!(cache.put(cache.ticket(id(1)), entry(1)));
        assert_eq!(cache.get(id(1), NOW).unwrap().body, "1");
        assert!(cache.get(id(1), NOW + TimeDelta::seconds(5)).is_none());
        assert!(cache.get(id(2), NOW).is_none());
    }

    #[test]
    fn what_was_read_before_an_invalidation_is_not_put_in_after_it() {
        let cache = EventCache::new(10);
        let ticket = cache.ticket(id(1));
        cache.invalidate(id(1));
        assert!(!cache.put(ticket, entry(1)));
        assert!(cache.get(id(1), NOW).is_none());
        assert!(cache.put(cache.ticket(id(1)), entry(2)));
        cache.invalidate_all();
        assert!(cache.get(id(1), NOW).is_none());
    }

    /// A writer counts a version up and invalidates; readers read the version and put it in. Once an invalidation is
    /// through, the cache must never answer with a version below the one it announced.
    #[test]
    fn a_race_of_readers_and_a_writer_leaves_nothing_stale() {
        let cache = EventCache::new(10);
        let version = AtomicU64::new(0);
        let done = AtomicBool::new(false);
        let start = Barrier::new(4);
        let mut stale = 0;
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    while !done.load(Ordering::SeqCst) {
                        let ticket = cache.ticket(id(1));
                        let read = version.load(Ordering::SeqCst);
                        std::thread::yield_now();
                        cache.put(ticket, entry(read));
                    }
                });
            }
            start.wait();
            for next in 1..=20_000_u64 {
                version.store(next, Ordering::SeqCst);
                cache.invalidate(id(1));
                let found = cache.get(id(1), NOW);
                stale += u32::from(found.is_some_and(|found| found.body != next.to_string()));
            }
            done.store(true, Ordering::SeqCst);
        });
        assert_eq!(stale, 0);
    }
}
