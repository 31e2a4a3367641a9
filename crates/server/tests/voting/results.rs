//! How the votes stand, and who is told.

use super::Hall;
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::{Harness, TestDatabase, on_both_databases};

on_both_databases! {
    results_are_for_managers_until_voting_has_closed,
    equals_have_the_same_rank_and_a_second_later_results_are_counted_anew,
    nothing_is_counted_for_who_is_not_told,
    before_voting_opens_and_after_an_event_is_called_off_results_say_what_they_can,
}

async fn results_are_for_managers_until_voting_has_closed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let candidate = hall.stands(0).await;
    hall.votes(1, &candidate).await.expect(200);
    let path = hall.path("results");
    let (admin, anybody) = (harness.admin().await, harness.client());
    for client in [&hall.people[0].client, &hall.people[1].client, &anybody] {
        client.get(&path).await.expect(403).problem("results-hidden");
        // Who is told nothing is not told what is wrong with the question.
        client.get(&format!("{path}?top=0")).await.expect(403);
    }
    for client in [&hall.organizer.client, &admin.client] {
        let results = client.get(&path).await.expect(200).json();
        assert_eq!(
            (&results["state"], &results["turnout"]["voters"]),
            (&json!("open"), &json!(1))
        );
        client
            .get(&format!("{path}?top=0"))
            .await
            .expect(400)
            .problem("bad-query");
        client.get(&format!("{path}?more=1")).await.expect(400);
    }
    hall.set(json!({"live_results": true})).await;
    harness.clock().advance(TimeDelta::seconds(1));
    anybody.get(&path).await.expect(200);
    hall.set(json!({"live_results": false})).await;
    harness.clock().advance(TimeDelta::seconds(1));
    anybody.get(&path).await.expect(403);
    hall.close(&harness).await;
    let results = anybody.get(&path).await.expect(200).json();
    assert_eq!(results["state"], "closed");
    assert_eq!(results["candidates"][0]["votes"], 1);
    // A draft is nobody's business, and where there is no voting there are no results.
    let organizer = harness.log_in(&hall.organizer.email).await;
    let draft = organizer.client.post("/events").json(harness.event_fields(1));
    let draft = format!("/events/{}/results", draft.await.expect(201).text_at("/id"));
    anybody.get(&draft).await.expect(404);
    organizer
        .client
        .get(&draft)
        .await
        .expect(409)
        .problem("no-voting");
    let plain = harness.published_event(&organizer, 1).await;
    let plain = anybody.get(&format!("/events/{plain}/results")).await;
    plain.expect(409).problem("no-voting");
}

async fn equals_have_the_same_rank_and_a_second_later_results_are_counted_anew(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 6).await;
    let mut candidates = Vec::new();
    for who in 0..3 {
        candidates.push(hall.stands(who).await);
    }
    hall.votes(3, &candidates[1]).await.expect(200);
    hall.votes(4, &candidates[2]).await.expect(200);
    let ranks = |results: &Value| -> Vec<Value> {
        let candidates = results["candidates"].as_array().expect("candidates");
        let of = |one: &Value| json!([one["candidate_id"], one["votes"], one["share"], one["rank"]]);
        candidates.iter().map(of).collect()
    };
    let tie = [
        json!([candidates[1], 1, 0.5, 1]),
        json!([candidates[2], 1, 0.5, 1]),
        json!([candidates[0], 0, 0.0, 3]),
    ];
    assert_eq!(ranks(&hall.results().await), tie);
    hall.votes(5, &candidates[0]).await.expect(200);
    hall.votes(4, &candidates[0]).await.expect(200);
    assert_eq!(ranks(&hall.results().await), tie, "up to a second old");
    harness.clock().advance(TimeDelta::seconds(1));
    let results = hall.results().await;
    assert_eq!(results["candidates"][0]["candidate_id"], json!(candidates[0]));
    assert_eq!(results["candidates"][2]["rank"], 3);
    let top = hall.organizer.client.get(&hall.path("results?top=1")).await;
    let top = top.expect(200).json();
    assert_eq!(ranks(&top), ranks(&results)[..1]);
    assert_eq!(top["turnout"], results["turnout"]);
    // Of equals none is left out.
    hall.votes(0, &candidates[1]).await.expect(200);
    harness.clock().advance(TimeDelta::seconds(1));
    let top = hall.organizer.client.get(&hall.path("results?top=1")).await;
    assert_eq!(
        top.expect(200).json()["candidates"].as_array().map(Vec::len),
        Some(2)
    );
}

async fn nothing_is_counted_for_who_is_not_told(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (hidden, plain) = (Hall::open(&harness, 1).await, Hall::open(&harness, 1).await);
    plain.set(json!({"voting_opens_at": null})).await;
    let draft = hidden
        .organizer
        .client
        .post("/events")
        .json(harness.event_fields(1));
    let draft = draft.await.expect(201).text_at("/id");
    crate::support::sql(&harness, "ALTER TABLE votes RENAME TO put_away");
    let anybody = harness.client();
    let hidden_path = hidden.path("results");
    anybody
        .get(&hidden_path)
        .await
        .expect(403)
        .problem("results-hidden");
    anybody
        .get(&plain.path("results"))
        .await
        .expect(409)
        .problem("no-voting");
    anybody.get(&format!("/events/{draft}/results")).await.expect(404);
    let counted = hidden.organizer.client.get(&hidden_path).await;
    assert_eq!(counted.status(), 500, "whoever is told is counted for");
}

async fn before_voting_opens_and_after_an_event_is_called_off_results_say_what_they_can(
    database: TestDatabase,
) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 4).await;
    let candidate = hall.stands(0).await;
    hall.votes(1, &candidate).await.expect(200);
    let now = kernel::Clock::now(harness.clock());
    let opens = now + TimeDelta::hours(1);
    hall.set(json!({"voting_opens_at": opens, "live_results": true}))
        .await;
    let (anybody, path) = (harness.client(), hall.path("results"));
    // Who stands is for those who take part.
    anybody.get(&path).await.expect(403).problem("results-hidden");
    hall.organizer.client.get(&path).await.expect(200);
    hall.set(json!({"voting_opens_at": now, "live_results": false}))
        .await;
    hall.leaves(3).await;
    harness.clock().advance(TimeDelta::seconds(1));
    anybody.get(&path).await.expect(403);
    let cancel = format!("/events/{}/cancel", hall.event);
    hall.organizer.client.post(&cancel).await.expect(200);
    harness.clock().advance(TimeDelta::seconds(1));
    let results = anybody.get(&path).await.expect(200).json();
    assert_eq!(results["turnout"], json!({"voters": 1, "seat_holders": 3}));
}
