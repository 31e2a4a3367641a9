//! Registrations of an event whose attendees have given words, the newest first. Rare words are looked up, common ones soon turn up
//! in the list of the event; see `attendee_list.rs`.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::events::instant_of;
use crate::explain::plan;
use crate::registrations::status_is;
use crate::schema::{attendees, registrations};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{EventId, PageRequest, Position, StoreError, WordQuery};
use registration::RegistrationFilter;

/// A word that so many people have is looked up at once.
const FEW: usize = 1_000;
/// A word that more people have than this is never looked up: every event is sooner read.
const MANY: usize = 20_000;
/// So many registrations are read before a word is looked up after all.
const WALKED: usize = 2_000;
/// So many are read at a time, once the first did not do.
const BATCH: usize = 2_000;

/// A registration with what its attendee is found by.
type Seen = (Uid, Ts, String, String);

/// Registrations of an event after a place, with what is looked at of their attendees.
macro_rules! seen {
    ($event:expr, $filter:expr, $after:expr) => {{
        let mut query = registrations::table
            .inner_join(attendees::table)
            .filter(registrations::event_id.eq(Uid::of($event)))
            .select((
                registrations::id,
                registrations::registered_at,
                attendees::name_key,
                attendees::email_key,
            ))
            .into_boxed();
        if let Some(status) = $filter.status {
            query = query.filter(sql::<Bool>(status_is(status)));
        }
        if let Some(attendee_id) = $filter.attendee_id {
            query = query.filter(registrations::attendee_id.eq(Uid::of(attendee_id)));
        }
        if let Some(after) = $after {
            let (at, id) = (Ts(instant_of(after)), Uid(after.id));
            query = query.filter(
                registrations::registered_at
                    .le(at)
                    .and(registrations::registered_at.lt(at).or(registrations::id.lt(id))),
            );
        }
        query
    }};
}

impl Tx<'_> {
    /// The ids of the registrations of a page and one more, in their order.
    pub(crate) fn search_registrations(
        &mut self,
        event: EventId,
        words: &WordQuery,
        filter: &RegistrationFilter,
        page: PageRequest,
    ) -> Result<Vec<Uid>, StoreError> {
        if words.words().is_empty() {
            return Ok(Vec::new());
        }
        let most = usize::from(page.limit) + 1;
        if let Some(people) = self.rarest_word(words, FEW)? {
            return self.search_among(event, words, filter, page.after, people, most);
        }
        let (mut after, mut found) = (page.after, Vec::new());
        let (mut walked, mut batch) = (0, most * 4);
        loop {
            let read = self.walk_registrations(event, filter, after, batch)?;
            let is_last = read.len() < batch;
            if let Some((id, at, ..)) = read.last() {
                after = Some(Position {
                    value: at.0.timestamp_micros(),
                    id: id.0,
                });
            }
            walked += read.len();
            found.extend(who_fit(words, read));
            if found.len() >= most || is_last {
                found.truncate(most);
                return Ok(found);
            }
            if walked >= WALKED
                && batch < BATCH
                && let Some(people) = self.rarest_word(words, MANY)?
            {
                let missing = most - found.len();
                found.extend(self.search_among(event, words, filter, after, people, missing)?);
                return Ok(found);
            }
            batch = if walked >= WALKED { BATCH } else { WALKED - 1 };
        }
    }

    fn walk_registrations(
        &mut self,
        event: EventId,
        filter: &RegistrationFilter,
        after: Option<Position>,
        most: usize,
    ) -> Result<Vec<Seen>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| seen!(event, filter, after)
                .order((registrations::registered_at.desc(), registrations::id.desc()))
                .limit(i64::try_from(most).unwrap_or(i64::MAX))
                .load(c))
        })
    }

    fn search_among(
        &mut self,
        event: EventId,
        words: &WordQuery,
        filter: &RegistrationFilter,
        after: Option<Position>,
        people: Vec<Uid>,
        most: usize,
    ) -> Result<Vec<Uid>, StoreError> {
        let mut read: Vec<Seen> = Vec::new();
        for chunk in people.chunks(1_000) {
            read.extend(self.run(|connection| {
                on!(connection, |c| seen!(event, filter, after)
                    .filter(registrations::attendee_id.eq_any(chunk))
                    .load::<Seen>(c))
            })?);
        }
        read.sort_unstable_by(|one, other| (other.1, other.0).cmp(&(one.1, one.0)));
        let mut found: Vec<Uid> = who_fit(words, read).collect();
        found.truncate(most);
        Ok(found)
    }
}

impl Tx<'_> {
    /// How the database goes about these searches, for the test that looks whether it takes the indexes.
    pub(crate) fn plans_within_event(
        &mut self,
        event: EventId,
        after: Option<Position>,
    ) -> Result<Vec<(&'static str, String)>, StoreError> {
        let all = RegistrationFilter::default();
        let rare = RegistrationFilter {
            status: Some(registration::RegistrationStatus::Cancelled),
            ..RegistrationFilter::default()
        };
        let people = [Uid(uuid::Uuid::max()); 3];
        let mut plans = Vec::new();
        for (name, filter) in [
            ("the registrations of an event", &all),
            ("those with a rare status", &rare),
        ] {
            let plan = self.run(|connection| {
                plan!(
                    connection,
                    seen!(event, filter, after)
                        .order((registrations::registered_at.desc(), registrations::id.desc()))
                        .limit(100)
                )
            })?;
            plans.push((name, plan));
        }
        let plan = self.run(|connection| {
            plan!(
                connection,
                seen!(event, &all, after).filter(registrations::attendee_id.eq_any(&people))
            )
        })?;
        plans.push(("a few people at an event", plan));
        Ok(plans)
    }
}

fn who_fit(words: &WordQuery, read: Vec<Seen>) -> impl Iterator<Item = Uid> {
    read.into_iter()
        .filter(|(_, _, name_key, email_key)| words.fits(name_key, email_key))
        .map(|(id, ..)| id)
}
