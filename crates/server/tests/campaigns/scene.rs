//! An event with voting, a candidate, people with seats, a reviewer, and what sends a campaign.

use crate::sending::post::Post;
use crate::support::{give_only, sql};
use campaign::Rate;
use chrono::TimeDelta;
use kernel::{AttendeeId, Clock, EventId, Permission, RegistrationId};
use serde_json::{Value, json};
use server::background::Background;
use server::campaigns::Feeder;
use server::worker::{Couriers, Parts, Worker};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Answer, Harness, Person, TestDatabase};
use tokio::sync::Notify;

/// Somebody with a seat.
pub struct Seated {
    pub person: Person,
    pub registration: RegistrationId,
    pub attendee: AttendeeId,
}

/// The event and its people.
pub struct Scene {
    pub harness: Harness,
    pub organizer: Person,
    pub reviewer: Person,
    pub candidate: Seated,
    pub candidate_id: String,
    /// Who holds a seat beside the candidate.
    pub people: Vec<Seated>,
    pub event: EventId,
    /// Mails of a campaign in a minute.
    pub per_minute: u32,
}

impl Scene {
    /// So many people hold a seat beside the candidate.
    pub async fn new(database: TestDatabase, people: usize) -> Self {
        Self::over(Harness::start(database).await, people).await
    }

    /// The same at a server that runs already.
    pub async fn over(harness: Harness, people: usize) -> Self {
        let organizer = harness.organizer().await;
        let reviewer = harness.attendee("reviewer").await;
        give_only(&harness, &reviewer, Permission::CampaignReview);
        let event = voted_event(&harness, &organizer).await;
        let mut seated = Vec::new();
        for person in harness.crowd(people + 1).await {
            let (registration, attendee) = harness.registered(&person, event).await;
            harness.clock().advance(TimeDelta::milliseconds(1));
            seated.push(Seated {
                person,
                registration,
                attendee,
            });
        }
        let candidate = seated.remove(0);
        let candidate_id = stand(&candidate.person, event).await;
        Self {
            harness,
            organizer,
            reviewer,
            candidate,
            candidate_id,
            people: seated,
            event,
            per_minute: 60_000,
        }
    }

    /// What is asked for.
    pub fn form(&self) -> Value {
        json!({
            "candidate_id": self.candidate_id,
            "subject": "Vote for me, {{ name }}",
            "body": "Dear {{ name }},\n\nplease [vote]({{ vote_url }}).",
        })
    }

    pub async fn asks(&self, person: &Person, form: Value) -> Answer {
        let path = format!("/events/{}/campaigns", self.event);
        person.client.post(&path).json(form).await
    }

    /// A campaign that the candidate asked for.
    pub async fn requested(&self) -> String {
        let asked = self.asks(&self.candidate.person, self.form()).await;
        asked.expect(201).text_at("/id")
    }

    pub async fn decides(&self, id: &str, what: &str, body: Value) -> Answer {
        let path = format!("/campaigns/{id}/{what}");
        self.reviewer.client.post(&path).json(body).await
    }

    /// One that is approved.
    pub async fn approved(&self, audience: &str) -> String {
        let id = self.requested().await;
        let approve = self.decides(&id, "approve", json!({"audience": audience}));
        approve.await.expect(200);
        id
    }

    /// The first of the people votes by the link of the campaign's mail.
    pub async fn first_votes_by_link(&self, id: &str) {
        let ctx = self.harness.system();
        let link = voting::LinkVote {
            event_id: self.event,
            candidate_id: self.candidate_id.parse().expect("an id"),
            voter: self.people[0].attendee,
            campaign_id: id.parse().expect("an id"),
        };
        let store = self.harness.store();
        let cast = store.write(move |tx| voting::cast_vote_by_link(tx, &ctx, link));
        cast.await.expect("a vote");
    }

    /// As if a worker, of which nothing is heard, had claimed all mails of campaigns.
    pub fn a_worker_has_them(&self) {
        let claim = "UPDATE outbox SET leased_by = 'somebody' WHERE kind = 'campaign'";
        sql(&self.harness, claim);
    }

    pub async fn campaign(&self, id: &str) -> Value {
        let read = self.reviewer.client.get(&format!("/campaigns/{id}"));
        read.await.expect(200).json()
    }

    pub async fn status(&self, id: &str) -> String {
        let campaign = self.campaign(id).await;
        campaign["status"].as_str().expect("a status").to_owned()
    }

