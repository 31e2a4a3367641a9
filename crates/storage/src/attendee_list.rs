//! Lists of attendees, and who is found in them. All of them are in the order of the ids, which is that of age.
//!
//! A word that few people have is looked up, and those few are sorted. One that many have soon turns up in the list itself, which
//! is walked from its beginning; what it does not give in a while is looked up too. Whoever sees only the people at their own events
//! walks the same way, and each is asked whether they are there; only where those people are few, they are read first.

use crate::Tx;
use crate::attendee_words::{Rare, beginning_with, limit, may_have_words};
use crate::columns::Uid;
use crate::connection::on;
use crate::events_of_runner::newest_of_events;
use crate::own_ground::{OwnGround, Spelling, about_all, on_ground};
use crate::people::{AttendeeRow, IS_SOMEBODY};
use crate::prepared::Prepared;
use crate::schema::{attendee_words, attendees, registrations, waitlist_entries};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{
    Page, PageRequest, Position, StoreError, TypedId, WordQuery, address_part, address_pattern, fold,
    like_pattern,
};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use user::{Attendee, AttendeeFilter, EventRunner};
use uuid::Uuid;

/// What is asked of each attendee in the end, whichever way it was found.
struct Wanted<'a> {
    filter: &'a AttendeeFilter,
    words: Option<&'a WordQuery>,
    name: Option<String>,
    email: Option<String>,
}

impl<'a> Wanted<'a> {
    fn of(filter: &'a AttendeeFilter) -> Self {
        Self {
            filter,
            words: filter.words.as_ref(),
            name: filter.name.as_deref().map(fold),
            email: filter.email.as_deref().map(address_part),
        }
    }

    const fn has_parts(&self) -> bool {
        self.name.is_some() || self.email.is_some()
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

/// What one look at a list gave.
struct Look {
    people: Vec<Attendee>,
    /// Where it stopped, unless the list ends there.
    read_to: Option<Uid>,
    /// How many were read for it, about.
    walked: usize,
}

/// Those of the attendees with a part of a name or an address.
macro_rules! with_parts {
    ($query:expr, $filter:expr) => {{
        let mut query = $query;
        if let Some(name) = &$filter.name {
            query = query.filter(attendees::name_key.like(like_pattern(name)).escape('\\'));
        }
        if let Some(email) = &$filter.email {
            query = query.filter(attendees::email_key.like(address_pattern(email)).escape('\\'));
        }
        query
    }};
}

/// Those of the attendees who may be wanted.
macro_rules! wanted {
    ($query:expr, $wanted:expr) => {
        with_parts!(may_have_words!($query, $wanted.words), $wanted.filter)
    };
}

/// The newest of all beneath an id who may be wanted, down to another.
macro_rules! newest_of_everyone {
    ($wanted:expr, $ground:expr, $spelling:expr, $before:expr, $since:expr) => {{
        let mut query = attendees::table
            .filter(attendees::id.lt($before))
            .order(attendees::id.desc())
            .select(AttendeeRow::as_select())
            .into_boxed();
        if let Some(since) = $since {
            query = query.filter(attendees::id.ge(since));
        }
        query = wanted!(query, $wanted);
        if let Some(ground) = $ground {
            query = on_ground!(query, ground, $spelling);
        }
        query
    }};
}

/// Those with these ids who may be wanted.
macro_rules! with_ids {
    ($ids:expr, $wanted:expr) => {{
        let query = attendees::table
            .filter(attendees::id.eq_any($ids))
            .select(AttendeeRow::as_select())
            .into_boxed();
        wanted!(query, $wanted)
    }};
}

/// The last of so many beneath an id.
macro_rules! place_of_everyone {
    ($before:expr, $span:expr) => {
        attendees::table
            .filter(attendees::id.lt($before))
            .order(attendees::id.desc())
            .offset(limit($span) - 1)
            .limit(1)
            .select(attendees::id)
    };
}

/// The newest beneath an id whom an account noted.
macro_rules! noted_by {
    ($creator:expr, $before:expr) => {
        attendees::table
            .filter(attendees::created_by.eq($creator))
            .filter(attendees::id.lt($before))
            .order(attendees::id.desc())
            .select(attendees::id)
    };
}

mod plans;

/// How those who have the words are found.
enum Way<'a> {
    /// All people are walked, so many of them at a time.
    Everyone(usize),
    /// Those who have one of these very words, which are few.
    Words(Vec<String>),
    /// Those who have words that begin like all of these, who are few.
    Rare(Vec<Rare<'a>>),
}

/// A search for a page, and how far it is.
struct Search<'a> {
    wanted: Wanted<'a>,
    ground: Option<&'a OwnGround>,
    /// What comes next is beneath this.
    before: Uid,
    most: usize,
    found: Vec<Attendee>,
    walked: usize,
}

impl Search<'_> {
    /// Whether everybody is wanted who has a word.
    fn is_sure(&self) -> bool {
        let is_one = self.wanted.words.is_some_and(|words| words.words().len() == 1);
        is_one && !self.wanted.has_parts()
    }

