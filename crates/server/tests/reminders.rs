//! Reminders: who gets which, when, and what becomes of one whose reason went before it was sent.

use chrono::TimeDelta;
use kernel::{EventId, Instant, OutboxId, RegistrationId, TypedId};
use notification::{Claim, Destination, EventFacts, Job, Medium, Message, MessageQueue, ReminderLead};
use serde_json::json;
use std::fmt::Write;
use testkit::{Harness, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    who_registered_early_gets_both_and_who_came_later_the_near_one,
    a_seat_from_the_waitlist_counts_from_the_promotion,
    after_downtime_the_nearer_one_alone_is_asked_for_and_none_from_the_start_on,
    a_start_that_moved_later_plans_both_anew,
    a_start_that_moved_earlier_plans_the_near_one_at_once,
    what_is_no_longer_true_does_not_hold,
    a_late_worker_gets_no_reminder_that_is_worth_nothing,
    who_wants_none_gets_none_and_a_guest_gets_both,
    drafts_and_events_that_are_called_off_remind_nobody,
    three_schedulers_at_once_ask_for_each_reminder_once,
    a_large_event_is_reminded_in_one_go_and_holds_no_other_up,
    news_of_an_earlier_move_are_not_sent_after_a_later_one,
}

use ReminderLead::{Day, Hours};

/// A server, an organiser and an event that starts in two days.
struct Scene {
    harness: Harness,
    organizer: Person,
    event: EventId,
    starts_at: Instant,
}

impl Scene {
    async fn set(database: TestDatabase, capacity: u32) -> Self {
        let harness = Harness::start(database).await;
        let organizer = harness.organizer().await;
        let starts_at = kernel::Clock::now(harness.clock()) + TimeDelta::days(2);
        let event = publish(&harness, &organizer, starts_at, capacity).await;
        Self {
            harness,
            organizer,
            event,
            starts_at,
        }
    }

    /// Turns the clock to so many minutes before the start that was announced first.
    fn turn_to(&self, minutes_before: i64) {
        let at = self.starts_at - TimeDelta::minutes(minutes_before);
        self.harness.clock().set(at);
    }

    /// One look of a scheduler; gives how many reminders it asked for.
    async fn look(&self) -> u32 {
        look(&self.harness).await
    }

    /// Which reminders were written to a person.
    async fn reminders_to(&self, email: &str) -> Vec<(ReminderLead, Instant)> {
        let mails = self.harness.mails_to(email).await.into_iter();
        mails
            .filter_map(|message| match message {
                Message::Reminder { event, lead, .. } => Some((lead, event.starts_at)),
                _ => None,
            })
            .collect()
    }

    /// What the organiser does an hour or a day later: the first session's token is over by then.
    async fn organizer(&self) -> Person {
        self.harness.log_in(&self.organizer.email).await
    }

    async fn move_start(&self, starts_at: Instant) {
        let fields = json!({"starts_at": starts_at.to_rfc3339(), "ends_at": (starts_at + TimeDelta::hours(3)).to_rfc3339()});
        let path = format!("/events/{}", self.event);
        let organizer = self.organizer().await;
        organizer.client.patch(&path).json(fields).await.expect(200);
    }

    async fn holds(&self, registration: RegistrationId, starts_at: Instant) -> bool {
        let job = Job {
            id: OutboxId::from_uuid(registration.uuid()),
            name: String::new(),
            to: Destination::Email("somebody@example.org".to_owned()),
            message: Message::Reminder {
                event: EventFacts {
                    id: self.event,
                    title: "A talk".to_owned(),
                    starts_at,
                    ends_at: None,
                    time_zone: "UTC".to_owned(),
                    location: None,
                },
                registration_id: registration,
                lead: Hours,
            },
            attempts: 0,
            created_at: starts_at,
            user_id: None,
        };
        let store = self.harness.store();
        store
            .read(move |tx| registration::still_true(tx, &job))
            .await
            .expect("an answer")
    }

