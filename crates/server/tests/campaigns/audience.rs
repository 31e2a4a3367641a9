//! Who gets a campaign, and who does not.

use super::scene::{Scene, Seated, mailed};
use crate::sending::post::Post;
use crate::support::{set_verified, sql, suspend};
use campaign::{SuppressionReason, suppress_address};
use chrono::TimeDelta;
use kernel::EmailAddress;
use serde_json::json;
use testkit::harness::PASSWORD;
use testkit::{Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    who_holds_a_seat_gets_one_with_or_without_an_account,
    all_are_those_who_opted_in_at_a_confirmed_address,
    who_unsubscribed_before_is_skipped,
    who_unsubscribes_meanwhile_gets_none,
    who_gave_the_seat_back_meanwhile_gets_none,
    who_has_another_address_by_then_gets_it_there,
    wanting_campaigns_takes_back_the_unsubscribing_and_no_bounce,
    an_address_that_bounced_gets_no_campaign,
    who_is_suspended_gets_none,
    another_address_of_who_unsubscribed_gets_none,
    an_address_that_is_proven_takes_mail_again,
}

/// Notes that the address gets no campaigns.
async fn suppress(harness: &Harness, email: &str, reason: SuppressionReason) {
    let (keys, now) = (harness.server_keys(), harness.system().now);
    let email: EmailAddress = email.parse().expect("an address");
    let noted = harness
        .store()
        .write(move |tx| suppress_address(tx, &keys, &email, reason, now))
        .await;
    noted.expect("a suppression");
}

async fn prefers(person: &Person, campaign_mail: bool) {
    let form = json!({"email_reminders": true, "text_messages": false, "campaign_mail": campaign_mail});
    let set = person.client.put("/users/me/preferences").json(form).await;
    assert_eq!(set.expect(200).json()["campaign_mail"], campaign_mail);
}

async fn who_holds_a_seat_gets_one_with_or_without_an_account(database: TestDatabase) {
    let scene = Scene::new(database, 1).await;
    let guest = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
    let path = format!("/events/{}/registrations", scene.event);
    scene.organizer.client.post(&path).json(guest).await.expect(201);
    scene.approved("event").await;
    scene.round().await;
    let post = Post::open();
    scene.send_all(&post).await;
    let mut expected = vec![
        "guest@example.org".to_owned(),
        scene.people[0].person.email.clone(),
    ];
    expected.sort();
    assert_eq!(mailed(&post), expected);
    let greeted = post.sent().iter().any(|mail| mail.to_name == "Guest");
    assert!(greeted);
}

async fn all_are_those_who_opted_in_at_a_confirmed_address(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let harness = &scene.harness;
    let [fan, lukewarm, unproven, suspended] = [
        harness.attendee("fan").await,
        harness.attendee("lukewarm").await,
        harness.attendee("unproven").await,
        harness.attendee("suspended").await,
    ];
    for person in [
        &fan,
        &unproven,
        &suspended,
        &scene.people[0].person,
        &scene.candidate.person,
    ] {
        prefers(person, true).await;
    }
    prefers(&lukewarm, true).await;
    prefers(&lukewarm, false).await;
    for person in [&fan, &lukewarm, &suspended] {
        set_verified(harness, person, true);
    }
    set_verified(harness, &unproven, false);
    suspend(harness, &suspended);
    let id = scene.approved("all").await;
    scene.round().await;
    let post = Post::open();
    scene.send_all(&post).await;
    let mut expected = vec![fan.email.clone(), scene.people[0].person.email.clone()];
    expected.sort();
    assert_eq!(mailed(&post), expected);
    assert_eq!(scene.campaign(&id).await["progress"]["total"], 2);
}

async fn who_unsubscribed_before_is_skipped(database: TestDatabase) {
    let scene = Scene::new(database, 3).await;
    let [one, two, three] = &scene.people[..] else {
        panic!("three people")
    };
    // In any spelling.
    let shouted = one.person.email.to_uppercase();
    suppress(&scene.harness, &shouted, SuppressionReason::Unsubscribed).await;
    suppress(&scene.harness, &two.person.email, SuppressionReason::Bounced).await;
    let id = scene.approved("event").await;
    scene.round().await;
    let post = Post::open();
    scene.send_all(&post).await;
    assert_eq!(mailed(&post), std::slice::from_ref(&three.person.email));
    let fate = scene.fate(&id, &one.person.email).await;
    assert_eq!(fate, Some(("skipped".into(), Some("unsubscribed".into()))));
    let fate = scene.fate(&id, &two.person.email).await;
    assert_eq!(fate, Some(("skipped".into(), Some("bounced".into()))));
    assert_eq!(scene.campaign(&id).await["progress"]["total"], 1);
}

