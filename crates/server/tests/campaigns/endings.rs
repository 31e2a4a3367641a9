//! What ends a campaign beside being sent: voting closes, the candidate leaves, the event is called off or deleted, and people
//! are forgotten.

use super::scene::{Scene, mailed};
use crate::sending::post::Post;
use crate::support::{assert_waiting, sql};
use chrono::TimeDelta;
use kernel::Clock;
use serde_json::json;
use testkit::harness::PASSWORD;
use testkit::{Kind, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    voting_closes_while_it_is_sent,
    voting_closes_while_it_is_held_or_waits_for_its_time,
    the_candidate_leaves,
    the_event_is_called_off,
    the_event_is_deleted,
    who_asked_is_forgotten,
    who_gets_one_is_forgotten,
    a_guest_turns_out_to_be_somebody,
    an_attendee_is_removed,
    who_is_forgotten_while_mails_are_handed_over,
    who_is_forgotten_while_readers_are_written_down,
    who_is_being_forgotten_is_not_handed_over,
}

/// A campaign of which ten mails are in the queue and two wait.
async fn on_its_way(database: TestDatabase) -> (Scene, String) {
    let mut scene = Scene::new(database, 12).await;
    scene.per_minute = 600;
    let id = scene.approved("event").await;
    scene.round().await;
    assert_eq!(
        (scene.count("queued").await, scene.count("waiting").await),
        (10, 2)
    );
    (scene, id)
}

async fn assert_ended(scene: &Scene, id: &str) {
    let post = Post::open();
    scene.send_all(&post).await;
    scene.harness.clock().advance(TimeDelta::seconds(2));
    scene.round().await;
    scene.send_all(&post).await;
    assert!(mailed(&post).is_empty());
    let status = format!("campaigns WHERE id = '{id}' AND status = 'cancelled' AND reason IS NOT NULL");
    assert_eq!(scene.harness.count(&status).await, 1);
    assert_eq!(scene.count("skipped").await, 12);
    scene.harness.assert_invariants().await;
}

async fn voting_closes_while_it_is_sent(database: TestDatabase) {
    let (scene, id) = on_its_way(database).await;
    scene.harness.clock().advance(TimeDelta::days(10));
    assert_ended(&scene, &id).await;
}

async fn voting_closes_while_it_is_held_or_waits_for_its_time(database: TestDatabase) {
    let (scene, held) = on_its_way(database).await;
    scene.decides(&held, "pause", json!({})).await.expect(200);
    let later = scene.requested().await;
    let at = scene.harness.clock().now() + TimeDelta::days(9);
    let body = json!({"audience": "event", "send_at": at.to_rfc3339()});
    scene.decides(&later, "approve", body).await.expect(200);
    // The window is moved, so that it is over before.
    let path = format!("/events/{}", scene.event);
    let closes = scene.harness.clock().now() + TimeDelta::hours(1);
    let change = json!({"voting_closes_at": closes.to_rfc3339()});
    scene.organizer.client.patch(&path).json(change).await.expect(200);
    scene.harness.clock().advance(TimeDelta::hours(1));
    scene.round().await;
    for id in [&held, &later] {
        let ended = format!("campaigns WHERE id = '{id}' AND status = 'cancelled'");
        assert_eq!(scene.harness.count(&ended).await, 1);
    }
    assert_ended(&scene, &held).await;
}

async fn the_candidate_leaves(database: TestDatabase) {
    let (scene, id) = on_its_way(database).await;
    let asked = scene.requested().await;
    let path = format!("/registrations/{}", scene.candidate.registration);
    scene.candidate.person.client.delete(&path).await.expect(200);
    assert_eq!(scene.count("queued").await, 0, "at once");
    assert_eq!(scene.status(&asked).await, "cancelled");
    assert_ended(&scene, &id).await;
}

async fn the_event_is_called_off(database: TestDatabase) {
    let (scene, id) = on_its_way(database).await;
    let path = format!("/events/{}/cancel", scene.event);
    scene.organizer.client.post(&path).await.expect(200);
    assert_eq!(scene.count("queued").await, 0, "at once");
    assert_ended(&scene, &id).await;
}

