//! Runs of everything at once at one event: registering, cancelling, leaving, moving, putting on the waitlist, promoting out
//! of turn, raising and lowering, removing people, checking them in and taking that back, before the start and after. After
//! each round the rows keep all rules, and the log of the waitlist, line by line, leads to the queue as it stands.

use crate::crowd::{counts_of, queue_of, register_all};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{AttendeeId, Clock, EventId, RegistrationId, WaitlistEntryId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use registration::{RegistrationRepository, SeatHolder};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::{
    Answer, Client, Harness, Person, TestDatabase, all_at_once, environment, on_both_databases_each_way,
};
use waitlist::{EntryLogLine, LogAction, WaitlistRepository};

on_both_databases_each_way! { after_rounds_of_everything_at_once_the_log_explains_the_queue }

const RUNS: usize = 10;
const ROUNDS_BEFORE: usize = 4;
const ROUNDS_AFTER: usize = 2;
const AT_ONCE: usize = 64;
const PEOPLE: usize = 60;
const SEATS: u32 = 10;

/// One thing that somebody does.
#[derive(Debug, Clone)]
enum Operation {
    Register { person: usize },
    Leave { person: usize },
    Cancel { registration: RegistrationId },
    SetCapacity { capacity: u32 },
    Move { entry: String, position: usize },
    Add { attendee: AttendeeId, position: usize },
    Promote { entry: String },
    RemoveEntry { entry: String },
    RemoveAttendee { attendee: AttendeeId },
    CheckIn { code: String },
    UndoCheckIn { registration: RegistrationId },
}

/// What can be acted upon, as it was before a round.
struct Seen {
    holders: Vec<SeatHolder>,
    queue: Vec<String>,
}

struct Scene<'h> {
    harness: &'h Harness,
    organizer: Person,
    crowd: Vec<Person>,
    /// All of them, as the organiser knows them from another event.
    attendees: Vec<AttendeeId>,
    event: EventId,
    entries: BTreeSet<WaitlistEntryId>,
}

async fn after_rounds_of_everything_at_once_the_log_explains_the_queue(database: TestDatabase) {
    let seed = environment::seed();
    println!(
        "repeat the operations, if not their order, with {}={seed}",
        environment::SEED
    );
    let mut random = StdRng::seed_from_u64(seed);
    let harness = Harness::start(database).await;
    for _ in 0..environment::scaled(RUNS).max(2) {
        let mut scene = Scene::new(&harness).await;
        for round in 0..ROUNDS_BEFORE + ROUNDS_AFTER {
            if round == ROUNDS_BEFORE {
                scene.begin().await;
            }
            let before = scene.look().await;
            let operations: Vec<_> = (0..AT_ONCE)
                .map(|_| scene.any_operation(&mut random, &before))
                .collect();
            scene.play(operations).await;
            counts_of(&harness, &scene.organizer, scene.event).await;
            harness.assert_invariants().await;
            scene.assert_log_explains_the_queue().await;
        }
    }
    let out_of_turn = "waitlist_log WHERE action = 'promoted' AND reason IS NOT NULL";
    assert!(
        harness.count(out_of_turn).await > 0,
        "nobody was promoted out of turn"
    );
}

impl<'h> Scene<'h> {
    async fn new(harness: &'h Harness) -> Self {
        let organizer = harness.organizer().await;
        let crowd = harness.crowd(PEOPLE).await;
        let elsewhere = harness.published_event(&organizer, 100).await;
        let known = register_all(&crowd, elsewhere).await;
        let attendee = |answer: &Answer| {
            answer
                .text_at("/registration/attendee_id")
                .parse()
                .expect("an id")
        };
        Self {
            harness,
            attendees: known.iter().map(attendee).collect(),
            event: harness.published_event(&organizer, SEATS).await,
            organizer,
            crowd,
            entries: BTreeSet::new(),
        }
    }

