//! Security questions: who may have them, what is asked, and the way back in by the answers.

use crate::passwords::{forgot, notices};
use crate::support::{first_of, give_only, row_counts, seen, sql, suspend, text_in};
use chrono::TimeDelta;
use kernel::Permission;
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    the_catalogue_is_a_list_of_ten,
    the_answers_set_a_new_password,
    answers_fit_in_any_spelling_and_to_what_was_asked_alone,
    setting_answers_needs_the_password_or_a_recent_sign_in,
    answers_that_do_not_fit_are_named,
    new_answers_take_the_place_of_all_old_ones,
    an_account_that_may_do_more_than_an_organizer_has_no_security_questions,
    a_role_that_is_given_later_ends_recovery_by_answers,
    everybody_is_asked_two_questions_that_stay_the_same,
    every_refusal_is_the_same,
    a_reset_by_answers_voids_what_was_mailed_and_verifies_nothing,
    answers_are_kept_hashed,
}

pub const OTHER: &str = "another password for tests";

pub async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    let form = json!({"email": email, "password": password});
    client.post("/auth/login").json(form).await
}

/// The right answer to a question of that id.
fn right(id: &str) -> String {
    format!("What I say to {id}")
}

pub fn answers_to<'q>(ids: impl IntoIterator<Item = &'q str>) -> Value {
    ids.into_iter()
        .map(|id| json!({"question_id": id, "answer": right(id)}))
        .collect()
}

const OWN: [&str; 3] = ["toy_name", "hiding_place", "broken_thing"];

async fn set(client: &Client, form: Value) -> Answer {
    client.put("/users/me/security-questions").json(form).await
}

/// A person who has set the right answers to [`OWN`].
pub async fn with_answers(harness: &Harness, name: &str) -> Person {
    let person = harness.attendee(name).await;
    set(&person.client, json!({"answers": answers_to(OWN)}))
        .await
        .expect(204);
    person
}

/// The ids of the questions that an address is asked.
async fn asked(client: &Client, email: &str) -> Vec<String> {
    let request = client.post("/auth/password/security-questions");
    let answer = request.json(json!({"email": email})).await.expect(200).json();
    let questions = answer["questions"].as_array().expect("questions").clone();
    let id = |question: &Value| question["id"].as_str().expect("an id").to_owned();
    questions.iter().map(id).collect()
}

/// The right answers to what is asked, or those with the last one spoilt.
pub async fn to_what_is_asked(client: &Client, email: &str, fit: bool) -> Value {
    let ids = asked(client, email).await;
    let mut answers = answers_to(ids.iter().map(String::as_str));
    if !fit {
        answers[1]["answer"] = json!("something else");
    }
    answers
}

pub async fn reset(client: &Client, email: &str, answers: &Value, password: &str) -> Answer {
    let form = json!({"email": email, "answers": answers, "new_password": password});
    client.post("/auth/password/reset-with-answers").json(form).await
}

pub fn refused(answer: &Answer) {
    assert_eq!(answer.status(), 422, "{answer}");
    answer.problem("code-refused");
}

async fn the_catalogue_is_a_list_of_ten(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let list = harness.client().get("/auth/security-questions").await.expect(200);
    assert_eq!(list.items().len(), 10);
    assert_eq!(list.json()["next_cursor"], Value::Null);
    assert!(list.items().iter().any(|item| item["id"] == "toy_name"
        && item["question"] == "What did you call the toy that you loved most as a child?"));
}

async fn the_answers_set_a_new_password(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    let there = second.running().person(asha.client.token().expect("a token"));
    there.get("/users/me").await.expect(200);
    let answers = to_what_is_asked(&nobody, &asha.email, true).await;
    reset(&nobody, &asha.email, &answers, "short")
        .await
        .invalid(&["/new_password"]);
    let wrong = to_what_is_asked(&nobody, &asha.email, false).await;
    refused(&reset(&nobody, &asha.email, &wrong, OTHER).await);
    assert_eq!(harness.count("security_answer_tries WHERE wrong = 1").await, 1);
    asha.client.get("/users/me").await.expect(200);

    let done = reset(&nobody, &asha.email, &answers, OTHER).await.expect(204);
    assert_eq!(done.header("set-cookie"), None, "a reset signs nobody in");
    sign_in(&nobody, &asha.email, PASSWORD).await.expect(401);
    sign_in(&nobody, &asha.email, OTHER).await.expect(200);
    asha.client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    harness.clock().advance(TimeDelta::seconds(5));
    there.get("/users/me").await.expect(401).problem("session-ended");
    assert_eq!(notices(&harness, &asha.email).await, ["ResetByAnswers"]);
    assert_eq!(harness.count("security_answer_tries").await, 0);
    // The answers stay the person's.
    reset(&nobody, &asha.email, &answers, PASSWORD).await.expect(204);
}