async fn the_event_is_deleted(database: TestDatabase) {
    let (scene, id) = on_its_way(database).await;
    let path = format!("/events/{}", scene.event);
    scene.organizer.client.delete(&path).await.expect(204);
    for rows in [
        "campaigns",
        "campaign_deliveries",
        "outbox WHERE kind = 'campaign'",
    ] {
        assert_eq!(scene.harness.count(rows).await, 0, "{rows}");
    }
    let read = scene.reviewer.client.get(&format!("/campaigns/{id}"));
    read.await.expect(404);
    scene.round().await;
    scene.harness.assert_invariants().await;
}

async fn who_asked_is_forgotten(database: TestDatabase) {
    let (scene, id) = on_its_way(database).await;
    let erase = scene.candidate.person.client.delete("/users/me");
    erase.json(json!({"password": PASSWORD})).await.expect(204);
    let emptied = format!("campaigns WHERE id = '{id}' AND subject = '(erased)' AND body = ''");
    assert_eq!(scene.harness.count(&emptied).await, 1);
    assert_ended(&scene, &id).await;
}

async fn who_gets_one_is_forgotten(database: TestDatabase) {
    let (scene, id) = on_its_way(database).await;
    let post = Post::open();
    scene.send_all(&post).await;
    let (got, waits) = (&scene.people[0].person, &scene.people[11].person);
    let export = got.client.get("/users/me/export").await.expect(200).json();
    assert_eq!(export["campaign_mails"][0]["campaign_id"], json!(id));
    assert_eq!(export["campaign_mails"][0]["status"], "sent");
    let export = scene.candidate.person.client.get("/users/me/export").await;
    assert_eq!(export.expect(200).json()["campaigns"][0]["id"], json!(id));
    for person in [got, waits] {
        let erase = person.client.delete("/users/me");
        erase.json(json!({"password": PASSWORD})).await.expect(204);
        let theirs = format!(
            "campaign_deliveries WHERE user_id = '{}' OR email = '{email}' OR email_key = '{email}'",
            person.id,
            email = person.email
        );
        assert_eq!(scene.harness.count(&theirs).await, 0);
    }
    let emptied = scene.deliveries(&id).await;
    let emptied: Vec<_> = emptied
        .into_iter()
        .filter(|(email, ..)| email.is_empty())
        .collect();
    assert_eq!(emptied.len(), 2);
    assert!(
        emptied.iter().any(|(_, status, _)| status == "sent"),
        "it goes on counting"
    );
    scene.harness.clock().advance(TimeDelta::seconds(2));
    scene.round().await;
    scene.send_all(&post).await;
    assert!(!mailed(&post).contains(&waits.email));
    assert_eq!(mailed(&post).len(), 11);
    scene.harness.assert_invariants().await;
}

async fn a_guest_turns_out_to_be_somebody(database: TestDatabase) {
    let scene = Scene::new(database, 1).await;
    let guest = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
    let path = format!("/events/{}/registrations", scene.event);
    let registered = scene.organizer.client.post(&path).json(guest).await;
    let guest = registered.expect(201).text_at("/registration/attendee_id");
    scene.approved("event").await;
    scene.round().await;
    // They have an account with another address, and prove that one is theirs too.
    let own = &scene.people[0];
    let change = json!({"new_email": "guest@example.org", "password": PASSWORD});
    own.person
        .client
        .post("/users/me/email")
        .json(change)
        .await
        .expect(202);
    let secrets = scene.harness.mailed_secrets("guest@example.org").await;
    let confirm = scene.harness.client().post("/auth/email/verification/confirm");
    confirm.json(json!({"token": secrets.token})).await.expect(204);
    let of = |attendee: &str| format!("campaign_deliveries WHERE attendee_id = '{attendee}'");
    assert_eq!(scene.harness.count(&of(&guest)).await, 0);
    assert_eq!(scene.harness.count(&of(&own.attendee.to_string())).await, 2);
    scene.harness.assert_invariants().await;
}

