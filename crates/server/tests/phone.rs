//! A phone is confirmed by a code: how long it is good, how often it is tried, how many are sent, and to whom.

use crate::support::{assert_waiting, prove_phone, set_phone, sql, with_texts};
use chrono::TimeDelta;
use kernel::{Clock, StoreError};
use serde_json::{Value, json};
use testkit::{Answer, Harness, Kind, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    a_code_confirms_the_phone_once,
    a_code_is_asked_for_where_there_is_a_phone_and_a_gateway,
    a_code_is_good_for_ten_minutes,
    five_wrong_tries_void_a_code_and_another_takes_its_place,
    a_code_is_for_the_account_and_the_number_that_it_was_sent_to,
    of_many_who_confirm_at_once_no_more_than_five_are_tried,
    two_who_confirm_at_once_confirm_one_phone,
    a_person_is_sent_five_text_messages_a_day,
    six_requests_at_once_send_five,
    a_number_is_sent_five_codes_a_day_whoever_asks,
    a_number_that_had_its_five_has_had_them_when_who_asked_is_erased,
    where_addresses_are_to_be_confirmed_a_code_needs_one,
    a_number_is_not_flooded_by_many_accounts_at_once,
    the_code_is_shown_nowhere,
    old_codes_are_forgotten,
}

const PHONE: &str = "+919812345678";

async fn request(person: &Person) -> Answer {
    person.client.post("/users/me/phone/verification").await
}

async fn confirm(person: &Person, otp: &str) -> Answer {
    let confirm = person.client.post("/users/me/phone/verification/confirm");
    confirm.json(json!({"otp": otp})).await
}

async fn with_phone(harness: &Harness, name: &str) -> Person {
    let person = harness.attendee(name).await;
    set_phone(&person, PHONE).await;
    person
}

async fn verified_at(person: &Person) -> Value {
    person.client.get("/users/me").await.expect(200).json()["phone_verified_at"].clone()
}

async fn texts(harness: &Harness) -> i64 {
    harness.count("outbox WHERE medium = 'sms'").await
}

/// Another code than this, and another for each number.
fn wrong(code: &str, number: u32) -> String {
    let right: u32 = code.parse().expect("digits");
    format!("{:06}", (right + number + 1) % 1_000_000)
}

async fn a_code_confirms_the_phone_once(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = with_phone(&harness, "asha").await;
    assert_eq!(verified_at(&asha).await, Value::Null);
    request(&asha).await.expect(202);
    let code = harness.texted_code(PHONE).await;
    assert!(
        code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
        "{code}"
    );
    harness.clock().advance(TimeDelta::minutes(1));
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    confirm(&asha, &spaced).await.expect(204);
    assert_eq!(verified_at(&asha).await, json!(harness.clock().now()));
    confirm(&asha, &code).await.expect(422).problem("code-refused");
    // What is confirmed is not confirmed again.
    request(&asha).await.expect(202);
    assert_eq!(texts(&harness).await, 1);
    assert_eq!(harness.count("phone_codes").await, 0);
}

async fn a_code_is_asked_for_where_there_is_a_phone_and_a_gateway(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = harness.attendee("asha").await;
    request(&asha).await.expect(409).problem("phone-missing");
    let without = harness
        .another_server_with(vec![("PODIUM_SMS__URL", String::new())])
        .await;
    set_phone(&asha, PHONE).await;
    let there = without.running().person(asha.client.token().expect("a token"));
    let refused = there.post("/users/me/phone/verification").await;
    refused.expect(409).problem("sms-not-configured");
    assert_eq!(texts(&harness).await, 0);
    confirm(&asha, "123456").await.expect(422).problem("code-refused");
    for nonsense in ["", "12345", "1234567", "12345a", "１２３４５６"] {
        confirm(&asha, nonsense).await.invalid(&["/otp"]);
    }
}