async fn answers_fit_in_any_spelling_and_to_what_was_asked_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    let ids = asked(&nobody, &asha.email).await;
    let third = first_of(OWN, |id| !ids.iter().any(|asked| asked == id));
    // Right, and not asked.
    let answers = answers_to([ids[0].as_str(), third]);
    refused(&reset(&nobody, &asha.email, &answers, OTHER).await);
    // Right, and to the wrong questions.
    let mut swapped = answers_to(ids.iter().map(String::as_str));
    swapped[0]["answer"] = json!(right(&ids[1]));
    swapped[1]["answer"] = json!(right(&ids[0]));
    refused(&reset(&nobody, &asha.email, &swapped, OTHER).await);

    let mut spelled = answers_to([ids[1].as_str(), ids[0].as_str()]);
    for answer in spelled.as_array_mut().expect("answers") {
        let text = answer["answer"].as_str().expect("text").to_uppercase();
        answer["answer"] = json!(format!("…{}!", text.replace(' ', "  ")));
    }
    reset(&nobody, &asha.email.to_uppercase(), &spelled, OTHER)
        .await
        .expect(204);
}

async fn setting_answers_needs_the_password_or_a_recent_sign_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let answers = answers_to(OWN);
    let almost = TimeDelta::minutes(10) - TimeDelta::seconds(1);
    harness.clock().advance(almost);
    set(&asha.client, json!({"answers": answers})).await.expect(204);
    // The password is not looked past where it is given.
    let wrong = json!({"answers": answers, "password": "a wrong password"});
    set(&asha.client, wrong.clone())
        .await
        .expect(403)
        .problem("wrong-password");
    harness.clock().advance(TimeDelta::seconds(1));
    let before = row_counts(&harness).await;
    set(&asha.client, json!({"answers": answers}))
        .await
        .expect(403)
        .problem("recent-sign-in-needed");
    set(&asha.client, wrong)
        .await
        .expect(403)
        .problem("wrong-password");
    assert_eq!(before, row_counts(&harness).await);
    set(&asha.client, json!({"answers": answers, "password": PASSWORD}))
        .await
        .expect(204);
    let mails = harness.mails_to(&asha.email).await;
    let told = mails
        .iter()
        .filter(|mail| mail.kind() == "security_answers_changed");
    assert_eq!(told.count(), 2);
    // A refreshed session is as old as its sign-in.
    let tokens = sign_in(&harness.client(), &asha.email, PASSWORD)
        .await
        .expect(200);
    harness.clock().advance(TimeDelta::minutes(10));
    let form = json!({"refresh_token": tokens.text_at("/refresh_token")});
    let next = harness
        .client()
        .post("/auth/refresh")
        .json(form)
        .await
        .expect(200);
    let refreshed = harness.running().person(next.text_at("/access_token"));
    set(&refreshed, json!({"answers": answers}))
        .await
        .expect(403)
        .problem("recent-sign-in-needed");
}

