//! What is measured: reads against a floor, registrations against the database alone, and a rush whose outcome is
//! checked row by row.

use super::database::Database;
use super::fetch;
use super::fixtures::{Pairs, Size, Thing, id};
use super::floor::Floor;
use super::load::{self, Outcome, Plan, Source, Until};
use super::report::{Reference, Row};
use super::server::Server;
use anyhow::{Result, ensure};
use std::cell::Cell;
use std::fmt::Write;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// How many people rush at once, however many connections there are.
pub const RUSH_PEOPLE: usize = 10_000;
/// What the rush may take at most.
const RUSH_LIMIT: Duration = Duration::from_mins(5);

/// What the scenarios run on.
pub struct Stage<'a> {
    /// The server.
    pub server: &'a Server,
    /// Its database, where its rows can be asked for.
    pub database: Option<&'a Database>,
    /// What is in it.
    pub size: Size,
    /// An access token for each person.
    pub tokens: &'a Rc<Vec<String>>,
    /// Connections at the same time.
    pub connections: usize,
    /// The time of each scenario but the rush.
    pub time: Duration,
    /// Threads that answer, in the server and in the floor.
    pub workers: usize,
}

impl Stage<'_> {
    /// One event, again and again.
    pub fn read_cached(&self) -> Result<Row> {
        let path = event_path(0);
        let reference = self.floor(&path)?;
        let outcome = self.load(|_| same(get(&path)))?;
        self.row("event, cached", &outcome, Some(reference))
    }

    /// Every event in turn: the same one comes again after longer than it is cached.
    pub fn read_uncached(&self, alone: Option<Reference>) -> Result<Row> {
        let (next, events) = (Rc::new(Cell::new(0)), self.size.events);
        let outcome = self.load(|_| {
            let next = Rc::clone(&next);
            Box::new(move |request| {
                let number = next.replace(next.get() + 1);
                request.extend_from_slice(&get(&event_path(number % events)));
                true
            })
        })?;
        self.row("event, each in turn", &outcome, alone)
    }

    /// The first page of the list.
    pub fn list(&self) -> Result<Row> {
        let path = "/api/v1/events?limit=25";
        let reference = self.floor(path)?;
        let outcome = self.load(|_| same(get(path)))?;
        self.row("list of 25 events", &outcome, Some(reference))
    }

    /// Registrations by different people; `spread` is over how many events at the same time.
    pub fn register(&self, name: &'static str, pairs: Pairs, alone: Option<Reference>) -> Result<Row> {
        let outcome = self.load(self.registrations(pairs))?;
        self.row(name, &outcome, alone)
    }

    /// Many people on the few seats of one event, then the check that every one of them got what is theirs.
    pub fn rush(&self, name: &'static str) -> Result<Row> {
        let people = RUSH_PEOPLE;
        let pairs = Pairs {
            people,
            first: self.size.rush_event(),
            events: 1,
            spread: 1,
        };
        let until = Until::Exhausted(RUSH_LIMIT);
        let plan = Plan {
            address: self.server.address,
            connections: self.connections * 4,
            until,
        };
        let outcome = load::run(&plan, self.registrations(pairs))?;
        let seats = self.size.rush_seats.min(people);
        let count = |status| outcome.statuses.get(&status).copied().unwrap_or(0);
        ensure!(
            count(201) == seats as u64 && count(202) == (people - seats) as u64,
            "the rush was answered {:?}",
            outcome.statuses
        );
        if let Some(database) = self.database {
            self.check_rush(database, people, seats)?;
        }
        self.row(name, &outcome, None)
    }

    fn check_rush(&self, database: &Database, people: usize, seats: usize) -> Result<()> {
        let event = id(Thing::Event, self.size.rush_event());
        let found = database.ask(&format!(
            "SELECT (SELECT count(*) FROM registrations WHERE event_id = e.id AND status = 'confirmed'),
                    e.seats_taken,
                    (SELECT count(*) FROM waitlist_entries WHERE event_id = e.id AND status = 'waiting'),
                    e.waitlist_length,
                    (SELECT count(DISTINCT attendee_id) FROM (
                        SELECT attendee_id FROM registrations WHERE event_id = e.id
                        UNION ALL SELECT attendee_id FROM waitlist_entries WHERE event_id = e.id) AS served)
             FROM events e WHERE e.id = '{event}'"
        ))?;
        let waiting = people - seats;
        let expected = format!("{seats}|{seats}|{waiting}|{waiting}|{people}");
        ensure!(
            found == expected,
            "after the rush: registrations|seats_taken|waiting|waitlist_length|people are {found}, not {expected}"
        );
        Ok(())
    }

    /// The turns of these pairs, handed out to the connections as they ask.
    fn registrations(&self, pairs: Pairs) -> impl Fn(usize) -> Source + use<> {
        let (next, tokens) = (Rc::new(Cell::new(0)), Rc::clone(self.tokens));
        let host = self.server.address;
        move |_| {
            let (next, tokens) = (Rc::clone(&next), Rc::clone(&tokens));
            Box::new(move |request| {
                let turn = next.replace(next.get() + 1);
                if turn >= pairs.count() {
                    return false;
                }
                let (person, event) = pairs.of(turn);
                write_registration(request, host, event, &tokens[person]);
                true
            })
        }
    }

    fn load(&self, source: impl Fn(usize) -> Source) -> Result<Outcome> {
        let until = Until::Elapsed(self.time);
        load::run(
            &Plan {
                address: self.server.address,
                connections: self.connections,
                until,
            },
            source,
        )
    }

    /// Measures a bare server that gives the very bytes that the server gives for this path.
    fn floor(&self, path: &str) -> Result<Reference> {
        let model = fetch::get(self.server.address, path)?;
        ensure!(model.status == 200, "{path} answers {}", model.status);
        let floor = Floor::start(&model.body, &model.own_headers(), self.workers)?;
        let throughput = read_floor(&floor, path, self.connections, self.time)?;
        Ok(Reference {
            name: "the floor",
            throughput,
        })
    }

    fn row(&self, name: &'static str, outcome: &Outcome, reference: Option<Reference>) -> Result<Row> {
        Ok(Row::new(name, outcome, reference, Some(self.server.memory()?)))
    }
}

/// The throughput of a floor.
pub fn read_floor(floor: &Floor, path: &str, connections: usize, time: Duration) -> Result<f64> {
    let plan = Plan {
        address: floor.address,
        connections,
        until: Until::Elapsed(time),
    };
    Ok(load::run(&plan, |_| same(get(path)))?.throughput())
}

fn event_path(number: usize) -> String {
    format!("/api/v1/events/{}", id(Thing::Event, number))
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes()
}

fn same(bytes: Vec<u8>) -> Source {
    Box::new(move |request| {
        request.extend_from_slice(&bytes);
        true
    })
}

fn write_registration(request: &mut Vec<u8>, host: SocketAddr, event: usize, token: &str) {
    let mut text = String::with_capacity(token.len() + 256);
    let _ = write!(
        text,
        "POST {}/registrations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
        event_path(event)
    );
    request.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_a_whole_request() {
        let mut request = Vec::new();
        write_registration(&mut request, "127.0.0.1:80".parse().unwrap(), 3, "t0ken");
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut parsed = httparse::Request::new(&mut headers);
        let head = parsed.parse(&request).unwrap().unwrap();
        assert_eq!(
            parsed.path,
            Some("/api/v1/events/01900000-0004-7000-8000-000000000003/registrations")
        );
        assert_eq!(&request[head..], b"{}");
    }
}
