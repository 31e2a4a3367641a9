//! What does not fit is refused as the right problem, and leaves every table as it was.

pub mod cases;

use crate::support::{operations, row_counts};
use cases::{Case, Scene};
use serde_json::{Value, json};
use testkit::{Harness, TestDatabase, on_both_databases};

on_both_databases! {
    there_is_a_case_for_every_route_with_a_body,
    a_list_that_does_not_fit_is_refused,
    what_is_not_json_is_refused,
    json_that_is_no_object_is_refused,
    a_field_of_the_wrong_type_is_named,
    unknown_and_duplicate_fields_are_refused,
    a_missing_field_is_named,
    text_with_nul_is_refused,
    a_body_of_a_megabyte_is_refused,
    another_media_type_is_refused,
    ids_that_name_nothing_are_not_found,
    query_parameters_that_do_not_fit_are_named,
    a_cursor_of_another_list_or_order_is_refused,
    headers_that_do_not_fit_are_refused,
    a_method_that_a_path_does_not_have_is_refused,
}

/// A server to ask.
pub async fn scene(database: TestDatabase) -> Scene {
    Scene::new(Harness::start(database).await).await
}

/// Runs the requests and fails if a table has another number of rows afterwards.
pub async fn writes_nothing<'s>(scene: &'s Scene, requests: impl AsyncFnOnce(&'s Scene)) {
    let before = row_counts(&scene.harness).await;
    requests(scene).await;
    assert_eq!(before, row_counts(&scene.harness).await, "something was written");
    scene.harness.assert_invariants().await;
}

async fn there_is_a_case_for_every_route_with_a_body(database: TestDatabase) {
    let scene = scene(database).await;
    let mut expected: Vec<String> = operations(&scene.harness)
        .await
        .into_iter()
        .filter(|operation| operation.takes_json)
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    let mut given: Vec<String> = scene
        .cases()
        .iter()
        .map(|case| {
            let path = case
                .path
                .replace(&scene.event.to_string(), "{id}")
                .replace(&scene.entry, "{entry_id}")
                .replace(&scene.candidate, "{candidate_id}")
                .replace(&scene.campaign, "{id}")
                .replace(&scene.noted, "{id}")
                .replace(&scene.role, "{name}")
                .replace(&format!("/staff/{}", scene.account.id), "/staff/{user_id}")
                .replace(&scene.account.id.to_string(), "{id}");
            format!("{} {path}", case.method)
        })
        .collect();
    expected.sort();
    given.sort();
    assert_eq!(given, expected);
}

async fn a_list_that_does_not_fit_is_refused(database: TestDatabase) {
    let scene = scene(database).await;
    let lists: Vec<String> = operations(&scene.harness)
        .await
        .into_iter()
        .filter(|operation| operation.takes_body && !operation.takes_json)
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    // What one click of a mail program sends is taken whatever it is.
    assert_eq!(
        lists,
        [
            "POST /events/{id}/registrations/import",
            "POST /unsubscribe/{token}"
        ]
    );
    writes_nothing(&scene, async |scene| {
        let path = format!("/events/{}/registrations/import", scene.event);
        let send = async |media_type: &str, body: &[u8]| {
            let request = scene.organizer.client.post(&path);
            request.text(media_type, body).await
        };
        let good = "Asha,asha@example.org\n";
        for media_type in [
            "application/json",
            "text/plain",
            "text/csv; charset=utf-16",
            "text/csv; charset=iso-8859-1",
            "text/csvx",
            "nonsense",
        ] {
            let answer = send(media_type, good.as_bytes()).await.expect(415);
            answer.problem("unsupported-media-type");
        }
        let packed = scene.organizer.client.post(&path).text("text/csv", good);
        let packed = packed.header("content-encoding", "gzip").await;
        packed.expect(415).problem("unsupported-media-type");
        for bytes in [
            &b"Asha\xff,asha@example.org"[..],
            b"\xff\xfeA\0s\0",
            b"J\xfcrgen,j@example.org",
        ] {
            send("text/csv", bytes).await.expect(400).problem("bad-request");
        }
        let large = good.repeat(256 * 1024 / good.len() + 1);
        send("text/csv", large.as_bytes())
            .await
            .expect(413)
            .problem("body-too-large");
        let long_line = format!("{},a@example.org", "x".repeat(100_000));
        let unclosed = format!("\"Asha,asha@example.org\n{}", "Ben,ben@example.org\n".repeat(500));
        for (body, pointer) in [
            ("", ""),
            ("\n\r\n", ""),
            ("name,email\n", ""),
            ("email\na@example.org", "/1/name"),
            ("Asha", "/1"),
            ("Asha,asha@example.org,more", "/1"),
            (",asha@example.org", "/1/name"),
            ("Asha,", "/1/email"),
            ("Asha,nobody", "/1/email"),
            ("As\0ha,asha@example.org", "/1/name"),
            ("Asha,as\0ha@example.org", "/1/email"),
            ("\"As\nha\",asha@example.org", "/1/name"),
            ("Asha,asha@example.org\nBen,ben@\n", "/2/email"),
            (&long_line, "/1/name"),
            (&unclosed, "/1"),
            (&good.repeat(2_001), ""),
        ] {
            send("text/csv", body.as_bytes()).await.invalid(&[pointer]);
        }
        for query in ["partial=1", "partial=", "nonsense=1", "partial=true&partial=true"] {
            let request = scene.organizer.client.post(&format!("{path}?{query}"));
            let answer = request.text("text/csv", "Asha,nobody").await;
            // Blank is no value.
            answer.expect(if query == "partial=" { 422 } else { 400 });
        }
        // Whatever is spoilt, it is never a failure of the server's.
        let whole = "name;email\r\n\"Asha \"\"A\"\" Rao\";asha@example.org\r\nÄ;b@example.org";
        for (at, c) in whole.char_indices() {
            for spoilt in ["\"", ";", ",", "\r", "\n", "\0", "\t", "'", "=", "\u{FEFF}", "🎉"] {
                let text = format!("{}{spoilt}{}\nx;", &whole[..at], &whole[at + c.len_utf8()..]);
                let answer = send("text/csv", text.as_bytes()).await;
                assert_eq!(answer.status(), 422, "{text:?}: {answer}");
            }
        }
        // Nobody is told anything of a list who may not send one.
        for (client, status) in [(&scene.holder.client, 403), (&scene.harness.client(), 401)] {
            let request = client.post(&path).text("text/csv", "nonsense");
            request.await.expect(status);
        }
        for query in ["bom=1", "nonsense=1", "limit=1"] {
            let export = format!("/events/{}/attendees.csv?{query}", scene.event);
            let answer = scene.organizer.client.get(&export).await;
            answer.expect(400).problem("bad-query");
            scene.holder.client.get(&export).await.expect(403);
        }
    })
    .await;
}

