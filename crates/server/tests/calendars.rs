//! Events for calendars, read back by a library that calendars are made with.

use crate::support::sql;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use icalendar::{CalendarComponent, Component};
use kernel::EventId;
use notification::{Job, render_mail};
use serde_json::{Value, json};
use storage::QueuedMessage;
use testkit::{Answer, Harness, Icalendar, Person, TestDatabase, on_both_databases};

on_both_databases! {
    times_are_right_in_every_zone,
    what_a_person_wrote_is_text_and_nothing_else,
    a_seat_has_the_entry_that_its_mails_have,
    the_feed_has_what_is_to_come_and_takes_the_filters_of_the_list,
    a_feed_of_many_events_is_bounded_and_whole,
    what_did_not_change_is_not_sent_again,
    what_is_private_is_in_no_calendar_of_others,
}

/// Zones, and when something starts and ends there: in summer and winter, over a change of the clocks, in an hour that
/// comes twice, and far from now.
const TIMES: &[(&str, &str, &str)] = &[
    ("UTC", "2030-06-01T10:00:00Z", "2030-06-01T12:00:00Z"),
    ("Asia/Kolkata", "2030-06-01T10:00:00Z", "2030-06-01T12:00:00Z"),
    ("Asia/Kathmandu", "2030-02-01T00:00:00Z", "2030-02-02T00:00:00Z"),
    ("Europe/Berlin", "2030-07-01T16:00:00Z", "2030-07-01T19:00:00Z"),
    ("Europe/Berlin", "2030-10-26T20:00:00Z", "2030-10-27T05:00:00Z"),
    ("Europe/Berlin", "2030-10-27T01:30:00Z", "2030-10-27T05:00:00Z"),
    ("Europe/Berlin", "2031-03-29T22:00:00Z", "2031-03-30T04:00:00Z"),
    ("Europe/Dublin", "2030-07-01T16:00:00Z", "2030-12-01T19:00:00Z"),
    ("America/New_York", "2030-11-02T22:00:00Z", "2030-11-03T14:00:00Z"),
    ("America/St_Johns", "2030-03-09T22:00:00Z", "2030-03-10T14:00:00Z"),
    ("America/St_Johns", "2030-12-09T22:00:00Z", "2030-12-10T14:00:00Z"),
    (
        "Africa/Casablanca",
        "2031-01-04T10:00:00Z",
        "2031-01-08T10:00:00Z",
    ),
    (
        "Africa/Casablanca",
        "2031-06-04T10:00:00Z",
        "2031-06-08T10:00:00Z",
    ),
    ("Pacific/Apia", "2030-01-25T10:00:00Z", "2030-07-15T10:00:00Z"),
    (
        "Australia/Lord_Howe",
        "2030-04-06T10:00:00Z",
        "2030-04-07T10:00:00Z",
    ),
    (
        "Pacific/Kiritimati",
        "2030-12-31T10:00:00Z",
        "2031-01-01T10:00:00Z",
    ),
    (
        "America/Sao_Paulo",
        "2034-12-31T23:30:00Z",
        "2035-01-01T01:00:00Z",
    ),
];

async fn announced(harness: &Harness, organizer: &Person, fields: Value) -> EventId {
    let mut all = harness.event_fields(3);
    all["publish"] = json!(true);
    for (name, value) in fields.as_object().expect("an object") {
        all[name] = value.clone();
    }
    let made = organizer.client.post("/events").json(all).await.expect(201);
    made.text_at("/id").parse().expect("an id")
}

fn file(answer: &Answer) -> String {
    assert_eq!(
        answer.header("content-type"),
        Some("text/calendar; charset=utf-8")
    );
    let text = answer.text();
    for line in text.split("\r\n") {
        assert!(line.len() <= 75 && !line.contains(['\r', '\n']), "{line:?}");
    }
    assert!(text.ends_with("END:VCALENDAR\r\n"), "{text}");
    text
}

/// The events of a file, as our own library reads them.
fn entries(text: &str) -> Vec<icalendar::Event> {
    let calendar: icalendar::Calendar = text.parse().unwrap_or_else(|error| panic!("{error}:\n{text}"));
    let events = calendar.components.iter().filter_map(CalendarComponent::as_event);
    events.cloned().collect()
}

fn property(entry: &icalendar::Event, name: &str) -> String {
    entry.property_value(name).unwrap_or_default().to_owned()
}

