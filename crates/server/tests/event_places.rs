//! One published event at a place on a date.

use crate::events::draft;
use serde_json::json;
use testkit::{Harness, TestDatabase, on_both_databases};

on_both_databases! {
    two_published_events_do_not_share_a_place_on_a_date,
    the_date_of_a_place_is_that_of_the_zone,
    an_edit_may_not_move_onto_a_taken_place,
    of_two_drafts_published_at_once_one_gets_the_place,
}

async fn two_published_events_do_not_share_a_place_on_a_date(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, other) = (harness.organizer().await, harness.organizer().await);
    let mut fields = harness.event_fields(3);
    fields["location"] = json!("Öffentlicher  Saal");
    // Two drafts may plan the same.
    let first = draft(&organizer, fields.clone()).await;
    let second = draft(&other, fields.clone()).await;
    organizer
        .client
        .post(&format!("/events/{first}/publish"))
        .await
        .expect(200);
    let refused = other
        .client
        .post(&format!("/events/{second}/publish"))
        .await
        .expect(409);
    assert_eq!(refused.problem("place-taken")["event_id"], first.to_string());
    // Also where it is written differently, and at another hour of the day.
    for spelling in [
        "ÖFFENTLICHER SAAL",
        " o\u{308}ffentlicher\u{a0}saal ",
        "Öffentlicher Saal",
    ] {
        fields["location"] = json!(spelling);
        let refused = other
            .client
            .post("/events")
            .json(fields.clone())
            .await
            .expect(409);
        assert_eq!(
            refused.problem("place-taken")["event_id"],
            first.to_string(),
            "{spelling}"
        );
    }
    fields["location"] = json!("Kleiner Saal");
    other.client.post("/events").json(fields).await.expect(201);
    // Called off, it leaves the place.
    organizer
        .client
        .post(&format!("/events/{first}/cancel"))
        .await
        .expect(200);
    other
        .client
        .post(&format!("/events/{second}/publish"))
        .await
        .expect(200);
    harness.assert_invariants().await;
}

async fn the_date_of_a_place_is_that_of_the_zone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let with = |start: &str, end: &str| {
        let mut fields = harness.event_fields(3);
        fields["location"] = json!("Pier 1");
        fields["time_zone"] = json!("Asia/Kolkata");
        fields["starts_at"] = json!(start);
        fields["ends_at"] = json!(end);
        fields["publish"] = json!(true);
        organizer.client.post("/events").json(fields)
    };
    // 18:30 UTC is midnight in India: one UTC date, two local ones.
    let first = with("2030-03-01T18:00:00Z", "2030-03-01T18:10:00Z")
        .await
        .expect(201);
    assert_eq!(first.text_at("/local_date"), "2030-03-01");
    let second = with("2030-03-01T18:30:00Z", "2030-03-01T19:00:00Z")
        .await
        .expect(201);
    assert_eq!(second.text_at("/local_date"), "2030-03-02");
    // Two UTC dates, one local one.
    with("2030-03-02T10:00:00Z", "2030-03-02T11:00:00Z")
        .await
        .expect(409)
        .problem("place-taken");
}

async fn an_edit_may_not_move_onto_a_taken_place(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let first = harness.published_event(&organizer, 3).await;
    let second = harness.published_event(&organizer, 3).await;
    let place = organizer
        .client
        .get(&format!("/events/{first}"))
        .await
        .expect(200)
        .text_at("/location");
    let planned = draft(&organizer, harness.event_fields(3)).await;
    for event in [second, planned] {
        let edit = organizer.client.patch(&format!("/events/{event}"));
        let refused = edit.json(json!({"location": place})).await.expect(409);
        assert_eq!(refused.problem("place-taken")["event_id"], first.to_string());
    }
}

async fn of_two_drafts_published_at_once_one_gets_the_place(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let fields = harness.event_fields(3);
    let mut drafts = Vec::new();
    for _ in 0..6 {
        drafts.push(draft(&organizer, fields.clone()).await);
    }
    let answers = testkit::all_at_once(drafts.len(), |index| {
        let (client, event) = (organizer.client.clone(), drafts[index]);
        async move { client.post(&format!("/events/{event}/publish")).await }
    })
    .await;
    let published = answers.iter().filter(|answer| answer.status() == 200).count();
    assert_eq!(published, 1);
    for refused in answers.iter().filter(|answer| answer.status() != 200) {
        refused.problem("place-taken");
    }
    harness.assert_invariants().await;
}