    /// Addresses with what has become of their copies.
    pub async fn deliveries(&self, id: &str) -> Vec<(String, String, Option<String>)> {
        let path = format!("/campaigns/{id}/deliveries?limit=100");
        let listed = self.reviewer.client.get(&path).await.expect(200).items();
        let word = |value: &Value| value.as_str().map(str::to_owned);
        let told = listed.iter().map(|one| {
            let (email, status) = (word(&one["email"]), word(&one["status"]));
            (
                email.expect("an address"),
                status.expect("a status"),
                word(&one["error"]),
            )
        });
        told.collect()
    }

    /// What has become of one person's copy.
    pub async fn fate(&self, id: &str, email: &str) -> Option<(String, Option<String>)> {
        let all = self.deliveries(id).await;
        all.into_iter()
            .find(|(to, ..)| to == email)
            .map(|(_, status, error)| (status, error))
    }

    pub async fn count(&self, status: &str) -> i64 {
        let from = format!("campaign_deliveries WHERE status = '{status}'");
        self.harness.count(&from).await
    }

    pub fn feeder(&self) -> Feeder {
        Feeder {
            store: self.harness.store().clone(),
            keys: Arc::new(self.harness.server_keys()),
            rate: Rate::per_minute(self.per_minute),
        }
    }

    /// One round of feeding.
    pub async fn round(&self) {
        let round = self.feeder().round(self.harness.system()).await;
        round.expect("a round");
    }

    /// One round that does not borrow from the scene, to be run beside others.
    pub fn detached_round(&self) -> impl Future<Output = ()> + Send + use<> {
        let (feeder, ctx) = (self.feeder(), self.harness.system());
        async move { feeder.round(ctx).await.expect("a round") }
    }

    /// What a worker needs that hands its mails to that post.
    pub fn parts(&self, post: &Arc<Post>, concurrency: usize) -> Parts {
        Parts {
            store: self.harness.store().clone(),
            clock: Arc::new(self.harness.clock().clone()),
            couriers: Couriers {
                mailer: Arc::<Post>::clone(post),
                texts: None,
                keys: Arc::new(self.harness.server_keys()),
                public_url: "https://events.example".into(),
            },
            background: Background::start().expect("a thread"),
            concurrency,
            lease: Duration::from_secs(30),
            bell: Arc::new(Notify::new()),
            poll: Duration::from_millis(10),
            lock_file: None,
        }
    }

    /// Takes what waits beside campaigns' mails out of the queue.
    pub fn silence_others(&self) {
        sql(
            &self.harness,
            "UPDATE outbox SET status = 'done' WHERE kind <> 'campaign' AND status = 'queued'",
        );
    }

    /// Sends what is in the queue of campaigns, but for what the post holds.
    pub fn worker(&self, post: &Arc<Post>, concurrency: usize) -> Worker {
        self.silence_others();
        Worker::start(self.parts(post, concurrency))
    }

    /// Sends all that is in the queue of campaigns.
    pub async fn send_all(&self, post: &Arc<Post>) {
        let worker = self.worker(post, 2);
        crate::sending::post::eventually("an empty queue", || async {
            self.harness
                .count("outbox WHERE kind = 'campaign' AND status = 'queued'")
                .await
                == 0
        })
        .await;
        worker.stop().await;
    }
}

/// An event at which one votes from now on.
pub async fn voted_event(harness: &Harness, organizer: &Person) -> EventId {
    let mut fields = harness.event_fields(20_000);
    fields["publish"] = json!(true);
    fields["voting_opens_at"] = json!(harness.clock().now().to_rfc3339());
    let made = organizer.client.post("/events").json(fields).await.expect(201);
    made.text_at("/id").parse().expect("an id")
}

/// The person stands for speaker; gives the candidacy.
pub async fn stand(person: &Person, event: EventId) -> String {
    let talk = json!({"talk_title": "Locks", "abstract": "And how to wait for none."});
    let path = format!("/events/{event}/candidates");
    person
        .client
        .post(&path)
        .json(talk)
        .await
        .expect(201)
        .text_at("/id")
}

/// To whom campaigns' mails went.
pub fn mailed(post: &Post) -> Vec<String> {
    let mut to: Vec<String> = post.sent().into_iter().map(|mail| mail.to_email).collect();
    to.sort();
    to
}