async fn read(client: &testkit::Client, path: &str) -> icalendar::Event {
    let text = file(&client.get(path).await.expect(200));
    let mut all = entries(&text);
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

/// The instant and the time of the clocks, as the library says them.
fn expected(zone: &str, at: &str) -> (Value, Value) {
    let zone: kernel::TimeZone = zone.parse().expect("a zone");
    let at: DateTime<Utc> = at.parse().expect("an instant");
    let local = zone.wall_clock(at).format("%Y-%m-%dT%H:%M:%S").to_string();
    (json!(at.to_rfc3339_opts(SecondsFormat::Secs, true)), json!(local))
}

async fn times_are_right_in_every_zone(database: TestDatabase) {
    let Some(library) = Icalendar::unless_left_out() else {
        return;
    };
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let mut ids = Vec::new();
    for (zone, from, to) in TIMES {
        let fields = json!({"title": zone, "time_zone": zone, "starts_at": from, "ends_at": to});
        ids.push(announced(&harness, &organizer, fields).await);
    }
    // One by one, and all in one file, whose zones serve many.
    let feed = file(&harness.client().get("/events.ics").await.expect(200));
    let together = library.read(&feed);
    assert_eq!(together["events"].as_array().map(Vec::len), Some(TIMES.len()));
    for (id, (zone, from, to)) in ids.iter().zip(TIMES) {
        let path = format!("/events/{id}/calendar.ics");
        let alone = file(&harness.client().get(&path).await.expect(200));
        let alone = library.read(&alone)["events"][0].clone();
        let all = together["events"].as_array().expect("events");
        let among = all
            .iter()
            .find(|event| event["uid"] == alone["uid"])
            .expect("the event");
        for event in [&alone, among] {
            assert_eq!(event["summary"], *zone);
            for way in ["by_name", "by_definition"] {
                for (name, at) in [("DTSTART", from), ("DTEND", to)] {
                    let (instant, local) = expected(zone, at);
                    let said = &event[way][name];
                    assert_eq!(said["utc"], instant, "{zone} {way} {name}\n{feed}");
                    // The second of two hours that look alike has no local form.
                    if *from != "2030-10-27T01:30:00Z" {
                        assert_eq!(said["local"], local, "{zone} {way} {name}\n{feed}");
                    }
                }
            }
        }
    }
}

async fn what_a_person_wrote_is_text_and_nothing_else(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let title = "Rust; or, C:\\ — \"🎉\" END:VEVENT BEGIN:VALARM äöü 会議 ".repeat(3);
    let description = "one\r\ntwo\nEND:VCALENDAR\n\tthree\\n, four; five\r\nATTENDEE:mailto:x@example.org";
    let place = "Hall, 2; \\N";
    let fields = json!({"title": title.trim(), "description": description, "location": place});
    let id = announced(&harness, &organizer, fields).await;
    let path = format!("/events/{id}/calendar.ics");
    let entry = read(&harness.client(), &path).await;
    let text = file(&harness.client().get(&path).await.expect(200));
    assert_eq!(property(&entry, "SUMMARY"), title.trim());
    assert_eq!(property(&entry, "DESCRIPTION"), description.replace("\r\n", "\n"));
    assert_eq!(property(&entry, "LOCATION"), place);
    for line in ["\r\nATTENDEE", "\r\nBEGIN:VALARM", "\nEND:VCALENDAR\nX"] {
        assert!(!text.contains(line), "{text}");
    }
    assert_eq!(text.matches("\r\nEND:VEVENT").count(), 1);
    let Some(library) = Icalendar::unless_left_out() else {
        return;
    };
    let said = library.read(&text)["events"][0].clone();
    assert_eq!(said["summary"], title.trim());
    assert_eq!(said["description"], description.replace("\r\n", "\n"));
    assert_eq!(said["location"], place);
}

/// UID and SEQUENCE of the last mail's file.
async fn mailed(harness: &Harness, email: &str) -> (String, u64) {
    let key = email.to_lowercase();
    let mut rows = harness.outbox().await.into_iter().rev();
    let newest = rows.find(|row| row.channel == "message" && row.recipient_key.as_ref() == Some(&key));
    let row = newest.expect("a mail");
    let queued: QueuedMessage = serde_json::from_value(row.payload).expect("a message");
    let job = Job {
        id: harness.system().new_id(),
        name: queued.name,
        to: queued.to,
        message: queued.message,
        attempts: 0,
        created_at: row.created_at,
        user_id: None,
    };
    let url = harness.running().base_url();
    let mail = render_mail(&job, url, &harness.server_keys()).expect("a mail");
    let mut files = mail.attachments.into_iter();
    let file = files.find(|file| file.media_type.starts_with("text/calendar"));
    let file = file.expect("a file for calendars");
    let text = String::from_utf8(file.content).expect("text");
    let entry = entries(&text).remove(0);
    (
        property(&entry, "UID"),
        property(&entry, "SEQUENCE").parse().expect("a number"),
    )
}

async fn a_seat_has_the_entry_that_its_mails_have(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    let second = || harness.clock().advance(TimeDelta::seconds(1));
    second();
    let (registration, _) = harness.registered(&asha, event).await;
    let path = format!("/registrations/{registration}/ticket.ics");
    let seen = async |status: &str| {
        let entry = read(&asha.client, &path).await;
        assert_eq!(property(&entry, "STATUS"), status);
        let sequence: u64 = property(&entry, "SEQUENCE").parse().expect("a number");
        (property(&entry, "UID"), sequence)
    };
    let first = seen("CONFIRMED").await;
    assert_eq!(first, mailed(&harness, &asha.email).await);
    // Others who may, and who may not.
    organizer.client.get(&path).await.expect(200);
    let other = harness.attendee("other").await;
    other.client.get(&path).await.expect(404).problem("not-found");
    harness.client().get(&path).await.expect(401);
    // The event's own entry is the same one, and so is what follows from an edit.
    let public = read(&harness.client(), &format!("/events/{event}/calendar.ics")).await;
    assert_eq!(property(&public, "UID"), first.0);
    second();
    let edit = organizer.client.patch(&format!("/events/{event}"));
    edit.json(json!({"title": "Another title"})).await.expect(200);
    let edited = seen("CONFIRMED").await;
    assert_eq!(edited, (first.0.clone(), first.1 + 1));
    second();
    asha.client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    let cancelled = seen("CANCELLED").await;
    assert_eq!(cancelled, mailed(&harness, &asha.email).await);
    assert_eq!(cancelled, (first.0.clone(), first.1 + 2));
    // Registered anew, the new seat wins over what was called off.
    second();
    let (again, _) = harness.registered(&asha, event).await;
    let entry = read(&asha.client, &format!("/registrations/{again}/ticket.ics")).await;
    assert_eq!(property(&entry, "STATUS"), "CONFIRMED");
    assert_eq!(property(&entry, "SEQUENCE"), (first.1 + 3).to_string());
    second();
    let called_off = organizer.client.post(&format!("/events/{event}/cancel"));
    called_off.await.expect(200);
    let entry = read(&asha.client, &format!("/registrations/{again}/ticket.ics")).await;
    assert_eq!(property(&entry, "STATUS"), "CANCELLED");
}

async fn the_feed_has_what_is_to_come_and_takes_the_filters_of_the_list(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let now = harness.system().now;
    let day = |days: i64| (now + TimeDelta::days(days)).to_rfc3339();
    let mut ids = Vec::new();
    for (title, starts, ends) in [
        ("Later", 9, 10),
        ("Sooner", 2, 3),
        ("Long", 1, 20),
        ("Gone", 4, 5),
    ] {
        let fields = json!({"title": title, "starts_at": day(starts), "ends_at": day(ends)});
        ids.push(announced(&harness, &organizer, fields).await);
    }
    let gone = organizer.client.post(&format!("/events/{}/cancel", ids[3]));
    gone.await.expect(200);
    let draft = organizer.client.post("/events").json(harness.event_fields(1));
    draft.await.expect(201);
    let titles = async |query: &str| -> Vec<String> {
        let answer = harness
            .client()
            .get(&format!("/events.ics{query}"))
            .await
            .expect(200);
        let all = entries(&file(&answer));
        all.iter().map(|entry| property(entry, "SUMMARY")).collect()
    };
    assert_eq!(titles("").await, ["Long", "Sooner", "Later"]);
    assert_eq!(titles("?sort=-starts_at").await, ["Later", "Sooner", "Long"]);
    assert_eq!(titles("?q=ooner").await, ["Sooner"]);
    assert_eq!(titles("?q=nothing").await, [] as [String; 0]);
    assert_eq!(titles("?status=cancelled").await, ["Gone"]);
    harness.clock().advance(TimeDelta::days(4));
    assert_eq!(titles("").await, ["Long", "Later"]);
    assert_eq!(titles("?status=completed").await, ["Sooner"]);
    for bad in ["?limit=1", "?cursor=x", "?status=gone", "?nonsense=1"] {
        let answer = harness.client().get(&format!("/events.ics{bad}")).await;
        answer.expect(400).problem("bad-query");
    }
    let text = harness.client().get("/events.ics").await.expect(200).text();
    assert!(
        text.contains("\r\nREFRESH-INTERVAL;VALUE=DURATION:PT60M\r\nX-PUBLISHED-TTL:PT60M\r\n"),
        "{text}"
    );
}

async fn a_feed_of_many_events_is_bounded_and_whole(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let one = announced(&harness, &organizer, json!({"description": "ä".repeat(3_000)})).await;
    // All the same but for their places; the soonest are in the feed.
    let id = match harness.database().kind() {
        testkit::Kind::Sqlite => "substr(id, 1, 24) || printf('%012x', i)",
        testkit::Kind::Postgres => "(substr(id::text, 1, 24) || lpad(to_hex(i), 12, '0'))::uuid",
    };
    let columns = "organizer_id, status, title, description, search_key, format, location, stream_status, starts_at, ends_at, \
        time_zone, local_date, capacity, seats_taken, waitlist_enabled, waitlist_length, next_rank, fee_amount, \
        refund_until_hours, live_results, edit_version, seats_version, published_at, created_at, updated_at";
    sql(
        &harness,
        &format!(
            "INSERT INTO events (id, {columns})
             WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 700)
             SELECT {id}, {columns} FROM events, numbers WHERE id = '{one}'"
        ),
    );
    let text = file(&harness.client().get("/events.ics").await.expect(200));
    let all = entries(&text);
    assert_eq!(all.len(), 500);
    assert_eq!(property(&all[0], "DESCRIPTION"), format!("{}…", "ä".repeat(500)));
    assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 1);
    let Some(library) = Icalendar::unless_left_out() else {
        return;
    };
    assert_eq!(library.read(&text)["events"].as_array().map(Vec::len), Some(500));
}

