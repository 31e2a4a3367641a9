//! The client against a small server with a document of its own.

use actix_web::web::{self, Bytes, Json};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use testkit::raw;
use testkit::server::Running;
use tokio::task::JoinHandle;

fn document() -> Value {
    let problem = json!({"content": {"application/problem+json": {"schema": {"type": "object", "required": ["type"]}}}});
    let event = json!({"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}});
    let echoed =
        json!({"description": "what came", "content": {"application/json": {"schema": {"type": "object"}}}});
    json!({"openapi": "3.1.0", "paths": {
        "/api/v1/events/{id}": {
            "get": {"responses": {
                "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}}}},
            "post": {"responses": {"409": problem, "200": echoed}},
            "patch": {"responses": {"200": echoed}}}},
        "components": {"schemas": {"Event": event}}})
}

async fn event(path: web::Path<String>) -> HttpResponse {
    match path.as_str() {
        "good" => HttpResponse::Ok().json(json!({"title": "Rust by the sea"})),
        "wrong" => HttpResponse::Ok().json(json!({"title": 7})),
        _ => HttpResponse::Gone().finish(),
    }
}

async fn echo(request: HttpRequest, body: Bytes) -> HttpResponse {
    if request.path().ends_with("full") {
        let problem =
            json!({"type": "/problems/event-full", "title": "Full", "status": 409, "request_id": "r1"});
        return HttpResponse::Conflict()
            .content_type("application/problem+json")
            .body(problem.to_string());
    }
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default())))
        .collect();
    HttpResponse::Ok().json(json!({"headers": headers, "body": String::from_utf8_lossy(&body)}))
}

fn start() -> (Running, JoinHandle<std::io::Result<()>>) {
    let server = HttpServer::new(|| {
        App::new()
            .route(
                "/api-docs/openapi.json",
                web::get().to(|| async { Json(document()) }),
            )
            .route("/api/v1/events/{id}", web::get().to(event))
            .route("/api/v1/events/{id}", web::post().to(echo))
            .route("/api/v1/events/{id}", web::patch().to(echo))
            .route("/health", web::get().to(|| async { "well" }))
    });
    let server = server
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a port");
    let address = server.addrs()[0];
    (
        Running::at(format!("http://{address}/")),
        tokio::spawn(server.run()),
    )
}

#[tokio::test]
async fn an_answer_that_fits_the_document_comes_through() {
    let (server, _running) = start();
    let answer = server.client().get("/events/good").await.expect(200);
    assert_eq!(answer.json()["title"], "Rust by the sea");
    assert_eq!(answer.text_at("/title"), "Rust by the sea");
    assert_eq!(
        server.client().root().get("/health").await.expect(200).text(),
        "well"
    );
    server.client().get("/nowhere").await.expect(404);
}

async fn panics<T>(future: impl Future<Output = T>) -> String {
    use futures_util::FutureExt;
    let panic = AssertUnwindSafe(future)
        .catch_unwind()
        .await
        .err()
        .expect("nothing was noticed");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[tokio::test]
async fn an_answer_that_does_not_fit_fails_the_test() {
    let (server, _running) = start();
    let client = server.client();
    assert!(
        panics(client.get("/events/wrong").into_future())
            .await
            .contains("/title")
    );
    assert!(
        panics(client.get("/events/gone").into_future())
            .await
            .contains("status is not documented")
    );
}

#[tokio::test]
async fn asserts_on_status_and_problem_hold_and_fail() {
    let (server, _running) = start();
    let answer = server.client().post("/events/full").await.expect(409);
    assert_eq!(answer.problem("event-full")["title"], "Full");
    assert!(
        panics(async { answer.clone().expect(201) })
            .await
            .contains("expected 201")
    );
    assert!(
        panics(async { answer.problem("full") })
            .await
            .contains("/problems/full")
    );
    assert!(
        panics(async { answer.problem("event-closed") })
            .await
            .contains("event-closed")
    );
}

#[tokio::test]
async fn token_key_and_body_reach_the_server() {
    let (server, _running) = start();
    let person = server.person("t0ken").with_header("x-extra", "1");
    let seen = person
        .post("/events/echo")
        .key("k1")
        .if_match("\"1-2\"")
        .json(json!({"a": 1}))
        .await
        .expect(200)
        .json();
    assert_eq!(seen["body"], r#"{"a":1}"#);
    for (name, value) in [
        ("authorization", "Bearer t0ken"),
        ("idempotency-key", "k1"),
        ("if-match", "\"1-2\""),
        ("content-type", "application/json"),
        ("x-extra", "1"),
    ] {
        assert_eq!(seen["headers"][name], value, "{name}");
    }
    let seen = person
        .anonymous()
        .patch("/events/echo")
        .json(json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(seen["headers"]["content-type"], "application/merge-patch+json");
    assert_eq!(seen["headers"]["authorization"], Value::Null);
}

#[tokio::test]
async fn raw_bytes_go_out_as_they_are() {
    let (server, _running) = start();
    let answer = raw::send(server.address(), b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(answer.status, Some(200));
    assert!(answer.text.ends_with("well"), "{}", answer.text);
    let answer = raw::send(server.address(), b"NOT HTTP\r\n\r\n").await;
    assert_eq!(answer.status, Some(400));
}
