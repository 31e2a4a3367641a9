//! What a reviewer read is what is sent; whose a campaign is, and what its owner is told of the votes.

use super::scene::{Scene, mailed};
use crate::sending::post::Post;
use crate::support::sql;
use serde_json::{Value, json};
use testkit::{TestDatabase, on_both_databases};

on_both_databases! {
    an_approval_is_of_what_was_read,
    the_names_are_those_that_were_approved,
    who_stands_is_not_told_of_votes_before_the_results,
    what_managers_do_with_their_own_is_kept,
    who_lost_the_event_has_lost_what_they_asked_for,
}

async fn an_approval_is_of_what_was_read(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    let id = scene.requested().await;
    let path = format!("/campaigns/{id}");
    let tag = async || {
        let read = scene.reviewer.client.get(&path).await.expect(200);
        read.header("etag").expect("a tag").to_owned()
    };
    let approve = |tag: &str| {
        let post = scene.reviewer.client.post(&format!("{path}/approve"));
        post.header("if-match", tag).json(json!({"audience": "event"}))
    };
    let first = tag().await;
    assert_eq!(tag().await, first);
    // Its owner rewords it while it is read.
    let change = json!({"subject": "Vote for me, and mind the rest"});
    let owner = &scene.candidate.person.client;
    owner.patch(&path).json(change).await.expect(200);
    approve(&first).await.expect(412).problem("precondition-failed");
    let second = tag().await;
    assert_ne!(second, first);
    // And so they do by what the placeholders stand for.
    let candidacy = format!("/events/{}/candidates/{}", scene.event, scene.candidate_id);
    let change = json!({"talk_title": "Something else"});
    owner.patch(&candidacy).json(change).await.expect(200);
    approve(&second).await.expect(412).problem("precondition-failed");
    approve("\"1-0\"").await.expect(412);
    assert_eq!(scene.status(&id).await, "requested");
    assert_eq!(
        scene
            .harness
            .count("audit_log WHERE action = 'campaign.approve'")
            .await,
        0
    );
    let third = tag().await;
    let approved = approve(&format!("{first}, W/{third}")).await.expect(200);
    assert_eq!(approved.text_at("/status"), "approved");
    let any = scene.requested().await;
    let post = scene.reviewer.client.post(&format!("/campaigns/{any}/approve"));
    let post = post.header("if-match", "*").json(json!({"audience": "event"}));
    post.await.expect(200);
}

async fn the_names_are_those_that_were_approved(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let mut form = scene.form();
    form["subject"] = json!("{{ talk }}");
    form["body"] = json!("{{ candidate }} on {{ talk }}: {{ vote_url }}");
    let asked = scene.asks(&scene.candidate.person, form).await;
    let id = asked.expect(201).text_at("/id");
    let approve = scene.decides(&id, "approve", json!({"audience": "event"}));
    approve.await.expect(200);
    let candidacy = format!("/events/{}/candidates/{}", scene.event, scene.candidate_id);
    let owner = &scene.candidate.person.client;
    let change = owner
        .patch(&candidacy)
        .json(json!({"talk_title": "You have won"}));
    change.await.expect(200);
    let change = owner.patch("/users/me").json(json!({"name": "The bank"}));
    change.await.expect(200);
    let preview = scene
        .reviewer
        .client
        .get(&format!("/campaigns/{id}/preview"))
        .await;
    let preview = preview.expect(200);
    assert!(
        preview.text_at("/subject").starts_with("Locks"),
        "{}",
        preview.text()
    );
    scene.round().await;
    let post = Post::open();
    scene.send_all(&post).await;
    let sent = post.sent();
    assert_eq!(mailed(&post).len(), 2);
    for mail in sent {
        let all = format!(
            "{} {} {}",
            mail.content.subject, mail.content.text, mail.content.html
        );
        assert!(all.contains("Locks"), "{all}");
        assert!(
            !all.contains("You have won") && !all.contains("The bank"),
            "{all}"
        );
    }
    // Nothing of it is kept when it is over.
    let kept = "campaigns WHERE candidate_name IS NOT NULL OR talk_title IS NOT NULL";
    assert_eq!(scene.harness.count(kept).await, 1);
    scene.round().await;
    assert_eq!(scene.status(&id).await, "sent");
    assert_eq!(scene.harness.count(kept).await, 0);
}

