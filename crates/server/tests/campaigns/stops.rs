//! Campaigns are held, go on, and are given up: within a second, and nobody gets two copies. And how fast they go.

use super::scene::{Scene, mailed};
use crate::sending::post::{Post, eventually};
use crate::support::sql;
use chrono::TimeDelta;
use kernel::DeliveryId;
use notification::{Delivery, unsubscribe_token, vote_token};
use serde_json::json;
use testkit::{TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_pause_takes_back_what_no_worker_has_and_each_gets_one_in_the_end,
    what_a_worker_has_claimed_goes_back_too,
    what_waited_in_hand_is_asked_for_once_more,
    one_that_is_given_up_reaches_nobody_any_more,
    mails_leave_as_fast_as_they_may_and_no_faster,
    many_feeders_keep_one_rate_and_write_nobody_down_twice,
    a_mail_that_is_given_up_is_told_and_can_be_tried_again,
    one_that_is_dropped_stays_failed,
    each_campaign_goes_by_itself,
    mails_that_are_put_off_hold_up_nobody,
    what_lost_its_message_is_put_right,
    what_was_given_up_is_let_go_of_when_all_of_it_is_done_with,
    what_a_mail_server_cites_gives_no_link_away,
}

async fn a_pause_takes_back_what_no_worker_has_and_each_gets_one_in_the_end(database: TestDatabase) {
    let mut scene = Scene::new(database, 14).await;
    scene.per_minute = 600;
    let id = scene.approved("event").await;
    scene.round().await;
    assert_eq!(scene.count("queued").await, 10);
    let paused = scene
        .decides(&id, "pause", json!({"reason": "a mistake in it"}))
        .await;
    let paused = paused.expect(200);
    assert_eq!(paused.text_at("/status"), "paused");
    assert_eq!(paused.text_at("/reason"), "a mistake in it");
    assert_eq!(scene.count("waiting").await, 14);
    assert_eq!(scene.harness.count("outbox WHERE kind = 'campaign'").await, 0);
    scene
        .decides(&id, "pause", json!({}))
        .await
        .expect(409)
        .problem("wrong-state");
    scene.harness.clock().advance(TimeDelta::seconds(5));
    scene.round().await;
    assert_eq!(scene.count("waiting").await, 14, "nothing moves");
    let resumed = scene.reviewer.client.post(&format!("/campaigns/{id}/resume"));
    assert_eq!(resumed.await.expect(200).text_at("/status"), "sending");
    let post = Post::open();
    for _ in 0..3 {
        scene.round().await;
        scene.send_all(&post).await;
        scene.harness.clock().advance(TimeDelta::seconds(1));
    }
    let mut sent = mailed(&post);
    assert_eq!(sent.len(), 14);
    sent.dedup();
    assert_eq!(sent.len(), 14);
    assert_eq!(scene.status(&id).await, "sent");
    for action in ["campaign.pause", "campaign.resume"] {
        let kept = format!("audit_log WHERE action = '{action}'");
        assert_eq!(scene.harness.count(&kept).await, 1, "{action}");
    }
    scene.harness.assert_invariants().await;
}

async fn what_a_worker_has_claimed_goes_back_too(database: TestDatabase) {
    let scene = Scene::new(database, 3).await;
    let id = scene.approved("event").await;
    scene.round().await;
    scene.a_worker_has_them();
    scene.decides(&id, "pause", json!({})).await.expect(200);
    assert_eq!(
        scene.count("queued").await,
        3,
        "they are not taken out of its hands"
    );
    let post = Post::open();
    scene.harness.clock().advance(TimeDelta::seconds(31));
    scene.send_all(&post).await;
    assert!(mailed(&post).is_empty());
    assert_eq!(scene.count("waiting").await, 3);
    let resume = scene.reviewer.client.post(&format!("/campaigns/{id}/resume"));
    resume.await.expect(200);
    scene.round().await;
    scene.send_all(&post).await;
    assert_eq!(mailed(&post).len(), 3);
    scene.harness.assert_invariants().await;
}

