//! Whichever way a search goes, it gives what a plain filter over all rows gives, page by page.

use crate::rows::{Rows, now};
use chrono::TimeDelta;
use event::{Event, EventRepository};
use kernel::{EventId, Page, PageRequest, TypedId, WordQuery, address_part, fold};
use registration::{Registration, RegistrationFilter, RegistrationRepository, RegistrationStatus};
use std::collections::BTreeSet;
use std::future::Future;
use storage::{SearchLimits, StoreOptions};
use testkit::{TestDatabase, environment::scaled, on_both_databases};
use user::{Attendee, AttendeeFilter, AttendeeRepository, EventRunner, User};
use waitlist::{EntryStatus, WaitlistEntry, WaitlistRepository};

on_both_databases! {
    every_way_to_search_finds_what_a_plain_filter_finds,
}

const PEOPLE: usize = 160;
/// Of the organiser of many; one more is somebody else's.
const EVENTS: usize = 23;

/// Common ones first.
const FIRST: [&str; 12] = [
    "Anna",
    "Ann-Marie",
    "İbrahim",
    "Jürgen",
    "Νίκος",
    "山田",
    "Ana",
    "Пётр",
    "🎉",
    "100%",
    "O'Brien",
    "Zoë",
];
const LAST: [&str; 10] = [
    "Smith",
    "Smithson",
    "Großmann",
    "Işık",
    "Παπαδόπουλος",
    "太郎",
    "Under_Score",
    "smi",
    "Ильич",
    "Wang",
];

const QUESTIONS: [&str; 22] = [
    "anna",
    "ann",
    "a",
    "n",
    "smi",
    "smith",
    "anna smi",
    "SMITHSON ann",
    "GROSSM",
    "ıŞIK ibr",
    "νίκος",
    "太",
    "o'brien",
    "100",
    "under_score",
    "person7",
    "person1",
    "person23@example.org",
    "@",
    "strasse",
    "straße@",
    "anna smith person",
];

/// A generator of numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).expect("a small number")
    }

    /// One of these, the first more often than the last.
    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        let bound = self.below(among.len()) + 1;
        among[self.below(bound)]
    }
}

/// Everything that there is.
struct World {
    many: User,
    few: User,
    events: Vec<Event>,
    people: Vec<Attendee>,
    registrations: Vec<Registration>,
    entries: Vec<WaitlistEntry>,
}

impl World {
    async fn fill(rows: &Rows, dice: &mut Dice) -> Self {
        let (many, few) = (rows.saved_user().await, rows.saved_user().await);
        let mut world = Self {
            events: (0..=EVENTS)
                .map(|number| rows.event(if number < EVENTS { &many } else { &few }))
                .collect(),
            many,
            few,
            people: Vec::new(),
            registrations: Vec::new(),
            entries: Vec::new(),
        };
        for number in 0..PEOPLE {
            let person = world.person(rows, dice, number);
            world.people.push(person);
        }
        for person in 0..PEOPLE {
            for _ in 0..dice.below(5) {
                world.takes_part(rows, dice, person);
            }
        }
        let (events, people) = (world.events.clone(), world.people.clone());
        let (registrations, entries) = (world.registrations.clone(), world.entries.clone());
        rows.write(move |tx| {
            events.iter().try_for_each(|event| tx.insert_event(event))?;
            people.iter().try_for_each(|person| tx.insert_attendee(person))?;
            tx.insert_registrations(&registrations)?;
            entries
                .iter()
                .try_for_each(|entry| tx.insert_waitlist_entry(entry))
        })
        .await;
        world
    }

    fn person(&self, rows: &Rows, dice: &mut Dice, number: usize) -> Attendee {
        let name = format!("{} {}", dice.pick(&FIRST), dice.pick(&LAST));
        let local = ["Person", "Jürgen.Straße+", "person.anna"][dice.below(12) % 5 % 3];
        Attendee {
            name: name.parse().expect("a name"),
            email: format!("{local}{number}@example.org")
                .parse()
                .expect("an address"),
            created_by: (dice.below(10) == 0).then_some(self.many.id),
            ..rows.attendee()
        }
    }

    fn takes_part(&mut self, rows: &Rows, dice: &mut Dice, person: usize) {
        // Half of all come to the first.
        let event = self.events[dice.below(2 * EVENTS + 2).saturating_sub(EVENTS + 1)].clone();
        let person = self.people[person].clone();
        let is_live = dice.below(3) > 0
            && !self.registrations.iter().any(|other| {
                (other.event_id, other.attendee_id, other.status)
                    == (event.id, person.id, RegistrationStatus::Confirmed)
            });
        if dice.below(6) == 0 {
            let rank = i64::try_from(self.entries.len()).expect("few") + 1;
            let mut entry = rows.entry(&event, &person, rank);
            let waits = self.entries.iter().any(|other| {
                (other.event_id, other.attendee_id, other.status)
                    == (event.id, person.id, EntryStatus::Waiting)
            });
            if waits || dice.below(2) == 0 {
                entry.status = EntryStatus::Left;
            }
            self.entries.push(entry);
            return;
        }
        let mut registration = rows.registration(&event, &person);
        if !is_live {
            registration.status = RegistrationStatus::Cancelled;
        }
        // Many at one moment, and not in the order of the ids.
        registration.registered_at = now() + TimeDelta::seconds(i64::try_from(dice.below(40)).expect("few"));
        self.registrations.push(registration);
    }

