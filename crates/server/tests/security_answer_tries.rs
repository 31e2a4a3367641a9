//! Tries of answers to security questions: how many are compared, what locks them, and what a right one is worth.

use crate::passwords::{forgot, notices};
use crate::security_questions::{OTHER, refused, reset, sign_in, to_what_is_asked, with_answers};
use crate::support::{confirm_email, sql, suspend};
use auth::{AnswersTry, BcryptCost, NewPassword, PasswordHash};
use chrono::TimeDelta;
use kernel::{EmailAddress, ServerKeys, StoreError};
use serde_json::json;
use std::sync::Arc;
use storage::Tx;
use testkit::harness::PASSWORD;
use testkit::{Harness, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    of_fifty_wrong_tries_at_once_five_are_compared_and_lock_the_answers,
    every_lock_ends_by_the_clock,
    a_reset_by_mail_lifts_the_lock,
    answers_of_whoever_made_an_account_do_not_outlive_its_owners_reset,
    of_many_right_answers_at_once_one_sets_the_password,
    what_was_compared_before_a_change_is_worth_nothing_after_it,
    of_many_tries_charged_at_once_five_are_compared,
    two_hashes_are_compared_whoever_is_asked,
}

/// Charges a try of the answers to what the address is asked, as the route does before it compares them.
async fn charge(harness: &Harness, email: &str) -> AnswersTry {
    let (ctx, keys) = (harness.system(), ServerKeys::new(vec![1; 32], Vec::new()));
    let email: EmailAddress = email.parse().expect("an address");
    let operation = move |tx: &mut Tx<'_>| {
        let asked = auth::asked_questions(tx, &keys, &email)?;
        auth::charge_answers(tx, &ctx, &keys, &email, &asked)
    };
    harness
        .store()
        .write::<_, StoreError, _>(operation)
        .await
        .expect("a try")
}

async fn of_fifty_wrong_tries_at_once_five_are_compared_and_lock_the_answers(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    let wrong = to_what_is_asked(&nobody, &asha.email, false).await;
    let answers = to_what_is_asked(&nobody, &asha.email, true).await;
    let refusals = all_at_once(50, |_| {
        let (client, email, wrong) = (harness.client(), asha.email.clone(), wrong.clone());
        async move { reset(&client, &email, &wrong, OTHER).await }
    })
    .await;
    for answer in &refusals {
        refused(answer);
    }
    assert_eq!(
        harness
            .count("security_answer_tries WHERE wrong = 5 AND locked_until IS NOT NULL")
            .await,
        1
    );
    refused(&reset(&nobody, &asha.email, &answers, OTHER).await);
    let almost = TimeDelta::minutes(15) - TimeDelta::seconds(1);
    harness.clock().advance(almost);
    refused(&reset(&nobody, &asha.email, &answers, OTHER).await);
    harness.clock().advance(TimeDelta::seconds(1));
    reset(&nobody, &asha.email, &answers, OTHER).await.expect(204);
    assert_eq!(harness.count("security_answer_tries").await, 0);
    sign_in(&nobody, &asha.email, OTHER).await.expect(200);
}

async fn every_lock_ends_by_the_clock(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    let wrong = to_what_is_asked(&nobody, &asha.email, false).await;
    let answers = to_what_is_asked(&nobody, &asha.email, true).await;
    for minutes in [15, 15, 15] {
        for _ in 0..5 {
            refused(&reset(&nobody, &asha.email, &wrong, OTHER).await);
        }
        let almost = TimeDelta::minutes(minutes) - TimeDelta::seconds(1);
        harness.clock().advance(almost);
        refused(&reset(&nobody, &asha.email, &answers, OTHER).await);
        harness.clock().advance(TimeDelta::seconds(1));
    }
    // What came while it was locked was not counted.
    assert_eq!(harness.count("security_answer_tries WHERE wrong = 15").await, 1);
    reset(&nobody, &asha.email, &answers, OTHER).await.expect(204);
    // Success begins anew: four wrong ones lock nothing.
    for _ in 0..4 {
        refused(&reset(&nobody, &asha.email, &wrong, OTHER).await);
    }
    reset(&nobody, &asha.email, &answers, PASSWORD).await.expect(204);
}

async fn a_reset_by_mail_lifts_the_lock(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    let token = harness.mailed_secrets(&asha.email).await.token;
    confirm_email(&harness, json!({"token": token})).await.expect(204);
    let wrong = to_what_is_asked(&nobody, &asha.email, false).await;
    for _ in 0..5 {
        refused(&reset(&nobody, &asha.email, &wrong, OTHER).await);
    }
    let mut by_mail = forgot(&harness, &asha.email).await.link;
    by_mail["new_password"] = json!(OTHER);
    nobody
        .post("/auth/password/reset")
        .json(by_mail)
        .await
        .expect(204);
    assert_eq!(harness.count("security_answer_tries").await, 0);
    let answers = to_what_is_asked(&nobody, &asha.email, true).await;
    reset(&nobody, &asha.email, &answers, PASSWORD).await.expect(204);
}

