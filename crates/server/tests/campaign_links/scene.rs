//! An event at which somebody stands for speaker, with a campaign and a copy of it to somebody who holds a seat. Candidates and campaigns
//! are rows here: how they come about is tested elsewhere.

use crate::support::sql;
use chrono::{SecondsFormat, TimeDelta};
use kernel::{AttendeeId, Clock, DeliveryId, EventId, RegistrationId};
use notification::{unsubscribe_token, vote_token};
use testkit::{Answer, Client, Harness, Person};

/// The event and its people.
pub struct Scene<'h> {
    harness: &'h Harness,
    pub organizer: Person,
    pub cora: Person,
    pub cora_attendee: String,
    pub seat_of_cora: RegistrationId,
    pub asha: Person,
    pub registration: RegistrationId,
    /// Asha as an attendee.
    pub voter: String,
    pub event: EventId,
    pub candidate: String,
    pub campaign: String,
    /// Asha's copy.
    pub delivery: DeliveryId,
}

/// Somebody who stands, with a campaign.
pub struct Standing {
    pub candidate: String,
    pub attendee: String,
    pub campaign: String,
}

impl<'h> Scene<'h> {
    pub async fn new(harness: &'h Harness) -> Self {
        let organizer = harness.organizer().await;
        let (cora, asha) = (harness.attendee("cora").await, harness.attendee("asha").await);
        let event = harness.published_event(&organizer, 20).await;
        let at = |hours| {
            let at = harness.clock().now() + TimeDelta::hours(hours);
            at.to_rfc3339_opts(SecondsFormat::Micros, true)
        };
        sql(
            harness,
            &format!(
                "UPDATE events SET voting_opens_at = '{}', voting_closes_at = '{}' WHERE id = '{event}'",
                at(-1),
                at(24)
            ),
        );
        let (seat_of_cora, attendee) = harness.registered(&cora, event).await;
        let (registration, voter) = harness.registered(&asha, event).await;
        let standing = stands(harness, event, attendee, &cora);
        let delivery = insert_delivery(
            harness,
            &standing.campaign,
            &asha.email,
            Some(&voter.to_string()),
            Some(&asha.id.to_string()),
        );
        Self {
            harness,
            organizer,
            cora,
            cora_attendee: standing.attendee,
            seat_of_cora,
            asha,
            registration,
            voter: voter.to_string(),
            event,
            candidate: standing.candidate,
            campaign: standing.campaign,
            delivery,
        }
    }

    pub fn client(&self) -> Client {
        self.harness.client()
    }

    /// The link to vote in Asha's copy.
    pub fn vote_token(&self) -> String {
        vote_token(&self.harness.server_keys(), self.delivery)
    }

    /// The link to unsubscribe in Asha's copy.
    pub fn unsubscribe_token(&self) -> String {
        unsubscribe_token(&self.harness.server_keys(), self.delivery, &self.asha.email)
    }

    pub async fn confirm(&self, token: &str) -> Answer {
        self.client().post(&format!("/vote-links/{token}")).await
    }

    pub async fn votes(&self) -> i64 {
        self.harness.count("votes").await
    }

    /// A copy of the campaign to somebody.
    pub fn deliver(&self, email: &str, attendee: Option<&str>, user: Option<&str>) -> DeliveryId {
        self.deliver_for(&self.campaign, email, attendee, user)
    }

    /// A copy of that campaign to somebody.
    pub fn deliver_for(
        &self,
        campaign: &str,
        email: &str,
        attendee: Option<&str>,
        user: Option<&str>,
    ) -> DeliveryId {
        insert_delivery(self.harness, campaign, email, attendee, user)
    }

    /// Somebody new with a seat, and the link to vote in their copy.
    pub async fn deliver_to_new(&self, name: &str) -> String {
        let person = self.harness.attendee(name).await;
        let (_, attendee) = self.harness.registered(&person, self.event).await;
        let delivery = self.deliver(&person.email, Some(&attendee.to_string()), None);
        vote_token(&self.harness.server_keys(), delivery)
    }

    /// Somebody else who stands.
    pub async fn another_candidate(&self, name: &str) -> Standing {
        let person = self.harness.attendee(name).await;
        let (_, attendee) = self.harness.registered(&person, self.event).await;
        stands(self.harness, self.event, attendee, &person)
    }

    /// Asha's vote, cast signed in.
    pub fn vote_signed_in(&self, candidate: &str, attendee: &str) {
        sql(
            self.harness,
            &format!(
                "INSERT INTO votes (event_id, voter_id, candidate_id, candidate_attendee_id, via, cast_at)
                 VALUES ('{}', '{}', '{candidate}', '{attendee}', 'signed_in', '2030-01-15T08:30:00.000000Z')",
                self.event, self.voter
            ),
        );
    }
}

fn stands(harness: &Harness, event: EventId, attendee: AttendeeId, person: &Person) -> Standing {
    let ctx = harness.system();
    let candidate = ctx.new_id::<kernel::CandidateId>().to_string();
    let campaign = ctx.new_id::<kernel::CampaignId>().to_string();
    let (user, at) = (person.id, "2030-01-15T08:00:00.000000Z");
    sql(
        harness,
        &format!(
            "INSERT INTO candidates (id, event_id, attendee_id, nominated_by, status, talk_title, abstract, nominated_at, listed_at, updated_at)
             VALUES ('{candidate}', '{event}', '{attendee}', '{user}', 'listed', 'Locks', 'And how to live without.', '{at}', '{at}', '{at}');
             INSERT INTO campaigns (id, event_id, candidate_id, requested_by, status, subject, body, audience, send_at, requested_at, updated_at)
             VALUES ('{campaign}', '{event}', '{candidate}', '{user}', 'sent', 'Vote', 'Please.', 'event', '{at}', '{at}', '{at}');"
        ),
    );
    Standing {
        candidate,
        attendee: attendee.to_string(),
        campaign,
    }
}

fn insert_delivery(
    harness: &Harness,
    campaign: &str,
    email: &str,
    attendee: Option<&str>,
    user: Option<&str>,
) -> DeliveryId {
    let id: DeliveryId = harness.system().new_id();
    let quoted = |value: Option<&str>| value.map_or("NULL".to_owned(), |value| format!("'{value}'"));
    sql(
        harness,
        &format!(
            "INSERT INTO campaign_deliveries (id, campaign_id, attendee_id, user_id, name, email, email_key, status)
             VALUES ('{id}', '{campaign}', {}, {}, 'Asha', '{email}', '{email}', 'sent')",
            quoted(attendee),
            quoted(user)
        ),
    );
    id
}
