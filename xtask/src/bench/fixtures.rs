//! The people and events of a run. Everything has an id that can be computed from its number, so that requests can be
//! written without asking the database.

use super::database::Database;
use anyhow::Result;

/// The kinds of things, as a part of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A person with an account.
    User = 1,
    /// A person's session.
    Session = 2,
    /// What holds a person's seats.
    Attendee = 3,
    /// An event.
    Event = 4,
}

/// The id of the thing with this number, counted from 0: a UUID of version 7, long ago.
pub fn id(thing: Thing, number: usize) -> String {
    format!("01900000-000{}-7000-8000-{number:012x}", thing as u8)
}

/// How many of what.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// People with an account, a session and an attendee.
    pub people: usize,
    /// Published events with room for everyone.
    pub events: usize,
    /// The seats of one event more, which is too small for the rush and has a waitlist.
    pub rush_seats: usize,
    /// Events with room for everyone that become hot, one after the other.
    pub hot_events: usize,
}

impl Size {
    /// The number of the event that is too small.
    pub fn rush_event(self) -> usize {
        self.events
    }

    /// Everyone goes to many events at the same time.
    pub fn many(self) -> Pairs {
        Pairs {
            people: self.people,
            first: 0,
            events: self.events,
            spread: self.events,
        }
    }

    /// Everyone goes to one hot event; when all have been there, to the next.
    pub fn hot(self) -> Pairs {
        Pairs {
            people: self.people,
            first: self.rush_event() + 1,
            events: self.hot_events,
            spread: 1,
        }
    }
}

/// Fills a migrated, empty database.
pub fn fill(database: &Database, size: Size) -> Result<()> {
    let Size {
        people,
        events,
        rush_seats,
        hot_events,
    } = size;
    let last_event = events + hot_events;
    let (user, session) = (sql_id(Thing::User), sql_id(Thing::Session));
    let (attendee, event) = (sql_id(Thing::Attendee), sql_id(Thing::Event));
    let organizer = id(Thing::User, 0);
    database.run(include_str!("sql/functions.sql"))?;
    database.run(&format!(
        "BEGIN;
         INSERT INTO users (id, email, email_key, name, name_key, time_zone, listed, status, email_verified_at, created_at, updated_at)
         SELECT {user}, 'person' || n || '@podium.example', 'person' || n || '@podium.example', 'Person ' || n,
                'person ' || n, 'Asia/Kolkata', FALSE, 'active', now(), now(), now()
         FROM generate_series(0, {people} - 1) AS n;
         INSERT INTO user_roles (user_id, role_name)
         SELECT {user}, 'attendee' FROM generate_series(0, {people} - 1) AS n;
         INSERT INTO sessions (id, user_id, device, address, created_at, last_seen_at, expires_at)
         SELECT {session}, {user}, 'bench', '127.0.0.1', now(), now(), now() + interval '1 day'
         FROM generate_series(0, {people} - 1) AS n;
         INSERT INTO attendees (id, user_id, name, name_key, email, email_key, words_kept, created_at, updated_at)
         SELECT {attendee}, {user}, 'Person ' || n, 'person ' || n, 'person' || n || '@podium.example',
                'person' || n || '@podium.example', TRUE, now(), now()
         FROM generate_series(0, {people} - 1) AS n;
         INSERT INTO events (id, organizer_id, status, title, description, search_key, format, location, place_key,
                stream_status, starts_at, ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled,
                waitlist_length, next_rank, fee_amount, refund_until_hours, live_results, edit_version, seats_version,
                published_at, created_at, updated_at)
         SELECT {event}, '{organizer}', 'published', 'Event ' || n, repeat('What it is about. ', 20),
                'event ' || n || ' ' || repeat('what it is about. ', 20), 'in_person', 'Hall ' || n, 'hall ' || n, 'idle',
                date_trunc('hour', now()) + interval '30 days', date_trunc('hour', now()) + interval '30 days 2 hours',
                'UTC', to_char((now() + interval '30 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
                CASE WHEN n = {events} THEN {rush_seats} ELSE 1000000 END, 0, TRUE, 0, 1048576, 0, 24, FALSE, 1, 1,
                now(), now(), now()
         FROM generate_series(0, {last_event}) AS n;
         COMMIT;"
    ))?;
    database.run("VACUUM (ANALYZE)")
}

/// The SQL for the id of the thing with the number `n`.
fn sql_id(thing: Thing) -> String {
    format!("bench_id({}, n)", thing as u8)
}

/// Who registers where in a run of many registrations: no pair comes twice. `spread` is over how many events the people
/// go at the same time; when all have been everywhere, they move on by one event.
#[derive(Debug, Clone, Copy)]
pub struct Pairs {
    /// How many people take part.
    pub people: usize,
    /// The number of the first event.
    pub first: usize,
    /// How many events there are for them in all.
    pub events: usize,
    /// Over how many of them they go at the same time: 1 makes one event hot.
    pub spread: usize,
}

impl Pairs {
    /// The person and the event of the turn with this number.
    pub fn of(self, turn: usize) -> (usize, usize) {
        let (round, person) = (turn / self.people, turn % self.people);
        (person, self.first + (person % self.spread + round) % self.events)
    }

    /// How many turns there are.
    pub fn count(self) -> usize {
        self.people * self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_pair_comes_twice() {
        for spread in [1, 3, 7] {
            let pairs = Pairs {
                people: 20,
                first: 30,
                events: 7,
                spread,
            };
            let all: HashSet<_> = (0..pairs.count()).map(|turn| pairs.of(turn)).collect();
            assert_eq!(all.len(), 140);
            let at_first: HashSet<_> = (0..20).map(|turn| pairs.of(turn).1).collect();
            assert_eq!(at_first.len(), spread);
            assert!(at_first.iter().all(|event| (30..37).contains(event)));
        }
    }

    #[test]
    fn an_id_is_a_uuid_of_version_7() {
        assert_eq!(id(Thing::Event, 255), "01900000-0004-7000-8000-0000000000ff");
    }
}
