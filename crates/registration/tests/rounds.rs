//! Rounds of everything at once: registering, cancelling, leaving, moving, raising and lowering, at one event. After
//! each round the rows keep all rules, and the entries' logs explain the order of the queue.

use crate::crowd::{counts_of, queue_of};
use kernel::{AttendeeId, EventId, WaitlistEntryId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::{Client, Harness, Person, TestDatabase, all_at_once, environment, on_both_databases};
use waitlist::{EntryLogLine, LogAction, WaitlistRepository};

on_both_databases! { after_rounds_of_everything_at_once_the_logs_explain_the_queue }

const ROUNDS: usize = 12;
const AT_ONCE: usize = 64;
const PEOPLE: usize = 60;

/// One thing that somebody does.
#[derive(Debug, Clone)]
enum Operation {
    Register { person: usize },
    Leave { person: usize },
    Cancel { registration: String },
    SetCapacity { capacity: u32 },
    Move { entry: String, position: usize },
    RemoveEntry { entry: String },
    RemoveAttendee { attendee: AttendeeId },
}

/// What can be acted upon, as the organiser saw it before a round.
struct Seen {
    registrations: Vec<String>,
    attendees: Vec<AttendeeId>,
    queue: Vec<String>,
}

struct Scene {
    harness: Harness,
    organizer: Person,
    crowd: Vec<Person>,
    event: EventId,
    entries: BTreeSet<WaitlistEntryId>,
}

async fn after_rounds_of_everything_at_once_the_logs_explain_the_queue(database: TestDatabase) {
    let seed = environment::seed();
    println!(
        "repeat the operations, if not their order, with {}={seed}",
        environment::SEED
    );
    let mut random = StdRng::seed_from_u64(seed);
    let mut scene = Scene::new(database).await;
    for _ in 0..ROUNDS {
        let before = scene.look().await;
        let operations: Vec<_> = (0..AT_ONCE)
            .map(|_| any_operation(&mut random, &before))
            .collect();
        scene.play(operations).await;
        counts_of(&scene.harness, &scene.organizer, scene.event).await;
        scene.harness.assert_invariants().await;
        scene.assert_logs_explain_the_queue().await;
    }
}

fn any_operation(random: &mut StdRng, seen: &Seen) -> Operation {
    let person = random.random_range(0..PEOPLE);
    let drawn = match random.random_range(0..100) {
        0..50 => None,
        50..60 => Some(Operation::Leave { person }),
        60..75 => seen.registrations.choose(random).map(|id| Operation::Cancel {
            registration: id.clone(),
        }),
        75..83 => Some(Operation::SetCapacity {
            capacity: random.random_range(5..=15),
        }),
        83..90 => seen.queue.choose(random).map(|id| Operation::Move {
            entry: id.clone(),
            position: random.random_range(1..=seen.queue.len()),
        }),
        90..95 => seen
            .queue
            .choose(random)
            .map(|id| Operation::RemoveEntry { entry: id.clone() }),
        _ => seen
            .attendees
            .choose(random)
            .map(|id| Operation::RemoveAttendee { attendee: *id }),
    };
    drawn.unwrap_or(Operation::Register { person })
}

impl Scene {
    async fn new(database: TestDatabase) -> Self {
        let harness = Harness::start(database).await;
        let organizer = harness.organizer().await;
        let event = harness.published_event(&organizer, 10).await;
        let crowd = harness.crowd(PEOPLE).await;
        Self {
            harness,
            organizer,
            crowd,
            event,
            entries: BTreeSet::new(),
        }
    }

    async fn look(&self) -> Seen {
        let path = format!("/events/{}/registrations?status=confirmed&limit=100", self.event);
        let seats = self.organizer.client.get(&path).await.expect(200).items();
        let texts = |name: &str| -> Vec<String> {
            seats
                .iter()
                .filter_map(|seat| seat[name].as_str().map(str::to_owned))
                .collect()
        };
        Seen {
            registrations: texts("id"),
            attendees: texts("attendee_id")
                .iter()
                .map(|id| id.parse().expect("an id"))
                .collect(),
            queue: queue_of(&self.organizer, self.event).await,
        }
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
                let (answer, possible): (_, &[u16]) = match operation {
                    Operation::Register { person } => (
                        crowd[*person]
                            .post(&format!("/events/{event}/registrations"))
                            .await,
                        &[201, 202, 409],
                    ),
                    Operation::Leave { person } => (
                        crowd[*person]
                            .delete(&format!("/events/{event}/waitlist/me"))
                            .await,
                        &[204, 404],
                    ),
                    Operation::Cancel { registration } => (
                        organizer.delete(&format!("/registrations/{registration}")).await,
                        &[200, 404, 409],
                    ),
                    Operation::SetCapacity { capacity } => (
                        organizer
                            .patch(&format!("/events/{event}"))
                            .json(json!({"capacity": capacity}))
                            .await,
                        &[200, 409],
                    ),
                    Operation::Move { entry, position } => (
                        organizer
                            .patch(&format!("/events/{event}/waitlist/{entry}"))
                            .json(json!({"position": position, "reason": "asked for"}))
                            .await,
                        &[200, 404, 422],
                    ),
                    Operation::RemoveEntry { entry } => (
                        organizer
                            .delete(&format!("/events/{event}/waitlist/{entry}"))
                            .json(json!({"reason": "asked for"}))
                            .await,
                        &[204, 404],
                    ),
                    Operation::RemoveAttendee { attendee } => {
                        let attendee = *attendee;
                        let removed = store
                            .write(move |tx| user::remove_attendee(tx, &ctx, attendee))
                            .await;
                        match removed {
                            Ok(_) | Err(user::RemoveAttendeeError::NotFound) => return None,
                            Err(error) => panic!("{operation:?}: {error:?}"),
                        }
                    }
                };
                assert!(possible.contains(&answer.status()), "{operation:?}: {answer}");
                (answer.status() == 202).then(|| answer.text_at("/waitlist_entry/id"))
            }
        })
        .await;
        let joined = joined.into_iter().flatten();
        self.entries
            .extend(joined.map(|id| id.parse::<WaitlistEntryId>().expect("an id")));
    }

    /// Plays the lines of all logs in the order of their making; gives the queue that they lead to. Entries of people
    /// who were removed are gone with their logs, and with them their part in the story.
    async fn assert_logs_explain_the_queue(&self) {
        let entries = self.entries.clone();
        let mut lines: Vec<EntryLogLine> = self
            .harness
            .store()
            .read(move |tx| {
                let logs = entries.iter().map(|entry| tx.list_waitlist_log(*entry));
                logs.collect::<Result<Vec<_>, _>>()
            })
            .await
            .expect("the logs")
            .concat();
        lines.sort_by_key(|line| line.id);
        let mut queue: Vec<(i64, WaitlistEntryId)> = Vec::new();
        for line in &lines {
            let before = queue.len();
            if line.action == LogAction::Promoted {
                let head = queue.first().map(|(_, entry)| *entry);
                assert_eq!(head, Some(line.entry_id), "only the head gets a seat");
            }
            queue.retain(|(_, entry)| *entry != line.entry_id);
            let waited = queue.len() < before;
            assert_eq!(
                waited,
                line.action != LogAction::Joined,
                "an entry joins once, and first: {line:?}"
            );
            if matches!(line.action, LogAction::Joined | LogAction::Moved) {
                queue.push((line.rank, line.entry_id));
                queue.sort_unstable();
            }
        }
        let explained: Vec<String> = queue.iter().map(|(_, entry)| entry.to_string()).collect();
        assert_eq!(explained, queue_of(&self.organizer, self.event).await);
    }
}
