//! How many stand at an event and how often, and what is told where there is no voting.

use super::{Hall, by_link};
use chrono::TimeDelta;
use kernel::CampaignId;
use serde_json::json;
use testkit::{Harness, Kind, TestDatabase, on_both_databases};

on_both_databases! {
    one_stands_ten_times_and_an_event_has_so_many_candidates,
    a_link_that_is_followed_again_changes_nothing,
    where_there_is_no_voting_that_is_told_before_anything_of_the_candidate,
}

async fn one_stands_ten_times_and_an_event_has_so_many_candidates(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let stand = async |who: usize| {
        let talk = json!({"talk_title": "A talk", "abstract": "Words"});
        let post = hall.people[who].client.post(&hall.path("candidates"));
        post.json(talk).await
    };
    for _ in 0..voting::MOST_OWN_CANDIDACIES {
        let id = stand(0).await.expect(201).text_at("/id");
        let path = hall.path(&format!("candidates/{id}"));
        hall.people[0].client.delete(&path).await.expect(204);
    }
    stand(0).await.expect(409).problem("candidacies-used");
    // Somebody else may still ask them to.
    let profile = json!({"listed": true});
    hall.people[0]
        .client
        .patch("/users/me")
        .json(profile)
        .await
        .expect(200);
    let named = json!({"attendee_id": hall.attendees[0].to_string(), "talk_title": "A", "abstract": "B"});
    let asked = hall.people[1].client.post(&hall.path("candidates")).json(named);
    let asked = asked.await.expect(201).text_at("/id");
    let asked = hall.path(&format!("candidates/{asked}"));
    hall.people[0].client.delete(&asked).await.expect(204);
    // All but one of those that there can be.
    let many = voting::MOST_CANDIDATES - 1;
    let (numbers, id) = match harness.database().kind() {
        Kind::Postgres => (
            format!("generate_series(1, {many}) AS s(n)"),
            "CAST('01900000-0003-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)",
        ),
        Kind::Sqlite => (
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {many}) SELECT n FROM s)"
            ),
            "printf('01900000-0003-7000-8000-%012x', n)",
        ),
    };
    let (event, user) = (hall.event, hall.people[2].id);
    crate::support::sql(
        &harness,
        &format!(
            "INSERT INTO attendees (id, name, name_key, email, email_key, created_at, updated_at, words_kept)
             SELECT {id}, 'n', 'n', 'p' || n || '@many.example', 'p' || n || '@many.example', u.created_at, u.created_at, true
             FROM {numbers}, users u WHERE u.id = '{user}';
             INSERT INTO candidates (id, event_id, attendee_id, nominated_by, status, talk_title, abstract, nominated_at, listed_at, updated_at)
             SELECT {id}, e.id, {id}, '{user}', 'listed', 'T', 'A', e.created_at, e.created_at, e.created_at
             FROM {numbers}, events e WHERE e.id = '{event}'"
        ),
    );
    hall.stands(1).await;
    stand(2).await.expect(409).problem("candidates-full");
    let results = hall.results().await;
    assert_eq!(results["candidates"].as_array().map(Vec::len), Some(1_000));
}

async fn a_link_that_is_followed_again_changes_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let (first, second) = (hall.stands(0).await, hall.stands(1).await);
    let (one, other): (CampaignId, CampaignId) = (harness.system().new_id(), harness.system().new_id());
    let follow = async |candidate: &str, campaign| {
        let vote = by_link(&harness, hall.event, hall.attendees[2], candidate, campaign).await;
        vote.expect("a vote")
    };
    let cast = follow(&first, one).await;
    harness.clock().advance(TimeDelta::seconds(5));
    for campaign in [one, other] {
        assert_eq!(
            follow(&first, campaign).await,
            cast,
            "it is as it was, and its campaign's"
        );
    }
    let kept = format!("votes WHERE campaign_id = '{one}'");
    assert_eq!(harness.count(&kept).await, 1);
    let changed = follow(&second, other).await;
    assert!(changed.cast_at > cast.cast_at);
    assert_eq!(harness.count(&kept).await, 0);
}

async fn where_there_is_no_voting_that_is_told_before_anything_of_the_candidate(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 1).await;
    hall.set(json!({"voting_opens_at": null})).await;
    let nobody = uuid::Uuid::from_u128(7).to_string();
    hall.votes(0, &nobody).await.expect(409).problem("no-voting");
    let client = &hall.people[0].client;
    client
        .delete(&hall.path("vote"))
        .await
        .expect(409)
        .problem("no-voting");
    client
        .get(&hall.path("vote"))
        .await
        .expect(404)
        .problem("no-vote");
    assert!(
        client
            .get(&hall.path("candidates"))
            .await
            .expect(200)
            .items()
            .is_empty()
    );
}
