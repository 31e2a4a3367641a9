//! Seat holders leave as a list.

use crate::support::sql;
use chrono::TimeDelta;
use kernel::{EventId, Position};
use serde_json::json;
use std::time::Duration;
use testkit::{Answer, Harness, HarnessOptions, Kind, Person, TestDatabase, on_both_databases};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

on_both_databases! {
    the_list_has_who_holds_a_seat_in_the_order_of_registration,
    nothing_in_the_list_is_a_formula,
    a_long_list_is_whole,
    each_page_of_a_long_list_is_found_by_its_index,
    slow_readers_hold_no_connection_and_get_all,
    who_loses_the_right_gets_no_more_and_sees_that_it_is_not_all,
    who_hangs_up_gives_the_turn_back,
    an_export_is_noted,
}

/// More than fits into what lies between the server and who does not read.
const MANY: usize = 30_000;

fn path(event: EventId) -> String {
    format!("/events/{event}/attendees.csv")
}

fn rows(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(
        answer.header("content-type"),
        Some("text/csv; charset=utf-8; header=present")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    read(&answer.text())
}

/// The cells of a list as RFC 4180 has them, read without any library.
fn read(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.next_if_eq(&'\n').is_some() => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(
        row.is_empty() && cell.is_empty() && !quoted,
        "the last line has no end"
    );
    rows
}

/// So many people with seats at the event, made as rows.
fn fill(harness: &Harness, event: EventId, many: usize) {
    let (id, code) = match harness.database().kind() {
        Kind::Sqlite => (
            "'01900000-0000-7000-8000-' || printf('%012x', i)",
            "printf('%012d', i)",
        ),
        Kind::Postgres => (
            "('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid",
            "lpad(i::text, 12, '0')",
        ),
    };
    let numbers = format!(
        "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {many})"
    );
    let now = "(SELECT created_at FROM events ORDER BY id LIMIT 1)";
    sql(
        harness,
        &format!(
            "INSERT INTO attendees (id, name, name_key, email, email_key, created_at, updated_at)
             {numbers} SELECT {id}, 'Person ' || i, 'person ' || i, 'p' || i || '@example.org', 'p' || i || '@example.org', {now}, {now}
             FROM numbers;
             INSERT INTO registrations (id, event_id, attendee_id, status, registered_at, ticket_code)
             {numbers} SELECT {id}, e.id, {id}, 'confirmed', e.created_at, {code} FROM numbers, events e WHERE e.id = '{event}';
             UPDATE events SET seats_taken = {many} WHERE id = '{event}';"
        ),
    );
}

async fn the_list_has_who_holds_a_seat_in_the_order_of_registration(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut fields = harness.event_fields(4);
    fields["title"] = json!("Zürich: \"A/B\"; the ../talk\\ of=it 2030");
    fields["publish"] = json!(true);
    let made = organizer.client.post("/events").json(fields).await.expect(201);
    let event: EventId = made.text_at("/id").parse().expect("an id");
    let empty = organizer.client.get(&path(event)).await.expect(200);
    let columns = [
        "name",
        "email",
        "status",
        "registered_at",
        "checked_in_at",
        "ticket_code",
        "registration_id",
    ];
    assert_eq!(rows(&empty), [columns]);
    let file = empty.header("content-disposition").expect("a name").to_owned();
    assert_eq!(
        file,
        "attachment; filename=\"attendees-2030-01-25-z-rich-a-b-the-talk-of-it-2030.csv\""
    );
    let mut seats = Vec::new();
    for name in ["zoe", "asha", "ben", "cem"] {
        let person = harness.attendee(name).await;
        let (registration, _) = harness.registered(&person, event).await;
        seats.push((person, registration));
        harness.clock().advance(chrono::TimeDelta::seconds(1));
    }
    let waits = harness.attendee("waits").await;
    let waiting = waits.client.post(&format!("/events/{event}/registrations"));
    waiting.await.expect(202);
    // Gone, there, and not paid yet.
    sql(
        &harness,
        &format!(
            "UPDATE registrations SET status = 'cancelled' WHERE id = '{}';
             UPDATE registrations SET status = 'attended', checked_in_at = registered_at WHERE id = '{}';
             UPDATE registrations SET status = 'pending_payment', hold_expires_at = registered_at WHERE id = '{}';",
            seats[1].1, seats[2].1, seats[3].1
        ),
    );
    let answer = organizer.client.get(&path(event)).await.expect(200);
    let list = rows(&answer);
    assert_eq!(list.len(), 3, "{answer}");
    let (zoe, ben) = (&seats[0], &seats[2]);
    assert_eq!(list[1][..3], ["zoe", &zoe.0.email, "confirmed"]);
    assert_eq!(list[1][3..5], ["2030-01-15T09:00:00Z", ""]);
    assert_eq!(list[1][6], zoe.1.to_string());
    assert_eq!(list[2][..3], ["ben", &ben.0.email, "attended"]);
    assert_eq!(list[2][3..5], ["2030-01-15T09:00:02Z", "2030-01-15T09:00:02Z"]);
    let code = format!(
        "registrations WHERE id = '{}' AND ticket_code = '{}'",
        ben.1,
        list[2][5].replace('-', "")
    );
    assert_eq!(harness.count(&code).await, 1);
    // For those who read it with a spreadsheet.
    let marked = organizer.client.get(&format!("{}?bom=true", path(event))).await;
    assert_eq!(marked.expect(200).text(), format!("\u{FEFF}{}", answer.text()));
    let head = organizer
        .client
        .request("HEAD".parse().expect("a method"), &path(event))
        .await
        .expect(200);
    assert!(head.bytes().is_empty());
    assert_eq!(head.header("content-disposition"), Some(file.as_str()));
}

async fn nothing_in_the_list_is_a_formula(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 20).await;
    let names = [
        ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
        ("+91 98765", "'+91 98765"),
        ("-", "'-"),
        ("@SUM(A1:A9)", "'@SUM(A1:A9)"),
        ("Rao, =1+1", "Rao, '=1+1"),
        ("Rao;=HYPERLINK(\"x\")", "Rao;'=HYPERLINK(\"x\")"),
        ("\"=1", "\"'=1"),
        ("＝1", "'＝1"),
        ("Anne-Marie O'Neil", "Anne-Marie O'Neil"),
    ];
    for (index, (name, _)) in names.iter().enumerate() {
        let guest = json!({"attendee": {"name": name, "email": format!("-g{index}@example.org")}});
        let register = organizer.client.post(&format!("/events/{event}/registrations"));
        register.json(guest).await.expect(201);
    }
    let list = rows(&organizer.client.get(&path(event)).await.expect(200));
    for (row, (index, (_, safe))) in list[1..].iter().zip(names.iter().enumerate()) {
        assert_eq!(row[0], *safe);
        assert_eq!(row[1], format!("'-g{index}@example.org"));
    }
}

