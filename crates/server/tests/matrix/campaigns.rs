//! The campaigns that the matrix asks about.

use super::world::Of;
use crate::support::sql;
use kernel::{AttendeeId, CampaignId, CandidateId, DeliveryId, EventId};
use serde_json::{Value, json};
use testkit::{Harness, Person};

/// What is asked for.
pub fn form(candidate: &str) -> Value {
    json!({"candidate_id": candidate, "subject": "Vote for me", "body": "Please, {{ name }}."})
}

/// Campaigns that one person asked for.
pub struct Campaigns {
    /// For a candidacy of their own.
    own: String,
    requested: String,
    sending: String,
    paused: String,
}

impl Campaigns {
    /// One in each state that something is done with.
    pub fn of_holder(harness: &Harness, event: EventId, candidate: &str, holder: &Person) -> Self {
        let at = "2030-01-15T08:00:00.000000Z";
        let insert = |status: &str, approved: bool| {
            let id: CampaignId = harness.system().new_id();
            let (audience, candidate) = if approved {
                // Of the other who stands, so that there is room for one more.
                let speaker = format!("(SELECT speaker_id FROM events WHERE id = '{event}')");
                (format!("'event', '{at}'"), speaker)
            } else {
                ("NULL, NULL".to_owned(), format!("'{candidate}'"))
            };
            sql(
                harness,
                &format!(
                    "INSERT INTO campaigns (id, event_id, candidate_id, requested_by, status, subject, body, audience,
                         send_at, requested_at, updated_at)
                     VALUES ('{id}', '{event}', {candidate}, '{}', '{status}', 'Vote', 'Please.', {audience}, '{at}', '{at}')",
                    holder.id
                ),
            );
            id.to_string()
        };
        let own = insert("requested", false);
        // It is over, so that they can stand anew.
        let (stood, at) = (
            harness.system().new_id::<CandidateId>(),
            "2026-01-01T00:00:00.000000Z",
        );
        sql(
            harness,
            &format!(
                "INSERT INTO candidates SELECT '{stood}', '{event}', id, user_id, 'withdrawn', 'Sync', 'Words', '{at}', '{at}', '{at}', '{at}'
                 FROM attendees WHERE user_id = '{}';
                 UPDATE campaigns SET candidate_id = '{stood}' WHERE id = '{own}'",
                holder.id
            ),
        );
        Self {
            own,
            requested: insert("requested", false),
            sending: insert("sending", true),
            paused: insert("paused", true),
        }
    }

    pub fn of(&self, of: Of) -> String {
        match of {
            Of::Published => self.own.clone(),
            Of::Draft => self.requested.clone(),
            Of::Quiet => self.sending.clone(),
            Of::Power => self.paused.clone(),
        }
    }
}

/// A copy of a campaign for the candidate, to who holds a seat.
pub fn copy(
    harness: &Harness,
    event: EventId,
    candidate: &str,
    holder: AttendeeId,
    by: &Person,
) -> DeliveryId {
    let ctx = harness.system();
    let (campaign, delivery): (CampaignId, DeliveryId) = (ctx.new_id(), ctx.new_id());
    let (user, at) = (by.id, "2030-01-15T08:00:00.000000Z");
    sql(
        harness,
        &format!(
            "INSERT INTO campaigns (id, event_id, candidate_id, requested_by, status, subject, body, requested_at, updated_at)
             VALUES ('{campaign}', '{event}', '{candidate}', '{user}', 'cancelled', 'Vote', 'Please.', '{at}', '{at}');
             INSERT INTO campaign_deliveries (id, campaign_id, attendee_id, name, email, email_key, status)
             SELECT '{delivery}', '{campaign}', id, name, email, email_key, 'sent' FROM attendees WHERE id = '{holder}';"
        ),
    );
    delivery
}
