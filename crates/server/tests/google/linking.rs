//! Which account a person who was proven elsewhere gets.

use super::{leave, sign_in, with_issuer};
use crate::support::{row_counts, set_verified, sql, suspend};
use auth::{ExternalIdentity, ExternalSignIn, NewSession, RefreshToken};
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::issuer::Visitor;
use testkit::{Answer, Client, Harness, Issuer, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    an_account_whose_address_was_never_confirmed_loses_what_others_may_know,
    an_account_with_a_confirmed_address_keeps_everything,
    a_linked_account_stays_the_persons_whatever_the_address_there,
    an_account_that_may_not_be_used_is_refused,
    an_erased_account_is_refused,
    of_many_callbacks_at_once_for_a_new_person_one_makes_the_account,
    of_many_callbacks_at_once_for_an_account_one_links_it,
    of_many_who_come_at_the_same_moment_one_makes_the_account,
    nobody_slips_in_with_the_old_password_while_the_account_changes_hands,
}

async fn me(client: &Client) -> Value {
    client.get("/users/me").await.expect(200).json()
}

async fn log_in(harness: &Harness, person: &Person) -> Answer {
    let form = json!({"email": person.email, "password": PASSWORD});
    harness.client().post("/auth/login").json(form).await
}

async fn told_of_links(harness: &Harness) -> usize {
    let outbox = harness.outbox().await;
    outbox
        .iter()
        .filter(|entry| entry.kind == "external_sign_in_linked")
        .count()
}

fn answer_security_questions(harness: &Harness, person: &Person) {
    let id = person.id;
    sql(
        harness,
        &format!(
            "INSERT INTO security_answers (user_id, question_id, answer_hash, created_at)
                 SELECT id, 'first-school', 'a hash', created_at FROM users WHERE id = '{id}';
             INSERT INTO security_answers (user_id, question_id, answer_hash, created_at)
                 SELECT id, 'first-pet', 'a hash', created_at FROM users WHERE id = '{id}';
             INSERT INTO security_answer_tries (user_id, wrong, last_try_at, locked_until)
                 SELECT id, 3, created_at, NULL FROM users WHERE id = '{id}';"
        ),
    );
}

fn want_texts(harness: &Harness, person: &Person) {
    let set = "phone = '+919812345678', phone_verified_at = created_at, text_messages = TRUE";
    sql(
        harness,
        &format!("UPDATE users SET {set} WHERE id = '{}'", person.id),
    );
}

const LIVE_SECRETS: &str = "one_time_secrets WHERE used_at IS NULL AND voided_at IS NULL";

async fn an_account_whose_address_was_never_confirmed_loses_what_others_may_know(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let squatter = harness.attendee("asha").await;
    let bystander = harness.attendee("bela").await;
    for person in [&squatter, &bystander] {
        answer_security_questions(&harness, person);
        want_texts(&harness, person);
    }
    let tokens = log_in(&harness, &squatter).await.expect(200);
    me(&squatter.client).await;
    assert_eq!(harness.count(LIVE_SECRETS).await, 2);

    issuer.is_visited_by(Visitor::new("g-1", &squatter.email.to_uppercase()));
    let browser = harness.running().browser();
    sign_in(&issuer, &browser).await.expect(303);
    let asha = me(&browser).await;
    assert_eq!(asha["id"], json!(squatter.id));
    assert!(asha["email_verified_at"].is_string());
    // The name is the account's own.
    assert_eq!(
        (&asha["name"], &asha["email"]),
        (&json!("asha"), &json!(squatter.email))
    );

    // Nor do texts go where whoever made the account reads them.
    assert_eq!(
        (
            &asha["phone"],
            &asha["phone_verified_at"],
            &asha["preferences"]["text_messages"]
        ),
        (&Value::Null, &Value::Null, &json!(false))
    );

    // Whoever made the account is out, at once and for good.
    squatter
        .client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    let refresh = json!({"refresh_token": tokens.text_at("/refresh_token")});
    let refused = harness.client().post("/auth/refresh").json(refresh).await;
    refused.expect(401).problem("session-ended");
    log_in(&harness, &squatter)
        .await
        .expect(401)
        .problem("bad-credentials");
    let id = squatter.id;
    for gone in ["security_answers", "security_answer_tries"] {
        assert_eq!(
            harness.count(&format!("{gone} WHERE user_id = '{id}'")).await,
            0,
            "{gone}"
        );
    }
    assert_eq!(
        harness
            .count(&format!("{LIVE_SECRETS} AND user_id = '{id}'"))
            .await,
        0
    );
    assert_eq!(
        harness
            .count(&format!("users WHERE id = '{id}' AND password_hash IS NULL"))
            .await,
        1
    );
    assert_eq!(told_of_links(&harness).await, 1);

    // Nobody else lost anything.
    assert_eq!(me(&bystander.client).await["preferences"]["text_messages"], true);
    log_in(&harness, &bystander).await.expect(200);
    assert_eq!(harness.count("security_answers").await, 2);
    assert_eq!(harness.count(LIVE_SECRETS).await, 1);
}