async fn who_stands_is_not_told_of_votes_before_the_results(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let id = scene.approved("event").await;
    scene.round().await;
    scene.first_votes_by_link(&id).await;
    let of = async |person: &testkit::Person| {
        let mut told = Vec::new();
        let path = format!("/campaigns/{id}");
        told.push(person.client.get(&path).await.expect(200).json()["progress"]["votes_won"].clone());
        let list = format!("/events/{}/campaigns", scene.event);
        for list in [list, "/users/me/campaigns".to_owned()] {
            let listed = person.client.get(&list).await.expect(200).items();
            told.extend(listed.iter().map(|one| one["progress"]["votes_won"].clone()));
        }
        told
    };
    assert_eq!(
        of(&scene.candidate.person).await,
        [Value::Null, Value::Null, Value::Null]
    );
    assert_eq!(of(&scene.organizer).await, [json!(1), json!(1)]);
    assert_eq!(of(&scene.reviewer).await, [json!(1), json!(1)]);
    // That something moves would tell it as well.
    let news = "outbox WHERE kind = 'campaign-progress'";
    let before = scene.harness.count(news).await;
    scene.harness.clock().advance(chrono::TimeDelta::seconds(2));
    scene.round().await;
    assert_eq!(scene.harness.count(news).await, before);
    let live = scene.harness.outbox().await;
    let mut live = live.iter().filter(|row| row.kind == "campaign-progress");
    assert!(live.all(|row| row.payload["votes_won"].is_null()));
    // Who is shown the results is told.
    sql(
        &scene.harness,
        &format!(
            "UPDATE events SET live_results = true WHERE id = '{}'",
            scene.event
        ),
    );
    assert_eq!(of(&scene.candidate.person).await, [json!(1), json!(1), json!(1)]);
}

async fn what_managers_do_with_their_own_is_kept(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    let asked = scene.asks(&scene.organizer, scene.form()).await;
    let id = asked.expect(201).text_at("/id");
    let path = format!("/campaigns/{id}");
    let change = json!({"subject": "Another"});
    let edit = scene.organizer.client.patch(&path).json(change);
    edit.await.expect(200);
    let cancel = scene.organizer.client.post(&format!("{path}/cancel"));
    cancel.await.expect(200);
    // A candidate's own are nobody's business but theirs.
    let own = scene.requested().await;
    let candidate = &scene.candidate.person.client;
    let change = json!({"subject": "Another"});
    let edit = candidate.patch(&format!("/campaigns/{own}")).json(change);
    edit.await.expect(200);
    let cancel = candidate.post(&format!("/campaigns/{own}/cancel"));
    cancel.await.expect(200);
    for action in ["campaign.request", "campaign.edit", "campaign.cancel"] {
        let kept = format!("audit_log WHERE action = '{action}'");
        assert_eq!(scene.harness.count(&kept).await, 1, "{action}");
        let kept = format!("{kept} AND object_id = '{id}'");
        assert_eq!(scene.harness.count(&kept).await, 1, "{action}");
    }
}

async fn who_lost_the_event_has_lost_what_they_asked_for(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    let asked = scene.asks(&scene.organizer, scene.form()).await;
    let id = asked.expect(201).text_at("/id");
    let own = scene.requested().await;
    let heir = scene.harness.attendee("heir").await;
    let hand_over = format!(
        "UPDATE events SET organizer_id = '{}' WHERE id = '{}'",
        heir.id, scene.event
    );
    sql(&scene.harness, &hand_over);
    let client = &scene.organizer.client;
    let path = format!("/campaigns/{id}");
    client.get(&path).await.expect(404);
    client.get(&format!("{path}/preview")).await.expect(404);
    let edit = client.patch(&path).json(json!({"subject": "Another"}));
    edit.await.expect(404);
    client.post(&format!("{path}/cancel")).await.expect(404);
    for list in [
        "/users/me/campaigns".to_owned(),
        format!("/events/{}/campaigns", scene.event),
    ] {
        let listed = client.get(&list).await.expect(200).items();
        assert!(listed.is_empty(), "{list}: {listed:?}");
    }
    // Who asked for their own candidacy has it still.
    let candidate = &scene.candidate.person.client;
    candidate.get(&format!("/campaigns/{own}")).await.expect(200);
    let listed = candidate.get("/users/me/campaigns").await.expect(200);
    assert_eq!(listed.items().len(), 2);
}