async fn what_waited_in_hand_is_asked_for_once_more(database: TestDatabase) {
    let scene = Scene::new(database, 4).await;
    let id = scene.approved("event").await;
    scene.round().await;
    let post = Post::closed();
    let worker = scene.worker(&post, 1);
    post.wait_for_begun(1).await;
    // One is being sent, the others are in the worker's hands.
    eventually("four claimed", || async {
        let claimed = "outbox WHERE kind = 'campaign' AND leased_by IS NOT NULL";
        scene.harness.count(claimed).await == 4
    })
    .await;
    scene.decides(&id, "pause", json!({})).await.expect(200);
    post.let_go(100);
    eventually("three that wait", || async { scene.count("waiting").await == 3 }).await;
    assert_eq!(post.sent().len(), 1);
    assert_eq!(scene.count("sent").await, 1);
    worker.stop().await;
    scene.harness.assert_invariants().await;
}

async fn one_that_is_given_up_reaches_nobody_any_more(database: TestDatabase) {
    let mut scene = Scene::new(database, 14).await;
    scene.per_minute = 600;
    let id = scene.approved("event").await;
    scene.round().await;
    let post = Post::open();
    scene.send_all(&post).await;
    scene.harness.clock().advance(TimeDelta::milliseconds(250));
    scene.round().await;
    assert_eq!((scene.count("sent").await, scene.count("queued").await), (10, 2));
    let path = format!("/campaigns/{id}/cancel");
    let cancelled = scene.candidate.person.client.post(&path).await.expect(200);
    assert_eq!(cancelled.text_at("/status"), "cancelled");
    assert_eq!(scene.count("queued").await, 0);
    scene.harness.clock().advance(TimeDelta::seconds(5));
    scene.round().await;
    scene.send_all(&post).await;
    assert_eq!(mailed(&post).len(), 10);
    assert_eq!(scene.count("skipped").await, 4);
    let campaign = scene.campaign(&id).await;
    assert_eq!(
        campaign["progress"],
        json!({"total": 10, "sent": 10, "failed": 0, "percent": 100, "votes_won": 0})
    );
    scene.harness.clock().advance(TimeDelta::seconds(1));
    scene.round().await;
    assert_eq!(scene.harness.count("campaigns WHERE at_work").await, 0);
    scene.harness.assert_invariants().await;
}

async fn mails_leave_as_fast_as_they_may_and_no_faster(database: TestDatabase) {
    let mut scene = Scene::new(database, 40).await;
    scene.per_minute = 600;
    scene.approved("event").await;
    let post = Post::open();
    let mut sent = Vec::new();
    for _ in 0..6 {
        scene.round().await;
        scene.send_all(&post).await;
        sent.push(post.sent().len());
        scene.harness.clock().advance(TimeDelta::milliseconds(500));
    }
    assert_eq!(sent, [10, 15, 20, 25, 30, 35]);
    // What is not sent is not followed by more.
    let mut scene = scene;
    scene.per_minute = 1_200;
    scene.harness.clock().advance(TimeDelta::seconds(60));
    scene.round().await;
    assert_eq!(scene.count("queued").await, 5);
}

async fn many_feeders_keep_one_rate_and_write_nobody_down_twice(database: TestDatabase) {
    let mut scene = Scene::new(database, 30).await;
    scene.per_minute = 600;
    let id = scene.approved("event").await;
    for _ in 0..3 {
        all_at_once(6, |_| scene.detached_round()).await;
        scene.harness.clock().advance(TimeDelta::seconds(1));
    }
    // No more than ten wait in the queue, however often it is asked.
    assert_eq!(scene.count("queued").await, 10);
    assert_eq!(scene.campaign(&id).await["progress"]["total"], 30);
    let post = Post::open();
    for _ in 0..4 {
        scene.send_all(&post).await;
        all_at_once(6, |_| scene.detached_round()).await;
        scene.harness.clock().advance(TimeDelta::seconds(1));
    }
    let mut sent = mailed(&post);
    assert_eq!(sent.len(), 30);
    sent.dedup();
    assert_eq!(sent.len(), 30);
    scene.harness.assert_invariants().await;
}

