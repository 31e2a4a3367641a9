//! The pages of links as a person sees them, and the way through them without a script.

use super::scene::Scene;
use crate::pages::browser::Look;
use crate::support::sql;
use chrono::TimeDelta;
use testkit::browser::Axe;
use testkit::{Browser, Harness, TestDatabase, on_both_databases};

on_both_databases! {
    a_person_votes_and_unsubscribes_without_scripts,
    no_page_of_a_link_keeps_anybody_out,
}

async fn a_person_votes_and_unsubscribes_without_scripts(database: TestDatabase) {
    let Some(browser) = Browser::unless_left_out().await else {
        return;
    };
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let at = |path: &str, token: &str| format!("{}/{path}/{token}", harness.running().base_url());
    browser.allow_scripts(false).await;
    browser.open(&at("vote", &scene.vote_token())).await;
    assert_eq!(browser.title().await, "Vote: A talk · Podium");
    assert_eq!(scene.votes().await, 0);
    browser.send().await;
    assert!(
        browser.text().await.contains("Your vote counts"),
        "{}",
        browser.text().await
    );
    assert_eq!(scene.votes().await, 1);
    browser.open(&at("unsubscribe", &scene.unsubscribe_token())).await;
    assert_eq!(harness.count("suppressions").await, 0);
    browser.send().await;
    assert!(
        browser.text().await.contains("You are unsubscribed"),
        "{}",
        browser.text().await
    );
    assert_eq!(harness.count("suppressions").await, 1);
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "no policy is broken: {complaints:#?}");
}

async fn no_page_of_a_link_keeps_anybody_out(database: TestDatabase) {
    let (Some(axe), Some(browser)) = (Axe::unless_left_out(), Browser::unless_left_out().await) else {
        return;
    };
    let harness = Harness::start(database).await;
    let scene = Scene::new(&harness).await;
    let look = Look {
        browser: &browser,
        axe: &axe,
    };
    let at = |path: &str| format!("{}/{path}", harness.running().base_url());
    let vote = at(&format!("vote/{}", scene.vote_token()));
    browser.open(&vote).await;
    look.at("vote-open").await;
    let long = "Größe zählt: Über Straßen, Öfen und Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamte";
    sql(
        &harness,
        &format!(
            "UPDATE events SET title = '{long}'; UPDATE attendees SET name = 'محمد بن عبد الرحمن' WHERE id = '{}';
             UPDATE candidates SET talk_title = '{long}', abstract = 'Erstens: {long}.\n\nZweitens: <b>nichts</b>.'",
            scene.cora_attendee
        ),
    );
    browser.open(&vote).await;
    look.at("vote-long").await;
    browser.send().await;
    look.at("vote-done").await;
    harness.clock().advance(TimeDelta::hours(-2));
    browser.open(&vote).await;
    look.at("vote-not-open").await;
    harness.clock().advance(TimeDelta::hours(48));
    browser.open(&vote).await;
    look.at("vote-closed").await;
    let unsubscribe = at(&format!("unsubscribe/{}", scene.unsubscribe_token()));
    browser.open(&unsubscribe).await;
    look.at("unsubscribe-form").await;
    browser.send().await;
    look.at("unsubscribe-done").await;
    browser.open(&at("vote/nonsense")).await;
    look.at("vote-unknown").await;
}
