//! Whoever got a campaign gets no more of them: by the page, and by one click of a mail program.

use super::scene::Scene;
use super::{assert_page, request};
use crate::support::{row_counts, sql};
use campaign::{SuppressionReason, SuppressionRepository, address_macs};
use kernel::{EmailAddress, StoreError};
use testkit::harness::PASSWORD;
use testkit::http::Request;
use testkit::{Harness, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    opening_the_page_unsubscribes_nobody,
    one_click_sticks,
    a_press_on_the_page_sticks,
    whatever_a_mail_program_sends_is_taken,
    who_was_erased_or_deleted_can_still_unsubscribe,
    the_address_of_the_account_is_noted_too,
    a_bounce_stays_one,
    who_had_a_bounce_is_not_unsubscribed_by_it,
    many_at_once_are_one,
    a_link_outlives_its_copy_and_the_address_in_it,
}

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
const FORM: &str = "application/x-www-form-urlencoded";

/// Why the address gets no campaigns.
async fn suppressed(harness: &Harness, email: &str) -> Option<SuppressionReason> {
    let email: EmailAddress = email.parse().expect("an address");
    let macs = address_macs(&harness.server_keys(), &email);
    let read = harness.store().read(move |tx| {
        for reason in [SuppressionReason::Bounced, SuppressionReason::Unsubscribed] {
            if tx.is_noted(&macs, reason)? {
                return Ok::<_, StoreError>(Some(reason));
            }
        }
        Ok(None)
    });
    read.await.expect("an answer")
}

async fn wants_campaigns(harness: &Harness) -> i64 {
    harness.count("users WHERE campaign_mail").await
}

fn turn_on(harness: &Harness) {
    sql(harness, "UPDATE users SET campaign_mail = true");
}

/// As a mail program sends it: from nowhere, without cookies.
fn one_click(harness: &Harness, token: &str) -> Request {
    let request = harness.client().root().post(&format!("/unsubscribe/{token}"));
    request.text(FORM, ONE_CLICK)
}

async fn opening_the_page_unsubscribes_nobody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    turn_on(&harness);
    let everybody = wants_campaigns(&harness).await;
    let token = scene.unsubscribe_token();
    let before = row_counts(&harness).await;
    for method in ["GET", "HEAD", "GET"] {
        let path = format!("/unsubscribe/{token}");
        request(&harness.client().root(), method, &path).await.expect(200);
        request(&harness.client(), method, &path).await.expect(200);
    }
    assert_eq!(row_counts(&harness).await, before);
    assert_eq!(suppressed(&harness, &scene.asha.email).await, None);
    assert_eq!(wants_campaigns(&harness).await, everybody);
    let page = harness
        .client()
        .root()
        .get(&format!("/unsubscribe/{token}"))
        .await
        .expect(200);
    assert_page(&page);
    let (first, domain) = (
        &scene.asha.email[..1],
        scene.asha.email.rsplit_once('@').expect("an address").1,
    );
    let masked = format!("{first}…@{domain}");
    assert!(
        page.text().contains(&masked) && page.text().contains("<form"),
        "{page}"
    );
    assert!(!page.text().contains(&scene.asha.email), "{page}");
    let told = harness
        .client()
        .get(&format!("/unsubscribe/{token}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&told["address"], &told["unsubscribed"]),
        (&masked.into(), &false.into())
    );
}

async fn one_click_sticks(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    turn_on(&harness);
    let everybody = wants_campaigns(&harness).await;
    let token = scene.unsubscribe_token();
    let done = one_click(&harness, &token).await.expect(200);
    assert_page(&done);
    assert!(
        done.text().contains("You are unsubscribed") && !done.text().contains(&scene.asha.email),
        "{done}"
    );
    for _ in 0..2 {
        assert_eq!(
            suppressed(&harness, &scene.asha.email).await,
            Some(SuppressionReason::Unsubscribed)
        );
        assert_eq!(wants_campaigns(&harness).await, everybody - 1);
        let own = format!("users WHERE id = '{}' AND NOT campaign_mail", scene.asha.id);
        assert_eq!(harness.count(&own).await, 1);
        one_click(&harness, &token).await.expect(200);
    }
    assert_eq!(harness.count("suppressions").await, 1);
    // However the address is written, and nobody else's.
    assert!(
        suppressed(&harness, &scene.asha.email.to_uppercase())
            .await
            .is_some()
    );
    assert_eq!(suppressed(&harness, &scene.cora.email).await, None);
    // What is kept says whose it is to nobody.
    let local = scene.asha.email.split('@').next().expect("a name");
    assert_eq!(
        harness
            .count(&format!("suppressions WHERE address_mac LIKE '%{local}%'"))
            .await,
        0
    );
    let page = harness
        .client()
        .root()
        .get(&format!("/unsubscribe/{token}"))
        .await
        .expect(200);
    assert!(
        page.text().contains("You are unsubscribed") && !page.text().contains("<form"),
        "{page}"
    );
    // The link still votes.
    scene.confirm(&scene.vote_token()).await.expect(200);
}

