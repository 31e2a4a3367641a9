//! An account gets another address, confirmed there.

use crate::support::{confirm_email, hash_of, row_counts, sql};
use auth::OneTimeProof;
use chrono::TimeDelta;
use kernel::{EmailAddress, ServerKeys, StoreError};
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Answer, Harness, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_confirmed_address_is_the_accounts_and_the_old_one_is_told,
    a_change_is_confirmed_by_its_code_too_within_the_hour,
    what_was_mailed_to_the_old_address_is_void,
    a_new_password_voids_a_change_that_was_asked_for_before,
    an_address_of_somebody_else_is_answered_alike_and_mails_nobody,
    an_address_that_was_taken_meanwhile_changes_nothing,
    of_two_who_want_one_address_at_once_one_gets_it,
    of_fifty_who_confirm_one_change_at_once_one_is_told_that_it_is_done,
    the_password_is_asked_for,
    five_changes_an_hour_are_mailed_whoever_has_the_addresses,
    the_same_address_in_another_spelling_is_ones_own,
    registering_while_the_address_changes_leaves_one_attendee_with_the_new_one,
}

async fn ask(person: &Person, new_email: &str) -> Answer {
    let form = json!({"new_email": new_email, "password": PASSWORD});
    person.client.post("/users/me/email").json(form).await
}

async fn asked(harness: &Harness, person: &Person, new_email: &str) -> Value {
    let answer = ask(person, new_email).await.expect(202);
    assert_eq!(answer.text(), "");
    json!({"token": harness.mailed_secrets(new_email).await.token})
}

async fn address_of(person: &Person) -> String {
    person.client.get("/users/me").await.expect(200).text_at("/email")
}

async fn refused(harness: &Harness, proof: Value) {
    confirm_email(harness, proof)
        .await
        .expect(422)
        .problem("code-refused");
}

/// How many messages of that kind went to the address.
async fn mails(harness: &Harness, kind: &str, email: &str) -> usize {
    let mails = harness.mails_to(email).await;
    mails.iter().filter(|mail| mail.kind() == kind).count()
}

async fn sign_in(harness: &Harness, email: &str) -> Answer {
    let form = json!({"email": email, "password": PASSWORD});
    harness.client().post("/auth/login").json(form).await
}

async fn a_confirmed_address_is_the_accounts_and_the_old_one_is_told(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    harness.registered(&asha, event).await;
    let proof = asked(&harness, &asha, "New.Asha@example.org").await;
    // Nothing changes before the address is proven.
    assert_eq!(address_of(&asha).await, asha.email);
    assert_eq!(mails(&harness, "email_changed", &asha.email).await, 0);
    sign_in(&harness, "new.asha@example.org").await.expect(401);

    confirm_email(&harness, proof.clone()).await.expect(204);
    let me = asha.client.get("/users/me").await.expect(200).json();
    assert_eq!(me["email"], "New.Asha@example.org");
    assert!(me["email_verified_at"].is_string());
    assert_eq!(mails(&harness, "email_changed", &asha.email).await, 1);
    assert_eq!(mails(&harness, "email_changed", "new.asha@example.org").await, 0);
    sign_in(&harness, &asha.email)
        .await
        .expect(401)
        .problem("bad-credentials");
    sign_in(&harness, "new.asha@example.org").await.expect(200);
    let path = format!("/events/{event}/registrations");
    let seats = organizer.client.get(&path).await.expect(200).items();
    assert_eq!(seats[0]["attendee"]["email"], "New.Asha@example.org");
    refused(&harness, proof).await;
    // The old address is free again.
    let form = json!({"email": asha.email, "password": PASSWORD, "name": "Another"});
    harness
        .client()
        .post("/auth/register")
        .json(form)
        .await
        .expect(201);
    harness.assert_invariants().await;
}

async fn a_change_is_confirmed_by_its_code_too_within_the_hour(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let code = |email: &str, otp: &str| json!({"email": email, "otp": otp});
    ask(&asha, "late@example.org").await.expect(202);
    let late = harness.mailed_secrets("late@example.org").await;
    harness.clock().advance(TimeDelta::hours(1));
    refused(&harness, code("late@example.org", &late.code)).await;
    refused(&harness, json!({"token": late.token})).await;
    let asha = harness.log_in(&asha.email).await;
    ask(&asha, "new@example.org").await.expect(202);
    let new = harness.mailed_secrets("new@example.org").await;
    harness
        .clock()
        .advance(TimeDelta::hours(1) - TimeDelta::seconds(1));
    refused(&harness, code(&asha.email, &new.code)).await;
    confirm_email(&harness, code("new@example.org", &new.code))
        .await
        .expect(204);
    let back = harness.log_in("new@example.org").await;
    assert_eq!(back.id, asha.id);
}

