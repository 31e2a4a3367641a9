//! Lists of attendees, and who is found in them. All of them are in the order of the ids, which is that of age.
//!
//! A word that few people have is looked up, and those few are sorted. One that many have soon turns up in the list itself, which
//! is walked from its beginning; what it does not give in a while is looked up too.

use crate::Tx;
use crate::attendee_words::beginning_with;
use crate::columns::Uid;
use crate::connection::on;
use crate::events_of_runner::{OfEvent, plan_of_top, top_of_events};
use crate::explain::plan;
use crate::people::{AttendeeRow, IS_SOMEBODY};
use crate::schema::{attendee_words, attendees, registrations, waitlist_entries};
use crate::transaction::uids;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{
    EventId, Page, PageRequest, Position, StoreError, TypedId, WordQuery, address_part, address_pattern,
    fold, like_pattern,
};
use std::collections::{BTreeMap, BTreeSet};
use user::{Attendee, AttendeeFilter, EventRunner};
use uuid::Uuid;

/// A word that so many people have is looked up at once.
const FEW: usize = 1_000;
/// So many people are walked before a word is looked up after all.
const WALKED: usize = 2_000;
/// So many are walked for one page: who is farther away comes with the next.
const MOST_WALKED: usize = 5_000;
/// So many are asked for at a time, once the first did not do.
const BATCH: usize = 1_000;

/// What is asked of each attendee in the end, whichever way it was found.
struct Wanted<'a> {
    words: Option<&'a WordQuery>,
    name: Option<String>,
    email: Option<String>,
}

impl<'a> Wanted<'a> {
    fn of(filter: &'a AttendeeFilter) -> Self {
        Self {
            words: filter.words.as_ref(),
            name: filter.name.as_deref().map(fold),
            email: filter.email.as_deref().map(address_part),
        }
    }

    fn fits(&self, attendee: &Attendee) -> bool {
        let (name_key, email_key) = (fold(attendee.name.as_str()), attendee.email.key());
        !attendee.is_nobody()
            && self.words.is_none_or(|words| words.fits(&name_key, email_key))
            && self
                .name
                .as_ref()
                .is_none_or(|part| name_key.contains(part.as_str()))
            && self
                .email
                .as_ref()
                .is_none_or(|part| email_key.contains(part.as_str()))
    }
}

/// Whose attendees: those whom an account noted, and those at these events; or everyone.
enum Ground {
    Everyone,
    Of { creator: Uid, events: Vec<EventId> },
}

/// Everybody with these filters, beneath an id, unsorted: the database reads them all, side by side with itself where it can.
macro_rules! everybody_like {
    ($filter:expr, $before:expr) => {{
        let mut query = attendees::table.filter(attendees::id.lt($before)).into_boxed();
        if let Some(name) = &$filter.name {
            query = query.filter(attendees::name_key.like(like_pattern(name)).escape('\\'));
        }
        if let Some(email) = &$filter.email {
            query = query.filter(attendees::email_key.like(address_pattern(email)).escape('\\'));
        }
        query
    }};
}