async fn a_code_is_good_for_ten_minutes(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = with_phone(&harness, "asha").await;
    request(&asha).await.expect(202);
    let code = harness.texted_code(PHONE).await;
    let almost = TimeDelta::minutes(10) - TimeDelta::microseconds(1);
    harness.clock().advance(almost);
    let bela = with_phone(&harness, "bela").await;
    request(&bela).await.expect(202);
    let second = harness.texted_code(PHONE).await;
    confirm(&asha, &code).await.expect(204);
    harness.clock().advance(TimeDelta::minutes(10));
    confirm(&bela, &second).await.expect(422).problem("code-refused");
    assert_eq!(verified_at(&bela).await, Value::Null);
}

async fn five_wrong_tries_void_a_code_and_another_takes_its_place(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = with_phone(&harness, "asha").await;
    request(&asha).await.expect(202);
    let code = harness.texted_code(PHONE).await;
    for number in 0..5 {
        confirm(&asha, &wrong(&code, number))
            .await
            .expect(422)
            .problem("code-refused");
    }
    confirm(&asha, &code).await.expect(422).problem("code-refused");
    request(&asha).await.expect(202);
    let second = harness.texted_code(PHONE).await;
    if second != code {
        confirm(&asha, &code).await.expect(422).problem("code-refused");
    }
    for number in 0..3 {
        confirm(&asha, &wrong(&second, number)).await.expect(422);
    }
    confirm(&asha, &second).await.expect(204);
}

async fn a_code_is_for_the_account_and_the_number_that_it_was_sent_to(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let (asha, bela) = (
        with_phone(&harness, "asha").await,
        with_phone(&harness, "bela").await,
    );
    request(&asha).await.expect(202);
    let code = harness.texted_code(PHONE).await;
    // Both have the number; the code is the other's.
    confirm(&bela, &code).await.expect(422);
    request(&bela).await.expect(202);
    let belas = harness.texted_code(PHONE).await;
    if belas != code {
        confirm(&bela, &code).await.expect(422).problem("code-refused");
    }
    assert_eq!(verified_at(&bela).await, Value::Null);
    // The number was changed since the code went out.
    set_phone(&asha, "+919800000000").await;
    confirm(&asha, &code).await.expect(422).problem("code-refused");
    assert_eq!(verified_at(&asha).await, Value::Null);
    let removed = bela.client.patch("/users/me").json(json!({"phone": null}));
    removed.await.expect(200);
    confirm(&bela, &belas).await.expect(422).problem("code-refused");

    // Changed at the same moment: whoever is first, the number that is proven is the one that the code went to.
    for round in 0..4 {
        let person = harness.attendee("person").await;
        let first = format!("+91980000010{round}");
        set_phone(&person, &first).await;
        request(&person).await.expect(202);
        let code = harness.texted_code(&first).await;
        tokio::join!(
            async {
                let status = confirm(&person, &code).await.status();
                assert!([204, 422].contains(&status), "{status}");
            },
            set_phone(&person, "+919800000222"),
        );
        let account = person.client.get("/users/me").await.expect(200).json();
        assert_eq!(
            (&account["phone"], &account["phone_verified_at"]),
            (&json!("+919800000222"), &Value::Null),
            "{account}"
        );
    }
}

async fn of_many_who_confirm_at_once_no_more_than_five_are_tried(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = with_phone(&harness, "asha").await;
    request(&asha).await.expect(202);
    let code = harness.texted_code(PHONE).await;
    let answers = all_at_once(20, |number| {
        let (asha, guess) = (
            asha.clone(),
            wrong(&code, u32::try_from(number).expect("a number")),
        );
        async move { confirm(&asha, &guess).await.status() }
    })
    .await;
    assert!(answers.iter().all(|status| *status == 422), "{answers:?}");
    assert_eq!(
        harness.count("phone_codes WHERE code_tries = 5").await,
        1,
        "each was counted"
    );
    confirm(&asha, &code).await.expect(422);
}