async fn a_long_list_is_whole(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    for many in [999, 1_000, 1_001] {
        let event = harness.published_event(&organizer, 1_000_000).await;
        fill(&harness, event, many);
        let list = rows(&organizer.client.get(&path(event)).await.expect(200));
        let mut emails: Vec<_> = list[1..].iter().map(|row| row[1].clone()).collect();
        emails.sort();
        emails.dedup();
        assert_eq!((list.len(), emails.len()), (many + 1, many));
        sql(
            &harness,
            "DELETE FROM registrations; DELETE FROM attendees; UPDATE events SET seats_taken = 0;",
        );
    }
}

/// Asks for the list on a connection of its own, and takes no more than it must.
async fn slow(harness: &Harness, person: &Person, event: EventId) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let address = harness.running().address().parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("a connection");
    let request = format!(
        "GET /api/v1{} HTTP/1.1\r\nhost: podium\r\nauthorization: Bearer {}\r\n\r\n",
        path(event),
        person.client.token().expect("a token")
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut first = [0; 64];
    let read = stream.read(&mut first).await.expect("an answer");
    let head = String::from_utf8_lossy(&first[..read]).into_owned();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    stream
}

/// What is left of an answer until it ends, and whether it ended as a whole one does.
async fn rest(stream: &mut TcpStream, whole_ends: bool) -> (String, bool) {
    const END: &[u8] = b"\r\n0\r\n\r\n";
    let mut all = Vec::new();
    let mut chunk = vec![0; 65_536];
    loop {
        let read = tokio::time::timeout(Duration::from_mins(1), stream.read(&mut chunk)).await;
        match read.expect("it goes on") {
            Ok(0) | Err(_) => break,
            Ok(count) => all.extend_from_slice(&chunk[..count]),
        }
        if whole_ends && all.ends_with(END) {
            break;
        }
    }
    let whole = all.ends_with(END);
    (String::from_utf8_lossy(&all).into_owned(), whole)
}

