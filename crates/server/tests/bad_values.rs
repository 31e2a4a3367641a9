//! Values that have the right type and do not fit all the same, and text that must come through unchanged.

use crate::bad_input::{scene, writes_nothing};
use chrono::TimeDelta;
use kernel::Clock;
use serde_json::{Value, json};
use std::fmt::Write;
use testkit::{TestDatabase, on_both_databases};

on_both_databases! {
    numbers_out_of_range_are_refused,
    instants_that_do_not_fit_are_refused,
    text_of_any_kind_comes_back_unchanged,
}

async fn numbers_out_of_range_are_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        let numbers = [
            "1e400",
            "-1e400",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "-9223372036854775809",
            "1000001",
            "0",
            "-1",
            "1.5",
            "1e-5",
            "99999999999999999999999999999999999999",
        ];
        let create = scene.cases().remove(0);
        for number in numbers {
            for (field, pointer) in [
                ("capacity", "/capacity"),
                ("refund_until_hours", "/refund_until_hours"),
                ("amount", "/fee"),
            ] {
                if field != "capacity" && matches!(number, "0") {
                    continue;
                }
                if field == "amount" && matches!(number, "1000001" | "9223372036854775807") {
                    continue;
                }
                let text = match field {
                    "amount" => with_field(
                        &create.body,
                        "fee",
                        &format!("{{\"amount\": {number}, \"currency\": \"INR\"}}"),
                    ),
                    field => with_field(&create.body, field, number),
                };
                let answer = create.send(text).await;
                assert_eq!(answer.status(), 422, "{field} {number}: {answer}");
                let problem = answer.problem("invalid");
                let at = problem["errors"][0]["pointer"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                assert!(at.starts_with(pointer), "{field} {number}: {answer}");
            }
            let place = format!("/events/{}/waitlist/{}", scene.event, scene.entry);
            if number != "1" {
                let body = format!("{{\"position\": {number}, \"reason\": \"because\"}}");
                let request = scene.organizer.client.patch(&place).body(body);
                request.await.invalid(&["/position"]);
            }
        }
    })
    .await;
}

async fn instants_that_do_not_fit_are_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        let create = scene.cases().remove(0);
        let now = scene.harness.clock().now();
        let at = |hours: i64| json!((now + TimeDelta::hours(hours)).to_rfc3339());
        let start = 240;
        for (changes, pointers) in [
            (vec![("starts_at", at(-1))], vec!["/starts_at"]),
            (vec![("starts_at", at(0))], vec!["/starts_at"]),
            (vec![("ends_at", at(start))], vec!["/ends_at"]),
            (vec![("ends_at", at(start - 1))], vec!["/ends_at"]),
            (
                vec![("registration_closes_at", at(start + 1))],
                vec!["/registration_closes_at"],
            ),
            (
                vec![("voting_opens_at", at(1)), ("voting_closes_at", at(start + 1))],
                vec!["/voting_closes_at"],
            ),
            (vec![("voting_closes_at", at(1))], vec!["/voting_opens_at"]),
            (
                vec![("starts_at", json!("2030-02-31T10:00:00Z"))],
                vec!["/starts_at"],
            ),
            (
                vec![("ends_at", json!("+12000-01-01T10:00:00Z"))],
                vec!["/ends_at"],
            ),
            (
                vec![("ends_at", json!("+262142-12-31T23:59:59Z"))],
                vec!["/ends_at"],
            ),
            (
                vec![("voting_opens_at", json!("-0001-01-01T00:00:00Z"))],
                vec!["/voting_opens_at"],
            ),
            (vec![("starts_at", json!("tomorrow"))], vec!["/starts_at"]),
            (vec![("starts_at", json!("2030-03-01"))], vec!["/starts_at"]),
            (
                vec![("starts_at", json!("2030-03-01T10:00:00"))],
                vec!["/starts_at"],
            ),
            (vec![("time_zone", json!("Mars/Olympus"))], vec!["/time_zone"]),
            (vec![("time_zone", json!("+05:30"))], vec!["/time_zone"]),
            (vec![("title", json!("t".repeat(201)))], vec!["/title"]),
            (vec![("location", json!("l".repeat(301)))], vec!["/location"]),
            (
                vec![("description", json!("d".repeat(20_001)))],
                vec!["/description"],
            ),
            (vec![("format", json!("outdoors"))], vec!["/format"]),
            (vec![("format", json!("virtual"))], vec!["/location"]),
            (vec![("location", Value::Null)], vec!["/location"]),
            (
                vec![
                    ("stream_url", json!("javascript:alert(1)")),
                    ("format", json!("hybrid")),
                ],
                vec!["/stream_url"],
            ),
        ] {
            let mut body = create.body.clone();
            for (name, value) in changes {
                body[name] = value;
            }
            let answer = create.send(body.to_string()).await;
            assert_eq!(answer.status(), 422, "{body}: {answer}");
            answer.invalid(&pointers);
        }
        // Years that a calendar has and a database may not.
        for year in [
            "9999-12-31T23:59:59Z",
            "+262142-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
        ] {
            let mut body = create.body.clone();
            body["ends_at"] = json!(year);
            body["starts_at"] = json!(year);
            create.send(body.to_string()).await.expect(422);
        }
    })
    .await;
}