async fn answers_of_whoever_made_an_account_do_not_outlive_its_owners_reset(database: TestDatabase) {
    let harness = Harness::start(database).await;
    // Nobody has shown that the address is theirs: whoever set the answers may be somebody else.
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    let answers = to_what_is_asked(&nobody, &asha.email, true).await;
    let mut by_mail = forgot(&harness, &asha.email).await.link;
    by_mail["new_password"] = json!(OTHER);
    let reset_by_mail = nobody.post("/auth/password/reset").json(by_mail).await;
    reset_by_mail.expect(204);
    refused(&reset(&nobody, &asha.email, &answers, PASSWORD).await);
    assert_eq!(harness.count("security_answers").await, 0);
}

async fn of_many_right_answers_at_once_one_sets_the_password(database: TestDatabase) {
    let harness = Arc::new(Harness::start(database).await);
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    // Five tries were charged and all were found right.
    let mut found = Vec::new();
    for _ in 0..5 {
        found.push(charge(&harness, &asha.email).await.recovered.expect("an account"));
    }
    assert!(charge(&harness, &asha.email).await.recovered.is_none());
    let set = all_at_once(5, |number| {
        let (harness, recovered) = (Arc::clone(&harness), found[number].clone());
        async move {
            let password = NewPassword::parse(&format!("password number {number}")).expect("a password");
            let hash = password
                .hash(BcryptCost::new(4).expect("a cost"))
                .expect("a hash");
            let ctx = harness.system();
            harness
                .store()
                .write(move |tx| auth::reset_with_answers(tx, &ctx, &recovered, &hash))
                .await
                .expect("an answer")
        }
    })
    .await;
    assert_eq!(set.iter().filter(|set| **set).count(), 1);
    for (number, set) in set.iter().enumerate() {
        let password = format!("password number {number}");
        let expected = if *set { 200 } else { 401 };
        sign_in(&nobody, &asha.email, &password).await.expect(expected);
    }
    assert_eq!(notices(&harness, &asha.email).await, ["ResetByAnswers"]);
    // Through the route those who come later come in too: the answers are right.
    let answers = to_what_is_asked(&nobody, &asha.email, true).await;
    let outcomes = all_at_once(20, |number| {
        let (client, email, answers) = (harness.client(), asha.email.clone(), answers.clone());
        async move { reset(&client, &email, &answers, &format!("another password {number}")).await }
    })
    .await;
    let done = outcomes.iter().filter(|answer| answer.status() == 204).count();
    assert!(done > 0, "nobody came in");
    for answer in outcomes.iter().filter(|answer| answer.status() != 204) {
        refused(answer);
    }
    assert_eq!(notices(&harness, &asha.email).await.len(), 1 + done);
}

async fn what_was_compared_before_a_change_is_worth_nothing_after_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let changes: [&str; 4] = [
        "UPDATE users SET status = 'suspended' WHERE id = '{}'",
        "UPDATE users SET password_hash = 'another' WHERE id = '{}'",
        "INSERT INTO user_roles (user_id, role_name) VALUES ('{}', 'admin')",
        "UPDATE security_answers SET answer_hash = 'another' WHERE user_id = '{}'",
    ];
    for change in changes {
        let asha = with_answers(&harness, "asha").await;
        let recovered = charge(&harness, &asha.email).await.recovered.expect("an account");
        sql(&harness, &change.replace("{}", &asha.id.to_string()));
        let ctx = harness.system();
        let hash = PasswordHash::from_stored("never set".to_owned());
        let set = harness
            .store()
            .write(move |tx| auth::reset_with_answers(tx, &ctx, &recovered, &hash))
            .await
            .expect("an answer");
        assert!(!set, "{change}");
    }
    assert_eq!(harness.count("users WHERE password_hash = 'never set'").await, 0);
}

async fn of_many_tries_charged_at_once_five_are_compared(database: TestDatabase) {
    let harness = Arc::new(Harness::start(database).await);
    let asha = with_answers(&harness, "asha").await;
    let tries = all_at_once(20, |_| {
        let (harness, email) = (Arc::clone(&harness), asha.email.clone());
        async move { charge(&harness, &email).await }
    })
    .await;
    let compared = tries.iter().filter(|tried| tried.recovered.is_some()).count();
    assert_eq!(compared, 5);
    assert_eq!(harness.count("security_answer_tries WHERE wrong = 5").await, 1);
}

async fn two_hashes_are_compared_whoever_is_asked(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (known, gone) = (
        with_answers(&harness, "known").await,
        with_answers(&harness, "gone").await,
    );
    suspend(&harness, &gone);
    let without = harness.attendee("without").await;
    let fits = |tried: &AnswersTry| {
        let real = tried.hashes.iter().filter(|hash| hash.is_some()).count();
        (tried.hashes.len(), real, tried.recovered.is_some())
    };
    for _ in 0..5 {
        assert_eq!(fits(&charge(&harness, &known.email).await), (2, 2, true));
    }
    // Locked now.
    for email in [&known.email, &gone.email, &without.email, "nobody@example.org"] {
        assert_eq!(fits(&charge(&harness, email).await), (2, 0, false), "{email}");
    }
}
