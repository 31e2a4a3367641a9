//! Registrations whose attendees have given words, the newest first: of one event or of all. Who has a rare word is looked up;
//! common ones soon turn up in the list itself, which is walked; and in between, the list is walked with all who have the word at
//! hand. See `attendee_list.rs`.

use crate::Tx;
use crate::attendee_words::{Rare, has_word, limit, may_have_words};
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::prepared::Prepared;
use crate::registrations::{after_place, filtered, in_order, is_of_all, of_registrations, place, status_is};
use crate::schema::{attendees, registrations};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{PageRequest, Position, StoreError, WordQuery};
use registration::RegistrationFilter;
use std::cmp::Reverse;

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

/// Registrations with what is looked at of their attendees.
macro_rules! seen {
    () => {
        registrations::table
            .inner_join(attendees::table)
            .select((
                registrations::id,
                registrations::registered_at,
                attendees::name_key,
                attendees::email_key,
            ))
            .into_boxed()
    };
}

/// Those before a place, and the one there.
macro_rules! down_to_place {
    ($query:expr, $filter:expr, $last:expr) => {{
        let (query, last): (_, Position) = ($query, $last);
        let (at, id) = (Ts(crate::events::instant_of(last)), Uid(last.id));
        if is_of_all($filter) {
            query.filter(registrations::id.ge(id))
        } else {
            query.filter(place!(">=", at, id))
        }
    }};
}

/// Those in the list after a place and down to another, in order; with a word, those whose attendees have one that begins so. As a
/// value that is looked up in a table of its own, which is made once.
macro_rules! walked {
    ($search:expr, $last:expr, $word:expr) => {{
        let (search, word): (&Search<'_>, Option<&str>) = ($search, $word);
        let mut query = after_place!(filtered!(seen!(), search.filter), search.filter, search.after);
        if let Some(last) = $last {
            query = down_to_place!(query, search.filter, last);
        }
        query = may_have_words!(query, Some(search.words));
        if let Some(word) = word {
            query = query.filter(has_word!("registrations.attendee_id", word));
        }
        in_order!(query, search.filter)
    }};
}

/// The last of so many in the list after a place.
macro_rules! place_of {
    ($search:expr, $span:expr) => {{
        let search: &Search<'_> = $search;
        let query = registrations::table
            .select((registrations::id, registrations::registered_at))
            .into_boxed();
        let query = after_place!(
            of_registrations!(query, search.filter),
            search.filter,
            search.after
        );
        in_order!(query, search.filter).offset(limit($span) - 1).limit(1)
    }};
}

/// Those of people who are known. However many the event has, or the status, a person has few: their
/// indexes are kept out.
macro_rules! of_people {
    ($search:expr, $people:expr) => {{
        let search: &Search<'_> = $search;
        let anywhere = RegistrationFilter {
            event_id: None,
            status: None,
            ..search.filter.clone()
        };
        let query = after_place!(filtered!(seen!(), &anywhere), search.filter, search.after);
        let mut query =
            may_have_words!(query, Some(search.words)).filter(registrations::attendee_id.eq_any($people));
        if let Some(status) = search.filter.status {
            query = query.filter(sql::<Bool>(&format!("({}) IS TRUE", status_is(status))));
        }
        if let Some(event_id) = search.filter.event_id {
            query = query.filter(
                sql::<Bool>("(registrations.event_id = ")
                    .bind::<crate::columns::sql::Id, _>(Uid::of(event_id))
                    .sql(") IS TRUE"),
            );
        }
        query
    }};
}

mod plans;

/// A search for a page, and how far it is.
struct Search<'a> {
    words: &'a WordQuery,
    filter: &'a RegistrationFilter,
    after: Option<Position>,
    most: usize,
    ids: Vec<Uid>,
}

impl Search<'_> {
    /// Takes what was read in the order of the list, and says whether that is enough.
    fn is_full_with(&mut self, read: Vec<Seen>) -> bool {
        if let Some((id, at, ..)) = read.last() {
            self.after = Some(position(*id, *at));
        }
        self.ids.extend(who_fit(self.words, read));
        self.ids.truncate(self.most);
        self.ids.len() == self.most
    }

    fn found(self, read_to: Option<Position>) -> Found {
        Found {
            ids: self.ids,
            read_to,
        }
    }
}

