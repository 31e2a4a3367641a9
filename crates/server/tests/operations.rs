//! What an operator relies on: health, metrics, request names, pages, a graceful stop, a database that goes away.

use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{Harness, HarnessOptions, Kind, Proxy, TestDatabase, on_both_databases};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_both_databases! {
    a_server_with_its_database_is_alive_and_ready,
    metrics_count_what_was_asked_and_are_shown_to_this_machine_alone,
    every_answer_carries_the_name_of_its_request,
    every_kind_of_problem_has_a_page,
    the_document_and_its_pages_come_from_the_binary,
    a_graceful_stop_finishes_what_runs_and_takes_nothing_new,
    answers_say_how_they_may_be_kept,
}

async fn a_server_with_its_database_is_alive_and_ready(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let root = harness.client().root();
    assert_eq!(
        root.get("/health/live").await.expect(200).text_at("/status"),
        "alive"
    );
    let ready = root.get("/health/ready").await.expect(200).json();
    assert_eq!(
        ready,
        json!({"status": "ready", "checks": [{"name": "database", "ok": true}]})
    );
    // They ask nobody who is there.
    root.signed_in("nonsense").get("/health/ready").await.expect(200);
}

async fn metrics_count_what_was_asked_and_are_shown_to_this_machine_alone(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_METRICS__TOKEN", "a token of the tests alone".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let root = harness.client().root();
    let unknown = "/events/018f0000-0000-7000-8000-000000000000";
    harness.client().get(unknown).await.expect(404);
    let text = root.get("/metrics").await.expect(200).text();
    let line = text.lines().find(|line| {
        line.starts_with("http_requests_total")
            && line.contains("/api/v1/events/{id}")
            && line.contains("4xx")
    });
    assert!(line.is_some(), "no count of the 404 in:\n{text}");
    assert!(
        !text.contains("018f0000"),
        "an id of a path would make a series of its own"
    );
    let forwarded = root.with_header("x-forwarded-for", "203.0.113.9");
    forwarded.get("/metrics").await.expect(404);
    forwarded
        .signed_in("another token")
        .get("/metrics")
        .await
        .expect(404);
    forwarded
        .signed_in("a token of the tests alone")
        .get("/metrics")
        .await
        .expect(200);
}

async fn every_answer_carries_the_name_of_its_request(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let client = harness.client();
    let first = client.get("/events").await.expect(200);
    let second = client.get("/events").await.expect(200);
    let name = |answer: &testkit::Answer| answer.header("x-request-id").expect("a name").to_owned();
    assert_ne!(name(&first), name(&second));
    let given = client.with_header("x-request-id", "edge-1.42");
    let refused = given.get("/users/me").await.expect(401);
    assert_eq!(name(&refused), "edge-1.42");
    assert_eq!(refused.problem("unauthenticated")["request_id"], "edge-1.42");
    let replaced = client
        .with_header("x-request-id", "<script>")
        .get("/events")
        .await
        .expect(200);
    assert!(!name(&replaced).contains('<'));
    // What is done under a name is found under it in the audit log.
    let organizer = harness.organizer().await;
    let named = organizer.client.with_header("x-request-id", "made-by-7");
    named
        .post("/events")
        .json(harness.event_fields(1))
        .await
        .expect(201);
    assert_eq!(harness.count("audit_log WHERE request_id = 'made-by-7'").await, 1);
}

async fn every_kind_of_problem_has_a_page(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let root = harness.client().root();
    let list = root.get("/problems/").await.expect(200).text();
    let mut pages = 0;
    for problem in api::problem_catalogue::ProblemType::ALL {
        assert!(
            list.contains(problem.slug()),
            "{} is not in the list",
            problem.slug()
        );
        let page = root.get(problem.uri()).await.expect(200);
        assert!(
            page.header("content-type")
                .is_some_and(|media| media.starts_with("text/html"))
        );
        assert!(page.header("content-security-policy").is_some());
        pages += 1;
    }
    assert!(pages > 20);
    root.get("/problems/nonsense")
        .await
        .expect(404)
        .problem("not-found");
}

