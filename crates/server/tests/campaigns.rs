//! Campaigns over HTTP: who asks, who decides, and what becomes of them.

mod audience;
mod endings;
mod review;
pub mod scene;
mod stops;

use crate::sending::post::Post;
use chrono::TimeDelta;
use kernel::Clock;
use notification::Message;
use scene::{Scene, mailed, stand, voted_event};
use serde_json::{Value, json};
use testkit::{TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_campaign_is_asked_for_approved_sent_and_counted,
    who_may_ask_and_for_whom,
    what_is_asked_for_has_to_fit,
    three_of_one_candidacy_are_open_at_a_time,
    nobody_asks_when_voting_is_over,
    a_text_is_changed_until_it_is_decided_on,
    who_sees_a_campaign,
    a_rejected_one_is_told_and_stays_rejected,
    an_approval_is_for_a_time_before_voting_closes,
    one_that_is_scheduled_begins_when_its_time_has_come,
    votes_that_its_links_gave_are_counted,
}

async fn a_campaign_is_asked_for_approved_sent_and_counted(database: TestDatabase) {
    let scene = Scene::new(database, 3).await;
    let owner = &scene.candidate.person;
    let path = format!("/events/{}/campaigns", scene.event);
    let ask = || owner.client.post(&path).key("once").json(scene.form());
    let asked = ask().await.expect(201);
    let id = asked.text_at("/id");
    assert_eq!(
        asked.header("location"),
        Some(format!("/api/v1/campaigns/{id}").as_str())
    );
    assert_eq!(ask().await.expect(201).text_at("/id"), id);
    let campaign = asked.json();
    assert_eq!(campaign["status"], "requested");
    assert_eq!(
        campaign["progress"],
        json!({"total": 0, "sent": 0, "failed": 0, "percent": 0, "votes_won": null})
    );
    let preview = owner.client.get(&format!("/campaigns/{id}/preview")).await;
    let preview = preview.expect(200);
    let name = "Person 0";
    assert!(preview.text_at("/subject").contains(name), "{}", preview.text());
    assert!(preview.text_at("/html").contains("/vote/preview"));
    assert!(preview.text_at("/text").contains(&format!("Dear {name}")));

    let approve = scene.decides(&id, "approve", json!({"audience": "event"}));
    assert_eq!(approve.await.expect(200).text_at("/status"), "approved");
    scene.round().await;
    let campaign = scene.campaign(&id).await;
    assert_eq!(campaign["status"], "sending");
    assert_eq!(campaign["progress"]["total"], 3, "the candidate gets none");
    assert_eq!(
        (scene.count("queued").await, scene.count("waiting").await),
        (3, 0)
    );
    scene.harness.assert_invariants().await;
    let post = Post::open();
    scene.send_all(&post).await;
    let mut everybody: Vec<String> = scene.people.iter().map(|one| one.person.email.clone()).collect();
    everybody.sort();
    assert_eq!(mailed(&post), everybody);
    let links: std::collections::BTreeSet<String> = post
        .sent()
        .iter()
        .map(|mail| {
            let text = &mail.content.text;
            let at = text.find("https://events.example/vote/").expect("a link to vote");
            text[at..]
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    assert_eq!(links.len(), 3, "each has a link of their own");
    scene.harness.clock().advance(TimeDelta::seconds(1));
    scene.round().await;
    let campaign = scene.campaign(&id).await;
    assert_eq!(campaign["status"], "sent");
    assert_eq!(
        campaign["progress"],
        json!({"total": 3, "sent": 3, "failed": 0, "percent": 100, "votes_won": 0})
    );
    assert!(campaign["started_at"].is_string() && campaign["finished_at"].is_string());
    scene.harness.assert_invariants().await;

    let told = scene.harness.mails_to(&owner.email).await;
    let decided = told
        .iter()
        .filter(|mail| matches!(mail, Message::CampaignDecided { send_at: Some(_), .. }));
    assert_eq!(decided.count(), 1, "{told:?}");
    let live: Vec<Value> = scene
        .harness
        .outbox()
        .await
        .into_iter()
        .filter(|row| row.kind == "campaign-progress")
        .map(|row| row.payload)
        .collect();
    let last = live.last().expect("news of its progress");
    assert_eq!((&last["status"], &last["percent"]), (&json!("sent"), &json!(100)));
    assert!(live.len() <= 2, "at most one a second: {live:?}");
    scene.harness.clock().advance(TimeDelta::seconds(1));
    scene.round().await;
    assert_eq!(scene.harness.count("campaigns WHERE at_work").await, 0);
    for action in ["campaign.approve"] {
        let kept = format!("audit_log WHERE action = '{action}' AND object_id = '{id}'");
        assert_eq!(scene.harness.count(&kept).await, 1, "{action}");
    }
}

async fn who_may_ask_and_for_whom(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let [one, other] = &scene.people[..] else {
        panic!("two people")
    };
    let stranger = scene.harness.attendee("stranger").await;
    scene.asks(&stranger, scene.form()).await.expect(403);
    scene.asks(&one.person, scene.form()).await.expect(403);
    scene.asks(&scene.organizer, scene.form()).await.expect(201);
    // Who stands asks for themselves alone.
    let rival = stand(&other.person, scene.event).await;
    scene.asks(&other.person, scene.form()).await.expect(403);
    let mut own = scene.form();
    own["candidate_id"] = json!(rival);
    scene.asks(&other.person, own.clone()).await.expect(201);
    // Not for somebody of another event, nor for who stands no longer.
    let elsewhere = voted_event(&scene.harness, &scene.organizer).await;
    let path = format!("/events/{elsewhere}/campaigns");
    let ask = scene.organizer.client.post(&path).json(own.clone());
    ask.await.invalid(&["/candidate_id"]);
    let gone = format!("/events/{}/candidates/{rival}", scene.event);
    other.person.client.delete(&gone).await.expect(204);
    scene.asks(&other.person, own.clone()).await.expect(403);
    scene
        .asks(&scene.organizer, own)
        .await
        .invalid(&["/candidate_id"]);
    let draft = scene.harness.event_fields(3);
    let draft = scene.organizer.client.post("/events").json(draft).await;
    let path = format!("/events/{}/campaigns", draft.expect(201).text_at("/id"));
    let ask = one.person.client.post(&path).json(scene.form());
    ask.await.expect(404);
}

async fn what_is_asked_for_has_to_fit(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    for (field, value, pointer) in [
        ("subject", json!("x".repeat(201)), "/subject"),
        ("subject", json!("two\nlines"), "/subject"),
        ("subject", json!("{{ nonsense }}"), "/subject"),
        ("body", json!("x".repeat(20_001)), "/body"),
        ("body", json!("{% for x in y %}{% endfor %}"), "/body"),
        ("body", json!("   "), "/body"),
        (
            "body",
            json!("[x](https://evil.example/?{{ vote_url }})"),
            "/body",
        ),
        ("subject", json!("{{ vote_url }}"), "/subject"),
        (
            "candidate_id",
            json!("00000000-0000-7000-8000-000000000000"),
            "/candidate_id",
        ),
    ] {
        let mut form = scene.form();
        form[field] = value;
        let asked = scene.asks(&scene.candidate.person, form).await;
        asked.invalid(&[pointer]);
    }
    assert_eq!(scene.harness.count("campaigns").await, 0);
}

async fn three_of_one_candidacy_are_open_at_a_time(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    let first = scene.requested().await;
    let path = format!("/events/{}/campaigns", scene.event);
    let asking = |_| {
        let post = scene.candidate.person.client.post(&path).json(scene.form());
        async move { post.await }
    };
    let answers = all_at_once(4, asking).await;
    let taken = answers.iter().filter(|answer| answer.status() == 201).count();
    let refused = answers.iter().filter(|answer| answer.status() == 409).count();
    assert_eq!((taken, refused), (2, 2));
    let cancel = scene
        .candidate
        .person
        .client
        .post(&format!("/campaigns/{first}/cancel"));
    assert_eq!(cancel.await.expect(200).text_at("/status"), "cancelled");
    scene.requested().await;
}

async fn nobody_asks_when_voting_is_over(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    let id = scene.requested().await;
    scene.harness.clock().advance(TimeDelta::days(10));
    let candidate = scene.harness.log_in(&scene.candidate.person.email).await;
    let asked = scene.asks(&candidate, scene.form()).await;
    asked.expect(409).problem("voting-closed");
    let reviewer = scene.harness.log_in(&scene.reviewer.email).await;
    let approve = reviewer.client.post(&format!("/campaigns/{id}/approve"));
    let approve = approve.json(json!({"audience": "event"})).await;
    approve.expect(409).problem("voting-closed");
    // It does not wait for a decision for ever.
    for _ in 0..2 {
        scene.round().await;
        scene.harness.clock().advance(TimeDelta::seconds(1));
    }
    let ended = format!(
        "campaigns WHERE id = '{id}' AND status = 'cancelled' AND reason IS NOT NULL AND NOT at_work"
    );
    assert_eq!(scene.harness.count(&ended).await, 1);
}

async fn a_text_is_changed_until_it_is_decided_on(database: TestDatabase) {
    let scene = Scene::new(database, 1).await;
    let id = scene.requested().await;
    let path = format!("/campaigns/{id}");
    let change = json!({"subject": "Another"});
    let owner = &scene.candidate.person.client;
    let changed = owner.patch(&path).json(change.clone()).await.expect(200);
    assert_eq!(changed.text_at("/subject"), "Another");
    assert_eq!(changed.text_at("/body"), scene.form()["body"]);
    scene
        .organizer
        .client
        .patch(&path)
        .json(change.clone())
        .await
        .expect(200);
    scene
        .reviewer
        .client
        .patch(&path)
        .json(change.clone())
        .await
        .expect(403);
    scene.people[0]
        .person
        .client
        .patch(&path)
        .json(change.clone())
        .await
        .expect(404);
    owner
        .patch(&path)
        .json(json!({"body": null}))
        .await
        .invalid(&["/body"]);
    owner
        .patch(&path)
        .json(json!({"body": "{{ no }}"}))
        .await
        .invalid(&["/body"]);
    let approve = scene.decides(&id, "approve", json!({"audience": "event"}));
    approve.await.expect(200);
    owner
        .patch(&path)
        .json(change)
        .await
        .expect(409)
        .problem("wrong-state");
}

async fn who_sees_a_campaign(database: TestDatabase) {
    let scene = Scene::new(database, 1).await;
    let of_organizer = scene
        .asks(&scene.organizer, scene.form())
        .await
        .expect(201)
        .text_at("/id");
    let own = scene.requested().await;
    let other = &scene.people[0].person;
    for id in [&own, &of_organizer] {
        for (client, status) in [
            // It is for their candidacy, whoever asked for it.
            (&scene.candidate.person.client, 200),
            (&scene.organizer.client, 200),
            (&scene.reviewer.client, 200),
            (&other.client, 404),
        ] {
            client.get(&format!("/campaigns/{id}")).await.expect(status);
            client
                .get(&format!("/campaigns/{id}/preview"))
                .await
                .expect(status);
        }
        let path = format!("/campaigns/{id}/cancel");
        other.client.post(&path).await.expect(404);
    }
    let listed = |client: &testkit::Client, path: &str| {
        let get = client.get(path);
        async move { get.await.expect(200).items().len() }
    };
    let of_event = format!("/events/{}/campaigns", scene.event);
    assert_eq!(listed(&scene.candidate.person.client, &of_event).await, 2);
    assert_eq!(listed(&scene.organizer.client, &of_event).await, 2);
    assert_eq!(listed(&scene.reviewer.client, &of_event).await, 2);
    assert_eq!(listed(&other.client, &of_event).await, 0);
    assert_eq!(
        listed(&scene.candidate.person.client, "/users/me/campaigns").await,
        2
    );
    assert_eq!(listed(&scene.organizer.client, "/users/me/campaigns").await, 1);
    assert_eq!(listed(&scene.reviewer.client, "/users/me/campaigns").await, 0);
    let requested = format!("{of_event}?status=requested");
    assert_eq!(listed(&scene.reviewer.client, &requested).await, 2);
    let paused = format!("{of_event}?status=paused");
    assert_eq!(listed(&scene.reviewer.client, &paused).await, 0);
    // Who runs the event gives up only what they asked for.
    let path = format!("/campaigns/{own}/cancel");
    scene.organizer.client.post(&path).await.expect(403);
    let path = format!("/campaigns/{of_organizer}/cancel");
    scene.organizer.client.post(&path).await.expect(200);
    let nobody = format!("/campaigns/{own}/deliveries");
    scene.organizer.client.get(&nobody).await.expect(403);
}

async fn a_rejected_one_is_told_and_stays_rejected(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    let id = scene.requested().await;
    scene
        .decides(&id, "reject", json!({}))
        .await
        .invalid(&["/reason"]);
    let long = json!({"reason": "x".repeat(1_001)});
    scene.decides(&id, "reject", long).await.invalid(&["/reason"]);
    let reason = json!({"reason": "Say what you will talk about."});
    let rejected = scene.decides(&id, "reject", reason.clone()).await.expect(200);
    assert_eq!(rejected.text_at("/status"), "rejected");
    assert_eq!(rejected.text_at("/reason"), "Say what you will talk about.");
    let told = scene.harness.mails_to(&scene.candidate.person.email).await;
    let [
        ..,
        Message::CampaignDecided {
            send_at: None,
            reason: Some(why),
            ..
        },
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!(why, "Say what you will talk about.");
    for (what, body) in [
        ("approve", json!({"audience": "event"})),
        ("reject", reason),
        ("pause", json!({})),
        ("resume", Value::Null),
        ("cancel", json!({})),
    ] {
        let path = format!("/campaigns/{id}/{what}");
        let post = scene.reviewer.client.post(&path);
        let answer = if body.is_null() {
            post.await
        } else {
            post.json(body).await
        };
        answer.expect(409).problem("wrong-state");
    }
    scene.round().await;
    assert_eq!(scene.harness.count("campaign_deliveries").await, 0);
}

async fn an_approval_is_for_a_time_before_voting_closes(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    let id = scene.requested().await;
    let at = |days| (scene.harness.clock().now() + TimeDelta::days(days)).to_rfc3339();
    let late = json!({"audience": "event", "send_at": at(11)});
    scene.decides(&id, "approve", late).await.invalid(&["/send_at"]);
    let nobody = json!({"audience": "everybody"});
    scene
        .decides(&id, "approve", nobody)
        .await
        .invalid(&["/audience"]);
    let past = json!({"audience": "all", "send_at": at(-1)});
    let approved = scene.decides(&id, "approve", past).await.expect(200).json();
    let now = scene.harness.clock().now();
    let send_at: kernel::Instant = approved["send_at"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    assert_eq!(send_at, now, "at once");
    assert_eq!(approved["audience"], "all");
}

async fn one_that_is_scheduled_begins_when_its_time_has_come(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let id = scene.requested().await;
    let at = scene.harness.clock().now() + TimeDelta::hours(2);
    let body = json!({"audience": "event", "send_at": at.to_rfc3339()});
    scene.decides(&id, "approve", body).await.expect(200);
    scene.harness.clock().advance(TimeDelta::minutes(119));
    scene.round().await;
    let rests = format!("campaigns WHERE id = '{id}' AND status = 'approved'");
    assert_eq!(scene.harness.count(&rests).await, 1);
    assert_eq!(scene.harness.count("campaign_deliveries").await, 0);
    scene.harness.clock().advance(TimeDelta::minutes(1));
    scene.round().await;
    let reviewer = scene.harness.log_in(&scene.reviewer.email).await;
    let read = reviewer.client.get(&format!("/campaigns/{id}")).await;
    assert_eq!(read.expect(200).text_at("/status"), "sending");
    assert_eq!(scene.count("queued").await, 2);
}

async fn votes_that_its_links_gave_are_counted(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let id = scene.approved("event").await;
    scene.round().await;
    scene.first_votes_by_link(&id).await;
    let won = scene.campaign(&id).await["progress"]["votes_won"].clone();
    assert_eq!(won, 1);
    // A vote that is taken back does not stand any more.
    let path = format!("/events/{}/vote", scene.event);
    scene.people[0].person.client.delete(&path).await.expect(204);
    assert_eq!(scene.campaign(&id).await["progress"]["votes_won"], 0);
}