async fn each_page_of_a_long_list_is_found_by_its_index(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 30_000).await;
    fill(&harness, event, 20_000);
    // Three of four are at another event: the index by time alone would read those too.
    let other = harness.published_event(&organizer, 30_000).await;
    let kind = harness.database().kind();
    let second_by_second = match kind {
        Kind::Sqlite => {
            "strftime('%Y-%m-%dT%H:%M:%f000Z', registered_at, '+' || CAST(ticket_code AS INTEGER) || ' seconds')"
        }
        Kind::Postgres => "registered_at + CAST(ticket_code AS INTEGER) * interval '1 second'",
    };
    sql(
        &harness,
        &format!(
            "UPDATE registrations SET registered_at = {second_by_second};
             UPDATE registrations SET event_id = '{other}' WHERE CAST(ticket_code AS INTEGER) % 4 > 0;
             UPDATE events SET seats_taken = 5000 WHERE id = '{event}';
             UPDATE events SET seats_taken = 15000 WHERE id = '{other}';
             ANALYZE;"
        ),
    );
    let middle = Position {
        value: (harness.system().now + TimeDelta::seconds(10_000)).timestamp_micros(),
        id: "01900000-0000-7000-8000-000000002710".parse().expect("an id"),
    };
    for after in [None, Some(middle)] {
        let plan = harness
            .store()
            .read(move |tx| tx.plan_of_next_seat_holders(event, after))
            .await
            .expect("a plan");
        let is_read_in_order = match kind {
            Kind::Sqlite => {
                let place = if after.is_some() {
                    " AND (registered_at,id)>(?,?)"
                } else {
                    ""
                };
                plan.contains(&format!("USING INDEX registrations_by_event (event_id=?{place})"))
                    && !plan.contains("TEMP B-TREE")
                    && !plan.contains("SCAN")
            }
            Kind::Postgres => {
                let place = after.is_none() || plan.contains("AND (ROW(registered_at, id) > ROW(");
                plan.contains("using registrations_by_event")
                    && place
                    && !plan.contains("Sort")
                    && !plan.contains("Seq Scan")
            }
        };
        assert!(is_read_in_order, "{after:?}:\n{plan}");
    }
}

async fn slow_readers_hold_no_connection_and_get_all(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_DATABASE__POOL_SIZE", "2".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let organizer = harness.organizer().await;
    let admin = harness.admin().await;
    let event = harness.published_event(&organizer, 1_000_000).await;
    fill(&harness, event, MANY);
    // Twice as many as there are connections.
    let mut readers = Vec::new();
    for person in [&organizer, &organizer, &admin, &admin] {
        readers.push(slow(&harness, person, event).await);
    }
    // One account has no more of them, and others have what they need.
    let third = organizer.client.get(&path(event)).await.expect(429);
    third.problem("rate-limited");
    assert!(third.header("retry-after").is_some());
    let other = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    harness.registered(&asha, other).await;
    let mut idle = false;
    for _ in 0..4_000 {
        idle = harness.store().connections().0 == 0;
        if idle {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(idle, "{:?}", harness.store().connections());
    for mut reader in readers {
        let (text, whole) = rest(&mut reader, true).await;
        assert!(whole);
        assert_eq!(text.matches("@example.org").count(), MANY);
    }
    organizer.client.get(&path(other)).await.expect(200);
}

async fn who_loses_the_right_gets_no_more_and_sees_that_it_is_not_all(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1_000_000).await;
    fill(&harness, event, MANY);
    let manager = harness.attendee("manager").await;
    let staff = |role: &str| {
        format!(
            "DELETE FROM event_staff;
             INSERT INTO event_staff (event_id, user_id, role, added_by, added_at)
             SELECT '{event}', '{}', '{role}', id, created_at FROM users WHERE id = '{}';",
            manager.id, organizer.id
        )
    };
    let (by_role, by_session) = (manager.id, organizer.session_id);
    for (person, taken) in [
        (&manager, staff("scanner")),
        (
            &manager,
            format!("UPDATE users SET status = 'suspended' WHERE id = '{by_role}'"),
        ),
        (
            &organizer,
            format!("UPDATE sessions SET revoked_at = created_at WHERE id = '{by_session}'"),
        ),
    ] {
        sql(&harness, &staff("manager"));
        let mut reader = slow(&harness, person, event).await;
        sql(&harness, &taken);
        let (text, whole) = rest(&mut reader, false).await;
        let came = text.matches("@example.org").count();
        assert!(!whole && (1..MANY).contains(&came), "{taken}: {came} {whole}");
        sql(&harness, "UPDATE users SET status = 'active'");
    }
}

async fn who_hangs_up_gives_the_turn_back(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1_000_000).await;
    fill(&harness, event, MANY);
    let readers = [
        slow(&harness, &organizer, event).await,
        slow(&harness, &organizer, event).await,
    ];
    organizer.client.get(&path(event)).await.expect(429);
    drop(readers);
    let mut status = 0;
    for _ in 0..4_000 {
        status = organizer.client.get(&path(event)).await.status();
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(status, 200);
}

async fn an_export_is_noted(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, stranger) = (harness.organizer().await, harness.organizer().await);
    let event = harness.published_event(&organizer, 3).await;
    let noted = format!(
        "audit_log WHERE action = 'attendees.export' AND object_id = '{event}' AND actor_id = '{}'",
        organizer.id
    );
    let request = organizer
        .client
        .request("HEAD".parse().expect("a method"), &path(event));
    request.await.expect(200);
    stranger
        .client
        .get(&path(event))
        .await
        .expect(403)
        .problem("forbidden");
    let bad = organizer.client.get(&format!("{}?x=1", path(event))).await;
    bad.expect(400);
    assert_eq!(
        harness.count("audit_log WHERE action = 'attendees.export'").await,
        0
    );
    organizer.client.get(&path(event)).await.expect(200);
    assert_eq!(harness.count(&noted).await, 1);
}