async fn the_document_and_its_pages_come_from_the_binary(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let root = harness.client().root();
    let document = root.get("/api-docs/openapi.json").await.expect(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    let page = root.get("/api-docs/").await.expect(200).text();
    assert!(page.contains("swagger-ui"), "{page}");
    let names = page
        .split('"')
        .filter(|part| part.starts_with("./") && [".js", ".css"].iter().any(|ending| part.ends_with(ending)));
    let mut files = 0;
    for name in names {
        let file = root.get(&format!("/api-docs/{}", &name[2..])).await.expect(200);
        assert!(!file.bytes().is_empty(), "{name}");
        files += 1;
    }
    assert!(files >= 3, "the page names no files: {page}");
    assert!(!page.contains("src=\"http"), "the page fetches from elsewhere");
    root.get("/api-docs/nonsense.js").await.expect(404);
    root.get("/api-docs/..%2F..%2FCargo.toml").await.expect(404);
}

async fn answers_say_how_they_may_be_kept(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let own = asha.client.get("/users/me").await.expect(200);
    assert_eq!(own.header("cache-control"), Some("no-store"));
    assert_eq!(own.header("x-content-type-options"), Some("nosniff"));
    let refused = harness.client().get("/users/me").await.expect(401);
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
}

/// A request whose head was sent and taken, and whose body is still to come.
async fn half_a_request(harness: &Harness, path: &str, token: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(harness.running().address())
        .await
        .expect("a connection");
    let head = format!(
        "POST /api/v1{path} HTTP/1.1\r\nhost: podium\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(head.as_bytes())
        .await
        .expect("a head that is taken");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("a sign to go on"));
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 100"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    stream
}

async fn a_graceful_stop_finishes_what_runs_and_takes_nothing_new(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let body = harness.event_fields(1).to_string();
    let token = organizer.client.token().expect("a token");
    let mut running = half_a_request(&harness, "/events", token, &body).await;
    let stopping = harness.stop();
    let rest = async {
        // The stop has begun when nothing new is taken.
        let begun = Instant::now();
        while TcpStream::connect(harness.running().address()).await.is_ok() {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "the server still takes connections"
            );
            tokio::task::yield_now().await;
        }
        running
            .write_all(body.as_bytes())
            .await
            .expect("a body that is taken");
        let mut answer = Vec::new();
        running.read_to_end(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    };
    let (answer, ()) = tokio::join!(rest, stopping);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(harness.count("events").await, 1);
}

#[test]
fn a_postgresql_that_goes_away_gives_503_and_the_server_recovers() {
    testkit::both::run(Kind::Postgres, through_an_outage);
}

async fn through_an_outage(database: TestDatabase) {
    let proxy = Proxy::before(database.url()).await;
    let options = HarnessOptions {
        environment: vec![("PODIUM_DATABASE__URL", proxy.url().to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 5).await;
    let asha = harness.attendee("asha").await;
    asha.client.get("/users/me").await.expect(200);
    let root = harness.client().root();

    proxy.cut();
    let begun = Instant::now();
    root.get("/health/live").await.expect(200);
    root.get("/health/ready").await.expect(503).problem("unavailable");
    for request in [
        asha.client.get("/users/me"),
        asha.client.get("/events"),
        asha.client.post(&format!("/events/{event}/registrations")),
        harness
            .client()
            .post("/auth/login")
            .json(json!({"email": asha.email, "password": "whatever it is"})),
    ] {
        let refused = request.await.expect(503);
        refused.problem("unavailable");
        let after = refused.header("retry-after").expect("Retry-After");
        assert!(
            after
                .parse::<u32>()
                .is_ok_and(|seconds| (1..=60).contains(&seconds)),
            "{after}"
        );
        let shown = refused.text().to_lowercase();
        assert!(
            !["postgres", "127.0.0.1", "sql"]
                .iter()
                .any(|word| shown.contains(word)),
            "{shown}"
        );
    }
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "refusing took {:?}",
        begun.elapsed()
    );

    proxy.restore();
    let begun = Instant::now();
    while root.get("/health/ready").await.status() != 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the server does not recover"
        );
        tokio::task::yield_now().await;
    }
    asha.client
        .post(&format!("/events/{event}/registrations"))
        .await
        .expect(201);
    harness.assert_invariants().await;
}