/// Asks for a reset of the password as if by its route; gives the proof.
async fn forgot(harness: &Harness, email: &str) -> OneTimeProof {
    let (ctx, address): (_, EmailAddress) = (harness.system(), email.parse().expect("an address"));
    let secrets = auth::generate_secrets().expect("randomness");
    let proof = OneTimeProof::Link(secrets.token.clone());
    harness
        .store()
        .write(move |tx| auth::forgot_password(tx, &ctx, &keys(), &address, &secrets))
        .await
        .expect("a reset");
    proof
}

async fn prove_reset(harness: &Harness, proof: &OneTimeProof) -> Option<auth::ProvenReset> {
    let (ctx, proof) = (harness.system(), proof.clone());
    let proven = harness
        .store()
        .write(move |tx| auth::prove_reset(tx, &ctx, &keys(), &proof))
        .await;
    proven.unwrap_or_else(|error: StoreError| panic!("{error}"))
}

/// A link is kept without a key: any will do.
fn keys() -> ServerKeys {
    ServerKeys::new(vec![7; 32], Vec::new())
}

async fn what_was_mailed_to_the_old_address_is_void(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let verification = json!({"token": harness.mailed_secrets(&asha.email).await.token});
    let other_change = asked(&harness, &asha, "other@example.org").await;
    let change = asked(&harness, &asha, "new@example.org").await;
    let reset = forgot(&harness, &asha.email).await;
    let proven = prove_reset(&harness, &reset).await;
    assert!(proven.is_some());
    confirm_email(&harness, change).await.expect(204);
    assert_eq!(prove_reset(&harness, &reset).await, None);
    // A reset that had been proven before is void as well.
    let (ctx, proven) = (harness.system(), proven.expect("a reset"));
    let keys = harness.server_keys();
    let hash = hash_of("another password");
    let set = harness
        .store()
        .write(move |tx| auth::reset_password(tx, &ctx, &keys, proven, &hash))
        .await;
    assert!(set.expect("an answer").is_none());
    refused(&harness, verification).await;
    refused(&harness, other_change).await;
    assert_eq!(address_of(&asha).await, "new@example.org");
    sign_in(&harness, "new@example.org").await.expect(200);
}

async fn a_new_password_voids_a_change_that_was_asked_for_before(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    // Somebody else knew the password.
    let change = asked(&harness, &asha, "thief@example.org").await;
    let reset = forgot(&harness, &asha.email).await;
    let proven = prove_reset(&harness, &reset).await.expect("a reset");
    let (ctx, keys) = (harness.system(), harness.server_keys());
    let hash = hash_of(PASSWORD);
    let set = harness
        .store()
        .write(move |tx| auth::reset_password(tx, &ctx, &keys, proven, &hash))
        .await;
    assert!(set.expect("an answer").is_some());
    refused(&harness, change).await;
    assert_eq!(address_of(&harness.log_in(&asha.email).await).await, asha.email);
}

async fn an_address_of_somebody_else_is_answered_alike_and_mails_nobody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let free = ask(&asha, "free@example.org").await.expect(202);
    let before = harness.outbox().await.len();
    let taken = ask(&asha, &bela.email.to_uppercase()).await.expect(202);
    let names = |answer: &Answer| {
        let mut names: Vec<String> = answer.headers().keys().map(ToString::to_string).collect();
        names.sort();
        (answer.text(), names)
    };
    assert_eq!(names(&free), names(&taken));
    assert_eq!(harness.outbox().await.len(), before);
}

async fn an_address_that_was_taken_meanwhile_changes_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let proof = asked(&harness, &asha, "new@example.org").await;
    let form = json!({"email": "New@Example.org", "password": PASSWORD, "name": "Quick"});
    harness
        .client()
        .post("/auth/register")
        .json(form)
        .await
        .expect(201);
    let before = row_counts(&harness).await;
    refused(&harness, proof).await;
    assert_eq!(before, row_counts(&harness).await);
    assert_eq!(address_of(&asha).await, asha.email);
    assert_eq!(mails(&harness, "email_changed", &asha.email).await, 0);
    // The account's own mail is as good as before.
    let own = harness.mailed_secrets(&asha.email).await;
    confirm_email(&harness, json!({"token": own.token}))
        .await
        .expect(204);
    harness.assert_invariants().await;
}

