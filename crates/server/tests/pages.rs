//! The pages that mailed links open, as bytes over HTTP; `pages/browser.rs` looks at them as a person does.

pub mod browser;
pub mod walk;

use crate::support::{row_counts, set_verified};
use serde_json::json;
use testkit::harness::PASSWORD;
use testkit::{Answer, Harness, HarnessOptions, TestDatabase, all_at_once, on_both_databases};
use walk::{forgot, form, post};

on_both_databases! {
    every_page_forbids_what_it_does_not_need,
    opening_a_link_changes_nothing,
    what_was_sent_is_shown_as_text_and_a_password_never,
    a_link_sets_the_password_once_whoever_is_quick,
    a_code_sets_the_password_and_five_wrong_ones_end_it,
    a_form_that_does_not_fit_says_what_to_correct_and_uses_nothing_up,
    a_button_confirms_the_address,
    what_is_no_form_is_refused_as_a_page,
    a_form_of_another_site_is_refused,
    an_unknown_field_is_not_looked_at,
    who_guesses_codes_is_told_by_a_page_to_wait,
}

const PAGES: [&str; 2] = ["/reset-password", "/verify-email"];
const NEW_PASSWORD: &str = "another one for tests";

/// The headers that each page has, whatever it says.
fn assert_page(answer: &Answer) {
    let header = |name| answer.header(name).unwrap_or_default().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8", "{answer}");
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "{answer}"
    );
    assert_eq!(header("referrer-policy"), "no-referrer", "{answer}");
    assert_eq!(header("cache-control"), "no-store", "{answer}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{answer}");
    let text = answer.text();
    assert!(
        text.starts_with("<!doctype html>") && text.contains("<html lang=\"en\">"),
        "{answer}"
    );
    assert!(text.contains("<title>") && text.contains("<h1>"), "{answer}");
    for never in ["<script", "<style", " style=", " onclick=", "http://", "https://"] {
        assert!(!text.contains(never), "{never} in {answer}");
    }
}

async fn signs_in(harness: &Harness, email: &str, password: &str) -> bool {
    let form = json!({"email": email, "password": password});
    harness.client().post("/auth/login").json(form).await.status() == 200
}

async fn every_page_forbids_what_it_does_not_need(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let root = harness.client().root();
    for page in PAGES {
        assert_page(&root.get(page).await.expect(200));
        assert_page(&root.get(&format!("{page}?token=abc")).await.expect(200));
        assert_page(&post(&harness, page, "").await.expect(422));
        assert_page(
            &post(
                &harness,
                page,
                &form(&[("token", "x"), ("new_password", NEW_PASSWORD)]),
            )
            .await
            .expect(422),
        );
        assert_page(&root.get(&format!("{page}?token=%zz")).await.expect(400));
        root.request("PUT".parse().expect("a method"), page)
            .await
            .expect(405)
            .problem("method-not-allowed");
    }
    let style = root.get("/assets/pages.css").await.expect(200);
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert!(!style.text().contains("url("), "the style fetches nothing");
}

async fn opening_a_link_changes_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let person = harness.attendee("asha").await;
    let verification = harness.mailed_secrets(&person.email).await;
    forgot(&harness, &person.email).await;
    let reset = harness.mailed_secrets(&person.email).await;
    let before = row_counts(&harness).await;
    for (page, token) in PAGES.into_iter().zip([&reset.token, &verification.token]) {
        for method in ["GET", "HEAD", "GET"] {
            let path = format!("{page}?token={token}");
            let request = harness
                .client()
                .root()
                .request(method.parse().expect("a method"), &path);
            request.await.expect(200);
        }
    }
    assert_eq!(row_counts(&harness).await, before);
    assert_eq!(
        harness.count("users WHERE email_verified_at IS NOT NULL").await,
        0
    );
    assert_eq!(
        harness
            .count("one_time_secrets WHERE used_at IS NOT NULL OR code_tries > 0")
            .await,
        0
    );
    assert!(signs_in(&harness, &person.email, PASSWORD).await);
}

