//! Waiting: positions, leaving, moving, removing, and being promoted in order.

use kernel::EventId;
use serde_json::{Value, json};
use testkit::{Harness, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    people_are_promoted_in_the_order_in_which_they_joined,
    a_person_who_leaves_loses_the_place_and_joins_anew_at_the_end,
    a_moved_entry_takes_its_position_and_the_others_keep_their_order,
    many_moves_to_one_place_keep_the_order,
    a_position_outside_of_the_queue_is_refused,
    a_removed_person_is_told_and_waits_no_more,
    a_person_reads_their_own_log_with_reasons,
    turning_the_waitlist_off_stops_joining_and_not_serving,
    nobody_passes_those_who_wait_when_seats_come_back,
    moves_and_cancellations_at_once_lose_nobody,
}

struct Queue {
    harness: Harness,
    organizer: Person,
    event: EventId,
    holder: Person,
    registration: String,
    people: Vec<Person>,
}

impl Queue {
    /// One seat, taken, and people who wait in their order.
    async fn of(database: TestDatabase, length: usize) -> Self {
        let harness = Harness::start(database).await;
        let organizer = harness.organizer().await;
        let event = harness.published_event(&organizer, 1).await;
        let mut people = harness.crowd(length + 1).await;
        let holder = people.remove(0);
        let (registration, _) = harness.registered(&holder, event).await;
        for person in &people {
            person
                .client
                .post(&format!("/events/{event}/registrations"))
                .await
                .expect(202);
        }
        Self {
            harness,
            organizer,
            event,
            holder,
            registration: registration.to_string(),
            people,
        }
    }

    async fn listed(&self) -> Vec<Value> {
        let path = format!("/events/{}/waitlist", self.event);
        self.organizer.client.get(&path).await.expect(200).items()
    }

    /// The e-mail addresses of those who wait, in order; the positions must count from 1.
    async fn order(&self) -> Vec<String> {
        let listed = self.listed().await;
        for (index, entry) in listed.iter().enumerate() {
            assert_eq!(entry["position"], index + 1);
        }
        listed
            .iter()
            .map(|entry| {
                entry["attendee"]["email"]
                    .as_str()
                    .expect("an address")
                    .to_owned()
            })
            .collect()
    }

    async fn entry_of(&self, person: &Person) -> String {
        let own = person
            .client
            .get(&format!("/events/{}/waitlist/me", self.event))
            .await;
        own.expect(200).text_at("/id")
    }

    async fn move_to(&self, person: &Person, position: u32) -> testkit::Answer {
        let path = format!("/events/{}/waitlist/{}", self.event, self.entry_of(person).await);
        let body = json!({"position": position, "reason": "a reason"});
        self.organizer.client.patch(&path).json(body).await
    }

    fn emails(&self, indexes: &[usize]) -> Vec<String> {
        indexes
            .iter()
            .map(|index| self.people[*index].email.clone())
            .collect()
    }
}

async fn people_are_promoted_in_the_order_in_which_they_joined(database: TestDatabase) {
    let queue = Queue::of(database, 3).await;
    assert_eq!(queue.order().await, queue.emails(&[0, 1, 2]));
    let mut seat = (queue.holder.clone(), queue.registration.clone());
    for person in &queue.people {
        let cancelled = seat
            .0
            .client
            .delete(&format!("/registrations/{}", seat.1))
            .await
            .expect(200);
        assert_eq!(cancelled.json()["promoted"], 1);
        let own = person
            .client
            .get("/users/me/registrations")
            .await
            .expect(200)
            .items();
        assert_eq!(own[0]["status"], "confirmed");
        seat = (person.clone(), own[0]["id"].as_str().expect("an id").to_owned());
    }
    assert!(queue.order().await.is_empty());
    queue.harness.assert_invariants().await;
}

async fn a_person_who_leaves_loses_the_place_and_joins_anew_at_the_end(database: TestDatabase) {
    let queue = Queue::of(database, 3).await;
    let path = format!("/events/{}/waitlist/me", queue.event);
    let first = &queue.people[0];
    first.client.delete(&path).await.expect(204);
    first.client.delete(&path).await.expect(404).problem("not-found");
    assert_eq!(queue.order().await, queue.emails(&[1, 2]));
    let again = first
        .client
        .post(&format!("/events/{}/registrations", queue.event))
        .await
        .expect(202);
    assert_eq!(again.json()["waitlist_entry"]["position"], 3);
    // The place that lives, and not the one that ended.
    let own = first.client.get(&path).await.expect(200).json();
    assert_eq!((&own["status"], &own["position"]), (&json!("waiting"), &json!(3)));
    assert_eq!(queue.order().await, queue.emails(&[1, 2, 0]));
    let own = first.client.get("/users/me/waitlist").await.expect(200).items();
    assert_eq!((own.len(), &own[0]["position"]), (1, &json!(3)));
    queue.harness.assert_invariants().await;
}

