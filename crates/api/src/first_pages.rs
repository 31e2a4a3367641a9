//! First pages of the list of events as they go out to the many who are shown what everybody is: read once, sent often.
//!
//! Invariants: a page holds nothing private. What it tells was read after every change of an event but that of its seats; a count
//! of seats is no older than the page may be. Nobody is sent a page that was read before they wrote something themselves.
//!
//! All of it is of this process: what another one changes shows when the page's time is over.

use crate::ask_once::AskOnce;
use crate::problem::Problem;
use bytes::Bytes;
use kernel::{Actor, Instant, Permission, UserId};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant as Moment};

/// Pages that are kept at the most: each is another query string.
const PAGES: u64 = 32;
/// Longer query strings, in bytes, are those of searches, which few others send.
const LONGEST_QUERY: usize = 200;
/// Longer pages, in bytes, are read for each anew, so that a few of them do not take the memory of all.
const LONGEST_PAGE: usize = 1024 * 1024;
/// People of whom it is known whether something private is theirs to see.
const PEOPLE: u64 = 100_000;
/// For so long that is believed when another process may have changed it: as long as permissions are.
const BELIEVED: Duration = Duration::from_secs(5);
/// After so long everything that somebody wrote is on every page: longer than one is kept.
const WRITES_REMEMBERED: Duration = Duration::from_mins(2);

/// The pages, and what decides about who is sent them. Bounded, and shared by all workers.
pub struct FirstPages {
    pages: AskOnce<String, FirstPage>,
    /// Moves on when something of an event changes that is not its seats.
    edits: AtomicU64,
    /// Whether nothing private is to be shown to somebody, since which edit that is known.
    onlookers: Cache<UserId, (u64, bool)>,
    /// Who wrote something, and when they had written it.
    writers: Cache<UserId, Moment>,
}

/// A page as it was read.
#[derive(Debug, Clone)]
pub struct FirstPage {
    begun: Begun,
    /// From then on it is wrong by itself: a window opens or closes, or its time is over.
    valid_until: Instant,
    /// For so long at the most, whatever the clock says.
    lasts: Duration,
    /// None where it is too long to be kept.
    body: Option<Bytes>,
}

/// When something was begun to be read.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    edits: u64,
    at: Moment,
}

impl Default for FirstPages {
    fn default() -> Self {
        Self {
            pages: AskOnce::new(PAGES),
            edits: AtomicU64::new(0),
            onlookers: Cache::builder()
                .max_capacity(PEOPLE)
                .time_to_live(BELIEVED)
                .build(),
            writers: Cache::builder()
                .max_capacity(PEOPLE)
                .time_to_live(WRITES_REMEMBERED)
                // Whoever wrote last is the last to be forgotten.
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        }
    }
}

impl FirstPages {
    /// To be called after every commit that changed more of an event than its seats.
    pub fn edited(&self) {
        self.edits.fetch_add(1, Ordering::SeqCst);
    }

    /// To be called after everything that somebody may have written, before they are answered.
    pub fn wrote(&self, user_id: UserId) {
        self.writers.insert(user_id, Moment::now());
    }

    /// To be called before the database is read.
    pub fn begin(&self) -> Begun {
        Begun {
            edits: self.edits.load(Ordering::SeqCst),
            at: Moment::now(),
        }
    }

    /// Whether the actor is shown what everybody is. `ask` is asked about accounts that organise nothing, once in a while.
    pub async fn is_onlooker<E>(
        &self,
        actor: &Actor,
        ask: impl Future<Output = Result<bool, E>>,
    ) -> Result<bool, E> {
        let Some(user_id) = actor.user_id() else {
            return Ok(true);
        };
        if actor.holds(Permission::EventManageAny) || actor.holds(Permission::EventCreate) {
            return Ok(false);
        }
        let edits = self.edits.load(Ordering::SeqCst);
        if let Some((known_at, is_onlooker)) = self.onlookers.get(&user_id)
            && known_at == edits
        {
            return Ok(is_onlooker);
        }
        let is_onlooker = ask.await?;
        self.onlookers.insert(user_id, (edits, is_onlooker));
        Ok(is_onlooker)
    }

    /// The page of a query, for an onlooker; none is kept of one that is too long.
    pub async fn get<E>(
        &self,
        query: &str,
        reader: &Actor,
        now: Instant,
        ask: impl Future<Output = Result<FirstPage, E>>,
    ) -> Result<Option<Bytes>, Problem>
    where
        Problem: From<E>,
    {
        if query.len() > LONGEST_QUERY {
            return Ok(None);
        }
        let edits = self.edits.load(Ordering::SeqCst);
        let wrote_at = reader.user_id().and_then(|user_id| self.writers.get(&user_id));
        let is_enough = |page: &FirstPage| {
            page.begun.edits == edits
                && now < page.valid_until
                // A clock that was put back makes nothing last longer.
                && page.begun.at.elapsed() < page.lasts
                && wrote_at.is_none_or(|wrote_at| wrote_at < page.begun.at)
        };
        let page = self.pages.get(query.to_owned(), is_enough, ask).await?;
        Ok(page.body)
    }
}

