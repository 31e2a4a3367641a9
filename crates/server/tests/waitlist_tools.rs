//! What managers do with a waitlist: they put somebody on it, and give a free seat out of turn; and what the log says of it.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{EventId, StoreError, WaitlistEntryId};
use serde_json::{Value, json};
use testkit::{Answer, Harness, Person, TestDatabase, all_at_once, on_both_databases};
use waitlist::{EntryLogLine, LogAction, WaitlistRepository};

on_both_databases! {
    somebody_is_put_on_the_waitlist_at_the_end_and_at_a_position,
    nobody_is_put_on_the_waitlist_while_a_seat_is_free,
    who_cannot_wait_is_not_put_on_the_waitlist,
    a_manager_puts_only_whom_they_know_on_the_waitlist,
    a_seat_is_given_out_of_turn_only_if_one_is_free,
    of_many_promotions_at_once_as_many_succeed_as_seats_are_free,
    new_ranks_for_all_leave_lines_that_people_are_not_shown,
    every_way_out_of_the_queue_leaves_its_line,
}

struct Queue {
    harness: Harness,
    organizer: Person,
    event: EventId,
    holders: Vec<(Person, String)>,
    waiting: Vec<Person>,
}

impl Queue {
    async fn of(database: TestDatabase, seats: usize, length: usize) -> Self {
        let harness = Harness::start(database).await;
        let organizer = harness.organizer().await;
        let capacity = u32::try_from(seats).expect("few");
        let event = harness.published_event(&organizer, capacity).await;
        let mut holders = Vec::new();
        for person in harness.crowd(seats).await {
            let (registration, _) = harness.registered(&person, event).await;
            holders.push((person, registration.to_string()));
        }
        let waiting = harness.crowd(length).await;
        for person in &waiting {
            let register = person.client.post(&format!("/events/{event}/registrations"));
            register.await.expect(202);
        }
        Self {
            harness,
            organizer,
            event,
            holders,
            waiting,
        }
    }

    fn path(&self) -> String {
        format!("/events/{}/waitlist", self.event)
    }

    /// An attendee of the organiser's, at another event.
    async fn known(&self) -> (Person, String) {
        let person = self.harness.attendee("known").await;
        let elsewhere = self.harness.published_event(&self.organizer, 1).await;
        let (_, attendee) = self.harness.registered(&person, elsewhere).await;
        (person, attendee.to_string())
    }

    async fn add(&self, attendee: &str, position: Option<u32>) -> Answer {
        let body = json!({"attendee_id": attendee, "position": position, "reason": "asked by phone"});
        self.organizer.client.post(&self.path()).json(body).await
    }

    async fn promote(&self, entry: &str) -> Answer {
        let path = format!("{}/{entry}/promote", self.path());
        self.organizer
            .client
            .post(&path)
            .json(json!({"reason": "came by train"}))
            .await
    }

    async fn standing(&self, person: &Person) -> Value {
        person
            .client
            .get(&format!("{}/me", self.path()))
            .await
            .expect(200)
            .json()
    }