    /// The reminders that a worker would get to send at this moment.
    async fn claimable(&self) -> Vec<Job> {
        self.claimed("reminder").await
    }

    async fn claimed(&self, kind: &str) -> Vec<Job> {
        let now = kernel::Clock::now(self.harness.clock());
        let claim = Claim {
            worker: "a worker".to_owned(),
            media: vec![Medium::Email],
            most: 100,
            lease: TimeDelta::seconds(30),
        };
        let store = self.harness.store();
        let claimed = store.write(move |tx| tx.claim_messages(now, &claim)).await;
        let mut claimed = claimed.expect("a claim");
        claimed.jobs.retain(|job| job.message.kind() == kind);
        claimed.jobs
    }
}

async fn look(harness: &Harness) -> u32 {
    server::reminders::remind(harness.store(), harness.system())
        .await
        .expect("a look")
}

async fn publish(harness: &Harness, organizer: &Person, starts_at: Instant, capacity: u32) -> EventId {
    let mut fields = harness.event_fields(capacity);
    fields["starts_at"] = json!(starts_at.to_rfc3339());
    fields["ends_at"] = json!((starts_at + TimeDelta::hours(3)).to_rfc3339());
    fields["publish"] = json!(true);
    let answer = organizer.client.post("/events").json(fields).await.expect(201);
    answer.text_at("/id").parse().expect("an id")
}

async fn who_registered_early_gets_both_and_who_came_later_the_near_one(database: TestDatabase) {
    let scene = Scene::set(database, 10).await;
    let (harness, start) = (&scene.harness, scene.starts_at);
    let early = harness.attendee("early").await;
    harness.registered(&early, scene.event).await;
    assert_eq!(scene.look().await, 0, "it is not due for a day");

    scene.turn_to(24 * 60);
    assert_eq!(
        scene.look().await,
        0,
        "who begins to register at this moment is waited for"
    );
    harness.clock().advance(TimeDelta::seconds(30));
    assert_eq!(scene.look().await, 1);
    assert_eq!(scene.look().await, 0, "it was asked for");

    scene.turn_to(10 * 60);
    let later = harness.attendee("later").await;
    harness.registered(&later, scene.event).await;
    assert_eq!(scene.look().await, 0);

    scene.turn_to(3 * 60 - 1);
    let late = harness.attendee("late").await;
    harness.registered(&late, scene.event).await;
    assert_eq!(scene.look().await, 2);
    scene.turn_to(60);
    assert_eq!(scene.look().await, 0);

    assert_eq!(
        scene.reminders_to(&early.email).await,
        [(Day, start), (Hours, start)]
    );
    assert_eq!(scene.reminders_to(&later.email).await, [(Hours, start)]);
    assert_eq!(scene.reminders_to(&late.email).await, []);
    harness.assert_invariants().await;
}

async fn a_seat_from_the_waitlist_counts_from_the_promotion(database: TestDatabase) {
    let scene = Scene::set(database, 1).await;
    let harness = &scene.harness;
    let (first, next) = (harness.attendee("first").await, harness.attendee("next").await);
    let (seat, _) = harness.registered(&first, scene.event).await;
    let waits = next
        .client
        .post(&format!("/events/{}/registrations", scene.event))
        .await;
    waits.expect(202);

    scene.turn_to(10 * 60);
    let first = harness.log_in(&first.email).await;
    first
        .client
        .delete(&format!("/registrations/{seat}"))
        .await
        .expect(200);
    // The round of the day before is late: who has the seat was told of it a moment ago.
    assert_eq!(scene.look().await, 0);
    scene.turn_to(2 * 60);
    assert_eq!(scene.look().await, 1);
    assert_eq!(scene.reminders_to(&first.email).await, []);
    assert_eq!(scene.reminders_to(&next.email).await, [(Hours, scene.starts_at)]);
}