async fn answers_that_do_not_fit_are_named(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    let before = row_counts(&harness).await;
    let pair = |id: &str, text: &str| json!({"question_id": id, "answer": text});
    let long = "a".repeat(201);
    let both: [(Value, &[&str]); 6] = [
        (json!([]), &["/answers"]),
        (json!([pair("toy_name", "Fluffy")]), &["/answers"]),
        (
            json!([pair("toy_name", "Fluffy"), pair("toy_name", "Rex")]),
            &["/answers/1/question_id"],
        ),
        (
            json!([pair("pet", "Fluffy"), pair("toy_name", "!x!")]),
            &["/answers/0/question_id", "/answers/1/answer"],
        ),
        (
            json!([pair("first_dish", &long), pair("toy_name", "Rex")]),
            &["/answers/0/answer"],
        ),
        (
            json!([pair("first_dish", "Soup"), {"question_id": "toy_name", "answer": "Rex", "hint": "dog"}]),
            &["/answers/1/hint"],
        ),
    ];
    for (answers, pointers) in both {
        set(&asha.client, json!({"answers": answers}))
            .await
            .invalid(pointers);
        reset(&nobody, &asha.email, &answers, OTHER)
            .await
            .invalid(pointers);
    }
    let three = answers_to(OWN);
    reset(&nobody, &asha.email, &three, OTHER)
        .await
        .invalid(&["/answers"]);
    reset(&nobody, "no address", &three, "short")
        .await
        .invalid(&["/email", "/answers", "/new_password"]);
    let ask = nobody.post("/auth/password/security-questions");
    ask.json(json!({"email": "no address"}))
        .await
        .invalid(&["/email"]);
    assert_eq!(before, row_counts(&harness).await);
    // Every question there is may be answered.
    let all: Vec<String> = nobody
        .get("/auth/security-questions")
        .await
        .items()
        .iter()
        .map(|item| item["id"].as_str().expect("an id").to_owned())
        .collect();
    let answers = answers_to(all.iter().map(String::as_str));
    set(&asha.client, json!({"answers": answers})).await.expect(204);
}

async fn new_answers_take_the_place_of_all_old_ones(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (
        with_answers(&harness, "asha").await,
        with_answers(&harness, "bela").await,
    );
    let nobody = harness.client();
    let old = to_what_is_asked(&nobody, &asha.email, true).await;
    let new = answers_to(["first_dish", "neighbours"]);
    set(&asha.client, json!({"answers": new})).await.expect(204);
    let rows = |person: &Person| format!("security_answers WHERE user_id = '{}'", person.id);
    assert_eq!(harness.count(&rows(&asha)).await, 2);
    assert_eq!(harness.count(&rows(&bela)).await, 3);
    refused(&reset(&nobody, &asha.email, &old, OTHER).await);
    reset(&nobody, &asha.email, &new, OTHER).await.expect(204);
}

async fn an_account_that_may_do_more_than_an_organizer_has_no_security_questions(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (admin, organizer) = (harness.admin().await, harness.organizer().await);
    let answers = answers_to(OWN);
    set(&organizer.client, json!({"answers": answers}))
        .await
        .expect(204);
    let people = harness.crowd(2).await;
    give_only(&harness, &people[0], Permission::UserManage);
    give_only(&harness, &people[1], Permission::AttendeeWrite);
    for client in [&admin.client, &people[0].client] {
        for form in [
            json!({"answers": answers}),
            json!({"answers": answers, "password": PASSWORD}),
            json!({"nonsense": 1}),
        ] {
            set(client, form)
                .await
                .expect(403)
                .problem("security-questions-not-allowed");
        }
    }
    set(&people[1].client, json!({"answers": answers}))
        .await
        .expect(204);
    assert_eq!(harness.count("security_answers").await, 6);
}

async fn a_role_that_is_given_later_ends_recovery_by_answers(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    let answers = to_what_is_asked(&nobody, &asha.email, true).await;
    sql(
        &harness,
        &format!(
            "INSERT INTO user_roles (user_id, role_name) VALUES ('{}', 'admin')",
            asha.id
        ),
    );
    // The server remembers for some seconds what the session permitted; the rows decide.
    set(&asha.client, json!({"answers": answers}))
        .await
        .expect(403)
        .problem("security-questions-not-allowed");
    refused(&reset(&nobody, &asha.email, &answers, OTHER).await);
    let decoys = asked(&nobody, &asha.email).await;
    assert_eq!(decoys, asked(&nobody, &asha.email).await);
    let to_decoys = answers_to(decoys.iter().map(String::as_str));
    refused(&reset(&nobody, &asha.email, &to_decoys, OTHER).await);
    assert_eq!(harness.count("security_answer_tries").await, 0);
    sign_in(&nobody, &asha.email, PASSWORD).await.expect(200);
}