async fn an_account_with_a_confirmed_address_keeps_everything(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let asha = harness.attendee("asha").await;
    set_verified(&harness, &asha, true);
    answer_security_questions(&harness, &asha);
    want_texts(&harness, &asha);
    issuer.is_visited_by(Visitor::new("g-1", &asha.email));
    for _ in 0..2 {
        let browser = harness.running().browser();
        sign_in(&issuer, &browser).await.expect(303);
        assert_eq!(me(&browser).await["id"], json!(asha.id));
    }
    assert_eq!(me(&asha.client).await["preferences"]["text_messages"], true);
    log_in(&harness, &asha).await.expect(200);
    assert_eq!(harness.count("security_answers").await, 2);
    assert_eq!(harness.count("security_answer_tries").await, 1);
    assert_eq!(harness.count(LIVE_SECRETS).await, 1);
    // Told once, when it was linked.
    assert_eq!(told_of_links(&harness).await, 1);
    assert_eq!(harness.count("external_identities").await, 1);
}

async fn a_linked_account_stays_the_persons_whatever_the_address_there(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    set_verified(&harness, &asha, true);
    issuer.is_visited_by(Visitor::new("g-1", &asha.email));
    sign_in(&issuer, &harness.running().browser()).await.expect(303);
    // The account there has another address now, even that of somebody here: it is still the same person.
    for email in ["asha.rao@example.org", &bela.email] {
        issuer.is_visited_by(Visitor::new("g-1", email));
        let browser = harness.running().browser();
        sign_in(&issuer, &browser).await.expect(303);
        let seen = me(&browser).await;
        assert_eq!(
            (&seen["id"], &seen["email"]),
            (&json!(asha.id), &json!(asha.email))
        );
    }
    me(&bela.client).await;
    assert_eq!(harness.count("users").await, 2);
    // Another account there is another person, whatever it is called.
    issuer.is_visited_by(Visitor::new("G-1", "chitra@example.org"));
    let browser = harness.running().browser();
    sign_in(&issuer, &browser).await.expect(303);
    assert_eq!(me(&browser).await["email"], "chitra@example.org");
    assert_eq!(harness.count("users").await, 3);
}

async fn an_account_that_may_not_be_used_is_refused(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let (linked, unlinked) = (harness.attendee("asha").await, harness.attendee("bela").await);
    set_verified(&harness, &linked, true);
    issuer.is_visited_by(Visitor::new("g-1", &linked.email));
    sign_in(&issuer, &harness.running().browser()).await.expect(303);
    for (person, subject) in [(&linked, "g-1"), (&unlinked, "g-2")] {
        suspend(&harness, person);
        let before = row_counts(&harness).await;
        issuer.is_visited_by(Visitor::new(subject, &person.email));
        let browser = harness.running().browser();
        let refused = sign_in(&issuer, &browser).await.expect(403);
        refused.problem("external-sign-in-refused");
        super::assert_only_cleared(&refused);
        browser.get("/users/me").await.expect(401);
        assert_eq!(row_counts(&harness).await, before);
    }
    // Nothing was taken from it either.
    let id = unlinked.id;
    assert_eq!(
        harness
            .count(&format!(
                "users WHERE id = '{id}' AND password_hash IS NOT NULL AND email_verified_at IS NULL"
            ))
            .await,
        1
    );
}

async fn an_erased_account_is_refused(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let asha = harness.attendee("asha").await;
    set_verified(&harness, &asha, true);
    issuer.is_visited_by(Visitor::new("g-1", &asha.email));
    sign_in(&issuer, &harness.running().browser()).await.expect(303);
    sql(
        &harness,
        &format!(
            "UPDATE users SET status = 'suspended', password_hash = NULL, email = 'erased@invalid.invalid',
                 email_key = 'erased@invalid.invalid', name = 'Erased', name_key = 'erased', erased_at = created_at
             WHERE id = '{}'",
            asha.id
        ),
    );
    let refused = sign_in(&issuer, &harness.running().browser()).await;
    refused.expect(403).problem("external-sign-in-refused");
    assert_eq!(harness.count("users").await, 1);
}