async fn after_downtime_the_nearer_one_alone_is_asked_for_and_none_from_the_start_on(database: TestDatabase) {
    let scene = Scene::set(database, 10).await;
    let harness = &scene.harness;
    let person = harness.attendee("asha").await;
    harness.registered(&person, scene.event).await;
    let near = publish(
        harness,
        &scene.organizer,
        scene.starts_at - TimeDelta::hours(2),
        10,
    )
    .await;
    let other = harness.attendee("ben").await;
    harness.registered(&other, near).await;

    // Nobody looked since two days before; the other event starts at this very moment.
    scene.turn_to(2 * 60);
    assert_eq!(scene.look().await, 1);
    assert_eq!(
        scene.reminders_to(&person.email).await,
        [(Hours, scene.starts_at)]
    );
    assert_eq!(scene.reminders_to(&other.email).await, []);
    // The round that was left out stays so, whatever the clock of another machine says.
    scene.turn_to(20 * 60);
    harness.clock().advance(TimeDelta::seconds(1));
    assert_eq!(scene.look().await, 1, "the other event alone");
    assert_eq!(scene.reminders_to(&person.email).await.len(), 1);
    scene.turn_to(0);
    assert_eq!(scene.look().await, 0);
}

async fn a_start_that_moved_later_plans_both_anew(database: TestDatabase) {
    let scene = Scene::set(database, 10).await;
    let harness = &scene.harness;
    let person = harness.attendee("asha").await;
    harness.registered(&person, scene.event).await;
    scene.turn_to(20 * 60);
    assert_eq!(scene.look().await, 1);

    let later = scene.starts_at + TimeDelta::days(3);
    scene.move_start(later).await;
    scene.turn_to(60);
    assert_eq!(scene.look().await, 0, "the old start is nobody's any more");
    harness.clock().set(later - TimeDelta::hours(23));
    assert_eq!(scene.look().await, 1);
    harness.clock().set(later - TimeDelta::hours(2));
    assert_eq!(scene.look().await, 1);
    assert_eq!(
        scene.reminders_to(&person.email).await,
        [(Day, scene.starts_at), (Day, later), (Hours, later)]
    );
}

async fn a_start_that_moved_earlier_plans_the_near_one_at_once(database: TestDatabase) {
    let scene = Scene::set(database, 10).await;
    let person = scene.harness.attendee("asha").await;
    scene.harness.registered(&person, scene.event).await;
    scene.turn_to(30 * 60);
    assert_eq!(scene.look().await, 0);

    let earlier = scene.starts_at - TimeDelta::hours(28);
    scene.move_start(earlier).await;
    assert_eq!(scene.look().await, 1, "it starts in two hours");
    assert_eq!(scene.look().await, 0);
    assert_eq!(scene.reminders_to(&person.email).await, [(Hours, earlier)]);
}

async fn what_is_no_longer_true_does_not_hold(database: TestDatabase) {
    let scene = Scene::set(database, 10).await;
    let harness = &scene.harness;
    let (stays, leaves) = (harness.attendee("stays").await, harness.attendee("leaves").await);
    let (kept, _) = harness.registered(&stays, scene.event).await;
    let (given_back, _) = harness.registered(&leaves, scene.event).await;
    let gone = harness.attendee("gone").await;
    let (gone_before, _) = harness.registered(&gone, scene.event).await;
    gone.client
        .delete(&format!("/registrations/{gone_before}"))
        .await
        .expect(200);
    scene.turn_to(23 * 60);
    assert_eq!(
        scene.look().await,
        2,
        "who gave the seat back before is not asked for"
    );

    let start = scene.starts_at;
    assert!(scene.holds(kept, start).await && scene.holds(given_back, start).await);
    let leaves = harness.log_in(&leaves.email).await;
    leaves
        .client
        .delete(&format!("/registrations/{given_back}"))
        .await
        .expect(200);
    assert!(
        !scene.holds(given_back, start).await,
        "cancelled after it was queued"
    );
    assert!(scene.holds(kept, start).await);

    let later = start + TimeDelta::minutes(30);
    scene.move_start(later).await;
    assert!(!scene.holds(kept, start).await, "it says another start");
    assert!(scene.holds(kept, later).await);

    let path = format!("/events/{}/cancel", scene.event);
    let organizer = scene.organizer().await;
    organizer.client.post(&path).json(json!({})).await.expect(200);
    assert!(!scene.holds(kept, later).await, "the event is called off");
    let unknown: RegistrationId = harness.system().new_id();
    assert!(!scene.holds(unknown, start).await);
}

