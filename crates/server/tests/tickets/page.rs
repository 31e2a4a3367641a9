//! The page of a ticket: for whoever has the code, and nothing for anybody else.

use super::Seat;
use crate::limits::{at, limited};
use crate::support::{row_counts, sql};
use testkit::browser::Axe;
use testkit::{Answer, Browser, Harness, TestDatabase, on_both_databases};

on_both_databases! {
    the_page_shows_the_ticket_and_no_address,
    the_page_says_what_the_ticket_is_worth,
    a_code_that_is_nobodys_is_told_nothing,
    whoever_tries_codes_is_told_to_wait,
    the_page_keeps_nobody_out,
}

async fn page(harness: &Harness, code: &str) -> Answer {
    harness.client().root().get(&format!("/t/{code}")).await
}

/// What every page has, whatever it says.
fn assert_page(answer: &Answer) {
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
    let text = answer.text();
    assert!(text.contains("content=\"noindex\""), "{answer}");
    for never in [
        "<script",
        "<style",
        " style=",
        " onclick=",
        "http://",
        "https://",
        "@example",
    ] {
        assert!(!text.contains(never), "{never} in {answer}");
    }
}

async fn the_page_shows_the_ticket_and_no_address(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let code = seat.code().await;
    sql(
        &harness,
        "UPDATE events SET title = '<b>Talk</b> & more'; UPDATE attendees SET name = '<i>Asha</i>';",
    );
    let before = row_counts(&harness).await;
    let shown = page(&harness, code.as_str()).await.expect(200);
    assert_page(&shown);
    let text = shown.text();
    for part in [
        "&#60;b&#62;Talk&#60;/b&#62; &#38; more",
        "&#60;i&#62;Asha&#60;/i&#62;",
        "Hall ",
        "Asia/Kolkata, UTC+05:30",
        &code.grouped(),
        "Valid",
        "<svg class=\"qr\"",
    ] {
        assert!(text.contains(part), "{part} in {shown}");
    }
    // However somebody types it.
    for typed in [
        code.grouped(),
        code.as_str().to_lowercase(),
        code.grouped().replace('-', "%20"),
    ] {
        assert_eq!(page(&harness, &typed).await.expect(200).text(), text, "{typed}");
    }
    assert_eq!(row_counts(&harness).await, before, "a look changes nothing");
}

async fn the_page_says_what_the_ticket_is_worth(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let code = seat.code().await;
    for (status, says, has_code) in [
        (
            "status = 'attended', checked_in_at = '2026-01-01T00:00:00.000000Z'",
            "Checked in: Thursday, 1 January 2026, 05:30 (Asia/Kolkata, UTC+05:30)",
            true,
        ),
        (
            "status = 'pending_payment', hold_expires_at = '2126-01-01T00:00:00.000000Z', checked_in_at = NULL",
            "Not valid yet",
            false,
        ),
        (
            "status = 'cancelled', hold_expires_at = NULL",
            "No longer valid. The registration was cancelled.",
            false,
        ),
        (
            "status = 'expired'",
            "No longer valid. The seat was not paid in time.",
            false,
        ),
        ("status = 'confirmed'", "Valid", true),
    ] {
        seat.is_now(&harness, status);
        let shown = page(&harness, code.as_str()).await.expect(200);
        assert_page(&shown);
        let text = shown.text();
        assert!(text.contains(says), "{says} in {shown}");
        assert_eq!(text.contains("<svg"), has_code, "{status}");
        assert_eq!(text.contains(&code.grouped()), has_code, "{status}");
        assert_eq!(
            text.contains("No longer"),
            says.starts_with("No longer"),
            "{status}"
        );
    }
    sql(&harness, "UPDATE events SET status = 'cancelled'");
    let shown = page(&harness, code.as_str()).await.expect(200);
    assert!(
        shown.text().contains("No longer valid. The event is called off.") && !shown.text().contains("<svg")
    );
}

async fn a_code_that_is_nobodys_is_told_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let qr = seat.ticket().await["qr"].as_str().expect("a text").to_owned();
    let unknown = page(&harness, "000000000000").await.expect(404);
    assert_page(&unknown);
    let registration = seat.registration.to_string();
    for code in [
        "nonsense",
        "%00",
        "%ff",
        "..%2f",
        &registration,
        &qr,
        &"0".repeat(3_000),
    ] {
        let answer = page(&harness, code).await.expect(404);
        assert_eq!(answer.text(), unknown.text(), "{code}");
    }
    assert!(!unknown.text().contains("icket"), "{unknown}");
}

async fn whoever_tries_codes_is_told_to_wait(database: TestDatabase) {
    let harness = limited(database, &[("PODIUM_LIMITS__PAGES_PER_MINUTE", "25")]).await;
    let guesser = at(&harness, "192.0.2.1").root();
    for number in 0..25 {
        let path = format!("/t/{number:012}");
        guesser.get(&path).await.expect(404);
    }
    let refused = guesser.get("/t/000000000099").await;
    assert!(seconds_to_wait_of_page(&refused) > 0);
    // The pages use up nothing of the sign-ins from there, and nobody else waits.
    for _ in 0..20 {
        at(&harness, "192.0.2.1").post("/auth/refresh").await.expect(401);
    }
    at(&harness, "192.0.2.2")
        .root()
        .get("/t/000000000099")
        .await
        .expect(404);
}

fn seconds_to_wait_of_page(answer: &Answer) -> i64 {
    assert_eq!(answer.status(), 429, "{answer}");
    assert_page(answer);
    let seconds = answer.header("retry-after").expect("seconds");
    seconds.parse().expect("a number")
}

async fn the_page_keeps_nobody_out(database: TestDatabase) {
    let (Some(axe), Some(browser)) = (Axe::unless_left_out(), Browser::unless_left_out().await) else {
        return;
    };
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let code = seat.code().await;
    browser.allow_scripts(false).await;
    browser
        .open(&format!("{}/t/{code}", harness.running().base_url()))
        .await;
    assert_eq!(browser.title().await, "Ticket: A talk · Podium");
    assert!(browser.complaints().await.is_empty(), "no policy is broken");
    browser.allow_scripts(true).await;
    let look = crate::pages::browser::Look {
        browser: &browser,
        axe: &axe,
    };
    let url = format!("{}/t/{code}", harness.running().base_url());
    let long = "Größe zählt: Über Straßen, Öfen und Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamte, für alle";
    for (name, change) in [
        (
            "ticket-valid",
            "UPDATE registrations SET status = 'confirmed'".to_owned(),
        ),
        (
            "ticket-long",
            format!("UPDATE events SET title = '{long}'; UPDATE attendees SET name = 'محمد بن عبد الرحمن'"),
        ),
        (
            "ticket-checked-in",
            "UPDATE registrations SET status = 'attended', checked_in_at = '2026-01-01T00:00:00.000000Z'"
                .to_owned(),
        ),
        (
            "ticket-over",
            "UPDATE registrations SET status = 'cancelled', checked_in_at = NULL".to_owned(),
        ),
    ] {
        sql(&harness, &change);
        browser.open(&url).await;
        look.at(name).await;
    }
    browser
        .open(&format!("{}/t/000000000000", harness.running().base_url()))
        .await;
    look.at("ticket-unknown").await;
}