async fn everybody_is_asked_two_questions_that_stay_the_same(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let nobody = harness.client().with_header("x-request-id", "the-same-for-all");
    let known = with_answers(&harness, "known").await;
    let without = harness.attendee("without").await;
    let gone = with_answers(&harness, "gone").await;
    suspend(&harness, &gone);
    let own = asked(&nobody, &known.email).await;
    assert!(own.iter().all(|id| OWN.contains(&id.as_str())), "{own:?}");
    let mut heads = Vec::new();
    for email in [&known.email, &without.email, &gone.email, "nobody@example.org"] {
        let first = asked(&nobody, email).await;
        assert!(first.len() == 2 && first[0] != first[1], "{email}: {first:?}");
        assert_eq!(first, asked(&nobody, email).await);
        assert_eq!(
            first,
            asked(&nobody, &format!(" {} ", email.to_uppercase())).await
        );
        assert_eq!(first, asked(&second.running().client(), email).await);
        let request = nobody.post("/auth/password/security-questions");
        let answer = request.json(json!({"email": email})).await;
        let (status, headers, _) = seen(&answer);
        let names: Vec<String> = headers
            .into_iter()
            .map(|(name, value)| {
                if name == "content-length" {
                    name
                } else {
                    format!("{name}: {value}")
                }
            })
            .collect();
        heads.push((status, names));
    }
    assert!(heads.iter().all(|head| *head == heads[0]), "{heads:#?}");
    // Decoys of many addresses are not always the same two.
    let mut decoys = Vec::new();
    for number in 0..10 {
        decoys.push(asked(&nobody, &format!("nobody-{number}@example.org")).await);
    }
    decoys.sort();
    decoys.dedup();
    assert!(decoys.len() > 2, "{decoys:?}");
}

async fn every_refusal_is_the_same(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let client = harness.client().with_header("x-request-id", "the-same-for-all");
    let known = with_answers(&harness, "known").await;
    let without = harness.attendee("without").await;
    let gone = with_answers(&harness, "gone").await;
    suspend(&harness, &gone);
    let locked = with_answers(&harness, "locked").await;
    let wrong = to_what_is_asked(&client, &locked.email, false).await;
    for _ in 0..5 {
        refused(&reset(&client, &locked.email, &wrong, OTHER).await);
    }
    let mut all = Vec::new();
    for (email, fit) in [
        (known.email.as_str(), false),
        (&without.email, true),
        (&gone.email, true),
        (&locked.email, true),
        ("nobody@example.org", true),
    ] {
        let answers = to_what_is_asked(&client, email, fit).await;
        let answer = reset(&client, email, &answers, OTHER).await;
        refused(&answer);
        all.push(seen(&answer));
    }
    assert!(all.iter().all(|answer| *answer == all[0]), "{all:#?}");
    for person in [&known, &without, &locked] {
        sign_in(&client, &person.email, PASSWORD).await.expect(200);
    }
    // Nothing is counted of whom nothing can be recovered.
    assert_eq!(harness.count("security_answer_tries").await, 2);
}

async fn a_reset_by_answers_voids_what_was_mailed_and_verifies_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, nobody) = (with_answers(&harness, "asha").await, harness.client());
    let mailed = forgot(&harness, &asha.email).await;
    let answers = to_what_is_asked(&nobody, &asha.email, true).await;
    reset(&nobody, &asha.email, &answers, OTHER).await.expect(204);
    for proof in [mailed.link, mailed.code] {
        let mut form = proof;
        form["new_password"] = json!(PASSWORD);
        refused(&nobody.post("/auth/password/reset").json(form).await);
    }
    let unverified = format!("users WHERE id = '{}' AND email_verified_at IS NULL", asha.id);
    assert_eq!(harness.count(&unverified).await, 1);
}

async fn answers_are_kept_hashed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = with_answers(&harness, "asha").await;
    let columns = ["question_id", "answer_hash"];
    for id in OWN {
        let folded = right(id).to_lowercase();
        for plain in [right(id), folded.clone(), folded.replace('_', "")] {
            assert_eq!(
                text_in(&harness, "security_answers", &columns, &plain).await,
                0,
                "{plain}"
            );
            assert_eq!(text_in(&harness, "outbox", &["payload"], &plain).await, 0);
        }
    }
    // bcrypt, and the salt makes no two alike.
    let own = format!("security_answers WHERE user_id = '{}'", asha.id);
    assert_eq!(
        harness
            .count(&format!("{own} AND answer_hash LIKE '$2b$04$%'"))
            .await,
        3
    );
    let bela = with_answers(&harness, "bela").await;
    let shared = format!(
        "security_answers a JOIN security_answers b ON a.answer_hash = b.answer_hash \
         WHERE a.user_id = '{}' AND b.user_id = '{}'",
        asha.id, bela.id
    );
    assert_eq!(harness.count(&shared).await, 0);
}