async fn what_is_not_json_is_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for case in scene.cases() {
            let whole = case.body.to_string();
            let cut = whole[..whole.len() - 1].to_owned();
            let texts: [&[u8]; 9] = [
                b"{",
                b"{\"title\":}",
                b"{'a': 1}",
                b"{\"a\": 01}",
                b"{\"a\": NaN}",
                b"{} {}",
                b"\xff\xfe{}",
                b"{\"a\": \"\\ud800\"}",
                cut.as_bytes(),
            ];
            for text in texts {
                let answer = case.send(text).await;
                assert_eq!(
                    answer.status(),
                    400,
                    "{}: {answer}",
                    String::from_utf8_lossy(text)
                );
                answer.problem("not-json");
            }
            if !case.may_be_empty {
                case.send("").await.expect(400).problem("not-json");
            }
        }
    })
    .await;
}

async fn json_that_is_no_object_is_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for case in scene.cases() {
            for text in ["[]", "null", "7", "\"text\"", "true", "[[]]"] {
                case.send(text).await.expect(422).problem("invalid");
            }
            let deep = format!("{{\"a\": {}{}}}", "[".repeat(5_000), "]".repeat(5_000));
            case.send(deep).await.expect(422).problem("invalid");
        }
    })
    .await;
}

async fn a_field_of_the_wrong_type_is_named(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for case in scene.cases() {
            for (name, value) in case.body.as_object().expect("an object") {
                let wrong = match value {
                    Value::String(_) => vec![json!(7), json!(true), json!([]), json!({}), json!(["a"])],
                    Value::Object(_) => vec![json!(7), json!("text"), json!(["a", "b"])],
                    Value::Array(_) => vec![json!("text"), json!(7), json!({}), json!(true)],
                    Value::Bool(_) => vec![json!("true"), json!(1), json!([]), json!({})],
                    _ => vec![json!("7"), json!([]), json!({}), json!(true), json!(1.5)],
                };
                for value in wrong {
                    let mut body = case.body.clone();
                    body[name] = value;
                    let answer = case.send(body.to_string()).await;
                    assert_eq!(answer.status(), 422, "{}: {body}: {answer}", case.name());
                    answer.invalid(&[&format!("/{name}")]);
                }
            }
        }
    })
    .await;
}

async fn unknown_and_duplicate_fields_are_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for case in scene.cases() {
            let mut body = case.body.clone();
            body["nonsense"] = json!(1);
            case.send(body.to_string()).await.invalid(&["/nonsense"]);
            let (name, value) = case
                .body
                .as_object()
                .expect("an object")
                .iter()
                .next()
                .expect("a field");
            let whole = case.body.to_string();
            let twice = format!("{{\"{name}\": {value}, {}", &whole[1..]);
            case.send(twice).await.invalid(&[&format!("/{name}")]);
        }
    })
    .await;
}

