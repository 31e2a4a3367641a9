//! People are found by words and parts of names and addresses, in any script, whatever is asked.

use crate::support::{set_verified, sql, suspend};
use kernel::EventId;
use serde_json::{Value, json};
use testkit::{Client, Harness, Kind, Person, TestDatabase, on_both_databases};

on_both_databases! {
    a_name_is_found_by_the_beginnings_of_its_words_in_any_script,
    wildcards_stand_for_themselves_and_what_is_too_long_is_refused,
    pages_follow_one_another_whichever_way_people_are_found,
    those_who_were_written_by_something_else_are_found_too,
    participants_are_those_who_agreed,
    what_is_far_away_comes_with_a_later_page,
}

const NAMES: [&str; 10] = [
    "İbrahim Işık",
    "Jürgen Großmann",
    "Νίκος Παπαδόπουλος",
    "Пётр Ильич Чайковский",
    "विद्या शर्मा",
    "山田 太郎",
    "محمد علي",
    "🎉 Party",
    "100% Sure_Thing",
    "O'Brien-Smith",
];

async fn note_all(organizer: &Person, event: EventId) {
    for (number, name) in NAMES.iter().enumerate() {
        let form = json!({"attendee": {"name": name, "email": format!("no{number}@example.org")}});
        let path = format!("/events/{event}/registrations");
        organizer.client.post(&path).json(form).await.expect(201);
    }
}

fn encoded(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}

/// The names in a list, sorted.
async fn names(client: &Client, path: &str, field: &str, text: &str) -> Vec<String> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let list = client
        .get(&format!("{path}{separator}limit=100&{field}={}", encoded(text)))
        .await;
    let items = list.expect(200).items();
    let mut names: Vec<String> = items
        .iter()
        .map(|item| item.pointer("/attendee/name").unwrap_or(&item["name"]))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

async fn a_name_is_found_by_the_beginnings_of_its_words_in_any_script(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, admin) = (harness.organizer().await, harness.admin().await);
    let event = harness.published_event(&organizer, 50).await;
    note_all(&organizer, event).await;
    let of_event = format!("/events/{event}/registrations");
    for (question, found) in [
        ("IŞIK ibr", NAMES[0]),
        ("GROSSM", NAMES[1]),
        ("ΝΊΚΟΣ", NAMES[2]),
        ("чайк ПЁТР", NAMES[3]),
        ("शर्मा", NAMES[4]),
        ("太", NAMES[5]),
        ("علي", NAMES[6]),
        ("🎉", NAMES[7]),
        ("sure", NAMES[8]),
        ("smith o", NAMES[9]),
        ("no3", NAMES[3]),
        ("NO3@Example.org", NAMES[3]),
        ("no3@ex", NAMES[3]),
    ] {
        for path in ["/attendees", of_event.as_str()] {
            assert_eq!(
                names(&organizer.client, path, "q", question).await,
                [found],
                "{question}"
            );
        }
        assert_eq!(names(&admin.client, "/attendees", "q", question).await, [found]);
    }
    for (field, part, found) in [
        ("name", "ŞI", NAMES[0]),
        ("name", "ROSSMAN", NAMES[1]),
        ("name", "αδόπ", NAMES[2]),
        ("name", "КОВСК", NAMES[3]),
        ("name", "0% s", NAMES[8]),
        ("email", "O3@EXAM", NAMES[3]),
    ] {
        for person in [&organizer, &admin] {
            assert_eq!(
                names(&person.client, "/attendees", field, part).await,
                [found],
                "{part}"
            );
        }
    }
}

async fn wildcards_stand_for_themselves_and_what_is_too_long_is_refused(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, admin) = (harness.organizer().await, harness.admin().await);
    let event = harness.published_event(&organizer, 50).await;
    note_all(&organizer, event).await;
    let of_event = format!("/events/{event}/registrations");
    for question in [
        "%",
        "_",
        "\\",
        "'",
        "'; DROP TABLE attendees; --",
        "%25",
        "__%%",
        "@",
        "a@b@c",
        "\u{10ffff}",
        "\u{200d}",
    ] {
        for path in ["/attendees", of_event.as_str()] {
            let none: [&str; 0] = [];
            assert_eq!(
                names(&organizer.client, path, "q", question).await,
                none,
                "{question}"
            );
        }
    }
    // What is no part of a word ends it.
    assert_eq!(
        names(&organizer.client, "/attendees", "q", "s% _sm").await,
        ["O'Brien-Smith"]
    );
    for (part, found) in [("%", 1), ("_", 1), ("\\", 0), ("'", 1)] {
        for person in [&organizer, &admin] {
            assert_eq!(
                names(&person.client, "/attendees", "name", part).await.len(),
                found,
                "{part}"
            );
        }
    }
    for path in [
        format!("/attendees?q={}", "a".repeat(201)),
        format!("/attendees?name={}", "a".repeat(201)),
        format!("/attendees?email={}", "a".repeat(201)),
        "/attendees?q=a+b+c+d+e+f+g+h+i".to_owned(),
        "/attendees?phone=1".to_owned(),
        "/attendees?cursor=nonsense".to_owned(),
        format!("{of_event}?q={}", "a".repeat(201)),
    ] {
        organizer.client.get(&path).await.expect(400).problem("bad-query");
    }
    let long = "\u{fdfa}".repeat(200);
    let form = json!({"name": long, "email": "long@example.org"});
    organizer.client.post("/attendees").json(form).await.expect(201);
    assert_eq!(
        names(&organizer.client, "/attendees", "q", "long@example.org")
            .await
            .len(),
        1
    );
}