async fn two_who_confirm_at_once_confirm_one_phone(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = with_phone(&harness, "asha").await;
    request(&asha).await.expect(202);
    let code = harness.texted_code(PHONE).await;
    let answers = all_at_once(4, |_| {
        let (asha, code) = (asha.clone(), code.clone());
        async move { confirm(&asha, &code).await.status() }
    })
    .await;
    assert_eq!(
        answers.iter().filter(|status| **status == 204).count(),
        1,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|status| **status == 422).count(),
        3,
        "{answers:?}"
    );
    assert!(verified_at(&asha).await.is_string());
}

async fn a_person_is_sent_five_text_messages_a_day(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = harness.attendee("asha").await;
    for number in 0..5 {
        // Each number is another; the person is the same.
        set_phone(&asha, &format!("+91980000000{number}")).await;
        request(&asha).await.expect(202);
        harness.clock().advance(TimeDelta::minutes(1));
    }
    let refused = request(&asha).await.expect(429);
    refused.problem("rate-limited");
    let wait: i64 = refused
        .header("retry-after")
        .expect("a wait")
        .parse()
        .expect("seconds");
    assert!(
        (TimeDelta::hours(24) - TimeDelta::minutes(5)).num_seconds() <= wait && wait <= 86_400,
        "{wait}"
    );
    assert_eq!(texts(&harness).await, 5);
    // Sent or not, they count.
    sql(
        &harness,
        "UPDATE outbox SET status = 'done', payload = '{}' WHERE medium = 'sms'",
    );
    request(&asha).await.expect(429);
    harness.clock().advance(TimeDelta::seconds(wait));
    let asha = harness.log_in(&asha.email).await;
    request(&asha).await.expect(202);
    request(&asha).await.expect(429);
}

async fn six_requests_at_once_send_five(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = with_phone(&harness, "asha").await;
    let answers = all_at_once(10, |_| {
        let asha = asha.clone();
        async move { request(&asha).await.status() }
    })
    .await;
    assert_eq!(
        answers.iter().filter(|status| **status == 202).count(),
        5,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|status| **status == 429).count(),
        5,
        "{answers:?}"
    );
    assert_eq!(texts(&harness).await, 5);
    let code = harness.texted_code(PHONE).await;
    confirm(&asha, &code).await.expect(204);
}

async fn a_number_is_sent_five_codes_a_day_whoever_asks(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    for _ in 0..5 {
        let person = with_phone(&harness, "person").await;
        request(&person).await.expect(202);
    }
    let sixth = with_phone(&harness, "sixth").await;
    request(&sixth).await.expect(429).problem("rate-limited");
    // Other messages to the number are none of it.
    set_phone(&sixth, "+919800000000").await;
    request(&sixth).await.expect(202);
    assert_eq!(texts(&harness).await, 6);
    harness.clock().advance(TimeDelta::days(1));
    let sixth = harness.log_in(&sixth.email).await;
    set_phone(&sixth, PHONE).await;
    request(&sixth).await.expect(202);
}

async fn a_number_that_had_its_five_has_had_them_when_who_asked_is_erased(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    for _ in 0..5 {
        let person = with_phone(&harness, "person").await;
        request(&person).await.expect(202);
        person.client.delete("/users/me").await.expect(204);
    }
    assert_eq!(texts(&harness).await, 0);
    let next = with_phone(&harness, "next").await;
    request(&next).await.expect(429).problem("rate-limited");
    // What counts tells of nobody, nor of the number.
    assert_eq!(harness.count("phone_code_sends").await, 5);
    for cell in harness.database().every_cell() {
        let of_number = cell.place.starts_with("phone_code_sends");
        assert!(!of_number || !cell.text.contains("9812345678"), "{}", cell.text);
    }
    harness.clock().advance(TimeDelta::days(1));
    let next = harness.log_in(&next.email).await;
    request(&next).await.expect(202);
    let tidied = server::housekeeping::tidy_up(harness.store(), harness.system()).await;
    assert!(matches!(tidied, Ok::<(), StoreError>(())), "{tidied:?}");
    assert_eq!(harness.count("phone_code_sends").await, 1, "a day is what counts");
}

