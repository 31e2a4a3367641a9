//! The pages in a browser: the way of a person who forgot the password, and what keeps people from using a page.

use super::walk::forgot;
use super::{NEW_PASSWORD, signs_in};
use testkit::browser::Axe;
use testkit::{Browser, Harness, TestDatabase, on_both_databases};

on_both_databases! {
    a_person_sets_a_new_password_without_scripts,
    a_person_confirms_an_address_by_its_code_without_scripts,
    no_page_keeps_anybody_out,
}

async fn a_person_sets_a_new_password_without_scripts(database: TestDatabase) {
    let Some(browser) = Browser::unless_left_out().await else {
        return;
    };
    let harness = Harness::start(database).await;
    let person = harness.attendee("asha").await;
    forgot(&harness, &person.email).await;
    browser.allow_scripts(false).await;

    browser.open(&harness.newest_link(&person.email).await).await;
    assert_eq!(browser.title().await, "Set a new password · Podium");
    browser.fill("new_password", "password123").await;
    browser.send().await;
    assert!(
        browser.title().await.starts_with("To correct: "),
        "{}",
        browser.text().await
    );
    assert!(
        browser.text().await.contains("first that are guessed"),
        "{}",
        browser.text().await
    );
    assert!(
        browser.has(".summary[role=alert]:focus").await,
        "what is wrong has the focus"
    );
    browser.fill("new_password", NEW_PASSWORD).await;
    browser.send().await;
    assert!(
        browser.text().await.contains("Your password is set"),
        "{}",
        browser.text().await
    );
    assert!(signs_in(&harness, &person.email, NEW_PASSWORD).await);

    // The link is used up.
    browser.open(&harness.newest_link(&person.email).await).await;
    browser.fill("new_password", "a third one for tests").await;
    browser.send().await;
    assert!(
        browser.text().await.contains("not accepted"),
        "{}",
        browser.text().await
    );
    assert!(signs_in(&harness, &person.email, NEW_PASSWORD).await);
    assert_only_refusals(&browser).await;
}

async fn a_person_confirms_an_address_by_its_code_without_scripts(database: TestDatabase) {
    let Some(browser) = Browser::unless_left_out().await else {
        return;
    };
    let harness = Harness::start(database).await;
    let person = harness.attendee("asha").await;
    let code = harness.mailed_secrets(&person.email).await.code;
    browser.allow_scripts(false).await;

    browser.open(&harness.newest_link(&person.email).await).await;
    assert_eq!(
        harness.count("users WHERE email_verified_at IS NOT NULL").await,
        0
    );
    browser
        .open(&format!("{}/verify-email", harness.running().base_url()))
        .await;
    browser.fill("email", &person.email).await;
    browser
        .fill("code", if code == "000000" { "000001" } else { "000000" })
        .await;
    browser.send().await;
    assert!(
        browser.text().await.contains("not accepted"),
        "{}",
        browser.text().await
    );
    browser
        .open(&format!("{}/verify-email", harness.running().base_url()))
        .await;
    browser.fill("email", &person.email).await;
    browser
        .fill("code", &format!("{} {}", &code[..3], &code[3..]))
        .await;
    browser.send().await;
    assert!(
        browser.text().await.contains("is confirmed"),
        "{}",
        browser.text().await
    );
    assert_eq!(
        harness.count("users WHERE email_verified_at IS NOT NULL").await,
        1
    );
    assert_only_refusals(&browser).await;
}

/// The browser notes answers of 4xx; anything else, above all a broken policy, it has nothing to say of.
async fn assert_only_refusals(browser: &Browser) {
    let others: Vec<String> = browser.complaints().await;
    let others: Vec<&String> = others
        .iter()
        .filter(|line| !line.contains("status of 422"))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
}

async fn no_page_keeps_anybody_out(database: TestDatabase) {
    let (Some(axe), Some(browser)) = (Axe::unless_left_out(), Browser::unless_left_out().await) else {
        return;
    };
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let verification = harness.newest_link(&bela.email).await;
    forgot(&harness, &asha.email).await;
    let reset = harness.newest_link(&asha.email).await;
    let at = |page: &str| format!("{}{page}", harness.running().base_url());
    let look = Look {
        browser: &browser,
        axe: &axe,
    };

    browser.open(&reset).await;
    look.at("reset-form").await;
    browser.fill("new_password", "password123").await;
    browser.send().await;
    look.at("reset-to-correct").await;
    browser.fill("new_password", NEW_PASSWORD).await;
    browser.send().await;
    look.at("reset-done").await;
    browser.open(&reset).await;
    browser.fill("new_password", NEW_PASSWORD).await;
    browser.send().await;
    look.at("reset-refused").await;
    browser.open(&at("/reset-password")).await;
    look.at("reset-code-form").await;
    browser.fill("email", "asha@example.org").await;
    browser.fill("code", "12a").await;
    browser.fill("new_password", "password123").await;
    browser.send().await;
    look.at("reset-code-to-correct").await;
    browser.open(&verification).await;
    look.at("verify-form").await;
    browser.send().await;
    look.at("verify-done").await;
    browser.open(&at("/verify-email")).await;
    look.at("verify-code-form").await;
    browser.open(&at("/verify-email?token=%ff")).await;
    look.at("unreadable").await;
}

/// A browser that looks at pages.
pub struct Look<'a> {
    pub browser: &'a Browser,
    pub axe: &'a Axe,
}

impl Look<'_> {
    /// Searches the page in a window of a small phone and in one of a desktop, light and dark.
    pub async fn at(&self, page: &str) {
        for (width, height, dark) in [(320, 640, false), (1280, 800, false), (1280, 800, true)] {
            self.browser.resize(width, height).await;
            self.browser.prefer_dark(dark).await;
            let wide = self
                .browser
                .evaluate("return document.documentElement.scrollWidth")
                .await;
            assert!(
                wide.as_u64() <= Some(width.into()),
                "{page} is wider than its window: {wide}"
            );
            if let Some(folder) = testkit::environment::pictures() {
                let name = if dark { "dark" } else { "light" };
                self.browser
                    .picture(&folder.join(format!("{page}-{width}-{name}.png")))
                    .await;
            }
            let violations = self.axe.violations(self.browser).await;
            let grave: Vec<_> = violations.iter().filter(|one| one.is_grave()).collect();
            assert!(grave.is_empty(), "{page} at {width}, dark {dark}: {grave:#?}");
        }
    }
}