async fn a_mail_that_is_given_up_is_told_and_can_be_tried_again(database: TestDatabase) {
    let scene = Scene::new(database, 1).await;
    let admin = scene.harness.admin().await;
    let id = scene.approved("event").await;
    scene.round().await;
    let post = Post::open();
    post.answer(Some(Delivery::Refused("554 not such a content".into())));
    scene.send_all(&post).await;
    let email = &scene.people[0].person.email;
    let fate = scene.fate(&id, email).await;
    assert_eq!(
        fate,
        Some(("failed".into(), Some("554 not such a content".into())))
    );
    assert_eq!(
        scene.harness.count("suppressions").await,
        0,
        "it was not the address"
    );
    scene.round().await;
    let campaign = scene.campaign(&id).await;
    assert_eq!(
        (&campaign["status"], &campaign["progress"]["failed"]),
        (&json!("sent"), &json!(1))
    );
    assert_eq!(campaign["progress"]["percent"], 100);
    let jobs = admin.client.get("/admin/jobs?status=dead&kind=campaign").await;
    let job = jobs.expect(200).items()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let retry = admin.client.post(&format!("/admin/jobs/{job}/retry"));
    retry.await.expect(200);
    assert_eq!(scene.fate(&id, email).await, Some(("queued".into(), None)));
    scene.harness.assert_invariants().await;
    post.answer(None);
    scene.send_all(&post).await;
    assert_eq!(mailed(&post), std::slice::from_ref(email));
    assert_eq!(scene.fate(&id, email).await, Some(("sent".into(), None)));
    assert_eq!(scene.campaign(&id).await["progress"]["failed"], 0);
}

async fn one_that_is_dropped_stays_failed(database: TestDatabase) {
    let scene = Scene::new(database, 1).await;
    let admin = scene.harness.admin().await;
    let id = scene.approved("event").await;
    scene.round().await;
    let jobs = admin.client.get("/admin/jobs?status=queued&kind=campaign").await;
    let job = jobs.expect(200).items()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let drop = admin.client.delete(&format!("/admin/jobs/{job}"));
    drop.await.expect(204);
    let (status, error) = scene.fate(&id, &scene.people[0].person.email).await.expect("one");
    assert_eq!(status, "failed");
    assert!(error.expect("a reason").contains("dropped"));
    scene.round().await;
    assert_eq!(scene.status(&id).await, "sent");
    scene.harness.assert_invariants().await;
}

async fn each_campaign_goes_by_itself(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let one = scene.approved("event").await;
    let other = scene.approved("event").await;
    scene.round().await;
    assert_eq!(scene.count("queued").await, 4);
    let post = Post::open();
    scene.send_all(&post).await;
    scene.harness.clock().advance(TimeDelta::seconds(1));
    scene.round().await;
    assert_eq!(scene.status(&one).await, "sent");
    assert_eq!(scene.status(&other).await, "sent");
    assert_eq!(mailed(&post).len(), 4);
}

async fn mails_that_are_put_off_hold_up_nobody(database: TestDatabase) {
    let mut scene = Scene::new(database, 14).await;
    scene.per_minute = 600;
    let id = scene.approved("event").await;
    scene.round().await;
    assert_eq!(scene.count("queued").await, 10);
    let post = Post::open();
    post.answer(Some(Delivery::Failed("451 4.7.1 greylisted".into())));
    let worker = scene.worker(&post, 2);
    let untried = "outbox WHERE kind = 'campaign' AND status = 'queued' AND attempts = 0";
    eventually("ten that were tried", || async {
        scene.harness.count(untried).await == 0
    })
    .await;
    worker.stop().await;
    post.answer(None);
    scene.harness.clock().advance(TimeDelta::seconds(1));
    scene.round().await;
    assert_eq!(
        (scene.count("queued").await, scene.count("waiting").await),
        (14, 0)
    );
    let worker = scene.worker(&post, 2);
    eventually("the others", || async { post.sent().len() == 4 }).await;
    worker.stop().await;
    scene.harness.clock().advance(TimeDelta::seconds(1));
    scene.round().await;
    assert_eq!(scene.status(&id).await, "sending", "ten are to be tried again");
    scene.harness.clock().advance(TimeDelta::seconds(30));
    scene.send_all(&post).await;
    scene.round().await;
    assert_eq!(scene.status(&id).await, "sent");
    let mut sent = mailed(&post);
    sent.dedup();
    assert_eq!(sent.len(), 14);
    scene.harness.assert_invariants().await;
}