async fn a_press_on_the_page_sticks(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let path = format!("/unsubscribe/{}", scene.unsubscribe_token());
    // As browsers send it, cookies of a session included.
    let request = scene.asha.client.root().post(&path).text(FORM, "");
    let page = request
        .header("origin", "null")
        .header("sec-fetch-site", "same-origin")
        .await
        .expect(200);
    assert_page(&page);
    assert_eq!(
        suppressed(&harness, &scene.asha.email).await,
        Some(SuppressionReason::Unsubscribed)
    );
}

async fn whatever_a_mail_program_sends_is_taken(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let multipart = "--b0undary\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b0undary--\r\n";
    let api = format!("/unsubscribe/{}", scene.unsubscribe_token());
    let mut number = 0;
    for (media_type, body) in [
        (FORM, ONE_CLICK),
        ("application/x-www-form-urlencoded; charset=UTF-8", ONE_CLICK),
        ("multipart/form-data; boundary=b0undary", multipart),
        ("multipart/form-data; boundary=\"b0undary\"", multipart),
        ("multipart/form-data", "torn"),
        ("text/plain", ONE_CLICK),
        ("application/json", "{no json"),
        (FORM, ""),
        (FORM, "List-Unsubscribe=%ff%00"),
    ] {
        number += 1;
        let email = format!("reader-{number}@example.org");
        let delivery = scene.deliver(&email, None, None);
        let token = notification::unsubscribe_token(&harness.server_keys(), delivery, &email);
        let path = format!("/unsubscribe/{token}");
        let page = harness.client().root().post(&path).text(media_type, body);
        page.header("user-agent", "Google-Smtp-Relay").await.expect(200);
        assert!(
            suppressed(&harness, &email).await.is_some(),
            "{media_type}: {body}"
        );
        harness
            .client()
            .post(&path)
            .text(media_type, body)
            .await
            .expect(200);
    }
    // Without any body at all.
    harness.client().post(&api).await.expect(200);
    harness.client().root().post(&api).await.expect(200);
    // As from another site, which would have to know the link.
    one_click(&harness, &scene.unsubscribe_token())
        .header("sec-fetch-site", "cross-site")
        .await
        .expect(200);
    // What is too large is not read.
    let large = "x".repeat(300 * 1024);
    harness
        .client()
        .post(&api)
        .text(FORM, large)
        .await
        .expect(413)
        .problem("body-too-large");
}