async fn who_unsubscribes_meanwhile_gets_none(database: TestDatabase) {
    let mut scene = Scene::new(database, 12).await;
    scene.per_minute = 600;
    let id = scene.approved("event").await;
    scene.round().await;
    assert_eq!(
        (scene.count("queued").await, scene.count("waiting").await),
        (10, 2)
    );
    // One is in the queue, one is not handed over yet.
    let (queued, waiting) = (&scene.people[3].person.email, &scene.people[11].person.email);
    for email in [queued, waiting] {
        suppress(&scene.harness, email, SuppressionReason::Unsubscribed).await;
    }
    let post = Post::open();
    scene.send_all(&post).await;
    for _ in 0..3 {
        scene.harness.clock().advance(TimeDelta::seconds(1));
        scene.round().await;
        scene.send_all(&post).await;
    }
    let sent = mailed(&post);
    assert_eq!(sent.len(), 10);
    assert!(!sent.contains(queued) && !sent.contains(waiting));
    assert_eq!(
        scene.fate(&id, waiting).await,
        Some(("skipped".into(), Some("unsubscribed".into())))
    );
    assert_eq!(
        scene.fate(&id, queued).await.map(|(status, _)| status).as_deref(),
        Some("skipped")
    );
    assert_eq!(scene.status(&id).await, "sent");
    assert_eq!(scene.campaign(&id).await["progress"]["percent"], 100);
    scene.harness.assert_invariants().await;
}

async fn who_gave_the_seat_back_meanwhile_gets_none(database: TestDatabase) {
    let mut scene = Scene::new(database, 12).await;
    scene.per_minute = 600;
    let id = scene.approved("event").await;
    scene.round().await;
    let (queued, waiting): (&Seated, &Seated) = (&scene.people[0], &scene.people[11]);
    for seated in [queued, waiting] {
        let path = format!("/registrations/{}", seated.registration);
        seated.person.client.delete(&path).await.expect(200);
    }
    let post = Post::open();
    scene.send_all(&post).await;
    scene.harness.clock().advance(TimeDelta::seconds(1));
    scene.round().await;
    scene.send_all(&post).await;
    let sent = mailed(&post);
    assert!(!sent.contains(&queued.person.email) && !sent.contains(&waiting.person.email));
    assert_eq!(sent.len(), 10);
    assert_eq!(
        scene.fate(&id, &waiting.person.email).await,
        Some(("skipped".into(), Some("no_seat".into())))
    );
}

async fn who_has_another_address_by_then_gets_it_there(database: TestDatabase) {
    let mut scene = Scene::new(database, 12).await;
    scene.per_minute = 600;
    scene.approved("event").await;
    scene.round().await;
    let (queued, waiting) = (&scene.people[0], &scene.people[11]);
    for (seated, new) in [(queued, "q@new.example"), (waiting, "w@new.example")] {
        let set = format!("SET email = '{new}', email_key = '{new}'");
        sql(
            &scene.harness,
            &format!(
                "UPDATE attendees {set} WHERE id = '{}'; UPDATE users {set} WHERE id = '{}'",
                seated.attendee, seated.person.id
            ),
        );
    }
    let post = Post::open();
    for _ in 0..3 {
        scene.send_all(&post).await;
        scene.harness.clock().advance(TimeDelta::seconds(1));
        scene.round().await;
    }
    let sent = mailed(&post);
    assert_eq!(sent.len(), 12, "{sent:?}");
    for (email, goes) in [
        (queued.person.email.as_str(), false),
        (waiting.person.email.as_str(), false),
        ("q@new.example", true),
        ("w@new.example", true),
    ] {
        assert_eq!(sent.iter().any(|to| to == email), goes, "{email}");
    }
}

async fn wanting_campaigns_takes_back_the_unsubscribing_and_no_bounce(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let [one, other] = &scene.people[..] else {
        panic!("two people")
    };
    suppress(&scene.harness, &one.person.email, SuppressionReason::Unsubscribed).await;
    suppress(&scene.harness, &other.person.email, SuppressionReason::Bounced).await;
    // Without a word on campaigns nothing changes.
    let silent = json!({"email_reminders": true, "text_messages": false});
    let set = one.person.client.put("/users/me/preferences").json(silent).await;
    assert_eq!(set.expect(200).json()["campaign_mail"], false);
    assert_eq!(scene.harness.count("suppressions").await, 2);
    // An address that is not proven may be somebody else's.
    set_verified(&scene.harness, &one.person, false);
    prefers(&one.person, true).await;
    assert_eq!(scene.harness.count("suppressions").await, 2);
    set_verified(&scene.harness, &one.person, true);
    for person in [&one.person, &other.person] {
        prefers(person, true).await;
    }
    assert_eq!(
        scene.harness.count("suppressions WHERE reason = 'bounced'").await,
        1
    );
    assert_eq!(scene.harness.count("suppressions").await, 1);
}