async fn a_moved_entry_takes_its_position_and_the_others_keep_their_order(database: TestDatabase) {
    let queue = Queue::of(database, 4).await;
    for (who, position, order) in [
        (3, 1, [3, 0, 1, 2]),
        (3, 4, [0, 1, 2, 3]),
        (0, 3, [1, 2, 0, 3]),
        (0, 3, [1, 2, 0, 3]),
        (3, 2, [1, 3, 2, 0]),
    ] {
        let moved = queue.move_to(&queue.people[who], position).await.expect(200);
        assert_eq!(moved.json()["position"], position);
        assert_eq!(queue.order().await, queue.emails(&order), "{who} to {position}");
    }
    // The order is that of promotion.
    queue
        .holder
        .client
        .delete(&format!("/registrations/{}", queue.registration))
        .await
        .expect(200);
    assert_eq!(queue.order().await, queue.emails(&[3, 2, 0]));
    queue.harness.assert_invariants().await;
}

async fn many_moves_to_one_place_keep_the_order(database: TestDatabase) {
    let queue = Queue::of(database, 4).await;
    let mut order = vec![0, 1, 2, 3];
    // More often than there is room between two ranks.
    for round in 0..90 {
        let who = order[3];
        let position = 2 + round % 2;
        queue
            .move_to(&queue.people[who], u32::try_from(position).expect("small"))
            .await
            .expect(200);
        order.remove(3);
        order.insert(position - 1, who);
    }
    assert_eq!(queue.order().await, queue.emails(&order));
    queue.harness.assert_invariants().await;
}

async fn a_position_outside_of_the_queue_is_refused(database: TestDatabase) {
    let queue = Queue::of(database, 2).await;
    for position in [0, 3, 4_000_000_000] {
        queue
            .move_to(&queue.people[0], position)
            .await
            .invalid(&["/position"]);
    }
    let path = format!(
        "/events/{}/waitlist/{}",
        queue.event,
        queue.entry_of(&queue.people[0]).await
    );
    for reason in ["", " ", &"r".repeat(1_001)] {
        let body = json!({"position": 1, "reason": reason});
        queue
            .organizer
            .client
            .patch(&path)
            .json(body)
            .await
            .invalid(&["/reason"]);
        queue
            .organizer
            .client
            .delete(&path)
            .json(json!({"reason": reason}))
            .await
            .invalid(&["/reason"]);
    }
    assert_eq!(queue.order().await, queue.emails(&[0, 1]));
}

async fn a_removed_person_is_told_and_waits_no_more(database: TestDatabase) {
    let queue = Queue::of(database, 2).await;
    let removed = &queue.people[0];
    let path = format!(
        "/events/{}/waitlist/{}",
        queue.event,
        queue.entry_of(removed).await
    );
    let body = json!({"reason": "asked by phone"});
    queue
        .organizer
        .client
        .delete(&path)
        .json(body.clone())
        .await
        .expect(204);
    queue
        .organizer
        .client
        .delete(&path)
        .json(body)
        .await
        .expect(404)
        .problem("not-found");
    let own = removed
        .client
        .get(&format!("/events/{}/waitlist/me", queue.event))
        .await
        .expect(200)
        .json();
    // Why the place is gone the person reads there, and that others are not shown it.
    assert_eq!(
        (&own["status"], &own["position"], &own["length"]),
        (&json!("removed"), &Value::Null, &json!(1))
    );
    assert_eq!(own["log"][1]["reason"], "asked by phone");
    let never = queue
        .holder
        .client
        .get(&format!("/events/{}/waitlist/me", queue.event));
    never.await.expect(404).problem("not-found");
    assert_eq!(queue.order().await, queue.emails(&[1]));
    let told: Vec<_> = queue
        .harness
        .outbox()
        .await
        .into_iter()
        .filter(|entry| entry.kind == "waitlist_removed")
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].recipient_key.as_deref(), Some(removed.email.as_str()));
    let logged = "waitlist_log WHERE action = 'removed' AND reason = 'asked by phone'";
    assert_eq!(queue.harness.count(logged).await, 1);
    let audited = "audit_log WHERE action = 'waitlist.remove' AND reason IS NULL";
    assert_eq!(queue.harness.count(audited).await, 1);
    queue.harness.assert_invariants().await;
}