impl Tx<'_> {
    /// A page of them, and one more.
    pub(crate) fn search_registrations(
        &mut self,
        words: &WordQuery,
        filter: &RegistrationFilter,
        page: PageRequest,
    ) -> Result<Found, StoreError> {
        let limits = self.search;
        if words.words().is_empty() {
            return Ok(Found::default());
        }
        let mut search = Search {
            words,
            filter,
            after: page.after,
            most: usize::from(page.limit) + 1,
            ids: Vec::new(),
        };
        // One person has not so many that anything were to be looked up.
        if filter.attendee_id.is_some() || filter.user_id.is_some() {
            self.walk_registrations(&mut search, None, None)?;
            return Ok(search.found(None));
        }
        let mut rarest = self.rare_words(words, limits.some)?.first().copied();
        if let Some(few) = rarest.filter(|rare| rare.people <= limits.few) {
            self.search_among(&mut search, few)?;
            return Ok(search.found(None));
        }
        if rarest.is_none() {
            if self.walk_registrations(&mut search, None, Some(limits.walked))? {
                return Ok(search.found(None));
            }
            rarest = self.rare_words(words, limits.many)?.first().copied();
        }
        let spans = match rarest {
            Some(_) => [limits.most_compared / 5, limits.most_compared],
            None => [limits.most_walked / 2, limits.most_walked / 2],
        };
        for span in spans {
            if self.walk_registrations(&mut search, rarest.map(|rare| rare.word), Some(span.max(1)))? {
                return Ok(search.found(None));
            }
        }
        // The last resort, where so many were read in vain.
        if let Some(some) = rarest.filter(|rare| rare.people <= limits.some) {
            self.search_among(&mut search, some)?;
            return Ok(search.found(None));
        }
        let read_to = search.after;
        Ok(search.found(read_to))
    }

    /// Walks so many of the list, or all. Says whether the search is at an end with it.
    fn walk_registrations(
        &mut self,
        search: &mut Search<'_>,
        word: Option<&str>,
        span: Option<usize>,
    ) -> Result<bool, StoreError> {
        let last: Option<(Uid, Ts)> = match span {
            Some(span) => self.run(|connection| {
                on!(connection, |c| Prepared(place_of!(search, span))
                    .get_result(c)
                    .optional())
            })?,
            None => None,
        };
        let last = last.map(|(id, at)| position(id, at));
        let mut at_a_time = search.most;
        loop {
            let read: Vec<Seen> = self.run(|connection| {
                on!(connection, |c| Prepared(
                    walked!(search, last, word).limit(limit(at_a_time))
                )
                .load(c))
            })?;
            let is_end = read.len() < at_a_time;
            if search.is_full_with(read) {
                return Ok(true);
            }
            if is_end {
                search.after = last;
                return Ok(last.is_none());
            }
            at_a_time *= 2;
        }
    }

    /// Looks up all of those who have a word.
    fn search_among(&mut self, search: &mut Search<'_>, rare: Rare<'_>) -> Result<(), StoreError> {
        let mut people = self.newest_with_words(&[rare], Uid(uuid::Uuid::max()), usize::MAX)?;
        people.dedup();
        let mut read: Vec<Seen> = Vec::new();
        for chunk in people.chunks(self.search.batch) {
            read.extend(
                self.run(|connection| on!(connection, |c| of_people!(search, chunk).load::<Seen>(c)))?,
            );
        }
        if is_of_all(search.filter) {
            read.sort_unstable_by_key(|seen| Reverse(seen.0));
        } else {
            read.sort_unstable_by_key(|seen| Reverse((seen.1, seen.0)));
        }
        search.is_full_with(read);
        Ok(())
    }
}

fn position(id: Uid, at: Ts) -> Position {
    Position {
        value: at.0.timestamp_micros(),
        id: id.0,
    }
}

fn who_fit(words: &WordQuery, read: Vec<Seen>) -> impl Iterator<Item = Uid> {
    read.into_iter()
        .filter(|(_, _, name_key, email_key)| words.fits(name_key, email_key))
        .map(|(id, ..)| id)
}