async fn a_missing_field_is_named(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for case in scene.cases() {
            for name in case.needed {
                for value in [None, Some(Value::Null), Some(json!("  "))] {
                    let is_text = case.body[*name].is_string() && !name.contains("password");
                    if value.as_ref().is_some_and(Value::is_string) && !is_text {
                        continue;
                    }
                    let mut body = case.body.clone();
                    match value {
                        None => drop(body.as_object_mut().expect("an object").remove(*name)),
                        Some(value) => body[*name] = value,
                    }
                    let answer = case.send(body.to_string()).await;
                    assert_eq!(answer.status(), 422, "{}: {body}: {answer}", case.name());
                    answer.invalid(&[&format!("/{name}")]);
                }
            }
        }
    })
    .await;
}

async fn text_with_nul_is_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for case in scene.cases() {
            for (name, value) in case.body.as_object().expect("an object") {
                let Some(text) = value.as_str() else { continue };
                let mut body = case.body.clone();
                body[name] = json!(format!("{text}\0tail"));
                case.send(body.to_string()).await.invalid(&[&format!("/{name}")]);
            }
            // Unescaped it is no JSON at all.
            case.send("{\"reason\": \"a\0b\"}")
                .await
                .expect(400)
                .problem("not-json");
        }
    })
    .await;
}

async fn a_body_of_a_megabyte_is_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for case in scene.cases() {
            for encoding in [Transfer::Length, Transfer::Chunks] {
                let request = raw_request(&case, encoding, &"a".repeat(1 << 20));
                let answer = testkit::raw::send(scene.harness.running().address(), &request).await;
                assert_eq!(
                    answer.status,
                    Some(413),
                    "{} {encoding:?}: {}",
                    case.name(),
                    answer.text
                );
                assert!(
                    answer.text.contains("/problems/body-too-large"),
                    "{}",
                    answer.text
                );
            }
        }
    })
    .await;
}

#[derive(Debug, Clone, Copy)]
enum Transfer {
    Length,
    Chunks,
}

fn raw_request(case: &Case, transfer: Transfer, filler: &str) -> Vec<u8> {
    let token = case
        .client
        .token()
        .map(|token| format!("authorization: Bearer {token}\r\n"));
    let head = format!(
        "{} /api/v1{} HTTP/1.1\r\nhost: podium\r\ncontent-type: {}\r\n{}",
        case.method,
        case.path,
        case.media_type,
        token.unwrap_or_default()
    );
    let body = format!("{{\"reason\": \"{filler}\"}}");
    match transfer {
        Transfer::Length => format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes(),
        Transfer::Chunks => format!(
            "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        )
        .into_bytes(),
    }
}

async fn another_media_type_is_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for case in scene.cases() {
            let mut types = vec![
                "text/plain",
                "application/x-www-form-urlencoded",
                "application/json; charset=utf-16",
                "nonsense",
                "multipart/form-data; boundary=x",
            ];
            if case.method != "PATCH" {
                types.push("application/merge-patch+json");
            }
            for media_type in types {
                let answer = case.send_as(media_type, case.body.to_string()).await;
                assert_eq!(answer.status(), 415, "{media_type}: {answer}");
                answer.problem("unsupported-media-type");
            }
            let packed = case
                .send(case.body.to_string())
                .header("content-encoding", "gzip")
                .await;
            packed.expect(415).problem("unsupported-media-type");
        }
    })
    .await;
}

async fn ids_that_name_nothing_are_not_found(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for operation in operations(&scene.harness).await {
            if !operation.has_placeholders() {
                continue;
            }
            let ids = [
                "00000000-0000-0000-0000-000000000000",
                "018f0000-0000-7000-8000-000000000000",
                "1",
                "x",
                "%00",
                "..%2F..",
                "'%20OR%20'1'='1",
                "018f0000000070008000000000000000",
                "%F0%9F%8E%9F",
                "-1",
                "%7B018f0000-0000-7000-8000-000000000000%7D",
                "%FF",
                "null",
            ];
            let by_admin = operation.path.starts_with("/admin/")
                || operation.path.starts_with("/campaigns/")
                || operation.path.ends_with("/speaker");
            let client = if by_admin {
                &scene.admin.client
            } else {
                &scene.organizer.client
            };
            for id in ids {
                let method = operation.method.parse().expect("a method");
                let request = client.request(method, &operation.path_with(id));
                let answer = request.json(json!({"position": 1, "reason": "because"})).await;
                assert_eq!(answer.status(), 404, "{id}: {answer}");
                answer.problem("not-found");
            }
        }
        // An entry of another event is not found in this one.
        let path = format!("/events/{}/waitlist/{}", scene.draft, scene.entry);
        let request = scene.organizer.client.patch(&path);
        request
            .json(json!({"position": 1, "reason": "because"}))
            .await
            .expect(404)
            .problem("not-found");
        scene
            .organizer
            .client
            .get("/nothing/here")
            .await
            .expect(404)
            .problem("not-found");
    })
    .await;
}