async fn what_did_not_change_is_not_sent_again(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 3).await;
    let asha = harness.attendee("asha").await;
    let (registration, _) = harness.registered(&asha, event).await;
    for path in [
        "/events.ics".to_owned(),
        format!("/events/{event}/calendar.ics"),
        format!("/registrations/{registration}/ticket.ics"),
    ] {
        let first = asha.client.get(&path).await.expect(200);
        let tag = first.header("etag").expect("a tag").to_owned();
        let again = asha.client.get(&path).header("if-none-match", &tag).await;
        assert!(again.expect(304).bytes().is_empty());
        harness.clock().advance(TimeDelta::minutes(1));
        let later = asha.client.get(&path).header("if-none-match", &tag).await;
        later.expect(304);
        let edit = organizer.client.patch(&format!("/events/{event}"));
        let title = json!({"title": format!("Title for {path}")});
        edit.json(title).await.expect(200);
        let changed = asha.client.get(&path).header("if-none-match", &tag).await;
        assert_ne!(changed.expect(200).header("etag"), Some(tag.as_str()));
    }
    // Also one that has ended.
    let seat = format!("/registrations/{registration}");
    asha.client.delete(&seat).await.expect(200);
    let path = format!("{seat}/ticket.ics");
    let ended = asha.client.get(&path).await.expect(200);
    let tag = ended.header("etag").expect("a tag").to_owned();
    harness.clock().advance(TimeDelta::minutes(1));
    let later = asha.client.get(&path).header("if-none-match", &tag).await;
    later.expect(304);
}