impl Tx<'_> {
    /// See `AttendeeRepository::list_attendees`.
    pub(crate) fn page_of_attendees(
        &mut self,
        runner: Option<EventRunner>,
        filter: &AttendeeFilter,
        page: PageRequest,
    ) -> Result<Page<Attendee>, StoreError> {
        let ground = match runner {
            None => Ground::Everyone,
            Some(runner) => Ground::Of {
                creator: Uid::of(runner.user_id),
                events: self.events_run_by(runner)?,
            },
        };
        let total = if page.include_total {
            Some(self.count_attendees(&ground, filter)?)
        } else {
            None
        };
        let before = page.after.map_or(Uid(Uuid::max()), |after| Uid(after.id));
        let (found, read_to) = self.find_attendees(&ground, filter, before, usize::from(page.limit) + 1)?;
        let place = |id| Position { value: 0, id };
        let page = Page::from_surplus(found, page, total, |attendee| place(attendee.id.uuid()));
        Ok(Page {
            next: page.next.or(read_to.map(|id| place(id.0))),
            ..page
        })
    }

    /// Those of a page and one more; and where it stopped with fewer, though the list goes on.
    fn find_attendees(
        &mut self,
        ground: &Ground,
        filter: &AttendeeFilter,
        mut before: Uid,
        most: usize,
    ) -> Result<(Vec<Attendee>, Option<Uid>), StoreError> {
        let wanted = Wanted::of(filter);
        if let Some(words) = wanted.words {
            if words.words().is_empty() {
                return Ok((Vec::new(), None));
            }
            if let Some(people) = self.rarest_word(words, FEW)? {
                return Ok((self.find_among(ground, &wanted, people, before, most)?, None));
            }
        }
        let mut found: Vec<Attendee> = Vec::new();
        let (mut walked, mut batch) = (0, if wanted.words.is_some() { most * 4 } else { most });
        loop {
            let ids = match (ground, wanted.words) {
                (Ground::Everyone, Some(words)) if walked >= WALKED => {
                    self.top_with_word(words, before, batch)?
                }
                (Ground::Everyone, _) => self.top_of_everyone(filter, before, batch)?,
                (Ground::Of { creator, events }, _) => self.top_of_ground(*creator, events, before, batch)?,
            };
            let is_last = ids.len() < batch;
            before = ids.last().copied().unwrap_or(before);
            walked += ids.len();
            found.extend(
                self.load_in_order(&ids)?
                    .into_iter()
                    .filter(|one| wanted.fits(one)),
            );
            if found.len() >= most || is_last {
                found.truncate(most);
                return Ok((found, None));
            }
            if walked >= MOST_WALKED {
                return Ok((found, Some(before)));
            }
            batch = BATCH;
        }
    }

    /// Those who have the rarest of the words, if they are few.
    pub(crate) fn rarest_word(
        &mut self,
        query: &WordQuery,
        few: usize,
    ) -> Result<Option<Vec<Uid>>, StoreError> {
        let mut rarest: Option<Vec<Uid>> = None;
        for word in query.words() {
            if let Some(people) = self.people_with_word(word, few)?
                && rarest.as_ref().is_none_or(|known| people.len() < known.len())
            {
                rarest = Some(people);
            }
        }
        Ok(rarest)
    }

    /// Those of a few people who are wanted, on this ground and beneath an id.
    fn find_among(
        &mut self,
        ground: &Ground,
        wanted: &Wanted<'_>,
        mut people: Vec<Uid>,
        before: Uid,
        most: usize,
    ) -> Result<Vec<Attendee>, StoreError> {
        people.retain(|id| *id < before);
        people.sort_unstable_by(|one, other| other.cmp(one));
        let mut found = Vec::new();
        for chunk in people.chunks(BATCH / 4) {
            let here = match ground {
                Ground::Everyone => chunk.to_vec(),
                Ground::Of { creator, events } => self.on_ground(*creator, events, chunk)?,
            };
            let fit = self.load_in_order(&here)?;
            found.extend(fit.into_iter().filter(|one| wanted.fits(one)));
            if found.len() >= most {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }

    /// The attendees with these ids, in the order of the ids.
    fn load_in_order(&mut self, ids: &[Uid]) -> Result<Vec<Attendee>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<AttendeeRow> = self.run(|connection| {
            on!(connection, |c| attendees::table
                .filter(attendees::id.eq_any(ids))
                .select(AttendeeRow::as_select())
                .load(c))
        })?;
        let mut people = BTreeMap::new();
        for row in rows {
            let attendee = row.into_attendee()?;
            people.insert(Uid::of(attendee.id), attendee);
        }
        Ok(ids.iter().filter_map(|id| people.remove(id)).collect())
    }

    /// The ids of the newest attendees of all beneath an id. With a part of a name or an address the newest are tried by
    /// themselves first: what many have need not be looked for in all.
    fn top_of_everyone(
        &mut self,
        filter: &AttendeeFilter,
        before: Uid,
        most: usize,
    ) -> Result<Vec<Uid>, StoreError> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        if filter.name.is_none() && filter.email.is_none() {
            return self.run(|connection| {
                on!(connection, |c| attendees::table
                    .filter(attendees::id.lt(before))
                    .order(attendees::id.desc())
                    .limit(limit)
                    .select(attendees::id)
                    .load(c))
            });
        }
        let newest: Option<Uid> = self.run(|connection| {
            on!(connection, |c| attendees::table
                .filter(attendees::id.lt(before))
                .order(attendees::id.desc())
                .offset(i64::try_from(WALKED).unwrap_or(i64::MAX))
                .limit(1)
                .select(attendees::id)
                .first(c)
                .optional())
        })?;
        let since = newest.unwrap_or(Uid(Uuid::nil()));
        let found: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| everybody_like!(filter, before)
                .filter(attendees::id.ge(since))
                .order(attendees::id.desc())
                .limit(limit)
                .select(attendees::id)
                .load(c))
        })?;
        if found.len() >= most || newest.is_none() {
            return Ok(found);
        }
        let mut found: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| everybody_like!(filter, before)
                .select(attendees::id)
                .load(c))
        })?;
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.truncate(most);
        Ok(found)
    }

    /// The ids of the newest beneath an id who have one of the words.
    fn top_with_word(&mut self, query: &WordQuery, before: Uid, most: usize) -> Result<Vec<Uid>, StoreError> {
        let longest = query.words().iter().max_by_key(|word| word.len());
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        self.run(|connection| {
            on!(connection, |c| beginning_with!(
                longest.map_or("", String::as_str)
            )
            .filter(attendee_words::attendee_id.lt(before))
            .order(attendee_words::attendee_id.desc())
            .limit(limit)
            .select(attendee_words::attendee_id)
            .distinct()
            .load(c))
        })
    }

    /// The ids of the newest on this ground beneath an id. An event whose newest comes after as many others as are asked for
    /// has nothing to give.
    fn top_of_ground(
        &mut self,
        creator: Uid,
        events: &[EventId],
        before: Uid,
        most: usize,
    ) -> Result<Vec<Uid>, StoreError> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let noted: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| attendees::table
                .filter(attendees::created_by.eq(creator))
                .filter(attendees::id.lt(before))
                .order(attendees::id.desc())
                .limit(limit)
                .select(attendees::id)
                .load(c))
        })?;
        let mut top: BTreeSet<Uid> = noted.into_iter().collect();
        let mut heads =
            self.run(|connection| top_of_events(connection, &uids(events), before, OfEvent::Head))?;
        heads.sort_unstable_by_key(|head| std::cmp::Reverse(head.1));
        let mut different = BTreeSet::new();
        let mut giving = Vec::new();
        for (event, head) in heads {
            different.insert(head);
            if different.len() > most {
                break;
            }
            giving.push(event);
        }
        let found =
            self.run(|connection| top_of_events(connection, &giving, before, OfEvent::First(most)))?;
        top.extend(found.into_iter().map(|(_, id)| id));
        Ok(top.into_iter().rev().take(most).collect())
    }

    /// Those of these few whom the account noted or who are or were at these events.
    fn on_ground(&mut self, creator: Uid, events: &[EventId], few: &[Uid]) -> Result<Vec<Uid>, StoreError> {
        let events: BTreeSet<Uid> = uids(events).into_iter().collect();
        let found: Vec<(Uid, Uid)> = self.run(|connection| {
            on!(connection, |c| {
                let mut found: Vec<(Uid, Uid)> = registrations::table
                    .filter(registrations::attendee_id.eq_any(few))
                    .select((registrations::attendee_id, registrations::event_id))
                    .load(c)?;
                found.extend(
                    waitlist_entries::table
                        .filter(waitlist_entries::attendee_id.eq_any(few))
                        .select((waitlist_entries::attendee_id, waitlist_entries::event_id))
                        .load::<(Uid, Uid)>(c)?,
                );
                Ok(found)
            })
        })?;
        let noted: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| attendees::table
                .filter(attendees::id.eq_any(few))
                .filter(attendees::created_by.eq(creator))
                .select(attendees::id)
                .load(c))
        })?;
        let mut here: BTreeSet<Uid> = noted.into_iter().collect();
        here.extend(
            found
                .into_iter()
                .filter(|(_, event)| events.contains(event))
                .map(|(id, _)| id),
        );
        Ok(few.iter().copied().filter(|id| here.contains(id)).collect())
    }

    fn count_attendees(&mut self, ground: &Ground, filter: &AttendeeFilter) -> Result<u64, StoreError> {
        let total: i64 = self.run(|connection| {
            on!(connection, |c| {
                let mut query = everybody_like!(filter, Uid(Uuid::max()));
                query = query.filter(sql::<Bool>(IS_SOMEBODY));
                if let Some(words) = &filter.words {
                    if words.words().is_empty() {
                        return Ok(0);
                    }
                    for word in words.words() {
                        let with_it = beginning_with!(word).select(attendee_words::attendee_id);
                        query = query.filter(attendees::id.eq_any(with_it));
                    }
                }
                if let Ground::Of { creator, events } = ground {
                    let registered = registrations::table
                        .filter(registrations::event_id.eq_any(uids(events)))
                        .select(registrations::attendee_id);
                    let waits = waitlist_entries::table
                        .filter(waitlist_entries::event_id.eq_any(uids(events)))
                        .select(waitlist_entries::attendee_id);
                    query = query.filter(
                        attendees::created_by
                            .eq(*creator)
                            .or(attendees::id.eq_any(registered).nullable())
                            .or(attendees::id.eq_any(waits).nullable()),
                    );
                }
                query.count().get_result(c)
            })
        })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }
}