async fn a_late_worker_gets_no_reminder_that_is_worth_nothing(database: TestDatabase) {
    let scene = Scene::set(database, 10).await;
    let person = scene.harness.attendee("asha").await;
    scene.harness.registered(&person, scene.event).await;
    scene.turn_to(23 * 60);
    assert_eq!(scene.look().await, 1);
    // Late, but before the nearer one: it is sent.
    scene.turn_to(4 * 60);
    assert_eq!(scene.claimable().await.len(), 1);
    // Its worker died. When the nearer one is due, the farther is not sent any more, so that nobody gets two at once.
    scene.turn_to(3 * 60 - 1);
    assert_eq!(scene.look().await, 1);
    let claimed = scene.claimable().await;
    assert!(
        matches!(
            claimed.as_slice(),
            [Job {
                message: Message::Reminder { lead: Hours, .. },
                ..
            }]
        ),
        "{claimed:?}"
    );
    scene.turn_to(1);
    assert_eq!(scene.claimable().await.len(), 1, "late, but not after the start");
    scene.turn_to(0);
    assert!(scene.claimable().await.is_empty());
}

async fn news_of_an_earlier_move_are_not_sent_after_a_later_one(database: TestDatabase) {
    let scene = Scene::set(database, 10).await;
    let person = scene.harness.attendee("asha").await;
    scene.harness.registered(&person, scene.event).await;
    for days in [1, 2] {
        scene.move_start(scene.starts_at + TimeDelta::days(days)).await;
    }
    let moves = scene.claimed("event_moved").await;
    let mut sent = Vec::new();
    for job in moves {
        let (job, store) = (job.clone(), scene.harness.store());
        let is_true = store
            .read(move |tx| registration::still_true(tx, &job))
            .await
            .expect("an answer");
        sent.push(is_true);
    }
    assert_eq!(sent, [false, true]);
}

async fn who_wants_none_gets_none_and_a_guest_gets_both(database: TestDatabase) {
    let scene = Scene::set(database, 10).await;
    let harness = &scene.harness;
    let quiet = harness.attendee("quiet").await;
    harness.registered(&quiet, scene.event).await;
    crate::support::sql(
        harness,
        &format!(
            "UPDATE users SET email_reminders = FALSE WHERE id = '{}'",
            quiet.id
        ),
    );
    let form = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
    let path = format!("/events/{}/registrations", scene.event);
    scene.organizer.client.post(&path).json(form).await.expect(201);

    scene.turn_to(23 * 60);
    assert_eq!(scene.look().await, 1);
    scene.turn_to(2 * 60);
    assert_eq!(scene.look().await, 1);
    assert_eq!(scene.reminders_to(&quiet.email).await, []);
    assert_eq!(scene.reminders_to("guest@example.org").await.len(), 2);
}

async fn drafts_and_events_that_are_called_off_remind_nobody(database: TestDatabase) {
    let scene = Scene::set(database, 10).await;
    let harness = &scene.harness;
    let person = harness.attendee("asha").await;
    harness.registered(&person, scene.event).await;
    let mut draft = harness.event_fields(5);
    draft["starts_at"] = json!(scene.starts_at.to_rfc3339());
    draft["ends_at"] = json!((scene.starts_at + TimeDelta::hours(1)).to_rfc3339());
    let answer = scene
        .organizer
        .client
        .post("/events")
        .json(draft)
        .await
        .expect(201);
    let draft: EventId = answer.text_at("/id").parse().expect("an id");
    let path = format!("/events/{}/cancel", scene.event);
    scene
        .organizer
        .client
        .post(&path)
        .json(json!({}))
        .await
        .expect(200);

    for minutes in [23 * 60, 2 * 60] {
        scene.turn_to(minutes);
        assert_eq!(scene.look().await, 0);
    }
    // Published so late that the first round is past: it is planned as any other.
    let organizer = scene.organizer().await;
    let path = format!("/events/{draft}/publish");
    organizer.client.post(&path).await.expect(200);
    assert_eq!(scene.look().await, 0, "nobody is there");
    assert_eq!(
        harness
            .count(&format!("reminder_rounds WHERE event_id = '{draft}'"))
            .await,
        2
    );
}