async fn what_lost_its_message_is_put_right(database: TestDatabase) {
    let scene = Scene::new(database, 3).await;
    let id = scene.approved("event").await;
    scene.round().await;
    assert_eq!(scene.count("queued").await, 3);
    // One has none, one was sent and one given up, and nobody wrote it down.
    let all = scene.deliveries(&id).await;
    let message = |email: &str| format!("outbox WHERE kind = 'campaign' AND recipient_key = '{email}'");
    sql(&scene.harness, &format!("DELETE FROM {}", message(&all[0].0)));
    for (email, status) in [(&all[1].0, "done"), (&all[2].0, "dead")] {
        let set = message(email).replacen("WHERE", &format!("SET status = '{status}' WHERE"), 1);
        sql(&scene.harness, &format!("UPDATE {set}"));
    }
    for _ in 0..2 {
        scene.harness.clock().advance(TimeDelta::seconds(1));
        scene.round().await;
    }
    let post = Post::open();
    scene.send_all(&post).await;
    scene.harness.clock().advance(TimeDelta::seconds(1));
    scene.round().await;
    assert_eq!(mailed(&post), std::slice::from_ref(&all[0].0));
    let campaign = scene.campaign(&id).await;
    assert_eq!(campaign["status"], "sent");
    let progress = &campaign["progress"];
    assert_eq!((&progress["sent"], &progress["failed"]), (&json!(2), &json!(1)));
    scene.harness.assert_invariants().await;
}

async fn what_was_given_up_is_let_go_of_when_all_of_it_is_done_with(database: TestDatabase) {
    let scene = Scene::new(database, 3).await;
    let id = scene.approved("event").await;
    scene.round().await;
    // So they are not taken back.
    scene.a_worker_has_them();
    scene.decides(&id, "cancel", json!({})).await.expect(200);
    for _ in 0..2 {
        scene.harness.clock().advance(TimeDelta::seconds(2));
        scene.round().await;
    }
    assert_eq!(scene.count("queued").await, 3);
    assert_eq!(scene.harness.count("campaigns WHERE at_work").await, 1);
    // It had read that the campaign was held, and gives them back now.
    sql(
        &scene.harness,
        "DELETE FROM outbox WHERE kind = 'campaign'; UPDATE campaign_deliveries SET status = 'waiting'",
    );
    for _ in 0..2 {
        scene.harness.clock().advance(TimeDelta::seconds(2));
        scene.round().await;
    }
    assert_eq!(scene.count("skipped").await, 3);
    assert_eq!(scene.harness.count("campaigns WHERE at_work").await, 0);
    assert_eq!(scene.campaign(&id).await["progress"]["percent"], 100);
    scene.harness.assert_invariants().await;
}

async fn what_a_mail_server_cites_gives_no_link_away(database: TestDatabase) {
    let scene = Scene::new(database, 1).await;
    let email = &scene.people[0].person.email;
    let keys = scene.harness.server_keys();
    let post = Post::open();
    for is_cut in [false, true] {
        let id = scene.approved("event").await;
        scene.round().await;
        let listed = scene.reviewer.client.get(&format!("/campaigns/{id}/deliveries"));
        let delivery: DeliveryId = listed.await.expect(200).items()[0]["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .expect("an id");
        let links = [
            format!("/vote/{}", vote_token(&keys, delivery)),
            format!("/unsubscribe/{}", unsubscribe_token(&keys, delivery, email)),
        ];
        let (cited, kept) = if is_cut {
            let link = &links[0];
            (
                format!("554 spam: {}", &link[..link.len() - 1]),
                "554 spam: /vote/…",
            )
        } else {
            (
                format!("554 spam: {} and {}", links[0], links[1]),
                "554 spam: /vote/… and /unsubscribe/…",
            )
        };
        post.answer(Some(Delivery::Refused(cited)));
        scene.send_all(&post).await;
        let fate = scene.fate(&id, email).await;
        assert_eq!(fate, Some(("failed".into(), Some(kept.into()))));
        let job = format!("outbox WHERE id = '{delivery}' AND last_error = '{kept}'");
        assert_eq!(scene.harness.count(&job).await, 1);
    }
}