async fn pages_follow_one_another_whichever_way_people_are_found(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, admin) = (harness.organizer().await, harness.admin().await);
    let (one, other) = (
        harness.published_event(&organizer, 5_000).await,
        harness.published_event(&organizer, 5_000).await,
    );
    fill(&harness, one, &organizer, 2_400);
    sql(
        &harness,
        &format!(
            "INSERT INTO registrations (id, event_id, attendee_id, status, registered_at)
             SELECT {}, '{other}', attendee_id, 'cancelled', registered_at FROM registrations
             WHERE CAST(id AS TEXT) LIKE '%7'",
            as_id("replace(CAST(id AS TEXT), '-0003-', '-0005-')", &harness)
        ),
    );
    // More have it than are looked up at once, and hardly any of the newest.
    for (question, all) in [
        ("q=common", 2_400),
        ("q=rare", 24),
        ("q=early", 1_200),
        ("name=arl", 1_200),
    ] {
        for (client, path) in [
            (&organizer.client, "/attendees".to_owned()),
            (&admin.client, "/attendees".to_owned()),
            (&organizer.client, format!("/events/{one}/registrations")),
        ] {
            if path.contains("events") && question.starts_with("name") {
                continue;
            }
            let mut seen = Vec::new();
            let mut cursor = String::new();
            for turn in 0.. {
                assert!(turn < 60, "{question} of {path} does not end");
                let page = client
                    .get(&format!("{path}?{question}&limit=100&include_total=true{cursor}"))
                    .await;
                let page = page.expect(200).json();
                assert_eq!(page["total"], all, "{question} of {path}");
                seen.extend(
                    page["items"]
                        .as_array()
                        .expect("items")
                        .iter()
                        .map(|item| item["id"].to_string()),
                );
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            let count = seen.len();
            seen.sort();
            seen.dedup();
            assert_eq!((count, seen.len()), (all, all), "{question} of {path}");
        }
    }
}

async fn those_who_were_written_by_something_else_are_found_too(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await;
    let (now, id) = (
        "2026-01-01T00:00:00.000000Z",
        "01900000-0000-7000-8000-00000000abcd",
    );
    sql(
        &harness,
        &format!(
            "INSERT INTO attendees (id, name, name_key, email, email_key, created_at, updated_at)
             VALUES ('{id}', 'Written', 'written', 'by@example.org', 'by@example.org', '{now}', '{now}')"
        ),
    );
    let none: [&str; 0] = [];
    assert_eq!(names(&admin.client, "/attendees", "q", "writ").await, none);
    for expected in [1, 0] {
        let kept = harness.store().write(|tx| tx.keep_missing_words(500)).await;
        assert_eq!(kept.expect("words"), expected);
    }
    assert_eq!(names(&admin.client, "/attendees", "q", "writ").await, ["Written"]);
}