async fn what_was_sent_is_shown_as_text_and_a_password_never(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hostile = [
        "\"><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "</title><svg onload=alert(1)>",
        "{{ 7 * 7 }}{% include \"x\" %}",
        "&lt;b&gt;",
        "\u{202e}\u{7f}\r\nset-cookie: a=b",
    ];
    let typed = "tooshort<";
    for text in hostile {
        for page in PAGES {
            let link = format!("{page}?{}", form(&[("token", text)]));
            let shown = harness.client().root().get(&link).await.expect(200);
            assert_shown_as_text(&shown, text);
            let code = form(&[("email", text), ("code", text), ("new_password", typed)]);
            assert_shown_as_text(&post(&harness, page, &code).await.expect(422), text);
        }
        let short = form(&[("token", text), ("new_password", typed)]);
        let answer = post(&harness, "/reset-password", &short).await.expect(422);
        assert_shown_as_text(&answer, text);
        assert!(
            !answer.text().contains("tooshort"),
            "the password is in the page: {answer}"
        );
    }
}

fn assert_shown_as_text(answer: &Answer, text: &str) {
    assert_page(answer);
    let html = answer.text();
    for tag in ["<script", "<img", "<svg", "<b>", "49"] {
        assert!(!html.contains(tag), "{text:?} became {tag} in {answer}");
    }
    assert!(answer.header("set-cookie").is_none(), "{answer}");
    let quoted = html.split("value=\"").nth(1).expect("a value");
    let value = quoted.split('"').next().expect("its end");
    let decoded = value
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&");
    assert_eq!(decoded, text.trim(), "{answer}");
}

async fn a_link_sets_the_password_once_whoever_is_quick(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let person = harness.attendee("asha").await;
    forgot(&harness, &person.email).await;
    let token = harness.mailed_secrets(&person.email).await.token;
    let answers = all_at_once(4, |number| {
        let fields = form(&[
            ("token", &token),
            ("new_password", &format!("{NEW_PASSWORD} {number}")),
        ]);
        let request = harness.client().root().post("/reset-password");
        async move { request.text("application/x-www-form-urlencoded", fields).await }
    })
    .await;
    let statuses: Vec<u16> = answers.iter().map(Answer::status).collect();
    let set = statuses
        .iter()
        .position(|status| *status == 200)
        .expect("one sets it");
    assert_eq!(
        statuses.iter().filter(|status| **status == 422).count(),
        3,
        "{statuses:?}"
    );
    assert!(
        answers[set].text().contains("Your password is set"),
        "{}",
        answers[set]
    );
    assert!(answers[(set + 1) % 4].text().contains("not accepted"));
    assert!(signs_in(&harness, &person.email, &format!("{NEW_PASSWORD} {set}")).await);
    assert!(!signs_in(&harness, &person.email, PASSWORD).await);
    person
        .client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    harness.assert_invariants().await;
}

async fn a_code_sets_the_password_and_five_wrong_ones_end_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    for person in [&asha, &bela] {
        forgot(&harness, &person.email).await;
    }
    let fields =
        |email: &str, code: &str| form(&[("email", email), ("code", code), ("new_password", NEW_PASSWORD)]);
    let code = harness.mailed_secrets(&asha.email).await.code;
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    post(&harness, "/reset-password", &fields(&asha.email, &spaced))
        .await
        .expect(200);
    assert!(signs_in(&harness, &asha.email, NEW_PASSWORD).await);

    let code = harness.mailed_secrets(&bela.email).await.code;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let mut refused = Vec::new();
    for _ in 0..5 {
        refused.push(
            post(&harness, "/reset-password", &fields(&bela.email, wrong))
                .await
                .expect(422)
                .text(),
        );
    }
    refused.push(
        post(&harness, "/reset-password", &fields(&bela.email, &code))
            .await
            .expect(422)
            .text(),
    );
    let nobody = fields("nobody@example.org", wrong);
    refused.push(
        post(&harness, "/reset-password", &nobody)
            .await
            .expect(422)
            .text(),
    );
    refused.dedup();
    assert_eq!(refused.len(), 1, "the pages tell why: {refused:?}");
    assert!(!signs_in(&harness, &bela.email, NEW_PASSWORD).await);
    // The link lives on.
    let token = harness.mailed_secrets(&bela.email).await.token;
    let link = form(&[("token", &token), ("new_password", NEW_PASSWORD)]);
    post(&harness, "/reset-password", &link).await.expect(200);
}