async fn where_addresses_are_to_be_confirmed_a_code_needs_one(database: TestDatabase) {
    let mut options = with_texts();
    options
        .environment
        .push(("PODIUM_AUTH__REQUIRE_VERIFIED_EMAIL", "true".to_owned()));
    let harness = Harness::start_with(database, options).await;
    let asha = with_phone(&harness, "asha").await;
    request(&asha).await.expect(403).problem("verify-email-first");
    assert_eq!(texts(&harness).await, 0);
    assert_eq!(harness.count("phone_code_sends").await, 0);
    let secrets = harness.mailed_secrets(&asha.email).await;
    harness
        .client()
        .post("/auth/email/verification/confirm")
        .json(json!({"token": secrets.token}))
        .await
        .expect(204);
    request(&asha).await.expect(202);
    assert_eq!(texts(&harness).await, 1);
}

async fn a_number_is_not_flooded_by_many_accounts_at_once(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let crowd = harness.crowd(10).await;
    for person in &crowd {
        set_phone(person, PHONE).await;
    }
    // All count at the same moment: held up at their accounts, and let go together.
    let answers = if harness.database().kind() == Kind::Postgres {
        let mut gate = harness.database().connect();
        let hold = "BEGIN; SELECT id FROM users FOR NO KEY UPDATE";
        gate.execute_batch(hold).expect("the rows");
        let asked = all_at_once(10, |number| {
            let person = crowd[number].clone();
            async move { request(&person).await.status() }
        });
        let open = async {
            assert_waiting(&harness, 10).await;
            gate.execute_batch("COMMIT").expect("a commit");
        };
        tokio::join!(asked, open).0
    } else {
        all_at_once(10, |number| {
            let person = crowd[number].clone();
            async move { request(&person).await.status() }
        })
        .await
    };
    assert_eq!(
        answers.iter().filter(|status| **status == 202).count(),
        5,
        "{answers:?}"
    );
    assert_eq!(texts(&harness).await, 5);
}

async fn the_code_is_shown_nowhere(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = with_phone(&harness, "asha").await;
    request(&asha).await.expect(202);
    let code = harness.texted_code(PHONE).await;
    let whole = |answer: Answer| answer.expect(200).text();
    let export = whole(asha.client.get("/users/me/export").await);
    let jobs = whole(
        harness
            .admin()
            .await
            .client
            .get("/admin/jobs?kind=phone_verification")
            .await,
    );
    assert!(jobs.contains(PHONE) && jobs.contains("sms"));
    let export: Value = serde_json::from_str(&export).expect("JSON");
    assert_eq!(export["phone_code"]["phone"], PHONE);
    for text in [export.to_string(), jobs] {
        assert!(
            !text.contains(&format!("\"{code}\"")) && !text.contains("secrets"),
            "{text}"
        );
    }
    for cell in harness.database().every_cell() {
        assert_ne!(cell.text, code, "{}", cell.place);
    }
    asha.client.delete("/users/me").await.expect(204);
    assert_eq!(harness.count("phone_codes").await, 0);
    assert_eq!(texts(&harness).await, 0);
}

async fn old_codes_are_forgotten(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let (asha, bela) = (with_phone(&harness, "asha").await, harness.attendee("bela").await);
    request(&asha).await.expect(202);
    harness.clock().advance(TimeDelta::minutes(10));
    set_phone(&bela, "+919800000000").await;
    request(&bela).await.expect(202);
    let tidied = server::housekeeping::tidy_up(harness.store(), harness.system()).await;
    assert!(matches!(tidied, Ok::<(), StoreError>(())), "{tidied:?}");
    assert_eq!(harness.count("phone_codes").await, 1);
    prove_phone(&harness, &bela, "+919800000000").await;
}