    /// Takes what one more look gave. Where the search ends with it, gives where the next page goes on, if it does not with the last
    /// that was found.
    fn ends_with(&mut self, look: Look, most_walked: usize) -> ControlFlow<Option<Uid>> {
        let wanted = &self.wanted;
        self.found
            .extend(look.people.into_iter().filter(|one| wanted.fits(one)));
        self.walked += look.walked;
        if self.found.len() >= self.most {
            self.found.truncate(self.most);
            return ControlFlow::Break(None);
        }
        let Some(read_to) = look.read_to else {
            return ControlFlow::Break(None);
        };
        self.before = read_to;
        if self.walked >= most_walked {
            ControlFlow::Break(Some(read_to))
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Where a list stopped that gave as many as were asked for.
fn last_of_many(ids: &[Uid], most: usize) -> Option<Uid> {
    if ids.len() < most {
        None
    } else {
        ids.last().copied()
    }
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
            None => None,
            Some(runner) => Some(self.ground_of(runner)?),
        };
        let total = if page.include_total {
            Some(self.count_attendees(ground.as_ref(), filter)?)
        } else {
            None
        };
        let before = page.after.map_or(Uid(Uuid::max()), |after| Uid(after.id));
        let mut search = Search {
            wanted: Wanted::of(filter),
            ground: ground.as_ref(),
            before,
            most: usize::from(page.limit) + 1,
            found: Vec::new(),
            walked: 0,
        };
        let read_to = match &filter.words {
            Some(words) if words.words().is_empty() => None,
            Some(words) => self.search_with_words(&mut search, words)?,
            None => self.search_without_words(&mut search)?,
        };
        let place = |id| Position { value: 0, id };
        let page = Page::from_surplus(search.found, page, total, |attendee| place(attendee.id.uuid()));
        Ok(Page {
            next: page.next.or(read_to.map(|id| place(id.0))),
            ..page
        })
    }

    /// Finds those of a page and one more; gives where it stopped with fewer, though the list goes on.
    fn search_with_words(
        &mut self,
        search: &mut Search<'_>,
        words: &WordQuery,
    ) -> Result<Option<Uid>, StoreError> {
        let limits = self.search;
        if let Some(ground) = search.ground
            && let Some(here) = self.few_on(ground)?
        {
            let rare = self.rare_words(words, limits.some)?;
            let rarest = rare
                .first()
                .filter(|rare| rare.people <= here * limits.times_here);
            return self.search_small_ground(search, ground, rarest.map(|rare| rare.word));
        }
        // Of several words one that fewer have is compared with the others; who has a common one would mostly be read for nothing.
        let enough = if search.is_sure() { limits.few } else { limits.some };
        let different = if self.rare_words(words, enough)?.is_empty() {
            self.few_different_words(words)?
        } else {
            None
        };
        let mut way = if let Some(different) = different {
            Way::Words(different)
        } else {
            match self.rare_words(words, limits.some)?.first() {
                None => Way::Everyone(limits.walked),
                // The other words of so few are not looked up.
                Some(few) if few.people <= limits.few => Way::Rare(vec![*few]),
                Some(_) => Way::Rare(self.rare_words(words, limits.compared.max(limits.some))?),
            }
        };
        // Who is read for nothing costs as much as who is asked for.
        let mut at_a_time = match &way {
            _ if search.ground.is_none() && search.is_sure() => search.most,
            Way::Words(_) if !search.is_sure() => search.most * 16,
            _ => search.most * 4,
        };
        loop {
            let look = match &way {
                Way::Everyone(span) => self.look_at_everyone(search, Some(*span), search.most)?,
                Way::Words(different) => {
                    let ids = self.newest_of_words(different, search.before, at_a_time)?;
                    self.look_at_people(search, ids, at_a_time)?
                }
                Way::Rare(rare) => {
                    let ids = self.newest_with_words(rare, search.before, at_a_time)?;
                    self.look_at_people(search, ids, at_a_time)?
                }
            };
            if let ControlFlow::Break(end) = search.ends_with(look, limits.most_walked) {
                return Ok(end);
            }
            at_a_time = (at_a_time * 2).min(limits.batch.max(search.most));
            if matches!(way, Way::Everyone(_)) && search.walked >= limits.walked {
                let some = self.rare_words(words, limits.many)?;
                way = if some.is_empty() {
                    Way::Everyone(limits.most_walked)
                } else {
                    // All of them are read each time.
                    at_a_time = limits.most_walked / 2;
                    Way::Rare(some.into_iter().take(1).collect())
                };
            }
        }
    }

    /// How many people are at the events that an account runs, if they are few by what is counted at the events and by themselves.
    fn few_on(&mut self, ground: &OwnGround) -> Result<Option<usize>, StoreError> {
        let most = self.search.small_ground;
        if ground.about > limit(most) {
            return Ok(None);
        }
        self.run(|connection| ground.at_most(connection, most))
    }

    /// The different words that begin like one of those asked for, if they are few.
    fn few_different_words(&mut self, words: &WordQuery) -> Result<Option<Vec<String>>, StoreError> {
        for word in words.words() {
            if let Some(different) = self.different_words(word, self.search.few_words)? {
                return Ok(Some(different));
            }
        }
        Ok(None)
    }

    /// Those of these people who are wanted. As many were asked for as are said; some may be named twice.
    fn look_at_people(
        &mut self,
        search: &Search<'_>,
        mut ids: Vec<Uid>,
        asked_for: usize,
    ) -> Result<Look, StoreError> {
        let (walked, mut read_to) = (ids.len(), last_of_many(&ids, asked_for));
        ids.dedup();
        if let Some(ground) = search.ground
            && !ids.is_empty()
        {
            let here = self.run(|connection| ground.among(connection, &ids))?;
            ids.retain(|id| here.contains(id));
        }
        let missing = search.most - search.found.len();
        if search.is_sure() && ids.len() > missing {
            ids.truncate(missing);
            read_to = ids.last().copied();
        }
        Ok(Look {
            people: self.load_in_order(&ids, &search.wanted)?,
            read_to,
            walked,
        })
    }

    /// The same among few people.
    fn search_small_ground(
        &mut self,
        search: &mut Search<'_>,
        ground: &OwnGround,
        word: Option<&str>,
    ) -> Result<Option<Uid>, StoreError> {
        let most = self.search.small_ground;
        // Most of those who are read without a word have none that is asked for.
        let in_vain = word.is_none() && search.wanted.words.is_some();
        let mut at_a_time = search.most * if in_vain { 16 } else { 1 };
        loop {
            let before = search.before;
            let ids = self.run(|connection| ground.newest(connection, before, word, at_a_time))?;
            let look = Look {
                read_to: last_of_many(&ids, at_a_time),
                walked: ids.len(),
                people: self.load_in_order(&ids, &search.wanted)?,
            };
            if let ControlFlow::Break(end) = search.ends_with(look, usize::MAX) {
                return Ok(end);
            }
            at_a_time = (at_a_time * 4).min(most.max(search.most));
        }
    }

    /// The same where no words are asked for.
    fn search_without_words(&mut self, search: &mut Search<'_>) -> Result<Option<Uid>, StoreError> {
        let limits = self.search;
        let has_parts = search.wanted.has_parts();
        let Some(ground) = search.ground else {
            return self.search_everyone(search);
        };
        // Few events are soon asked for their newest; a part of a name is sooner looked for among all who are here.
        let asks_all = has_parts || ground.events.len() > limits.few_events;
        if asks_all && self.few_on(ground)?.is_some() {
            return self.search_small_ground(search, ground, None);
        }
        let is_dense = asks_all && ground.about.saturating_mul(limits.dense) >= self.run(about_all)?;
        loop {
            let look = if is_dense && (has_parts || search.walked == 0) {
                self.look_at_everyone(search, Some(limits.batch), search.most)?
            } else {
                let at_a_time = if has_parts { limits.batch } else { search.most };
                self.look_at_newest_of_events(search, ground, at_a_time)?
            };
            if let ControlFlow::Break(end) = search.ends_with(look, limits.most_walked) {
                return Ok(end);
            }
        }
    }

    /// The same among all people. With a part of a name or an address the newest are tried by themselves first: what many have need
    /// not be looked for in all.
    fn search_everyone(&mut self, search: &mut Search<'_>) -> Result<Option<Uid>, StoreError> {
        let has_parts = search.wanted.has_parts();
        loop {
            let look = if has_parts && search.walked == 0 {
                self.look_at_everyone(search, Some(self.search.walked), search.most)?
            } else if has_parts {
                self.look_everywhere(search)?
            } else {
                self.look_at_everyone(search, None, search.most)?
            };
            if let ControlFlow::Break(end) = search.ends_with(look, usize::MAX) {
                return Ok(end);
            }
        }
    }

    /// The newest of all beneath an id who may be wanted, among so many of them.
    fn look_at_everyone(
        &mut self,
        search: &Search<'_>,
        span: Option<usize>,
        most: usize,
    ) -> Result<Look, StoreError> {
        let (before, wanted) = (search.before, &search.wanted);
        let since = match span {
            Some(span) => self.run(|connection| {
                on!(connection, |c| place_of_everyone!(before, span)
                    .first::<Uid>(c)
                    .optional())
            })?,
            None => None,
        };
        let rows: Vec<AttendeeRow> = self.run(|connection| {
            let spelling = Spelling::of(connection);
            on!(connection, |c| Prepared(
                newest_of_everyone!(wanted, search.ground, spelling, before, since).limit(limit(most))
            )
            .load(c))
        })?;
        let last = (rows.len() == most)
            .then(|| rows.last().map(AttendeeRow::id))
            .flatten();
        Ok(Look {
            walked: if last.is_some() {
                most
            } else {
                span.unwrap_or(most)
            },
            read_to: last.or(since),
            people: rows
                .into_iter()
                .map(AttendeeRow::into_attendee)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The newest of all beneath an id with a part of a name or an address: the database reads them all.
    fn look_everywhere(&mut self, search: &Search<'_>) -> Result<Look, StoreError> {
        let (before, filter) = (search.before, search.wanted.filter);
        let mut found: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| {
                let query = attendees::table.filter(attendees::id.lt(before)).into_boxed();
                with_parts!(query, filter).select(attendees::id).load(c)
            })
        })?;
        found.sort_unstable_by(|one, other| other.cmp(one));
        let is_all = found.len() <= search.most;
        found.truncate(search.most);
        Ok(Look {
            read_to: if is_all { None } else { found.last().copied() },
            walked: found.len(),
            people: self.load_in_order(&found, &search.wanted)?,
        })
    }

    /// The newest beneath an id whom the account noted or who are or were at its events, at most so many.
    fn look_at_newest_of_events(
        &mut self,
        search: &Search<'_>,
        ground: &OwnGround,
        most: usize,
    ) -> Result<Look, StoreError> {
        let before = search.before;
        let noted: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| Prepared(
                noted_by!(ground.creator, before).limit(limit(most))
            )
            .load(c))
        })?;
        let (ids, is_end) =
            self.run(|connection| newest_of_events(connection, &ground.events, before, most, noted))?;
        Ok(Look {
            read_to: if is_end { None } else { ids.last().copied() },
            walked: ids.len(),
            people: self.load_in_order(&ids, &search.wanted)?,
        })
    }

    /// Those of the attendees with these ids who may be wanted, in the order of the ids.
    fn load_in_order(&mut self, ids: &[Uid], wanted: &Wanted<'_>) -> Result<Vec<Attendee>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<AttendeeRow> =
            self.run(|connection| on!(connection, |c| with_ids!(ids, wanted).load(c)))?;
        let mut people = BTreeMap::new();
        for row in rows {
            let attendee = row.into_attendee()?;
            people.insert(Uid::of(attendee.id), attendee);
        }
        Ok(ids.iter().filter_map(|id| people.remove(id)).collect())
    }

    fn count_attendees(
        &mut self,
        ground: Option<&OwnGround>,
        filter: &AttendeeFilter,
    ) -> Result<u64, StoreError> {
        let total: i64 = self.run(|connection| {
            on!(connection, |c| {
                let query = attendees::table.filter(sql::<Bool>(IS_SOMEBODY)).into_boxed();
                let mut query = with_parts!(query, filter);
                if let Some(words) = &filter.words {
                    if words.words().is_empty() {
                        return Ok(0);
                    }
                    for word in words.words() {
                        let with_it = beginning_with!(word).select(attendee_words::attendee_id);
                        query = query.filter(attendees::id.eq_any(with_it));
                    }
                }
                if let Some(ground) = ground {
                    let registered = registrations::table
                        .filter(registrations::event_id.eq_any(&ground.events))
                        .select(registrations::attendee_id);
                    let waits = waitlist_entries::table
                        .filter(waitlist_entries::event_id.eq_any(&ground.events))
                        .select(waitlist_entries::attendee_id);
                    query = query.filter(
                        attendees::created_by
                            .eq(ground.creator)
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