async fn a_form_that_does_not_fit_says_what_to_correct_and_uses_nothing_up(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let person = harness.attendee("asha").await;
    forgot(&harness, &person.email).await;
    let secrets = harness.mailed_secrets(&person.email).await;
    let long = "ä".repeat(37);
    for password in ["", "short", "password123", long.as_str()] {
        let answer = post(
            &harness,
            "/reset-password",
            &form(&[("token", &secrets.token), ("new_password", password)]),
        )
        .await
        .expect(422);
        let text = answer.text();
        assert!(
            text.contains("role=\"alert\"") && text.contains("href=\"#new_password\""),
            "{answer}"
        );
        assert!(text.contains("aria-invalid=\"true\""), "{answer}");
        assert!(
            text.contains(&format!("name=\"token\" value=\"{}\"", secrets.token)),
            "{answer}"
        );
    }
    let nothing = post(&harness, "/reset-password", "").await.expect(422).text();
    for field in ["email", "code", "new_password"] {
        assert!(nothing.contains(&format!("href=\"#{field}\"")), "{nothing}");
    }
    for code in ["12345", "1234567", "12345a", "١٢٣٤٥٦"] {
        for page in PAGES {
            let fields = form(&[
                ("email", &person.email),
                ("code", code),
                ("new_password", NEW_PASSWORD),
            ]);
            let answer = post(&harness, page, &fields).await.expect(422);
            assert!(answer.text().contains("href=\"#code\""), "{answer}");
            assert!(
                answer.text().contains(&person.email),
                "the address stays: {answer}"
            );
        }
    }
    assert_eq!(
        harness
            .count("one_time_secrets WHERE used_at IS NOT NULL OR code_tries > 0")
            .await,
        0
    );
    // A blank at its end is part of a password.
    let password = format!(" {NEW_PASSWORD} ");
    let fields = form(&[("token", &secrets.token), ("new_password", &password)]);
    post(&harness, "/reset-password", &fields).await.expect(200);
    assert!(signs_in(&harness, &person.email, &password).await);
}

async fn a_button_confirms_the_address(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let by_link = harness.mailed_secrets(&asha.email).await.token;
    let by_code = harness.mailed_secrets(&bela.email).await.code;
    for fields in [
        form(&[("token", &by_link)]),
        form(&[("email", &bela.email), ("code", &by_code)]),
    ] {
        let answer = post(&harness, "/verify-email", &fields).await.expect(200);
        assert!(answer.text().contains("is confirmed"), "{answer}");
        post(&harness, "/verify-email", &fields).await.expect(422);
    }
    for person in [&asha, &bela] {
        let own = person.client.get("/users/me").await.expect(200).json();
        assert!(own["email_verified"].as_bool().unwrap_or(true), "{own}");
    }
    assert_eq!(
        harness.count("users WHERE email_verified_at IS NOT NULL").await,
        2
    );
    // What confirms an address sets no password.
    let carl = harness.attendee("carl").await;
    let token = harness.mailed_secrets(&carl.email).await.token;
    let fields = form(&[("token", &token), ("new_password", NEW_PASSWORD)]);
    post(&harness, "/reset-password", &fields).await.expect(422);
    set_verified(&harness, &carl, false);
}