async fn who_was_erased_or_deleted_can_still_unsubscribe(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let token = scene.unsubscribe_token();
    let form = serde_json::json!({"password": PASSWORD});
    scene.asha.client.delete("/users/me").json(form).await.expect(204);
    one_click(&harness, &token).await.expect(200);
    harness
        .client()
        .post(&format!("/unsubscribe/{token}"))
        .await
        .expect(200);
    // A copy of which nothing is left but its row.
    sql(
        &harness,
        &format!(
            "UPDATE campaign_deliveries SET name = '', email = '', email_key = 'gone', user_id = NULL, attendee_id = NULL WHERE id = '{}'",
            scene.delivery
        ),
    );
    let before = harness.count("suppressions").await;
    one_click(&harness, &token).await.expect(200);
    let told = harness
        .client()
        .post(&format!("/unsubscribe/{token}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&told["address"], &told["unsubscribed"]),
        (&serde_json::Value::Null, &true.into())
    );
    assert_eq!(harness.count("suppressions").await, before);
    // Accounts that never were.
    let guest = scene.deliver(
        "guest@example.org",
        None,
        Some("018f0000-0000-7000-8000-000000000000"),
    );
    let token = notification::unsubscribe_token(&harness.server_keys(), guest, "guest@example.org");
    one_click(&harness, &token).await.expect(200);
    assert!(suppressed(&harness, "guest@example.org").await.is_some());
}

async fn the_address_of_the_account_is_noted_too(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    turn_on(&harness);
    // The account has another address by now.
    sql(
        &harness,
        &format!(
            "UPDATE users SET email = 'new@example.org', email_key = 'new@example.org' WHERE id = '{}'",
            scene.asha.id
        ),
    );
    one_click(&harness, &scene.unsubscribe_token()).await.expect(200);
    assert!(suppressed(&harness, "new@example.org").await.is_some());
    assert!(suppressed(&harness, &scene.asha.email).await.is_some());
    // A copy that went to a seat, whose address has an account.
    let dana = harness.attendee("dana").await;
    turn_on(&harness);
    let copy = scene.deliver(&dana.email, None, None);
    one_click(
        &harness,
        &notification::unsubscribe_token(&harness.server_keys(), copy, &dana.email),
    )
    .await
    .expect(200);
    assert_eq!(
        harness
            .count(&format!("users WHERE id = '{}' AND campaign_mail", dana.id))
            .await,
        0
    );
}

async fn a_bounce_stays_one(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let email: EmailAddress = scene.asha.email.parse().expect("an address");
    let keys = harness.server_keys();
    let note = async |reason| {
        let (email, keys, ctx) = (email.clone(), keys.clone(), harness.system());
        let write = harness
            .store()
            .write(move |tx| campaign::suppress_address(tx, &keys, &email, reason, ctx.now));
        write.await.expect("a row");
    };
    let lift = async || {
        let macs = address_macs(&keys, &email);
        let write = harness
            .store()
            .write(move |tx| tx.lift(&macs, SuppressionReason::Unsubscribed));
        write.await.expect("an answer");
    };
    one_click(&harness, &scene.unsubscribe_token()).await.expect(200);
    lift().await;
    assert_eq!(suppressed(&harness, &scene.asha.email).await, None);
    one_click(&harness, &scene.unsubscribe_token()).await.expect(200);
    note(SuppressionReason::Bounced).await;
    one_click(&harness, &scene.unsubscribe_token()).await.expect(200);
    lift().await;
    assert_eq!(
        suppressed(&harness, &scene.asha.email).await,
        Some(SuppressionReason::Bounced)
    );
}

/// Otherwise the page would say that it is done, and have no button; and mails would come when the address takes them again.
async fn who_had_a_bounce_is_not_unsubscribed_by_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let email: EmailAddress = scene.asha.email.parse().expect("an address");
    let (keys, ctx) = (harness.server_keys(), harness.system());
    let bounced = harness
        .store()
        .write(move |tx| campaign::suppress_address(tx, &keys, &email, SuppressionReason::Bounced, ctx.now));
    bounced.await.expect("a row");
    let token = scene.unsubscribe_token();
    let is_unsubscribed = async || {
        let read = harness.client().get(&format!("/unsubscribe/{token}")).await;
        read.expect(200).json()["unsubscribed"].clone()
    };
    assert_eq!(is_unsubscribed().await, false);
    let page = harness
        .client()
        .root()
        .get(&format!("/unsubscribe/{token}"))
        .await;
    assert!(page.expect(200).text().contains("<button"));
    one_click(&harness, &token).await.expect(200);
    assert_eq!(is_unsubscribed().await, true);
}

async fn many_at_once_are_one(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let token = scene.unsubscribe_token();
    let answers = all_at_once(6, |_| {
        let request = one_click(&harness, &token);
        async move { request.await }
    })
    .await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    assert_eq!(harness.count("suppressions").await, 1);
}

async fn a_link_outlives_its_copy_and_the_address_in_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    for (email, forgotten) in [
        // As when an organiser removes the guest.
        (
            "emptied@example.org",
            "UPDATE campaign_deliveries SET name = '', email = '', email_key = 'gone', attendee_id = NULL, user_id = NULL WHERE email = 'emptied@example.org'",
        ),
        // As when the candidate leaves with all that was theirs, or the event is deleted.
        (
            "deleted@example.org",
            "DELETE FROM campaign_deliveries WHERE email = 'deleted@example.org'",
        ),
    ] {
        let delivery = scene.deliver(email, None, None);
        let token = notification::unsubscribe_token(&harness.server_keys(), delivery, email);
        sql(&harness, forgotten);
        let path = format!("/unsubscribe/{token}");
        let page = harness.client().root().get(&path).await.expect(200);
        assert_page(&page);
        assert!(page.text().contains("<form"), "{page}");
        let told = harness.client().get(&path).await.expect(200).json();
        assert_eq!(
            (&told["address"], &told["unsubscribed"]),
            (&serde_json::Value::Null, &false.into())
        );
        let done = one_click(&harness, &token).await.expect(200);
        assert!(done.text().contains("You are unsubscribed"), "{done}");
        assert_eq!(
            suppressed(&harness, email).await,
            Some(SuppressionReason::Unsubscribed)
        );
        let told = harness.client().get(&path).await.expect(200).json();
        assert_eq!(told["unsubscribed"], true);
    }
}
