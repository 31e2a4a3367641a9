//! The links of campaigns' mails, by which people vote without signing in: what they say, whom they count for, and all they refuse.
//! Those to unsubscribe stand in `campaign_links/unsubscribe.rs`, the pages in `campaign_links/browser.rs`.

mod browser;
mod hostile_mail;
pub mod scene;
mod unsubscribe;

use crate::limits::{at, limited};
use crate::support::{row_counts, sql};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use notification::vote_token;
use scene::Scene;
use serde_json::json;
use testkit::http::Request;
use testkit::{Answer, Client, Harness, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_link_says_what_it_votes_for_and_opening_it_changes_nothing,
    one_confirmation_votes_and_another_changes_nothing,
    a_guest_without_account_votes_and_so_does_an_account_by_its_attendee,
    a_link_that_is_forged_altered_or_unknown_is_told_nothing,
    a_link_is_worth_nothing_before_and_after_voting,
    a_link_of_who_lost_the_seat_gives_no_vote,
    a_link_for_a_candidate_who_left_gives_no_vote,
    nobody_votes_for_themselves_by_link,
    a_vote_cast_signed_in_is_not_replaced,
    a_vote_by_another_link_is_replaced,
    a_link_outlives_the_key_that_made_it,
    a_form_of_another_site_votes_for_nobody,
    whoever_tries_links_is_told_to_wait,
    a_link_at_a_former_address_is_worth_nothing,
    a_link_of_a_suspended_account_gives_no_vote,
    a_link_of_an_event_elsewhere_than_the_seat_gives_no_vote,
}

/// A request by the name of its method.
pub fn request(client: &Client, method: &str, path: &str) -> Request {
    client.request(method.parse().expect("a method"), path)
}

/// What every page has, whatever it says.
pub fn assert_page(answer: &Answer) {
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer}");
    }
    assert!(answer.header("set-cookie").is_none(), "{answer}");
    for never in ["<script", "<style", " style=", " onclick=", "http://", "https://"] {
        assert!(!answer.text().contains(never), "{never} in {answer}");
    }
}

/// Refused as a page and as a problem.
async fn assert_refused(scene: &Scene<'_>, token: &str, status: u16, slug: &str) {
    let page = scene.client().root().post(&format!("/vote/{token}")).await;
    assert_page(&page.expect(status));
    let problem = scene.client().post(&format!("/vote-links/{token}")).await;
    problem.expect(status).problem(slug);
}

async fn a_link_says_what_it_votes_for_and_opening_it_changes_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    sql(
        &harness,
        "UPDATE candidates SET talk_title = '<b>Locks</b>', abstract = 'One <script>alert(1)</script>
https://x.example'",
    );
    let token = scene.vote_token();
    let before = row_counts(&harness).await;
    let path = format!("/vote/{token}");
    for method in ["GET", "HEAD", "GET"] {
        // As programs that look for viruses do.
        let scanner = request(&harness.client().root(), method, &path);
        scanner.header("user-agent", "LinkScanner/1.0").await.expect(200);
        let api = format!("/vote-links/{token}");
        request(&harness.client(), method, &api).await.expect(200);
    }
    assert_eq!(row_counts(&harness).await, before);
    assert_eq!(scene.votes().await, 0);

    let page = harness.client().root().get(&path).await.expect(200).text();
    for part in [
        "Vote for <bdi>cora</bdi>",
        "&#60;b&#62;Locks&#60;/b&#62;",
        "&#60;script&#62;",
        "A talk",
        "Asia/Kolkata",
        "Confirm my vote for <bdi>cora</bdi>",
        &format!("action=\"/vote/{token}\""),
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("@example"), "no address: {page}");
    let told = harness
        .client()
        .get(&format!("/vote-links/{token}"))
        .await
        .expect(200)
        .json();
    assert_eq!(told["state"], "open");
    assert_eq!(told["event"]["id"], scene.event.to_string());
    assert_eq!(told["candidate"]["id"], scene.candidate);
    assert_eq!(told["candidate"]["name"], "cora");
    assert_eq!(told["candidate"]["talk_title"], "<b>Locks</b>");
    assert_eq!(told["candidate"]["is_listed"], true);
    // What is a draft again is told to nobody.
    sql(&harness, "UPDATE events SET status = 'draft'");
    assert_refused(&scene, &token, 404, "not-found").await;
    // So is what was called off before it was announced again.
    sql(
        &harness,
        "UPDATE events SET status = 'cancelled', cancelled_at = created_at, published_at = NULL",
    );
    assert_refused(&scene, &token, 404, "not-found").await;
    harness
        .client()
        .get(&format!("/vote-links/{token}"))
        .await
        .expect(404);
    sql(
        &harness,
        "UPDATE events SET status = 'published', cancelled_at = NULL, published_at = created_at",
    );
    // Whether somebody voted, and for whom, is not told: a mail can be passed on.
    scene.confirm(&token).await.expect(200);
    assert_eq!(
        harness
            .client()
            .get(&format!("/vote-links/{token}"))
            .await
            .expect(200)
            .json(),
        told
    );
    assert_eq!(harness.client().root().get(&path).await.expect(200).text(), page);
}