async fn participants_are_those_who_agreed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 9).await;
    let people = harness.crowd(6).await;
    for person in &people[..5] {
        harness.registered(person, event).await;
    }
    let form = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
    let path = format!("/events/{event}/registrations");
    organizer.client.post(&path).json(form).await.expect(201);
    for person in [&people[0], &people[2], &people[3], &people[5]] {
        let change = json!({"listed": true, "profession": "gardener"});
        person.client.patch("/users/me").json(change).await.expect(200);
    }
    suspend(&harness, &people[3]);
    let path = format!("/events/{event}/participants");
    for client in [&organizer.client, &people[1].client] {
        let page = client
            .get(&format!("{path}?limit=1&include_total=true"))
            .await
            .expect(200)
            .json();
        assert_eq!(page["total"], 2);
        let first = &page["items"][0];
        assert_eq!(first.as_object().map(serde_json::Map::len), Some(4));
        assert_eq!(
            (&first["id"], &first["profession"]),
            (&json!(people[0].id), &json!("gardener"))
        );
        let next = page["next_cursor"].as_str().expect("a cursor");
        let page = client
            .get(&format!("{path}?limit=1&cursor={next}"))
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&page["items"][0]["id"], &page["next_cursor"]),
            (&json!(people[2].id), &Value::Null)
        );
    }
    people[5].client.get(&path).await.expect(403).problem("forbidden");
    people[5]
        .client
        .get(&format!("{path}?nonsense=1"))
        .await
        .expect(403);
    organizer
        .client
        .get(&format!("{path}?nonsense=1"))
        .await
        .expect(400);
    // A guest with an address that is not proven is somebody else's.
    set_verified(&harness, &people[5], false);
    let form = json!({"attendee": {"name": "Guest", "email": people[5].email}});
    let register = format!("/events/{event}/registrations");
    organizer.client.post(&register).json(form).await.expect(201);
    people[5].client.get(&path).await.expect(403);
}

/// The SQL that makes an id of a text.
fn as_id(text: &str, harness: &Harness) -> String {
    match harness.database().kind() {
        Kind::Postgres => format!("CAST({text} AS uuid)"),
        Kind::Sqlite => text.to_owned(),
    }
}

/// So many guests with a seat, written at once. All are `common`, one of a hundred is `rare`, the first half is `early`.
fn fill(harness: &Harness, event: EventId, creator: &Person, many: usize) {
    let (numbers, hex) = match harness.database().kind() {
        Kind::Postgres => (
            format!("generate_series(1, {many}) AS s(n)"),
            "lpad(to_hex(n), 12, '0')",
        ),
        Kind::Sqlite => (
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {many}) SELECT n FROM s)"
            ),
            "printf('%012x', n)",
        ),
    };
    let id = |kind: u8| as_id(&format!("'01900000-000{kind}-7000-8000-' || {hex}"), harness);
    let (attendee, registration, creator) = (id(2), id(3), creator.id);
    let name = format!(
        "'common' || CASE WHEN n % 100 = 0 THEN ' rare' ELSE '' END || CASE WHEN n <= {many} / 2 THEN ' early' ELSE '' END"
    );
    let creator = as_id(&format!("'{creator}'"), harness);
    let event_id = as_id(&format!("'{event}'"), harness);
    sql(
        harness,
        &format!(
            "INSERT INTO attendees (id, name, name_key, email, email_key, created_by, created_at, updated_at, words_kept)
             SELECT {attendee}, {name}, {name}, 'p' || n || '@example.org', 'p' || n || '@example.org',
                    CASE WHEN n % 3 = 0 THEN {creator} END, u.created_at, u.created_at, true
             FROM {numbers}, users u WHERE u.id = {creator};
             INSERT INTO attendee_words (word, attendee_id) SELECT 'common', {attendee} FROM {numbers};
             INSERT INTO attendee_words (word, attendee_id) SELECT 'rare', {attendee} FROM {numbers} WHERE n % 100 = 0;
             INSERT INTO attendee_words (word, attendee_id) SELECT 'early', {attendee} FROM {numbers} WHERE n <= {many} / 2;
             INSERT INTO attendee_words (word, attendee_id) SELECT 'p' || n, {attendee} FROM {numbers};
             INSERT INTO attendee_words (word, attendee_id) SELECT '@p' || n || '@example.org', {attendee} FROM {numbers};
             INSERT INTO registrations (id, event_id, attendee_id, status, registered_at)
             SELECT {registration}, {event_id}, {attendee}, 'confirmed', u.created_at
             FROM {numbers}, users u WHERE u.id = {creator};
             ANALYZE;"
        ),
    );
}

async fn what_is_far_away_comes_with_a_later_page(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 50_000).await;
    fill(&harness, event, &organizer, 41_000);
    // There is no index for parts of words; for words there is.
    for (path, is_far) in [
        ("/attendees?name=early".to_owned(), true),
        ("/attendees?q=early".to_owned(), false),
        (format!("/events/{event}/registrations?q=early"), false),
    ] {
        let mut page = organizer.client.get(&path).await.expect(200);
        assert_eq!(page.items().is_empty(), is_far, "{path}");
        let mut pages = 1;
        while page.items().is_empty() {
            let next = page.text_at("/next_cursor");
            page = organizer
                .client
                .get(&format!("{path}&cursor={next}"))
                .await
                .expect(200);
            pages += 1;
        }
        assert_eq!(page.items().len(), 25, "{path}");
        assert!(pages <= 6, "{path}: {pages}");
    }
}