    fn ground(&self, runner: Option<EventRunner>) -> BTreeSet<kernel::AttendeeId> {
        let Some(runner) = runner else {
            return self.people.iter().map(|person| person.id).collect();
        };
        let events: BTreeSet<EventId> = self
            .events
            .iter()
            .filter(|event| event.organizer.id == runner.user_id)
            .map(|event| event.id)
            .collect();
        let noted = self
            .people
            .iter()
            .filter(|person| person.created_by == Some(runner.user_id));
        let registered = self
            .registrations
            .iter()
            .map(|row| (row.event_id, row.attendee_id));
        let waiting = self.entries.iter().map(|row| (row.event_id, row.attendee_id));
        noted
            .map(|person| person.id)
            .chain(
                registered
                    .chain(waiting)
                    .filter(|(event, _)| events.contains(event))
                    .map(|(_, person)| person),
            )
            .collect()
    }

    fn attendees(&self, runner: Option<EventRunner>, filter: &AttendeeFilter) -> Vec<String> {
        let ground = self.ground(runner);
        let mut found: Vec<&Attendee> = self
            .people
            .iter()
            .filter(|person| {
                let (name, email) = (fold(person.name.as_str()), person.email.key());
                ground.contains(&person.id)
                    && filter.words.as_ref().is_none_or(|words| words.fits(&name, email))
                    && filter.name.as_ref().is_none_or(|part| name.contains(&fold(part)))
                    && filter
                        .email
                        .as_ref()
                        .is_none_or(|part| email.contains(&address_part(part)))
            })
            .collect();
        found.sort_by_key(|person| std::cmp::Reverse(person.id.uuid()));
        found.into_iter().map(shown).collect()
    }

    fn registrations(&self, filter: &RegistrationFilter) -> Vec<String> {
        let mut found: Vec<&Registration> = self
            .registrations
            .iter()
            .filter(|row| {
                let person = self.people.iter().find(|person| person.id == row.attendee_id);
                let person = person.expect("everybody is known");
                let (name, email) = (fold(person.name.as_str()), person.email.key());
                filter.event_id.is_none_or(|event| row.event_id == event)
                    && filter
                        .attendee_id
                        .is_none_or(|attendee| row.attendee_id == attendee)
                    && filter.status.is_none_or(|status| row.status == status)
                    && filter.words.as_ref().is_none_or(|words| words.fits(&name, email))
            })
            .collect();
        if filter.event_id.is_none() && filter.attendee_id.is_none() {
            found.sort_by_key(|row| std::cmp::Reverse(row.id.uuid()));
        } else {
            found.sort_by_key(|row| std::cmp::Reverse((row.registered_at, row.id.uuid())));
        }
        found.into_iter().map(|row| row.id.to_string()).collect()
    }
}

fn shown(person: &Attendee) -> String {
    format!("{} {}", person.id, person.name.as_str())
}

/// All pages one after the other. Where nothing bounds what is read for a page, only the last may have fewer than fit.
async fn all_pages<T, Asked>(
    limit: u16,
    are_full: bool,
    what: &str,
    shown: impl Fn(&T) -> String,
    ask: impl Fn(PageRequest) -> Asked,
) -> Vec<String>
where
    Asked: Future<Output = Page<T>>,
{
    let mut request = PageRequest {
        limit,
        after: None,
        include_total: false,
    };
    let mut found = Vec::new();
    for turn in 0.. {
        assert!(turn < 2 * PEOPLE * EVENTS, "{what} does not end");
        let page = ask(request).await;
        let many = page.items.len();
        assert!(many <= usize::from(limit), "{what}: {many} on a page");
        found.extend(page.items.iter().map(&shown));
        if page.next.is_none() {
            break;
        }
        assert!(
            !are_full || many == usize::from(limit),
            "{what}: a page of {many}"
        );
        request.after = page.next;
    }
    found
}