async fn one_confirmation_votes_and_another_changes_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let token = scene.vote_token();
    let page = harness
        .client()
        .root()
        .post(&format!("/vote/{token}"))
        .await
        .expect(200);
    assert_page(&page);
    assert!(
        page.text().contains("Your vote counts") && page.text().contains("cora"),
        "{page}"
    );
    let first = scene.confirm(&token).await.expect(200).json();
    assert_eq!(first["event_id"], scene.event.to_string());
    assert_eq!(first["candidate_id"], scene.candidate);
    assert_eq!(first["via"], "link");
    scene.confirm(&token).await.expect(200);
    let answers = all_at_once(4, |_| {
        let request = harness.client().post(&format!("/vote-links/{token}"));
        async move { request.await }
    })
    .await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    let vote = format!(
        "votes WHERE voter_id = '{}' AND candidate_id = '{}' AND via = 'link' AND campaign_id = '{}'",
        scene.voter, scene.candidate, scene.campaign
    );
    assert_eq!((scene.votes().await, harness.count(&vote).await), (1, 1));
    // Nobody's name stands beside the ballot in the log.
    assert_eq!(
        harness
            .count("audit_log WHERE object_type IN ('vote', 'candidate')")
            .await,
        0
    );
    harness.assert_invariants().await;
}

async fn a_guest_without_account_votes_and_so_does_an_account_by_its_attendee(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let form = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
    let path = format!("/events/{}/registrations", scene.event);
    let noted = scene.organizer.client.post(&path).json(form).await.expect(201);
    let guest = noted.text_at("/registration/attendee_id");
    let to_guest = scene.deliver("guest@example.org", Some(&guest), None);
    scene
        .confirm(&vote_token(&harness.server_keys(), to_guest))
        .await
        .expect(200);
    // To all who want campaigns, mails go to accounts.
    let person = harness.attendee("dana").await;
    let to_account = scene.deliver(&person.email, None, Some(&person.id.to_string()));
    let token = vote_token(&harness.server_keys(), to_account);
    assert_refused(&scene, &token, 403, "seat-needed").await;
    harness.registered(&person, scene.event).await;
    scene.confirm(&token).await.expect(200);
    assert_eq!(scene.votes().await, 2);
    harness.assert_invariants().await;
}

