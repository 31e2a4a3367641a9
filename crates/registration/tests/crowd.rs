//! What the races have in common.

use kernel::EventId;
use testkit::{Answer, Harness, Person, all_at_once};

/// Everybody registers for the event at the same moment; the answers are in the order of the people.
pub async fn register_all(people: &[Person], event: EventId) -> Vec<Answer> {
    all_at_once(people.len(), |index| {
        let client = people[index].client.clone();
        async move { client.post(&format!("/events/{event}/registrations")).await }
    })
    .await
}

/// How many answers have this status.
pub fn count_of(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status() == status).count()
}

/// The ids of the entries that wait for a seat, in order, as the organiser reads them; fails unless their positions are
/// 1, 2, 3 and so on.
pub async fn queue_of(organizer: &Person, event: EventId) -> Vec<String> {
    let mut entries = Vec::new();
    let mut path = format!("/events/{event}/waitlist?limit=100");
    loop {
        let page = organizer.client.get(&path).await.expect(200);
        for entry in page.items() {
            entries.push(entry["id"].as_str().expect("an id").to_owned());
            assert_eq!(
                entry["position"],
                entries.len(),
                "positions count from 1 without a gap"
            );
        }
        match page.json()["next_cursor"].as_str() {
            Some(cursor) => path = format!("/events/{event}/waitlist?limit=100&cursor={cursor}"),
            None => return entries,
        }
    }
}

/// Seats and queue as the event shows them.
pub async fn counts_of(harness: &Harness, organizer: &Person, event: EventId) -> (i64, i64) {
    let shown = organizer
        .client
        .get(&format!("/events/{event}"))
        .await
        .expect(200)
        .json();
    let rows = (
        harness
            .count(&format!(
                "registrations WHERE status IN ('confirmed', 'attended') AND event_id = '{event}'"
            ))
            .await,
        harness
            .count(&format!(
                "waitlist_entries WHERE status = 'waiting' AND event_id = '{event}'"
            ))
            .await,
    );
    assert_eq!(
        (&shown["seats_taken"], &shown["waitlist_length"]),
        (&rows.0.into(), &rows.1.into()),
        "the event counts its rows"
    );
    rows
}