async fn what_is_private_is_in_no_calendar_of_others(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, other) = (harness.organizer().await, harness.organizer().await);
    let draft = organizer.client.post("/events").json(harness.event_fields(1));
    let draft = draft.await.expect(201).text_at("/id");
    let path = format!("/events/{draft}/calendar.ics");
    let entry = read(&organizer.client, &path).await;
    assert_eq!(property(&entry, "STATUS"), "TENTATIVE");
    let nobody = harness.client();
    for client in [&other.client, &nobody] {
        client.get(&path).await.expect(404).problem("not-found");
        let feed = client.get("/events.ics?status=draft").await.expect(200);
        assert_eq!(entries(&file(&feed)).len(), 0);
    }
    let feed = organizer.client.get("/events.ics?status=draft").await.expect(200);
    assert_eq!(entries(&file(&feed)).len(), 1);
    // What managers alone see is in no file.
    let event = harness.published_event(&organizer, 1).await;
    let stream = json!({"stream_url": "https://stream.example.org/secret", "format": "hybrid"});
    let edit = organizer.client.patch(&format!("/events/{event}")).json(stream);
    edit.await.expect(200);
    for path in ["/events.ics".to_owned(), format!("/events/{event}/calendar.ics")] {
        let text = organizer.client.get(&path).await.expect(200).text();
        assert!(!text.contains("stream.example.org"), "{text}");
    }
}
