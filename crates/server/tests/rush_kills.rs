//! The binary is killed while everybody registers and cancels: who was told yes has what they were told, whoever was told nothing
//! asks again by the same key and is counted once.

use crate::served::Served;
use kernel::{Clock, EventId, SystemClock};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use testkit::environment::scaled;
use testkit::raw::{self, RawAnswer};
use testkit::{Harness, HarnessOptions, Person, TestDatabase, on_both_databases};

on_both_databases! {
    nobody_who_was_told_yes_loses_it_through_kills,
}

const PEOPLE: usize = 64;
const SEATS: u32 = 40;

/// Both servers believe the same tokens.
fn issuer() -> (&'static str, String) {
    ("PODIUM_AUTH__ISSUER", "https://podium.example".to_owned())
}

/// What somebody was told, if they were: the id of their seat or of their place in the queue.
fn told(answer: &RawAnswer) -> Option<(&'static str, String)> {
    let (_, body) = answer.text.split_once("\r\n\r\n")?;
    answer.status?;
    let body: Value = serde_json::from_str(body).ok()?;
    let id = |pointer| Some(body.pointer(pointer)?.as_str()?.to_owned());
    id("/registration/id")
        .map(|id| ("seat", id))
        .or_else(|| id("/waitlist_entry/id").map(|id| ("place", id)))
}

fn request(person: &Person, method: &str, path: &str) -> Vec<u8> {
    let token = person.client.token().expect("a token");
    format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: podium.example\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: mine\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

/// All at once; the server is killed after that time, if one is given.
async fn ask(served: Served, asks: Vec<Vec<u8>>, killed_after: Option<Duration>) -> Vec<Option<RawAnswer>> {
    let tasks: Vec<_> = asks
        .into_iter()
        .map(|bytes| {
            let address = served.address.clone();
            tokio::spawn(async move { raw::try_send(&address, &bytes).await })
        })
        .collect();
    let ending = std::thread::spawn(move || match killed_after {
        Some(after) => {
            std::thread::sleep(after);
            served.kill();
            None
        }
        None => Some(served),
    });
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.expect("a task"));
    }
    // It serves until all are answered, unless it was killed before.
    drop(ending.join().expect("a thread"));
    answers
}

async fn nobody_who_was_told_yes_loses_it_through_kills(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![issuer()],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    // The binary goes by the machine's clock.
    harness.clock().set(SystemClock.now());
    let organizer = harness.organizer().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut cut_short = 0;
    for round in 0..scaled(30).max(4) {
        let event = harness.published_event(&organizer, SEATS).await;
        let people = harness.crowd(PEOPLE).await;
        let after = Duration::from_millis(u64::try_from(round % 10).expect("few") * 12);
        cut_short += run(&harness, folder.path(), event, &people, after).await;
        harness.assert_invariants().await;
    }
    assert!(cut_short > 0, "no kill ever came before an answer");
}

/// One rush that is cut short; gives how many were told nothing by it.
async fn run(harness: &Harness, folder: &Path, event: EventId, people: &[Person], after: Duration) -> usize {
    let mut environment = harness.operator_environment();
    environment.push(issuer());
    environment.push(("PODIUM_WORKER__ENABLED", "false".to_owned()));
    environment.push(("PODIUM_LIMITS__ENABLED", "false".to_owned()));
    let serve = || Served::start(folder, &environment);
    let path = format!("/events/{event}/registrations");
    let asks = || {
        people
            .iter()
            .map(|person| request(person, "POST", &path))
            .collect()
    };

    let first = ask(serve(), asks(), Some(after)).await;
    let second = ask(serve(), asks(), None).await;
    for (first, second) in first.iter().zip(&second) {
        let now = second.as_ref().and_then(told);
        let now = now.unwrap_or_else(|| panic!("no answer of the second server: {second:?}"));
        if let Some(before) = first.as_ref().and_then(told) {
            assert_eq!(before, now, "what was promised before the kill");
        }
    }
    let counts = seats_and_queue(harness, event).await;
    assert_eq!(counts, (i64::from(SEATS), 24));

    // All who have a seat give it back, and the queue moves up.
    let seats: Vec<_> = people
        .iter()
        .zip(&second)
        .filter_map(|(person, answer)| match told(answer.as_ref()?)? {
            ("seat", id) => Some(request(person, "DELETE", &format!("/registrations/{id}"))),
            _ => None,
        })
        .collect();
    let cancels = ask(serve(), seats.clone(), Some(after)).await;
    let told_yes = cancels
        .iter()
        .flatten()
        .filter(|answer| answer.status == Some(200))
        .count();
    let ended = harness
        .count(&format!(
            "registrations WHERE event_id = '{event}' AND status = 'cancelled'"
        ))
        .await;
    assert!(
        i64::try_from(told_yes).expect("few") <= ended,
        "who was told so gave it back"
    );
    for answer in ask(serve(), seats, None).await.into_iter().flatten() {
        // Done before the kill, or now.
        assert!(matches!(answer.status, Some(200 | 409)), "{answer:?}");
    }
    assert_eq!(seats_and_queue(harness, event).await, (24, 0));
    first
        .iter()
        .filter(|answer| answer.as_ref().and_then(told).is_none())
        .count()
}

async fn seats_and_queue(harness: &Harness, event: EventId) -> (i64, i64) {
    let at = format!("event_id = '{event}'");
    (
        harness
            .count(&format!("registrations WHERE {at} AND status = 'confirmed'"))
            .await,
        harness
            .count(&format!("waitlist_entries WHERE {at} AND status = 'waiting'"))
            .await,
    )
}
