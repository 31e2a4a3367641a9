//! Registrations whose attendees have given words, the newest first: of one event or of all. Rare words are looked up, common
//! ones soon turn up in the list itself; see `attendee_list.rs`.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::explain::plan;
use crate::registrations::{after_place, filtered, in_order, is_of_all};
use crate::schema::{attendees, registrations};
use diesel::prelude::*;
use kernel::{EventId, PageRequest, Position, StoreError, WordQuery};
use registration::RegistrationFilter;
use std::cmp::Reverse;

/// A word that so many people have is looked up at once.
const FEW: usize = 1_000;
/// A word that more people have than this is never looked up: the list is sooner read.
const MANY: usize = 20_000;
/// So many registrations are read before a word is looked up after all.
const WALKED: usize = 2_000;
/// So many are read at a time, once the first did not do.
const BATCH: usize = 2_000;
/// So many are read for one page: what is farther away comes with the next.
const MOST_WALKED: usize = 10_000;

/// A registration with what its attendee is found by.
type Seen = (Uid, Ts, String, String);

/// What a search found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The registrations of the page and one more, in their order.
    pub(crate) ids: Vec<Uid>,
    /// Where it stopped with fewer, though the list goes on.
    pub(crate) read_to: Option<Position>,
}

/// Registrations after a place, with what is looked at of their attendees.
macro_rules! seen {
    ($filter:expr, $after:expr) => {{
        let query = registrations::table
            .inner_join(attendees::table)
            .select((
                registrations::id,
                registrations::registered_at,
                attendees::name_key,
                attendees::email_key,
            ))
            .into_boxed();
        after_place!(filtered!(query, $filter), $filter, $after)
    }};
}

impl Tx<'_> {
    /// A page of them, and one more.
    pub(crate) fn search_registrations(
        &mut self,
        words: &WordQuery,
        filter: &RegistrationFilter,
        page: PageRequest,
    ) -> Result<Found, StoreError> {
        if words.words().is_empty() {
            return Ok(Found::default());
        }
        let most = usize::from(page.limit) + 1;
        // One person has not so many that anything were to be looked up.
        let is_of_one = filter.attendee_id.is_some() || filter.user_id.is_some();
        if !is_of_one && let Some(people) = self.rarest_word(words, FEW)? {
            let ids = self.search_among(words, filter, page.after, &people, most)?;
            return Ok(Found { ids, read_to: None });
        }
        let (mut after, mut ids) = (page.after, Vec::new());
        let (mut walked, mut batch) = (0, most * 4);
        loop {
            let read = self.walk_registrations(filter, after, batch)?;
            let is_last = read.len() < batch;
            if let Some((id, at, ..)) = read.last() {
                after = Some(Position {
                    value: at.0.timestamp_micros(),
                    id: id.0,
                });
            }
            walked += read.len();
            ids.extend(who_fit(words, read));
            if ids.len() >= most || is_last {
                ids.truncate(most);
                return Ok(Found { ids, read_to: None });
            }
            if walked >= MOST_WALKED {
                return Ok(Found { ids, read_to: after });
            }
            if walked >= WALKED
                && batch < BATCH
                && !is_of_one
                && let Some(people) = self.rarest_word(words, MANY)?
            {
                let missing = most - ids.len();
                ids.extend(self.search_among(words, filter, after, &people, missing)?);
                return Ok(Found { ids, read_to: None });
            }
            batch = if walked >= WALKED { BATCH } else { WALKED - 1 };
        }
    }

    fn walk_registrations(
        &mut self,
        filter: &RegistrationFilter,
        after: Option<Position>,
        most: usize,
    ) -> Result<Vec<Seen>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| in_order!(seen!(filter, after), filter)
                .limit(i64::try_from(most).unwrap_or(i64::MAX))
                .load(c))
        })
    }

    fn search_among(
        &mut self,
        words: &WordQuery,
        filter: &RegistrationFilter,
        after: Option<Position>,
        people: &[Uid],
        most: usize,
    ) -> Result<Vec<Uid>, StoreError> {
        let mut read: Vec<Seen> = Vec::new();
        for chunk in people.chunks(1_000) {
            read.extend(self.run(|connection| {
                on!(connection, |c| seen!(filter, after)
                    .filter(registrations::attendee_id.eq_any(chunk))
                    .load::<Seen>(c))
            })?);
        }
        if is_of_all(filter) {
            read.sort_unstable_by_key(|seen| Reverse(seen.0));
        } else {
            read.sort_unstable_by_key(|seen| Reverse((seen.1, seen.0)));
        }
        let mut found: Vec<Uid> = who_fit(words, read).collect();
        found.truncate(most);
        Ok(found)
    }
}

impl Tx<'_> {
    /// How the database goes about these searches, for the test that looks whether it takes the indexes.
    pub(crate) fn plans_of_searched_registrations(
        &mut self,
        event: EventId,
        after: Option<Position>,
    ) -> Result<Vec<(&'static str, String)>, StoreError> {
        let all = RegistrationFilter {
            event_id: Some(event),
            ..RegistrationFilter::default()
        };
        let rare = RegistrationFilter {
            status: Some(registration::RegistrationStatus::Cancelled),
            ..all.clone()
        };
        let everywhere = RegistrationFilter::default();
        let people = [Uid(uuid::Uuid::max()); 3];
        let mut plans = Vec::new();
        for (name, filter) in [
            ("the registrations of an event", &all),
            ("those with a rare status", &rare),
            ("the registrations of all events", &everywhere),
        ] {
            let plan =
                self.run(|connection| plan!(connection, in_order!(seen!(filter, after), filter).limit(100)))?;
            plans.push((name, plan));
        }
        for (name, filter) in [
            ("a few people at an event", &all),
            ("a few people at all events", &everywhere),
        ] {
            let plan = self.run(|connection| {
                plan!(
                    connection,
                    seen!(filter, after).filter(registrations::attendee_id.eq_any(&people))
                )
            })?;
            plans.push((name, plan));
        }
        Ok(plans)
    }
}

fn who_fit(words: &WordQuery, read: Vec<Seen>) -> impl Iterator<Item = Uid> {
    read.into_iter()
        .filter(|(_, _, name_key, email_key)| words.fits(name_key, email_key))
        .map(|(id, ..)| id)
}