async fn three_schedulers_at_once_ask_for_each_reminder_once(database: TestDatabase) {
    let scene = Scene::set(database, 30).await;
    let harness = &scene.harness;
    let others = [
        publish(harness, &scene.organizer, scene.starts_at, 30).await,
        publish(harness, &scene.organizer, scene.starts_at, 30).await,
    ];
    let crowd = harness.crowd(12).await;
    for person in &crowd {
        for event in [scene.event, others[0], others[1]] {
            harness.registered(person, event).await;
        }
    }
    for (minutes, lead) in [(23 * 60, "24"), (2 * 60, "3")] {
        scene.turn_to(minutes);
        let asked = all_at_once(3, |_| {
            let (store, ctx) = (harness.store().clone(), harness.system());
            async move { server::reminders::remind(&store, ctx).await.expect("a look") }
        })
        .await;
        assert_eq!(asked.iter().sum::<u32>(), 36, "{asked:?}");
        let rounds = format!("reminder_rounds WHERE hours_before = {lead}");
        assert_eq!(harness.count(&rounds).await, 3);
    }
    assert_eq!(harness.count("outbox WHERE kind = 'reminder'").await, 72);
}

/// More than one statement writes.
const MANY: usize = 2_500;

async fn a_large_event_is_reminded_in_one_go_and_holds_no_other_up(database: TestDatabase) {
    let scene = Scene::set(database, 10_000).await;
    let harness = &scene.harness;
    fill(harness, scene.event, MANY);
    let small = publish(harness, &scene.organizer, scene.starts_at, 5).await;
    let person = harness.attendee("asha").await;
    harness.registered(&person, small).await;
    scene.turn_to(23 * 60);
    assert_eq!(scene.look().await, u32::try_from(MANY).expect("a count") + 1);
    assert_eq!(scene.look().await, 0);
    assert_eq!(
        harness
            .count("outbox WHERE kind = 'reminder' AND status = 'queued'")
            .await,
        i64::try_from(MANY).expect("a count") + 1
    );
}

/// Guests with seats, as rows.
pub fn fill(harness: &Harness, event: EventId, count: usize) {
    let ctx = harness.system();
    let at = match harness.database().kind() {
        testkit::Kind::Sqlite => ctx.now.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        testkit::Kind::Postgres => ctx.now.to_rfc3339(),
    };
    let mut statements = String::new();
    for number in 0..count {
        let (attendee, registration): (kernel::AttendeeId, RegistrationId) = (ctx.new_id(), ctx.new_id());
        let (attendee, registration) = (attendee.uuid(), registration.uuid());
        let _ = write!(
            statements,
            "INSERT INTO attendees (id, name, name_key, email, email_key, created_at, updated_at)
             VALUES ('{attendee}', 'Guest', 'guest', 'g{number}@example.org', 'g{number}@example.org', '{at}', '{at}');
             INSERT INTO registrations (id, event_id, attendee_id, status, registered_at)
             VALUES ('{registration}', '{event}', '{attendee}', 'confirmed', '{at}');"
        );
    }
    let _ = write!(
        statements,
        "UPDATE events SET seats_taken = {count} WHERE id = '{event}';"
    );
    crate::support::sql(harness, &format!("BEGIN; {statements} COMMIT;"));
}