    /// The event begins: free seats wait for a manager's word. Everybody has a new token.
    async fn begin(&mut self) {
        let shown = self
            .organizer
            .client
            .get(&format!("/events/{}", self.event))
            .await;
        let starts_at: DateTime<Utc> = shown
            .expect(200)
            .text_at("/starts_at")
            .parse()
            .expect("an instant");
        self.harness.clock().set(starts_at + TimeDelta::hours(1));
        let now = self.harness.clock().now();
        for person in self.crowd.iter_mut().chain([&mut self.organizer]) {
            let token = self.harness.signer().issue(now, person.id, person.session_id);
            person.client = self.harness.running().person(token.expect("a token"));
        }
    }

    async fn look(&self) -> Seen {
        let event = self.event;
        let read = self.harness.store().read(move |tx| tx.list_seat_holders(event));
        Seen {
            holders: read.await.expect("the seats"),
            queue: queue_of(&self.organizer, self.event).await,
        }
    }

    fn any_operation(&self, random: &mut StdRng, seen: &Seen) -> Operation {
        let person = random.random_range(0..PEOPLE);
        let position = random.random_range(1..=seen.queue.len() + 1);
        let holder = seen.holders.choose(random).map(|holder| &holder.registration);
        let entry = seen.queue.choose(random).cloned();
        let drawn = match random.random_range(0..100) {
            0..34 => None,
            34..40 => Some(Operation::Leave { person }),
            40..52 => holder.map(|seat| Operation::Cancel {
                registration: seat.id,
            }),
            52..58 => Some(Operation::SetCapacity {
                capacity: random.random_range(5..=15),
            }),
            58..64 => entry.map(|entry| Operation::Move { entry, position }),
            64..74 => self.attendees.choose(random).map(|id| Operation::Add {
                attendee: *id,
                position,
            }),
            74..82 => entry.map(|entry| Operation::Promote { entry }),
            82..85 => entry.map(|entry| Operation::RemoveEntry { entry }),
            85..88 => self
                .attendees
                .choose(random)
                .map(|id| Operation::RemoveAttendee { attendee: *id }),
            88..95 => holder.map(|seat| Operation::CheckIn {
                code: seat.ticket_code.to_string(),
            }),
            _ => holder.map(|seat| Operation::UndoCheckIn {
                registration: seat.id,
            }),
        };
        drawn.unwrap_or(Operation::Register { person })
    }

    /// Does all operations at once; fails if one is answered in a way that it cannot be.
    async fn play(&mut self, operations: Vec<Operation>) {
        let operations = Arc::new(operations);
        let joined = all_at_once(operations.len(), |index| {
            let operations = Arc::clone(&operations);
            let organizer = self.organizer.client.clone();
            let crowd: Vec<Client> = self.crowd.iter().map(|person| person.client.clone()).collect();
            let (event, store, ctx) = (self.event, self.harness.store().clone(), self.harness.system());
            async move {
                let operation = &operations[index];
                if let Operation::RemoveAttendee { attendee } = operation {
                    let attendee = *attendee;
                    let removal = store.write(move |tx| user::remove_attendee(tx, &ctx, attendee));
                    return match removal.await {
                        Ok(_) | Err(user::RemoveAttendeeError::NotFound) => None,
                        Err(error) => panic!("{operation:?}: {error:?}"),
                    };
                }
                let (answer, possible) = ask(operation, event, &organizer, &crowd).await;
                assert!(possible.contains(&answer.status()), "{operation:?}: {answer}");
                match (operation, answer.status()) {
                    (Operation::Register { .. }, 202) => Some(answer.text_at("/waitlist_entry/id")),
                    (Operation::Add { .. }, 201) => Some(answer.text_at("/id")),
                    _ => None,
                }
            }
        })
        .await;
        let joined = joined.into_iter().flatten();
        self.entries
            .extend(joined.map(|id| id.parse::<WaitlistEntryId>().expect("an id")));
    }