async fn what_is_no_form_is_refused_as_a_page(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let root = harness.client().root();
    for page in PAGES {
        let send = |media_type: &str, body: Vec<u8>| root.post(page).text(media_type, body);
        let form = "application/x-www-form-urlencoded";
        assert_page(&root.post(page).await.expect(415));
        assert_page(
            &send("application/json", b"{\"token\": \"x\"}".to_vec())
                .await
                .expect(415),
        );
        assert_page(
            &send("multipart/form-data; boundary=x", b"--x--".to_vec())
                .await
                .expect(415),
        );
        assert_page(
            &send(
                "application/x-www-form-urlencoded; charset=utf-16",
                b"a=b".to_vec(),
            )
            .await
            .expect(415),
        );
        assert_page(&send(form, vec![b'a'; 256 * 1024 + 1]).await.expect(413));
        assert_page(
            &send(form, b"token=".iter().copied().chain([b'a'; 2_001]).collect())
                .await
                .expect(400),
        );
        for unreadable in [
            &b"token=%ff"[..],
            b"token=\xff",
            b"new_password=%00aaaaaaaaaaaa",
            b"token=%",
        ] {
            assert_page(&send(form, unreadable.to_vec()).await.expect(400));
        }
    }
}

async fn a_form_of_another_site_is_refused(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![(
            "PODIUM_HTTP__ALLOWED_ORIGINS",
            "https://app.example.org".to_owned(),
        )],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let person = harness.attendee("asha").await;
    forgot(&harness, &person.email).await;
    let token = harness.mailed_secrets(&person.email).await.token;
    let fields = form(&[("token", &token), ("new_password", NEW_PASSWORD)]);
    let send = |site: &str| {
        // A browser names no origin for a page that lets no referrer out.
        let client = harness.client().root().with_header("origin", "null");
        let request = client.with_header("sec-fetch-site", site).post("/reset-password");
        request.text("application/x-www-form-urlencoded", fields.clone())
    };
    for site in ["cross-site", "same-site"] {
        let answer = send(site).await.expect(403);
        assert_page(&answer);
    }
    assert!(!signs_in(&harness, &person.email, NEW_PASSWORD).await);
    send("same-origin").await.expect(200);
    assert!(signs_in(&harness, &person.email, NEW_PASSWORD).await);
}

async fn an_unknown_field_is_not_looked_at(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let person = harness.attendee("asha").await;
    let token = harness.mailed_secrets(&person.email).await.token;
    let link = format!("/verify-email?utm_source=mail&token={token}&fbclid=1");
    let page = harness.client().root().get(&link).await.expect(200);
    assert!(page.text().contains(&token), "{page}");
    let fields = form(&[("x", "y"), ("token", &token), ("token", "second")]);
    post(&harness, "/verify-email", &fields).await.expect(200);
}

async fn who_guesses_codes_is_told_by_a_page_to_wait(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_LIMITS__ENABLED", "true".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    for page in PAGES {
        // Whether there is such an account makes no difference.
        let email = format!("nobody{}@example.org", page.len());
        let fields = form(&[
            ("email", &email),
            ("code", "000000"),
            ("new_password", NEW_PASSWORD),
        ]);
        for _ in 0..5 {
            post(&harness, page, &fields).await.expect(422);
        }
        let answer = post(&harness, page, &fields).await.expect(429);
        assert_page(&answer);
        let seconds = answer.header("retry-after").expect("when to come again");
        assert!(
            answer.text().contains(&format!("Wait {seconds} seconds")),
            "{answer}"
        );
        // A link is not guessed.
        post(
            &harness,
            page,
            &form(&[("token", "unknown"), ("new_password", NEW_PASSWORD)]),
        )
        .await
        .expect(422);
    }
    let link = form(&[("token", "unknown"), ("new_password", NEW_PASSWORD)]);
    let mut limited = 0;
    for _ in 0..20 {
        limited += u32::from(post(&harness, "/reset-password", &link).await.status() == 429);
    }
    assert!(limited > 0, "all ways to a sign-in share the limit of an address");
}