async fn a_link_that_is_forged_altered_or_unknown_is_told_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let keys = harness.server_keys();
    let (good, other) = (scene.vote_token(), scene.unsubscribe_token());
    let nobodys = vote_token(
        &keys,
        "018f0000-0000-7000-8000-000000000000".parse().expect("an id"),
    );
    let forged = vote_token(&kernel::ServerKeys::new(vec![1; 32], Vec::new()), scene.delivery);
    let altered: String = good
        .char_indices()
        .map(|(at, c)| {
            if at == 40 {
                if c == 'A' { 'B' } else { 'A' }
            } else {
                c
            }
        })
        .collect();
    let unknown = harness
        .client()
        .root()
        .get(&format!("/vote/{nobodys}"))
        .await
        .expect(404);
    assert_page(&unknown);
    let long = "A".repeat(3_000);
    for token in [
        altered.as_str(),
        &forged,
        &nobodys,
        &other,
        &good[1..],
        "nonsense",
        "%00",
        "%ff",
        "..%2f",
        &long,
        &scene.delivery.to_string(),
    ] {
        for method in ["GET", "POST"] {
            let page = request(&harness.client().root(), method, &format!("/vote/{token}")).await;
            assert_eq!(page.expect(404).text(), unknown.text(), "{token}");
            let api = request(&harness.client(), method, &format!("/vote-links/{token}")).await;
            api.expect(404).problem("not-found");
        }
    }
    for token in [&good, &forged, "nonsense", &long] {
        for method in ["GET", "POST"] {
            let page = request(&harness.client().root(), method, &format!("/unsubscribe/{token}")).await;
            assert_eq!(page.expect(404).text(), unknown.text(), "{token}");
            let api = request(&harness.client(), method, &format!("/unsubscribe/{token}")).await;
            api.expect(404).problem("not-found");
        }
    }
    assert_eq!(scene.votes().await, 0);
    assert_eq!(harness.count("suppressions").await, 0);
}

async fn a_link_is_worth_nothing_before_and_after_voting(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let token = scene.vote_token();
    harness.clock().advance(TimeDelta::hours(-2));
    let page = harness
        .client()
        .root()
        .get(&format!("/vote/{token}"))
        .await
        .expect(200);
    assert!(
        page.text().contains("Voting is not open yet") && !page.text().contains("<form"),
        "{page}"
    );
    assert_refused(&scene, &token, 409, "voting-not-open").await;
    // Till the very moment at which it closes.
    harness
        .clock()
        .advance(TimeDelta::hours(26) - TimeDelta::microseconds(1));
    scene.confirm(&token).await.expect(200);
    harness.clock().advance(TimeDelta::microseconds(1));
    let page = harness
        .client()
        .root()
        .get(&format!("/vote/{token}"))
        .await
        .expect(200);
    assert!(
        page.text().contains("Voting is over") && !page.text().contains("<form"),
        "{page}"
    );
    assert_refused(&scene, &token, 409, "voting-closed").await;
    assert_eq!(scene.votes().await, 1);
    harness.clock().advance(TimeDelta::hours(-12));
    let other = scene.deliver_to_new("emil").await;
    // The days have ended the session.
    let organizer = harness.log_in(&scene.organizer.email).await;
    let path = format!("/events/{}/cancel", scene.event);
    organizer.client.post(&path).await.expect(200);
    let told = harness
        .client()
        .get(&format!("/vote-links/{other}"))
        .await
        .expect(200);
    assert_eq!(told.json()["state"], "closed");
    scene.confirm(&other).await.expect(409).problem("voting-closed");
    // An event that went takes its links with it.
    organizer
        .client
        .delete(&format!("/events/{}", scene.event))
        .await
        .expect(204);
    assert_refused(&scene, &token, 404, "not-found").await;
}

async fn a_link_of_who_lost_the_seat_gives_no_vote(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let token = scene.vote_token();
    scene.confirm(&token).await.expect(200);
    let path = format!("/registrations/{}", scene.registration);
    scene.asha.client.delete(&path).await.expect(200);
    assert_eq!(scene.votes().await, 0);
    assert_refused(&scene, &token, 403, "seat-needed").await;
    assert_eq!(scene.votes().await, 0);
    // A seat that is not paid is none.
    harness.registered(&scene.asha, scene.event).await;
    sql(
        &harness,
        &format!(
            "UPDATE registrations SET status = 'pending_payment', hold_expires_at = '2126-01-01T00:00:00.000000Z'
             WHERE attendee_id = '{}' AND status = 'confirmed'",
            scene.voter
        ),
    );
    assert_refused(&scene, &token, 403, "seat-needed").await;
    sql(
        &harness,
        &format!(
            "UPDATE registrations SET status = 'confirmed', hold_expires_at = NULL WHERE attendee_id = '{}' AND status = 'pending_payment'",
            scene.voter
        ),
    );
    scene.confirm(&token).await.expect(200);
    harness.assert_invariants().await;
}