impl FirstPage {
    /// The JSON of a page, and until when it can be sent.
    pub fn new(begun: Begun, body: Vec<u8>, now: Instant, valid_until: Instant) -> Self {
        Self {
            begun,
            valid_until,
            lasts: (valid_until - now).to_std().unwrap_or_default(),
            body: (body.len() <= LONGEST_PAGE).then(|| Bytes::from(body)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};
    use kernel::{PermissionSet, SessionId, SignedIn, TypedId};
    use std::convert::Infallible;
    use uuid::Uuid;

    const NOW: Instant = DateTime::UNIX_EPOCH;
    const NOBODY: Actor = Actor::Anonymous;

    fn somebody(number: u128, permissions: PermissionSet) -> Actor {
        Actor::User(SignedIn {
            user_id: UserId::from_uuid(Uuid::from_u128(number)),
            session_id: SessionId::from_uuid(Uuid::from_u128(number)),
            permissions,
            email_verified: true,
        })
    }

    /// Pages that tell how many were read before.
    #[derive(Default)]
    struct Counted {
        pages: FirstPages,
        read: AtomicU64,
    }

    impl Counted {
        async fn get(&self, query: &str, reader: &Actor, now: Instant) -> Option<Bytes> {
            let begun = self.pages.begin();
            let read = async {
                let number = self.read.fetch_add(1, Ordering::SeqCst) + 1;
                let until = now + TimeDelta::seconds(1);
                Ok::<_, Problem>(FirstPage::new(begun, number.to_string().into(), now, until))
            };
            self.pages.get(query, reader, now, read).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_page_is_sent_until_its_time_is_over_or_an_event_is_edited() {
        let counted = Counted::default();
        assert_eq!(counted.get("", &NOBODY, NOW).await.unwrap(), "1");
        assert_eq!(counted.get("", &NOBODY, NOW).await.unwrap(), "1");
        assert_eq!(counted.get("limit=2", &NOBODY, NOW).await.unwrap(), "2");
        let later = NOW + TimeDelta::seconds(1);
        assert_eq!(counted.get("", &NOBODY, later).await.unwrap(), "3");
        counted.pages.edited();
        assert_eq!(counted.get("", &NOBODY, later).await.unwrap(), "4");
    }

    #[tokio::test]
    async fn what_somebody_wrote_is_on_their_page_and_on_nobody_elses_before_its_time() {
        let counted = Counted::default();
        let (writer, other) = (somebody(1, PermissionSet::NONE), somebody(2, PermissionSet::NONE));
        assert_eq!(counted.get("", &other, NOW).await.unwrap(), "1");
        counted.pages.wrote(writer.user_id().unwrap());
        assert_eq!(counted.get("", &other, NOW).await.unwrap(), "1");
        assert_eq!(counted.get("", &writer, NOW).await.unwrap(), "2");
        assert_eq!(counted.get("", &writer, NOW).await.unwrap(), "2");
        assert_eq!(counted.get("", &other, NOW).await.unwrap(), "2");
    }

    #[tokio::test]
    async fn long_queries_and_long_pages_are_not_kept() {
        let counted = Counted::default();
        assert_eq!(counted.get(&"q".repeat(201), &NOBODY, NOW).await, None);
        let pages = FirstPages::default();
        let begun = pages.begin();
        let long = async {
            Ok::<_, Problem>(FirstPage::new(
                begun,
                vec![b' '; LONGEST_PAGE + 1],
                NOW,
                NOW + TimeDelta::seconds(1),
            ))
        };
        assert_eq!(pages.get("", &NOBODY, NOW, long).await.unwrap(), None);
    }

    #[tokio::test]
    async fn who_may_see_more_than_others_is_no_onlooker() {
        let pages = FirstPages::default();
        let asked = AtomicU64::new(0);
        let is_onlooker = async |actor: &Actor, answer: bool| {
            let ask = async {
                asked.fetch_add(1, Ordering::SeqCst);
                Ok::<_, Infallible>(answer)
            };
            pages.is_onlooker(actor, ask).await.unwrap()
        };
        assert!(is_onlooker(&NOBODY, false).await);
        for permission in [Permission::EventCreate, Permission::EventManageAny] {
            let organises = somebody(1, [permission].into_iter().collect());
            assert!(!is_onlooker(&organises, true).await);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        let attends = somebody(2, PermissionSet::NONE);
        assert!(is_onlooker(&attends, true).await);
        assert!(is_onlooker(&attends, false).await, "it is known by now");
        // They may have been made a manager.
        pages.edited();
        assert!(!is_onlooker(&attends, false).await);
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}