/// Each of them has a search go about it in another way, at least with some of the questions.
fn ways() -> Vec<(&'static str, SearchLimits)> {
    let usual = SearchLimits {
        batch: 9,
        ..SearchLimits::default()
    };
    let never_few = SearchLimits { few: 0, ..usual };
    let read_at_once = SearchLimits {
        few_words: 0,
        ..never_few
    };
    let walked = SearchLimits {
        some: 0,
        walked: 20,
        ..read_at_once
    };
    let words = [
        ("looked up for each", usual),
        (
            "read one by one where they are",
            SearchLimits {
                times_here: 0,
                ..usual
            },
        ),
        ("by different words", never_few),
        ("read at once", read_at_once),
        (
            "read at once by one word",
            SearchLimits {
                compared: 0,
                ..read_at_once
            },
        ),
        (
            "compared and then looked up",
            SearchLimits {
                most_compared: 10,
                ..never_few
            },
        ),
        ("walked and then read at once", walked),
        (
            "walked and then compared",
            SearchLimits {
                most_compared: 30,
                ..walked
            },
        ),
        (
            "walked",
            SearchLimits {
                many: 0,
                walked: 15,
                most_walked: 60,
                ..walked
            },
        ),
    ];
    let mut ways = Vec::new();
    for (name, limits) in words {
        ways.push((name, limits));
        // The same on a ground that is not small: of few events, of many, and of many that have a good part of all people.
        for (few_events, dense) in [(usize::MAX, 0), (0, 0), (0, i64::MAX)] {
            let of_ground = SearchLimits {
                small_ground: 0,
                few_events,
                dense,
                // More than are taken of each event.
                batch: if dense == 0 { 60 } else { limits.batch },
                ..limits
            };
            ways.push((name, of_ground));
        }
    }
    ways
}

async fn every_way_to_search_finds_what_a_plain_filter_finds(database: TestDatabase) {
    let rows = Rows::over(&database);
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let world = World::fill(&rows, &mut dice).await;
    // How many are at an event is known from its row.
    let counted = "UPDATE events SET capacity = 1000, seats_taken = (SELECT count(*) FROM registrations r \
                   WHERE r.event_id = events.id AND r.status = 'confirmed'); ANALYZE;";
    database.connect().execute_batch(counted).expect("seats");
    for (way, limits) in ways() {
        let options = StoreOptions {
            search: limits,
            ..StoreOptions::new(database.parsed_url())
        };
        let rows = Rows::with(&options);
        for _ in 0..scaled(30).max(4) {
            compare_attendees(&rows, &world, &mut dice, (way, limits)).await;
            compare_registrations(&rows, &world, &mut dice, (way, limits)).await;
        }
    }
}

fn is_bounded(limits: SearchLimits) -> bool {
    limits.most_walked < SearchLimits::default().most_walked
        || (limits.most_compared < SearchLimits::default().most_compared && limits.some == 0)
}

async fn compare_attendees(rows: &Rows, world: &World, dice: &mut Dice, (way, limits): (&str, SearchLimits)) {
    let question = QUESTIONS[dice.below(QUESTIONS.len())];
    let words = Some(WordQuery::parse("q", question).expect("a question"));
    let part = ["nn", "ROSSM", "n s", "_"][dice.below(4)].to_owned();
    let (words, name, email) = match dice.below(8) {
        0 => (None, None, None),
        1 => (None, Some(part), None),
        2 => (None, None, Some("7@EXAM".to_owned())),
        3 => (words, Some(part), None),
        _ => (words, None, None),
    };
    let filter = AttendeeFilter { words, name, email };
    let runner = |user: &User| EventRunner {
        user_id: user.id,
        organizes: true,
    };
    let limit = [2, 7, 40][dice.below(3)];
    for runner in [None, Some(runner(&world.many)), Some(runner(&world.few))] {
        let what = format!("{filter:?} of {runner:?}, {way} by {limits:?}, {limit} at a time");
        let ask = |page: PageRequest| {
            let filter = filter.clone();
            rows.read(move |tx| tx.list_attendees(runner, &filter, page))
        };
        let found = all_pages(limit, !is_bounded(limits), &what, shown, ask).await;
        assert_eq!(found, world.attendees(runner, &filter), "{what}");
    }
}

async fn compare_registrations(
    rows: &Rows,
    world: &World,
    dice: &mut Dice,
    (way, limits): (&str, SearchLimits),
) {
    let question = QUESTIONS[dice.below(QUESTIONS.len())];
    let first = Some(world.events[0].id);
    let other = Some(world.events[dice.below(EVENTS + 1)].id);
    let somebody = &world.people[dice.below(PEOPLE)];
    let cancelled = Some(RegistrationStatus::Cancelled);
    let person = Some(somebody.id);
    let limit = [2, 7, 40][dice.below(3)];
    for (event_id, attendee_id, status) in [
        (first, None, None),
        (first, None, cancelled),
        (other, None, None),
        (None, None, None),
        (None, None, cancelled),
        (None, person, None),
    ] {
        let filter = RegistrationFilter {
            event_id,
            attendee_id,
            status,
            words: Some(WordQuery::parse("q", question).expect("a question")),
            ..RegistrationFilter::default()
        };
        let what = format!("{filter:?}, {way} by {limits:?}, {limit} at a time");
        let ask = |page: PageRequest| {
            let filter = filter.clone();
            rows.read(move |tx| tx.list_registrations(&filter, page))
        };
        let found = all_pages(
            limit,
            !is_bounded(limits),
            &what,
            |view| view.registration.id.to_string(),
            ask,
        )
        .await;
        assert_eq!(found, world.registrations(&filter), "{what}");
    }
}
