//! The main job from sign-up to moving up.

use serde_json::json;
use testkit::{Harness, TestDatabase, on_both_databases};

on_both_databases! { a_cancelled_seat_goes_to_the_one_who_waits }

async fn a_cancelled_seat_goes_to_the_one_who_waits(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 2).await;
    let (asha, bela, carl) = (
        harness.attendee("asha").await,
        harness.attendee("bela").await,
        harness.attendee("carl").await,
    );

    let (first, _) = harness.registered(&asha, event).await;
    harness.registered(&bela, event).await;
    let waits = carl
        .client
        .post(&format!("/events/{event}/registrations"))
        .await
        .expect(202);
    assert_eq!(waits.text_at("/outcome"), "waitlisted");
    assert_eq!(waits.json()["waitlist_entry"]["position"], 1);

    let cancelled = asha
        .client
        .delete(&format!("/registrations/{first}"))
        .await
        .expect(200);
    assert_eq!(cancelled.json()["promoted"], 1);
    assert_eq!(cancelled.text_at("/registration/status"), "cancelled");

    let seats = carl
        .client
        .get("/users/me/registrations")
        .await
        .expect(200)
        .items();
    assert_eq!(seats.len(), 1);
    assert_eq!(seats[0]["status"], "confirmed");
    let place = carl
        .client
        .get(&format!("/events/{event}/waitlist/me"))
        .await
        .expect(200);
    assert_eq!(place.text_at("/status"), "promoted");
    let shown = harness
        .client()
        .get(&format!("/events/{event}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&shown["seats_taken"], &shown["waitlist_length"]),
        (&json!(2), &json!(0))
    );

    let told: Vec<(String, String)> = harness
        .outbox()
        .await
        .into_iter()
        .filter_map(|entry| Some((entry.kind, entry.recipient_key?)))
        .filter(|(kind, _)| kind != "email_verification")
        .collect();
    let expected = [
        ("seat_confirmed", &asha),
        ("seat_confirmed", &bela),
        ("waitlist_joined", &carl),
        ("registration_cancelled", &asha),
        ("seat_from_waitlist", &carl),
    ];
    assert_eq!(
        told,
        expected.map(|(kind, person)| (kind.to_owned(), person.email.clone()))
    );
    harness.assert_invariants().await;
}