    /// Plays the lines of the event's log in the order of their numbers; they alone lead to the queue as it stands. Entries of
    /// people who were removed are gone with their lines, and with them their part in the story.
    async fn assert_log_explains_the_queue(&self) {
        let entries = self.entries.clone();
        let read = self.harness.store().read(move |tx| {
            let logs = entries.iter().map(|entry| tx.list_waitlist_log(*entry));
            logs.collect::<Result<Vec<_>, _>>()
        });
        let mut lines: Vec<EntryLogLine> = read.await.expect("the logs").concat();
        lines.sort_by_key(|line| line.number);
        let all = format!("waitlist_log WHERE event_id = '{}'", self.event);
        assert_eq!(
            self.harness.count(&all).await,
            i64::try_from(lines.len()).expect("few")
        );
        let mut queue: Vec<(i64, WaitlistEntryId)> = Vec::new();
        for line in &lines {
            let before = queue.len();
            if line.action == LogAction::Promoted && line.reason.is_none() {
                let head = queue.first().map(|(_, entry)| *entry);
                assert_eq!(
                    head,
                    Some(line.entry_id),
                    "without a reason only the head gets a seat"
                );
            }
            queue.retain(|(_, entry)| *entry != line.entry_id);
            let waited = queue.len() < before;
            assert_eq!(
                waited,
                line.action != LogAction::Joined,
                "an entry joins once, and first: {line:?}"
            );
            if matches!(
                line.action,
                LogAction::Joined | LogAction::Moved | LogAction::Renumbered
            ) {
                queue.push((line.rank, line.entry_id));
                queue.sort_unstable();
            }
        }
        let explained: Vec<String> = queue.iter().map(|(_, entry)| entry.to_string()).collect();
        assert_eq!(explained, queue_of(&self.organizer, self.event).await);
    }
}

/// Asks for it; gives the answer and the statuses that it can have.
async fn ask(
    operation: &Operation,
    event: EventId,
    organizer: &Client,
    crowd: &[Client],
) -> (Answer, &'static [u16]) {
    let reason = "asked for";
    let place = format!("/events/{event}/waitlist");
    let door = format!("/events/{event}/check-ins");
    let (request, possible): (_, &[u16]) = match operation {
        Operation::Register { person } => (
            crowd[*person].post(&format!("/events/{event}/registrations")),
            &[201, 202, 409],
        ),
        Operation::Leave { person } => (crowd[*person].delete(&format!("{place}/me")), &[204, 404]),
        Operation::Cancel { registration } => (
            organizer.delete(&format!("/registrations/{registration}")),
            &[200, 404, 409],
        ),
        Operation::SetCapacity { capacity } => (
            organizer
                .patch(&format!("/events/{event}"))
                .json(json!({"capacity": capacity})),
            &[200, 409],
        ),
        Operation::Move { entry, position } => (
            organizer
                .patch(&format!("{place}/{entry}"))
                .json(json!({"position": position, "reason": reason})),
            &[200, 404, 422],
        ),
        Operation::Add { attendee, position } => (
            organizer
                .post(&place)
                .json(json!({"attendee_id": attendee.to_string(), "position": position, "reason": reason})),
            &[201, 404, 409, 422],
        ),
        Operation::Promote { entry } => (
            organizer
                .post(&format!("{place}/{entry}/promote"))
                .json(json!({"reason": reason})),
            &[200, 404, 409],
        ),
        Operation::RemoveEntry { entry } => (
            organizer
                .delete(&format!("{place}/{entry}"))
                .json(json!({"reason": reason})),
            &[204, 404],
        ),
        Operation::CheckIn { code } => (
            organizer.post(&door).json(json!({"ticket_code": code})),
            &[200, 404, 409],
        ),
        Operation::UndoCheckIn { registration } => {
            (organizer.delete(&format!("{door}/{registration}")), &[204, 404])
        }
        Operation::RemoveAttendee { .. } => unreachable!("it has no route here"),
    };
    (request.await, possible)
}