async fn an_attendee_is_removed(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    let guest = json!({"name": "Guest", "email": "guest@example.org"});
    let noted = scene
        .organizer
        .client
        .post("/attendees")
        .json(guest)
        .await
        .expect(201);
    let guest = noted.text_at("/id");
    let path = format!("/events/{}/registrations", scene.event);
    let register = scene
        .organizer
        .client
        .post(&path)
        .json(json!({"attendee_id": guest}));
    register.await.expect(201);
    scene.approved("event").await;
    scene.round().await;
    assert_eq!(scene.count("queued").await, 1);
    let path = format!("/attendees/{guest}");
    scene.organizer.client.delete(&path).await.expect(204);
    let kept = "campaign_deliveries WHERE email LIKE '%guest%' OR email_key LIKE '%guest%' OR name <> ''";
    assert_eq!(scene.harness.count(kept).await, 0);
    assert_eq!(scene.harness.count("outbox WHERE kind = 'campaign'").await, 0);
    let post = Post::open();
    scene.send_all(&post).await;
    assert!(mailed(&post).is_empty());
    assert_eq!(scene.count("skipped").await, 1);
    scene.harness.assert_invariants().await;
}

async fn who_is_forgotten_while_mails_are_handed_over(database: TestDatabase) {
    forget_while_it_goes(database, "event").await;
}

async fn who_is_forgotten_while_readers_are_written_down(database: TestDatabase) {
    forget_while_it_goes(database, "all").await;
}

async fn forget_while_it_goes(database: TestDatabase, audience: &str) {
    let mut scene = Scene::new(database, 8).await;
    // One of them at a time, so that there is always somebody to be handed over.
    scene.per_minute = 60;
    sql(&scene.harness, "UPDATE users SET campaign_mail = true");
    scene.approved(audience).await;
    let scene = &scene;
    all_at_once(12, |number| {
        let person = (number % 3 != 0).then(|| &scene.people[number / 3 * 2 + number % 3 - 1].person);
        let erase = person.map(|person| {
            let erase = person.client.delete("/users/me");
            erase.json(json!({"password": PASSWORD}))
        });
        let (feeder, system) = (scene.feeder(), scene.harness.system());
        async move {
            if let Some(erase) = erase {
                erase.await.expect(204);
                return;
            }
            for second in 0..12 {
                let mut ctx = system.clone();
                ctx.now += TimeDelta::seconds(second);
                feeder.round(ctx).await.expect("a round");
            }
        }
    })
    .await;
    let emails: Vec<String> = scene
        .people
        .iter()
        .map(|one| format!("'{}'", one.person.email))
        .collect();
    let emails = emails.join(", ");
    for rows in [
        format!("outbox WHERE kind = 'campaign' AND recipient_key IN ({emails})"),
        format!("campaign_deliveries WHERE email IN ({emails}) OR email_key IN ({emails})"),
    ] {
        assert_eq!(scene.harness.count(&rows).await, 0, "{rows}");
    }
    scene.harness.assert_invariants().await;
}

/// The feeder has read that somebody waits, and writes while whoever forgets them has written and not committed.
async fn who_is_being_forgotten_is_not_handed_over(database: TestDatabase) {
    if database.kind() == Kind::Sqlite {
        // There is one who writes at a time.
        return;
    }
    let mut scene = Scene::new(database, 2).await;
    scene.per_minute = 60;
    scene.approved("event").await;
    scene.round().await;
    assert_eq!(
        (scene.count("queued").await, scene.count("waiting").await),
        (1, 1)
    );
    let mut forgetting = scene.harness.database().connect();
    let forget = "BEGIN; UPDATE campaign_deliveries SET status = 'skipped', error = 'erased', finished_at = now() \
                  WHERE status = 'waiting'";
    forgetting.execute_batch(forget).expect("the row");
    scene.harness.clock().advance(TimeDelta::seconds(1));
    let feeding = tokio::spawn(scene.detached_round());
    assert_waiting(&scene.harness, 1).await;
    forgetting.execute_batch("COMMIT").expect("the end of it");
    feeding.await.expect("a round");
    assert_eq!(scene.count("skipped").await, 1);
    assert_eq!(scene.count("queued").await, 1);
    assert_eq!(scene.harness.count("outbox WHERE kind = 'campaign'").await, 1);
    scene.harness.assert_invariants().await;
}