async fn a_person_reads_their_own_log_with_reasons(database: TestDatabase) {
    let queue = Queue::of(database, 2).await;
    queue.move_to(&queue.people[1], 1).await.expect(200);
    let own = queue.people[1]
        .client
        .get(&format!("/events/{}/waitlist/me", queue.event))
        .await
        .expect(200)
        .json();
    assert_eq!((&own["position"], &own["length"]), (&json!(1), &json!(2)));
    let log: Vec<_> = own["log"]
        .as_array()
        .expect("a log")
        .iter()
        .map(|line| (&line["action"], &line["reason"]))
        .collect();
    assert_eq!(
        log,
        [
            (&json!("joined"), &Value::Null),
            (&json!("moved"), &json!("a reason"))
        ]
    );
}

async fn turning_the_waitlist_off_stops_joining_and_not_serving(database: TestDatabase) {
    let queue = Queue::of(database, 2).await;
    let edit = queue.organizer.client.patch(&format!("/events/{}", queue.event));
    edit.json(json!({"waitlist_enabled": false})).await.expect(200);
    let late = queue.harness.attendee("late").await;
    let register = late
        .client
        .post(&format!("/events/{}/registrations", queue.event));
    register.await.expect(409).problem("event-full");
    let cancel = queue
        .holder
        .client
        .delete(&format!("/registrations/{}", queue.registration));
    assert_eq!(cancel.await.expect(200).json()["promoted"], 1);
    assert_eq!(queue.order().await, queue.emails(&[1]));
    queue.harness.assert_invariants().await;
}

async fn nobody_passes_those_who_wait_when_seats_come_back(database: TestDatabase) {
    let queue = Queue::of(database, 6).await;
    let late = queue.harness.crowd(6).await;
    let path = format!("/events/{}/registrations", queue.event);
    let raise = queue.organizer.client.clone();
    let event = queue.event;
    let answers = all_at_once(late.len() + 1, |index| {
        let (late, path, raise) = (late.get(index).cloned(), path.clone(), raise.clone());
        async move {
            match late {
                Some(person) => person.client.post(&path).await,
                None => {
                    raise
                        .patch(&format!("/events/{event}"))
                        .json(json!({"capacity": 5}))
                        .await
                }
            }
        }
    })
    .await;
    for answer in &answers[..late.len()] {
        assert_eq!(answer.status(), 202, "somebody passed the queue: {answer}");
    }
    let order = queue.order().await;
    assert_eq!(order[..2], queue.emails(&[4, 5])[..]);
    assert_eq!(order.len(), 8);
    queue.harness.assert_invariants().await;
}

async fn moves_and_cancellations_at_once_lose_nobody(database: TestDatabase) {
    let queue = Queue::of(database, 8).await;
    let mut entries = Vec::new();
    for person in &queue.people {
        entries.push(queue.entry_of(person).await);
    }
    let (event, manager) = (queue.event, queue.organizer.client.clone());
    let answers = all_at_once(12, |index| {
        let (manager, entry) = (manager.clone(), entries[index % 8].clone());
        let person = queue.people[index % 8].clone();
        async move {
            let place = format!("/events/{event}/waitlist");
            match index {
                0..4 => {
                    manager
                        .patch(&format!("{place}/{entry}"))
                        .json(json!({"position": 1, "reason": "x"}))
                        .await
                }
                4..6 => {
                    manager
                        .delete(&format!("{place}/{entry}"))
                        .json(json!({"reason": "x"}))
                        .await
                }
                6..8 => person.client.delete(&format!("{place}/me")).await,
                _ => {
                    manager
                        .patch(&format!("{place}/{entry}"))
                        .json(json!({"position": 3, "reason": "x"}))
                        .await
                }
            }
        }
    })
    .await;
    for answer in answers {
        assert!(answer.status() < 300, "{answer}");
    }
    let mut left = queue.order().await;
    left.sort();
    let mut expected = queue.emails(&[0, 1, 2, 3]);
    expected.sort();
    assert_eq!(left, expected);
    queue.harness.assert_invariants().await;
}