async fn a_link_for_a_candidate_who_left_gives_no_vote(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let token = scene.vote_token();
    for (status, listed) in [
        ("'nominated', ended_at = NULL", false),
        ("'withdrawn', ended_at = '2030-01-01T00:00:00.000000Z'", false),
    ] {
        sql(&harness, &format!("UPDATE candidates SET status = {status}"));
        assert_refused(&scene, &token, 409, "candidate-gone").await;
        let told = harness
            .client()
            .get(&format!("/vote-links/{token}"))
            .await
            .expect(200);
        assert_eq!(told.json()["candidate"]["is_listed"], listed);
        let page = harness
            .client()
            .root()
            .get(&format!("/vote/{token}"))
            .await
            .expect(200);
        assert!(
            page.text().contains("stands no longer") && !page.text().contains("<form"),
            "{page}"
        );
    }
    assert_eq!(scene.votes().await, 0);
    // The candidate gives the seat back.
    sql(
        &harness,
        "UPDATE candidates SET status = 'listed', ended_at = NULL",
    );
    scene.confirm(&token).await.expect(200);
    scene
        .cora
        .client
        .delete(&format!("/registrations/{}", scene.seat_of_cora))
        .await
        .expect(200);
    assert_refused(&scene, &token, 409, "candidate-gone").await;
    assert_eq!(scene.votes().await, 0);
    harness.assert_invariants().await;
}

async fn nobody_votes_for_themselves_by_link(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let own = scene.deliver(&scene.cora.email, Some(&scene.cora_attendee), None);
    assert_refused(
        &scene,
        &vote_token(&harness.server_keys(), own),
        409,
        "own-candidacy",
    )
    .await;
    assert_eq!(scene.votes().await, 0);
}

async fn a_vote_cast_signed_in_is_not_replaced(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let other = scene.another_candidate("dana").await;
    let token = scene.vote_token();
    scene.vote_signed_in(&other.candidate, &other.attendee);
    assert_refused(&scene, &token, 409, "voted-signed-in").await;
    let signed_in = format!(
        "votes WHERE via = 'signed_in' AND candidate_id = '{}'",
        other.candidate
    );
    assert_eq!((scene.votes().await, harness.count(&signed_in).await), (1, 1));
    // For the same candidate there is nothing to refuse, and nothing to change.
    let same = scene.deliver_for(&other.campaign, &scene.asha.email, Some(&scene.voter), None);
    let vote = scene
        .confirm(&vote_token(&harness.server_keys(), same))
        .await
        .expect(200)
        .json();
    assert_eq!(vote["via"], "signed_in");
    assert_eq!(harness.count(&signed_in).await, 1);
    harness.assert_invariants().await;
}

async fn a_vote_by_another_link_is_replaced(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let other = scene.another_candidate("dana").await;
    let token = scene.vote_token();
    scene.confirm(&token).await.expect(200);
    let second = scene.deliver_for(&other.campaign, &scene.asha.email, Some(&scene.voter), None);
    scene
        .confirm(&vote_token(&harness.server_keys(), second))
        .await
        .expect(200);
    let now = format!(
        "votes WHERE candidate_id = '{}' AND campaign_id = '{}'",
        other.candidate, other.campaign
    );
    assert_eq!((scene.votes().await, harness.count(&now).await), (1, 1));
    scene.confirm(&token).await.expect(200);
    assert_eq!((scene.votes().await, harness.count(&now).await), (1, 0));
}

async fn a_link_outlives_the_key_that_made_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let rotated = harness
        .another_server_with(vec![
            ("PODIUM_AUTH__SIGNING_KEY", STANDARD.encode([7; 32])),
            (
                "PODIUM_AUTH__PREVIOUS_SIGNING_KEYS",
                STANDARD.encode(testkit::harness::SIGNING_KEY),
            ),
        ])
        .await;
    let client = rotated.running().client();
    let token = scene.vote_token();
    client.post(&format!("/vote-links/{token}")).await.expect(200);
    assert_eq!(scene.votes().await, 1);
    // Who unsubscribed stays so, too.
    let token = scene.unsubscribe_token();
    harness
        .client()
        .post(&format!("/unsubscribe/{token}"))
        .await
        .expect(200);
    let told = client
        .get(&format!("/unsubscribe/{token}"))
        .await
        .expect(200)
        .json();
    assert_eq!(told["unsubscribed"], true);
}

