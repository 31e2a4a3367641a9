//! An event at which one can vote, for all tests of voting.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{AttendeeId, Clock, EventId, RegistrationId};
use serde_json::{Value, json};
use testkit::{Answer, Harness, Person};

/// An event at which one can vote, and people with seats there.
pub struct Hall {
    pub organizer: Person,
    pub event: EventId,
    pub people: Vec<Person>,
    pub attendees: Vec<AttendeeId>,
    pub registrations: Vec<RegistrationId>,
}

impl Hall {
    /// So many people with seats, of twice as many that there are.
    pub async fn open(harness: &Harness, size: usize) -> Self {
        let organizer = harness.organizer().await;
        let capacity = u32::try_from(size * 2).expect("few").max(1);
        let event = harness.published_event(&organizer, capacity).await;
        let opens = harness.clock().now() - TimeDelta::hours(1);
        let hall = Self {
            organizer,
            event,
            people: harness.crowd(size).await,
            attendees: Vec::new(),
            registrations: Vec::new(),
        };
        hall.set(json!({"voting_opens_at": opens})).await;
        hall.seated(harness).await
    }

    async fn seated(mut self, harness: &Harness) -> Self {
        for person in &self.people {
            let (registration, attendee) = harness.registered(person, self.event).await;
            self.registrations.push(registration);
            self.attendees.push(attendee);
        }
        self
    }

    /// Edits the event.
    pub async fn set(&self, fields: Value) {
        let path = format!("/events/{}", self.event);
        self.organizer.client.patch(&path).json(fields).await.expect(200);
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/events/{}/{rest}", self.event)
    }

    /// Stands for speaker; gives the candidacy.
    pub async fn stands(&self, who: usize) -> String {
        let talk = json!({"talk_title": format!("Talk {who}"), "abstract": "What it is about."});
        let stands = self.people[who].client.post(&self.path("candidates")).json(talk);
        stands.await.expect(201).text_at("/id")
    }

    pub async fn votes(&self, who: usize, candidate: &str) -> Answer {
        let vote = self.people[who].client.put(&self.path("vote"));
        vote.json(json!({"candidate_id": candidate})).await
    }

    pub async fn results(&self) -> Value {
        let results = self.organizer.client.get(&self.path("results")).await;
        results.expect(200).json()
    }

    pub async fn count_votes(&self, harness: &Harness) -> i64 {
        harness
            .count(&format!("votes WHERE event_id = '{}'", self.event))
            .await
    }

    /// Gives the seat back.
    pub async fn leaves(&self, who: usize) {
        let path = format!("/registrations/{}", self.registrations[who]);
        self.people[who].client.delete(&path).await.expect(200);
    }

    /// Turns the clock to the end of voting.
    pub async fn close(&self, harness: &Harness) {
        let shown = harness.client().get(&format!("/events/{}", self.event)).await;
        let starts: DateTime<Utc> = shown
            .expect(200)
            .text_at("/starts_at")
            .parse()
            .expect("an instant");
        harness.clock().advance(starts - harness.clock().now());
    }
}