async fn of_two_who_want_one_address_at_once_one_gets_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    for round in 0..5 {
        let wanted = format!("wanted-{round}@example.org");
        let people = [harness.attendee("asha").await, harness.attendee("bela").await];
        let mut proofs = Vec::new();
        for person in &people {
            proofs.push(asked(&harness, person, &wanted).await);
        }
        let answers = all_at_once(2, |index| {
            let request = harness
                .client()
                .post("/auth/email/verification/confirm")
                .json(proofs[index].clone());
            async move { request.await }
        })
        .await;
        let mut statuses: Vec<u16> = answers.iter().map(Answer::status).collect();
        let winner = statuses
            .iter()
            .position(|status| *status == 204)
            .expect("a winner");
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 422]);
        assert_eq!(address_of(&people[winner]).await, wanted);
        assert_eq!(address_of(&people[1 - winner]).await, people[1 - winner].email);
    }
    harness.assert_invariants().await;
}

async fn of_fifty_who_confirm_one_change_at_once_one_is_told_that_it_is_done(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let proof = asked(&harness, &asha, "new@example.org").await;
    let answers = all_at_once(50, |_| {
        let request = harness
            .client()
            .post("/auth/email/verification/confirm")
            .json(proof.clone());
        async move { request.await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 204).count(), 1);
    assert!(answers.iter().all(|answer| [204, 422].contains(&answer.status())));
    assert_eq!(mails(&harness, "email_changed", &asha.email).await, 1);
}

async fn the_password_is_asked_for(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let before = row_counts(&harness).await;
    for (email, password) in [
        ("new@example.org", "a wrong password"),
        (bela.email.as_str(), "a wrong password"),
        ("new@example.org", ""),
    ] {
        let form = json!({"new_email": email, "password": password});
        let refused = asha.client.post("/users/me/email").json(form).await;
        refused.expect(403).problem("wrong-password");
    }
    let form = json!({"new_email": "no address", "password": PASSWORD});
    asha.client
        .post("/users/me/email")
        .json(form.clone())
        .await
        .invalid(&["/new_email"]);
    harness
        .client()
        .post("/users/me/email")
        .json(form)
        .await
        .expect(401)
        .problem("unauthenticated");
    // An account that signs in elsewhere has none.
    sql(
        &harness,
        &format!("UPDATE users SET password_hash = NULL WHERE id = '{}'", asha.id),
    );
    ask(&asha, "new@example.org")
        .await
        .expect(403)
        .problem("wrong-password");
    assert_eq!(before, row_counts(&harness).await);
}

async fn five_changes_an_hour_are_mailed_whoever_has_the_addresses(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    // Whether the addresses are taken does not show by when the limit is reached.
    let carl_email = harness.attendee("carl").await.email;
    for number in 0..5 {
        ask(&asha, &carl_email).await.expect(202);
        ask(&bela, &format!("free-{number}@example.org"))
            .await
            .expect(202);
    }
    for (person, email) in [(&asha, &carl_email), (&bela, &"free@example.org".to_owned())] {
        let limited = ask(person, email).await.expect(429);
        limited.problem("rate-limited");
        assert!(limited.header("retry-after").is_some());
    }
    let dora = harness.attendee("dora").await;
    let answers = all_at_once(12, |number| {
        let form = json!({"new_email": format!("dora-{number}@example.org"), "password": PASSWORD});
        let request = dora.client.post("/users/me/email").json(form);
        async move { request.await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 202).count(), 5);
    harness.clock().advance(TimeDelta::hours(1));
    let asha = harness.log_in(&asha.email).await;
    ask(&asha, "free@example.org").await.expect(202);
}

async fn the_same_address_in_another_spelling_is_ones_own(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let shouted = asha.email.to_uppercase();
    let proof = asked(&harness, &asha, &shouted).await;
    confirm_email(&harness, proof).await.expect(204);
    let email = address_of(&asha).await;
    assert!(email != asha.email && email.eq_ignore_ascii_case(&asha.email));
    assert_eq!(mails(&harness, "email_changed", &asha.email).await, 0);
}

async fn registering_while_the_address_changes_leaves_one_attendee_with_the_new_one(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut events = Vec::new();
    for _ in 0..6 {
        events.push(harness.published_event(&organizer, 5).await);
    }
    for round in 0..4 {
        let asha = harness.attendee("asha").await;
        let new_email = format!("new-{round}@example.org");
        let proof = asked(&harness, &asha, &new_email).await;
        let confirm = harness.client();
        let answers = all_at_once(events.len() + 1, |index| {
            let request = match events.get(index) {
                Some(event) => asha.client.post(&format!("/events/{event}/registrations")),
                None => confirm
                    .post("/auth/email/verification/confirm")
                    .json(proof.clone()),
            };
            async move { request.await }
        })
        .await;
        for answer in &answers {
            assert!([201, 204].contains(&answer.status()), "{answer}");
        }
        let own = format!(
            "attendees WHERE user_id = '{}' AND email_key = '{new_email}'",
            asha.id
        );
        assert_eq!(harness.count(&own).await, 1);
        harness.assert_invariants().await;
    }
}