async fn text_of_any_kind_comes_back_unchanged(database: TestDatabase) {
    let scene = scene(database).await;
    let long = "🎟".repeat(200);
    let texts = [
        "Robert'); DROP TABLE events;--",
        "\" OR 1=1 --",
        "%_\\",
        "${jndi:ldap://x}",
        "<script>alert(1)</script>",
        "🎉 Fête 👩‍👩‍👧‍👦 日本語 العربية",
        "e\u{301}\u{200d}\u{202e}x",
        "{{now+30d}}",
        "$1 ? :name @x",
        "line\nbreak\ttab",
        &long,
    ];
    for text in texts {
        // Title and location stand in mails' headers: they are one line.
        let line = text.replace(['\n', '\t'], " ");
        let mut body = scene.harness.event_fields(2);
        body["title"] = json!(line);
        body["description"] = json!(text);
        body["location"] = json!(line);
        body["publish"] = json!(true);
        let made = scene
            .organizer
            .client
            .post("/events")
            .json(body)
            .await
            .expect(201);
        let read = scene
            .harness
            .client()
            .get(&format!("/events/{}", made.text_at("/id")))
            .await
            .expect(200)
            .json();
        for (field, sent) in [
            ("title", line.as_str()),
            ("description", text),
            ("location", line.as_str()),
        ] {
            assert_eq!(read[field], sent, "{field}");
        }
        let coded = percent_encoded(text);
        for parameter in ["q", "location"] {
            let found = scene
                .harness
                .client()
                .get(&format!("/events?{parameter}={coded}"))
                .await
                .expect(200)
                .items();
            assert!(
                found.iter().any(|event| event["id"] == read["id"]),
                "{parameter}={text}"
            );
        }
        // A name stands in a mail's header: it is one line.
        let name = if text.contains('\n') { "Asha" } else { text };
        let change = json!({"name": name, "bio": text});
        let profile = scene.holder.client.patch("/users/me").json(change);
        let profile = profile.await.expect(200).json();
        assert_eq!((&profile["name"], &profile["bio"]), (&json!(name), &json!(text)));
    }
    let broken = scene
        .holder
        .client
        .patch("/users/me")
        .json(json!({"name": "a\nb"}));
    broken.await.invalid(&["/name"]);
    // What stands around is trimmed.
    let profile = scene
        .holder
        .client
        .patch("/users/me")
        .json(json!({"name": "  Asha \n"}));
    assert_eq!(profile.await.expect(200).text_at("/name"), "Asha");
    scene.harness.assert_invariants().await;
}

/// The body with a field whose value is written as is.
fn with_field(body: &Value, name: &str, value: &str) -> String {
    let mut fields = body.clone();
    fields.as_object_mut().expect("an object").remove(name);
    let whole = fields.to_string();
    format!("{{\"{name}\": {value}, {}", &whole[1..])
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut coded, byte| {
        let _ = write!(coded, "%{byte:02X}");
        coded
    })
}