async fn query_parameters_that_do_not_fit_are_named(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        let of_any = [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=x",
            "limit=1e2",
            "limit=99999999999999999999",
            "nonsense=1",
            "limit=1&limit=1",
            "cursor=nonsense",
            "cursor=%00",
            "cursor=%F0%9F%8E%9F",
            "include_total=perhaps",
            "cursor=AAAAAAAAAAAAAAAAAAAA",
            "%ff=1",
        ];
        let manager = &scene.organizer.client;
        let (event, person) = (scene.event, &scene.waiter.client);
        let lists = [
            (manager, "/events".to_owned()),
            (manager, "/users/me/events".to_owned()),
            (person, "/users/me/registrations".to_owned()),
            (person, "/users/me/waitlist".to_owned()),
            (person, "/registrations".to_owned()),
            (manager, format!("/events/{event}/registrations")),
            (manager, format!("/events/{event}/waitlist")),
            (&scene.admin.client, "/admin/users".to_owned()),
            (&scene.admin.client, "/admin/audit-log".to_owned()),
        ];
        for (client, path) in &lists {
            for query in of_any {
                let answer = client.get(&format!("{path}?{query}")).await;
                assert_eq!(answer.status(), 400, "{answer}");
                answer.problem("bad-query");
            }
        }
        for query in [
            "status=gone",
            "format=",
            "from=2030-02-31",
            "from=tomorrow",
            "organizer_id=x",
            "has_seats=1",
            "sort=title",
            "q=%00",
            "q=%zz",
            "location=%ff",
            "sort=-",
            "status=DRAFT",
        ] {
            let answer = scene.harness.client().get(&format!("/events?{query}")).await;
            // Blank is no value.
            let expected = if query == "format=" { 200 } else { 400 };
            assert_eq!(answer.status(), expected, "{answer}");
        }
    })
    .await;
}

async fn a_cursor_of_another_list_or_order_is_refused(database: TestDatabase) {
    let scene = scene(database).await;
    scene.harness.published_event(&scene.organizer, 1).await;
    let first = scene.organizer.client.get("/events?limit=1").await.expect(200);
    let cursor = first.text_at("/next_cursor");
    let next = |path: &str| scene.organizer.client.get(&format!("{path}cursor={cursor}"));
    next("/events?").await.expect(200);
    for path in [
        "/events?sort=-starts_at&",
        "/events?sort=created_at&",
        "/registrations?",
        "/users/me/waitlist?",
    ] {
        next(path).await.expect(400).problem("bad-query");
    }
    for spoilt in [&cursor[1..], &cursor[..cursor.len() - 1], "x"] {
        let request = scene.organizer.client.get(&format!("/events?cursor={spoilt}"));
        request.await.expect(400).problem("bad-query");
    }
}

async fn headers_that_do_not_fit_are_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        let register = format!("/events/{}/publish", scene.draft);
        let long = "k".repeat(256);
        for key in ["", long.as_str(), "with\ttab"] {
            let request = scene.organizer.client.post(&register).key(key);
            request.await.expect(400).problem("bad-header");
        }
        for value in ["Bearer", "Bearer ", "Basic abc", "Bearer a.b.c", "nonsense"] {
            let request = scene
                .harness
                .client()
                .get("/users/me")
                .header("authorization", value);
            request.await.expect(401).problem("unauthenticated");
        }
        let edit = scene.organizer.client.patch(&format!("/events/{}", scene.event));
        let edit = edit.if_match("W/\"x\", nonsense").json(json!({"title": "Other"}));
        edit.await.expect(412).problem("precondition-failed");
    })
    .await;
}

async fn a_method_that_a_path_does_not_have_is_refused(database: TestDatabase) {
    let scene = scene(database).await;
    writes_nothing(&scene, async |scene| {
        for (method, path) in [
            ("PUT", "/events"),
            ("DELETE", "/events"),
            ("PATCH", "/auth/login"),
            ("GET", "/auth/login"),
            ("TRACE", "/events"),
            ("PROPFIND", "/users/me"),
            ("POST", "/users/me"),
        ] {
            let method = method.parse().expect("a method");
            let answer = scene.organizer.client.request(method, path).await.expect(405);
            answer.problem("method-not-allowed");
            assert!(
                answer.header("allow").is_some_and(|allow| !allow.is_empty()),
                "{answer}"
            );
        }
    })
    .await;
}