impl Tx<'_> {
    /// How the database goes about these searches, for the test that looks whether it takes the indexes: each with its name. Those
    /// that have to read everybody are not among them.
    #[doc(hidden)]
    pub fn plans_of_searches(
        &mut self,
        event: EventId,
        runner: kernel::UserId,
        before: Position,
    ) -> Result<Vec<(&'static str, String)>, StoreError> {
        let (creator, before_id) = (Uid::of(runner), Uid(before.id));
        let mut plans = self.plans_of_searched_registrations(event, None)?;
        plans.extend(self.plans_of_searched_registrations(event, Some(before))?);
        plans.extend(self.plans_of_registrations(event, before)?);
        let everyone = self.run(|connection| {
            plan!(
                connection,
                attendees::table
                    .filter(attendees::id.lt(before_id))
                    .order(attendees::id.desc())
                    .limit(26)
                    .select(attendees::id)
            )
        })?;
        plans.push(("the newest of all", everyone));
        let word = self.run(|connection| {
            plan!(
                connection,
                beginning_with!("an")
                    .limit(1_001)
                    .select(attendee_words::attendee_id)
            )
        })?;
        plans.push(("people with a word", word));
        let noted = self.run(|connection| {
            plan!(
                connection,
                attendees::table
                    .filter(attendees::created_by.eq(creator))
                    .filter(attendees::id.lt(before_id))
                    .order(attendees::id.desc())
                    .limit(26)
                    .select(attendees::id)
            )
        })?;
        plans.push(("whom an organiser noted", noted));
        let heads = self.run(|connection| plan_of_top(connection, &[Uid::of(event)], before_id))?;
        plans.push(("the newest of events", heads));
        Ok(plans)
    }
}
