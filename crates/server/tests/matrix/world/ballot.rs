//! Candidates of the event that the matrix asks about.

use super::World;
use crate::support::sql;
use kernel::EventId;
use serde_json::json;
use testkit::{Harness, Person};

impl World<'_> {
    /// A nomination of the holder's at the event, who is asked by one of the candidates.
    pub(super) fn nomination(&self) -> String {
        let (event, attendee) = (self.things.published, &self.things.attendee);
        let (id, by) = (self.new_word(), self.candidates[0].id);
        let at = "2026-01-01T00:00:00.000000Z";
        sql(
            self.harness,
            &format!(
                "DELETE FROM candidates WHERE event_id = '{event}' AND attendee_id = '{attendee}' AND ended_at IS NULL;
                 INSERT INTO candidates VALUES ('{id}', '{event}', '{attendee}', '{by}', 'nominated', 'Sync', 'Words', \
                 '{at}', NULL, NULL, '{at}');"
            ),
        );
        id
    }
}

/// Opens voting at an event for these candidates, of whom the first speaks there; gives the second.
pub(super) async fn vote_at(
    harness: &Harness,
    organizer: &Person,
    event: EventId,
    candidates: &[Person; 2],
) -> String {
    let opens = json!({"voting_opens_at": "2026-01-01T00:00:00Z"});
    let path = format!("/events/{event}");
    organizer.client.patch(&path).json(opens).await.expect(200);
    let mut ids = Vec::new();
    for person in candidates {
        harness.registered(person, event).await;
        let talk = json!({"talk_title": "Sync or async", "abstract": "Words"});
        let stands = person.client.post(&format!("{path}/candidates")).json(talk);
        ids.push(stands.await.expect(201).text_at("/id"));
    }
    sql(
        harness,
        &format!("UPDATE events SET speaker_id = '{}' WHERE id = '{event}'", ids[0]),
    );
    ids.remove(1)
}