async fn a_form_of_another_site_votes_for_nobody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let path = format!("/vote/{}", scene.vote_token());
    for site in ["cross-site", "same-site"] {
        let request = harness.client().root().post(&path);
        let page = request.header("sec-fetch-site", site).await.expect(403);
        assert_page(&page);
    }
    assert_eq!(scene.votes().await, 0);
    let request = harness.client().root().post(&path);
    request
        .header("sec-fetch-site", "same-origin")
        .header("origin", "null")
        .await
        .expect(200);
    assert_eq!(scene.votes().await, 1);
}

async fn whoever_tries_links_is_told_to_wait(database: TestDatabase) {
    let harness = limited(database, &[("PODIUM_LIMITS__PAGES_PER_MINUTE", "8")]).await;
    let guesser = at(&harness, "192.0.2.1");
    let token = "A".repeat(64);
    guesser.get(&format!("/vote-links/{token}")).await.expect(404);
    guesser.post(&format!("/vote-links/{token}")).await.expect(404);
    guesser.get(&format!("/unsubscribe/{token}")).await.expect(404);
    guesser.post(&format!("/unsubscribe/{token}")).await.expect(404);
    for path in ["vote", "unsubscribe"] {
        guesser.root().get(&format!("/{path}/{token}")).await.expect(404);
        guesser.root().post(&format!("/{path}/{token}")).await.expect(404);
    }
    let refused = guesser.root().get(&format!("/vote/{token}")).await.expect(429);
    assert_page(&refused);
    guesser
        .post(&format!("/unsubscribe/{token}"))
        .await
        .expect(429)
        .problem("rate-limited");
    at(&harness, "192.0.2.2")
        .get(&format!("/vote-links/{token}"))
        .await
        .expect(404);
}

async fn a_link_at_a_former_address_is_worth_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    // A guest's address was mistyped, and the organiser corrects it.
    let form = json!({"attendee": {"name": "Guest", "email": "mistyped@example.org"}});
    let path = format!("/events/{}/registrations", scene.event);
    let noted = scene.organizer.client.post(&path).json(form).await.expect(201);
    let guest = noted.text_at("/registration/attendee_id");
    let stale = scene.deliver("mistyped@example.org", Some(&guest), None);
    let stale = vote_token(&harness.server_keys(), stale);
    let corrected = json!({"email": "typed@example.org"});
    let guest_path = format!("/attendees/{guest}");
    scene
        .organizer
        .client
        .patch(&guest_path)
        .json(corrected)
        .await
        .expect(200);
    assert_refused(&scene, &stale, 404, "not-found").await;
    harness
        .client()
        .get(&format!("/vote-links/{stale}"))
        .await
        .expect(404);
    // An account that takes part nowhere, as an audience of all has them.
    let person = harness.attendee("dana").await;
    let moved = scene.deliver("dana@former.example", None, Some(&person.id.to_string()));
    assert_refused(
        &scene,
        &vote_token(&harness.server_keys(), moved),
        404,
        "not-found",
    )
    .await;
    assert_eq!(scene.votes().await, 0);
    let current = scene.deliver("typed@example.org", Some(&guest), None);
    let current = vote_token(&harness.server_keys(), current);
    scene.confirm(&current).await.expect(200);
}

async fn a_link_of_a_suspended_account_gives_no_vote(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let token = scene.vote_token();
    crate::support::suspend(&harness, &scene.asha);
    assert_refused(&scene, &token, 403, "seat-needed").await;
    assert_eq!(scene.votes().await, 0);
}

async fn a_link_of_an_event_elsewhere_than_the_seat_gives_no_vote(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let person = harness.attendee("dana").await;
    let elsewhere = harness.published_event(&scene.organizer, 1).await;
    let (_, attendee) = harness.registered(&person, elsewhere).await;
    let copy = scene.deliver(&person.email, Some(&attendee.to_string()), None);
    let token = vote_token(&harness.server_keys(), copy);
    assert_refused(&scene, &token, 403, "seat-needed").await;
    assert_eq!(scene.votes().await, 0);
}