    async fn entry_of(&self, person: &Person) -> String {
        self.standing(person).await["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// The addresses of those who wait, in order.
    async fn order(&self) -> Vec<String> {
        let listed = self.organizer.client.get(&self.path()).await.expect(200).items();
        let address = |entry: &Value| entry["attendee"]["email"].as_str().map(str::to_owned);
        listed.iter().filter_map(address).collect()
    }

    async fn give_back(&self, holder: usize) {
        let (person, registration) = &self.holders[holder];
        let person = self.harness.log_in(&person.email).await;
        let path = format!("/registrations/{registration}");
        person.client.delete(&path).await.expect(200);
    }

    /// Turns the clock to the middle of the event; the organiser signs in anew.
    async fn begin(&mut self) {
        let shown = self
            .harness
            .client()
            .get(&format!("/events/{}", self.event))
            .await;
        let starts_at: DateTime<Utc> = shown
            .expect(200)
            .text_at("/starts_at")
            .parse()
            .expect("an instant");
        self.harness.clock().set(starts_at + TimeDelta::hours(1));
        self.organizer = self.harness.log_in(&self.organizer.email).await;
    }

    async fn log_of(&self, entry: &str) -> Vec<EntryLogLine> {
        let id: WaitlistEntryId = entry.parse().expect("an id");
        let read = self.harness.store().read(move |tx| tx.list_waitlist_log(id));
        let log: Result<_, StoreError> = read.await;
        log.expect("a log")
    }
}

async fn somebody_is_put_on_the_waitlist_at_the_end_and_at_a_position(database: TestDatabase) {
    let queue = Queue::of(database, 1, 2).await;
    let (last, last_id) = queue.known().await;
    let (second, second_id) = queue.known().await;
    let (first, first_id) = queue.known().await;
    let added = queue.add(&last_id, None).await.expect(201);
    assert_eq!(added.json()["position"], 3);
    let location = format!("/api/v1{}/{}", queue.path(), added.text_at("/id"));
    assert_eq!(added.header("location"), Some(location.as_str()));
    assert_eq!(
        queue.add(&second_id, Some(2)).await.expect(201).json()["position"],
        2
    );
    assert_eq!(
        queue.add(&first_id, Some(1)).await.expect(201).json()["position"],
        1
    );
    let expected = [&first, &queue.waiting[0], &second, &queue.waiting[1], &last];
    let emails: Vec<_> = expected.iter().map(|person| person.email.clone()).collect();
    assert_eq!(queue.order().await, emails);
    // The person reads who did it why, and is told live and by mail.
    let own = queue.standing(&second).await;
    assert_eq!((&own["position"], &own["length"]), (&json!(3), &json!(5)));
    assert_eq!(
        (&own["log"][0]["action"], &own["log"][0]["reason"]),
        (&json!("joined"), &json!("asked by phone"))
    );
    let log = queue.log_of(own["id"].as_str().expect("an id")).await;
    assert_eq!(log[0].actor_id, Some(queue.organizer.id));
    let told = queue.harness.outbox().await;
    let topic = format!("user:{}", second.id);
    assert!(
        told.iter()
            .any(|entry| entry.topic.as_deref() == Some(&topic) && entry.payload["position"] == 2)
    );
    assert!(told.iter().any(|entry| entry.kind == "waitlist_joined"
        && entry.recipient_key.as_deref() == Some(second.email.as_str())));
    let audited = "audit_log WHERE action = 'waitlist.add' AND reason IS NULL";
    assert_eq!(queue.harness.count(audited).await, 3);
    // The order is that of promotion.
    queue.give_back(0).await;
    assert_eq!(queue.order().await, emails[1..]);
    queue.harness.assert_invariants().await;
}

async fn nobody_is_put_on_the_waitlist_while_a_seat_is_free(database: TestDatabase) {
    let queue = Queue::of(database, 2, 0).await;
    let (_, attendee) = queue.known().await;
    queue.give_back(0).await;
    queue.add(&attendee, Some(0)).await.invalid(&["/position"]);
    queue.add(&attendee, None).await.expect(409).problem("seat-free");
    assert_eq!(queue.harness.count("waitlist_entries").await, 0);
    queue.harness.assert_invariants().await;
}

async fn who_cannot_wait_is_not_put_on_the_waitlist(database: TestDatabase) {
    let mut queue = Queue::of(database, 1, 1).await;
    let (_, attendee) = queue.known().await;
    for position in [0, 3] {
        queue.add(&attendee, Some(position)).await.invalid(&["/position"]);
    }
    let blank = json!({"attendee_id": attendee, "reason": " "});
    let blank = queue.organizer.client.post(&queue.path()).json(blank);
    blank.await.invalid(&["/reason"]);
    let waits = queue.standing(&queue.waiting[0]).await;
    let waits = waits["attendee_id"].as_str().expect("an id").to_owned();
    queue
        .add(&waits, None)
        .await
        .expect(409)
        .problem("already-waiting");
    let seat = format!("/registrations/{}", queue.holders[0].1);
    let seat = queue
        .organizer
        .client
        .get(&seat)
        .await
        .expect(200)
        .text_at("/attendee_id");
    queue
        .add(&seat, None)
        .await
        .expect(409)
        .problem("already-registered");
    let event = format!("/events/{}", queue.event);
    let switch = |on: bool| {
        queue
            .organizer
            .client
            .patch(&event)
            .json(json!({"waitlist_enabled": on}))
    };
    switch(false).await.expect(200);
    queue
        .add(&attendee, None)
        .await
        .expect(409)
        .problem("waitlist-closed");
    switch(true).await.expect(200);
    // Registering is over; managers still add.
    let closes = queue.harness.system().now + TimeDelta::minutes(1);
    let close = json!({"registration_closes_at": closes.to_rfc3339()});
    queue.organizer.client.patch(&event).json(close).await.expect(200);
    queue.harness.clock().set(closes);
    queue.add(&attendee, None).await.expect(201);
    let (_, late) = {
        let person = queue.harness.attendee("late").await;
        let elsewhere = queue.harness.published_event(&queue.organizer, 1).await;
        queue.harness.registered(&person, elsewhere).await
    };
    queue.begin().await;
    queue
        .add(&late.to_string(), None)
        .await
        .expect(409)
        .problem("waitlist-closed");
    let cancel = queue.organizer.client.post(&format!("{event}/cancel"));
    cancel.await.expect(200);
    queue
        .add(&late.to_string(), None)
        .await
        .expect(409)
        .problem("event-not-published");
    queue.harness.assert_invariants().await;
}

async fn a_manager_puts_only_whom_they_know_on_the_waitlist(database: TestDatabase) {
    let queue = Queue::of(database, 1, 1).await;
    let other = queue.harness.organizer().await;
    let theirs = queue.harness.published_event(&other, 1).await;
    let stranger = queue.harness.attendee("stranger").await;
    let (_, attendee) = queue.harness.registered(&stranger, theirs).await;
    queue
        .add(&attendee.to_string(), None)
        .await
        .expect(404)
        .problem("not-found");
    queue
        .add(&queue.event.to_string(), None)
        .await
        .expect(404)
        .problem("not-found");
    let body = json!({"attendee_id": attendee.to_string(), "reason": "x"});
    let foreign = other.client.post(&queue.path()).json(body);
    foreign.await.expect(403);
    // The same request again is the same place.
    let (_, known) = queue.known().await;
    let add = || {
        let request = queue.organizer.client.post(&queue.path()).key("once");
        request.json(json!({"attendee_id": known, "reason": "x"}))
    };
    let first = add().await.expect(201);
    assert_eq!(add().await.expect(201).text(), first.text());
    queue.harness.assert_invariants().await;
}

async fn a_seat_is_given_out_of_turn_only_if_one_is_free(database: TestDatabase) {
    let mut queue = Queue::of(database, 2, 3).await;
    let third = queue.entry_of(&queue.waiting[2]).await;
    queue
        .promote(&third)
        .await
        .expect(409)
        .problem("nothing-to-promote");
    queue.begin().await;
    queue
        .promote(&third)
        .await
        .expect(409)
        .problem("nothing-to-promote");
    queue.give_back(0).await;
    // What costs something is not given away before payments are set up.
    crate::support::sql(
        &queue.harness,
        "UPDATE events SET fee_amount = 100, fee_currency = 'INR'",
    );
    queue
        .promote(&third)
        .await
        .expect(409)
        .problem("payments-not-configured");
    crate::support::sql(
        &queue.harness,
        "UPDATE events SET fee_amount = 0, fee_currency = NULL",
    );
    assert_eq!(
        queue.order().await.len(),
        3,
        "from the start on a seat goes to nobody by itself"
    );
    let path = format!("{}/{third}/promote", queue.path());
    for reason in ["", " ", &"r".repeat(1_001)] {
        let request = queue.organizer.client.post(&path).json(json!({"reason": reason}));
        request.await.invalid(&["/reason"]);
    }
    let promoted = queue.promote(&third).await.expect(200).json();
    assert_eq!(
        (&promoted["outcome"], &promoted["registration"]["status"]),
        (&json!("confirmed"), &json!("confirmed"))
    );
    queue.promote(&third).await.expect(404);
    let first = queue
        .entry_of(&queue.harness.log_in(&queue.waiting[0].email).await)
        .await;
    queue
        .promote(&first)
        .await
        .expect(409)
        .problem("nothing-to-promote");
    let log = queue.log_of(&third).await;
    let last = log.last().expect("a line");
    assert_eq!(
        (last.action, last.reason.as_deref()),
        (LogAction::Promoted, Some("came by train"))
    );
    assert_eq!(last.actor_id, Some(queue.organizer.id));
    let audited = "audit_log WHERE action = 'waitlist.promote'";
    assert_eq!(queue.harness.count(audited).await, 1);
    let mailed = queue
        .harness
        .outbox()
        .await
        .iter()
        .filter(|entry| entry.kind == "seat_from_waitlist")
        .count();
    assert_eq!(mailed, 1);
    assert_eq!(
        queue.order().await,
        [queue.waiting[0].email.clone(), queue.waiting[1].email.clone()]
    );
    queue.harness.assert_invariants().await;
}

async fn of_many_promotions_at_once_as_many_succeed_as_seats_are_free(database: TestDatabase) {
    let mut queue = Queue::of(database, 3, 8).await;
    let mut entries = Vec::new();
    for person in &queue.waiting {
        entries.push(queue.entry_of(person).await);
    }
    queue.begin().await;
    for holder in 0..3 {
        queue.give_back(holder).await;
    }
    let answers = all_at_once(16, |index| {
        let path = format!("{}/{}/promote", queue.path(), entries[index / 2]);
        let request = queue.organizer.client.post(&path).json(json!({"reason": "x"}));
        async move { request.await }
    })
    .await;
    let given = answers.iter().filter(|answer| answer.status() == 200).count();
    assert_eq!(given, 3, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| [200, 404, 409].contains(&answer.status()))
    );
    assert_eq!(queue.order().await.len(), 5);
    queue.harness.assert_invariants().await;
}

async fn new_ranks_for_all_leave_lines_that_people_are_not_shown(database: TestDatabase) {
    let queue = Queue::of(database, 1, 4).await;
    // Always the last goes to the second place, until there is no room.
    for _ in 0..25 {
        let order = queue
            .organizer
            .client
            .get(&queue.path())
            .await
            .expect(200)
            .items();
        let path = format!("{}/{}", queue.path(), order[3]["id"].as_str().expect("an id"));
        let request = queue.organizer.client.patch(&path);
        request
            .json(json!({"position": 2, "reason": "x"}))
            .await
            .expect(200);
    }
    assert!(
        queue
            .harness
            .count("waitlist_log WHERE action = 'renumbered'")
            .await
            > 0
    );
    for person in &queue.waiting {
        let own = queue.standing(person).await;
        let actions = own["log"].as_array().expect("a log").iter();
        assert!(actions.clone().all(|line| line["action"] != "renumbered"));
        assert_eq!(
            actions.clone().filter(|line| line["action"] == "joined").count(),
            1
        );
    }
    let numbers = "(SELECT number, row_number() OVER (ORDER BY number) AS place FROM waitlist_log) n WHERE number <> place";
    assert_eq!(queue.harness.count(numbers).await, 0, "without a gap");
    queue.harness.assert_invariants().await;
}

/// Each trigger that ends a place, with the line that it leaves: the status of the entry, the action and whose it was.
async fn every_way_out_of_the_queue_leaves_its_line(database: TestDatabase) {
    let queue = Queue::of(database, 2, 8).await;
    let mut entries = Vec::new();
    for person in &queue.waiting {
        entries.push(queue.entry_of(person).await);
    }
    // A seat that was given back; a capacity that was raised by two.
    queue.give_back(0).await;
    let event = format!("/events/{}", queue.event);
    queue
        .organizer
        .client
        .patch(&event)
        .json(json!({"capacity": 4}))
        .await
        .expect(200);
    // A holder who is removed, and one who is erased.
    let holder = format!("/registrations/{}", queue.holders[1].1);
    let holder = queue
        .organizer
        .client
        .get(&holder)
        .await
        .expect(200)
        .text_at("/attendee_id");
    let (id, ctx) = (holder.parse().expect("an id"), queue.harness.system());
    let removed = queue
        .harness
        .store()
        .write(move |tx| user::remove_attendee(tx, &ctx, id));
    assert_eq!(removed.await.expect("removed"), 1);
    let erase = queue.waiting[0].client.delete("/users/me");
    erase
        .json(json!({"password": testkit::harness::PASSWORD}))
        .await
        .expect(204);
    let expected: Vec<_> = queue.waiting[5..]
        .iter()
        .map(|person| person.email.clone())
        .collect();
    assert_eq!(queue.order().await, expected, "one, two, one and one moved up");
    // Those who are left: one leaves, one is taken off, one goes with the event.
    queue.waiting[5]
        .client
        .delete(&format!("{}/me", queue.path()))
        .await
        .expect(204);
    let remove = queue
        .organizer
        .client
        .delete(&format!("{}/{}", queue.path(), entries[6]));
    remove.json(json!({"reason": "double"})).await.expect(204);
    queue
        .organizer
        .client
        .post(&format!("{event}/cancel"))
        .json(json!({"reason": "rain"}))
        .await
        .expect(200);
    let by = |person: &Person| Some(person.id);
    let ends = [
        (1, LogAction::Promoted, by(&queue.organizer), None),
        (2, LogAction::Promoted, by(&queue.organizer), None),
        (4, LogAction::Promoted, by(&queue.waiting[0]), None),
        (5, LogAction::Left, by(&queue.waiting[5]), None),
        (6, LogAction::Removed, by(&queue.organizer), Some("double")),
        (7, LogAction::Cancelled, by(&queue.organizer), Some("rain")),
    ];
    for (index, action, actor, reason) in ends {
        let log = queue.log_of(&entries[index]).await;
        let last = log.last().expect("a line");
        assert_eq!(
            (last.action, last.actor_id, last.reason.as_deref()),
            (action, actor, reason),
            "{index}"
        );
        assert_eq!(log[0].action, LogAction::Joined);
    }
    let numbered: Vec<_> = queue
        .log_of(&entries[7])
        .await
        .iter()
        .filter_map(|line| line.number)
        .collect();
    assert!(numbered.is_sorted());
    queue.harness.assert_invariants().await;
}