/// So many browsers of one visitor, all on their way back at the same moment.
async fn come_back_at_once(harness: &Harness, issuer: &Issuer, count: usize) -> Vec<Client> {
    let mut ways = Vec::new();
    for _ in 0..count {
        let browser = harness.running().browser();
        let back = issuer.sign_in(&leave(&browser).await).await;
        ways.push((browser, back));
    }
    let answers = all_at_once(count, |index| {
        let (browser, back) = ways[index].clone();
        async move { browser.get(&back).await }
    })
    .await;
    for answer in answers {
        answer.expect(303);
    }
    ways.into_iter().map(|(browser, _)| browser).collect()
}

async fn of_many_callbacks_at_once_for_a_new_person_one_makes_the_account(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let browsers = come_back_at_once(&harness, &issuer, 8).await;
    let first = me(&browsers[0]).await;
    for browser in &browsers {
        assert_eq!(me(browser).await["id"], first["id"]);
    }
    assert_eq!(harness.count("users").await, 1);
    assert_eq!(harness.count("user_roles").await, 1);
    assert_eq!(harness.count("external_identities").await, 1);
    assert_eq!(harness.count("sessions WHERE revoked_at IS NULL").await, 8);
    harness.assert_invariants().await;
}

/// Below HTTP, where nothing spreads them.
async fn of_many_who_come_at_the_same_moment_one_makes_the_account(database: TestDatabase) {
    let harness = Harness::start(database).await;
    for round in 1..=5 {
        all_at_once(8, |_| {
            let (store, ctx) = (harness.store().clone(), harness.system());
            let command = ExternalSignIn {
                identity: ExternalIdentity {
                    issuer: "https://issuer.example".to_owned(),
                    subject: format!("g-{round}"),
                    email: format!("asha-{round}@example.org").parse().expect("an address"),
                    email_verified: true,
                    name: None,
                },
                provider: "Google".to_owned(),
                session: NewSession {
                    device: None,
                    address: None,
                    expires_at: ctx.now + TimeDelta::days(1),
                },
                refresh_token: RefreshToken::generate().expect("randomness"),
            };
            let keys = harness.server_keys();
            async move {
                let signed_in =
                    store.write(move |tx| auth::external_sign_in(tx, &ctx, &keys, command.clone()));
                signed_in.await.expect("a session");
            }
        })
        .await;
        assert_eq!(harness.count("users").await, round);
        assert_eq!(harness.count("external_identities").await, round);
        assert_eq!(harness.count("sessions").await, 8 * round);
    }
    harness.assert_invariants().await;
}

async fn of_many_callbacks_at_once_for_an_account_one_links_it(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    let squatter = harness.attendee("asha").await;
    issuer.is_visited_by(Visitor::new("g-1", &squatter.email));
    let browsers = come_back_at_once(&harness, &issuer, 8).await;
    // The one that came last did not end the sessions of those before it.
    for browser in &browsers {
        assert_eq!(me(browser).await["id"], json!(squatter.id));
    }
    squatter.client.get("/users/me").await.expect(401);
    assert_eq!(told_of_links(&harness).await, 1);
    assert_eq!(harness.count("external_identities").await, 1);
    harness.assert_invariants().await;
}

async fn nobody_slips_in_with_the_old_password_while_the_account_changes_hands(database: TestDatabase) {
    let (harness, issuer) = with_issuer(database).await;
    for round in 0..4 {
        let squatter = harness.attendee("asha").await;
        issuer.is_visited_by(Visitor::new(&format!("g-{round}"), &squatter.email));
        let owner = harness.running().browser();
        let back = issuer.sign_in(&leave(&owner).await).await;
        all_at_once(12, |index| {
            let (owner, back) = (owner.clone(), back.clone());
            let (nobody, email) = (harness.client(), squatter.email.clone());
            async move {
                if index == 6 {
                    owner.get(&back).await.expect(303);
                } else {
                    let form = json!({"email": email, "password": PASSWORD});
                    nobody.post("/auth/login").json(form).await;
                }
            }
        })
        .await;
        me(&owner).await;
        let open = format!(
            "sessions WHERE user_id = '{}' AND revoked_at IS NULL",
            squatter.id
        );
        assert_eq!(harness.count(&open).await, 1, "somebody else is still signed in");
    }
}