async fn an_address_that_bounced_gets_no_campaign(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let id = scene.approved("event").await;
    scene.round().await;
    let post = Post::open();
    post.answer(Some(notification::Delivery::Bounced(
        "at RCPT: 550 5.1.1 nobody".into(),
    )));
    scene.send_all(&post).await;
    assert_eq!(scene.count("failed").await, 2);
    assert_eq!(
        scene.harness.count("suppressions WHERE reason = 'bounced'").await,
        2
    );
    let (status, error) = scene.fate(&id, &scene.people[0].person.email).await.expect("one");
    assert_eq!(status, "failed");
    assert_eq!(error.as_deref(), Some("at RCPT: 550 5.1.1 nobody"));
    post.answer(None);
    let next = scene.approved("event").await;
    scene.round().await;
    scene.send_all(&post).await;
    assert!(mailed(&post).is_empty());
    assert_eq!(
        scene.fate(&next, &scene.people[0].person.email).await,
        Some(("skipped".into(), Some("bounced".into())))
    );
}

async fn who_is_suspended_gets_none(database: TestDatabase) {
    let mut scene = Scene::new(database, 12).await;
    scene.per_minute = 600;
    suspend(&scene.harness, &scene.people[0].person);
    let id = scene.approved("event").await;
    scene.round().await;
    // One while it is in the queue.
    suspend(&scene.harness, &scene.people[1].person);
    let post = Post::open();
    for _ in 0..3 {
        scene.send_all(&post).await;
        scene.harness.clock().advance(TimeDelta::seconds(1));
        scene.round().await;
    }
    let sent = mailed(&post);
    assert_eq!(sent.len(), 10);
    for suspended in &scene.people[..2] {
        assert!(!sent.contains(&suspended.person.email));
        let (status, _) = scene.fate(&id, &suspended.person.email).await.expect("one");
        assert_eq!(status, "skipped");
    }
    scene.harness.assert_invariants().await;
}

/// The person has that address from now on.
async fn moves_to(scene: &Scene, person: &Person, email: &str) {
    let change = json!({"new_email": email, "password": PASSWORD});
    let ask = person.client.post("/users/me/email").json(change);
    ask.await.expect(202);
    let secrets = scene.harness.mailed_secrets(email).await;
    let confirm = scene.harness.client().post("/auth/email/verification/confirm");
    confirm.json(json!({"token": secrets.token})).await.expect(204);
}

async fn another_address_of_who_unsubscribed_gets_none(database: TestDatabase) {
    let scene = Scene::new(database, 2).await;
    let [one, other] = &scene.people[..] else {
        panic!("two people")
    };
    suppress(&scene.harness, &one.person.email, SuppressionReason::Unsubscribed).await;
    // A mail that came back from the former address says nothing of the new one.
    suppress(&scene.harness, &one.person.email, SuppressionReason::Bounced).await;
    suppress(&scene.harness, &other.person.email, SuppressionReason::Bounced).await;
    moves_to(&scene, &one.person, "one@new.example").await;
    moves_to(&scene, &other.person, "other@new.example").await;
    let id = scene.approved("event").await;
    scene.round().await;
    let post = Post::open();
    scene.send_all(&post).await;
    assert_eq!(mailed(&post), ["other@new.example"]);
    assert_eq!(
        scene.fate(&id, "one@new.example").await,
        Some(("skipped".into(), Some("unsubscribed".into())))
    );
}

async fn an_address_that_is_proven_takes_mail_again(database: TestDatabase) {
    let scene = Scene::new(database, 1).await;
    let person = &scene.people[0].person;
    for reason in [SuppressionReason::Unsubscribed, SuppressionReason::Bounced] {
        suppress(&scene.harness, &person.email, reason).await;
    }
    set_verified(&scene.harness, person, false);
    let ask = person.client.post("/auth/email/verification");
    ask.await.expect(202);
    let secrets = scene.harness.mailed_secrets(&person.email).await;
    let confirm = scene.harness.client().post("/auth/email/verification/confirm");
    confirm.json(json!({"token": secrets.token})).await.expect(204);
    // What the person said themselves stays.
    for (reason, count) in [("bounced", 0), ("unsubscribed", 1)] {
        let noted = format!("suppressions WHERE reason = '{reason}'");
        assert_eq!(scene.harness.count(&noted).await, count, "{reason}");
    }
}
