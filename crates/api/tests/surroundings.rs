//! What every answer has around it, and the routes that are no part of a resource.

use crate::harness::{ID, ORIGIN, TestServer, refused, said};
use api::problem_catalogue::ProblemType::{self, Internal, MethodNotAllowed, NotFound, Unavailable};
use serde_json::Value;
use std::sync::atomic::Ordering;

#[actix_web::test]
async fn failures_of_ours_tell_nothing_and_the_server_goes_on() {
    let server = TestServer::start();
    refused(server.get("/api/v1/panic"), Internal).await;
    refused(server.get("/api/v1/broken"), Internal).await;
    refused(server.get("/api/v1/away"), Unavailable).await;
    let away = server.get("/api/v1/away").send().await.unwrap();
    assert_eq!(away.headers()["retry-after"], "2");
    assert_eq!(said(server.get("/api/v1/whoami")).await, "anonymous");
}

#[actix_web::test]
async fn paths_and_methods_that_are_not_there_are_problems() {
    let server = TestServer::start();
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/talks/",
        "/api/v1/talks/x/y",
        "/api/v1/talks.ics",
    ] {
        refused(server.get(path), NotFound).await;
    }
    let wrong = || server.client.delete(server.url(&format!("/api/v1/talks/{ID}")));
    refused(wrong(), MethodNotAllowed).await;
    assert_eq!(
        wrong().send().await.unwrap().headers()["allow"],
        "GET, HEAD, PATCH"
    );
    let head = server
        .client
        .head(server.url("/api/v1/whoami"))
        .send()
        .await
        .unwrap();
    assert_eq!(head.status().as_u16(), 200);
}

#[actix_web::test]
async fn every_answer_is_named_and_hardened() {
    let server = TestServer::start();
    let response = server
        .get("/api/v1/whoami")
        .header("x-request-id", "edge-7")
        .send()
        .await
        .unwrap();
    for (name, value) in [
        ("x-request-id", "edge-7"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(response.headers()[name], value, "{name}");
    }
    let own = server
        .get("/api/v1/whoami")
        .header("x-request-id", "<b>")
        .send()
        .await
        .unwrap();
    assert_ne!(own.headers()["x-request-id"], "<b>");
    let cached = server.get(&format!("/api/v1/talks/{ID}")).send().await.unwrap();
    assert_eq!(cached.headers()["cache-control"], "no-cache");
    let known = server
        .get(&format!("/api/v1/talks/{ID}"))
        .header("if-none-match", "W/\"7-1\"");
    assert_eq!(known.send().await.unwrap().status().as_u16(), 304);
}

#[actix_web::test]
async fn pages_of_an_allowed_origin_may_use_the_api() {
    let server = TestServer::start();
    let preflight = |origin: &'static str| {
        server
            .client
            .request(reqwest::Method::OPTIONS, server.url("/api/v1/talks"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization, idempotency-key, content-type, if-match",
            )
            .send()
    };
    let allowed = preflight(ORIGIN).await.unwrap();
    assert_eq!(allowed.status().as_u16(), 200);
    assert_eq!(allowed.headers()["access-control-allow-origin"], ORIGIN);
    let other = preflight("https://evil.example").await.unwrap();
    assert!(!other.headers().contains_key("access-control-allow-origin"));
    let read = server
        .get("/api/v1/whoami")
        .header("origin", ORIGIN)
        .send()
        .await
        .unwrap();
    let exposed = read.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap()
        .to_ascii_lowercase();
    for name in ["etag", "location", "retry-after", "idempotent-replayed"] {
        assert!(exposed.contains(name), "{exposed}");
    }
}

#[actix_web::test]
async fn health_tells_life_and_readiness_apart() {
    let server = TestServer::start();
    let ready: Value = server
        .get("/health/ready")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["checks"][0]["name"], "database");
    server.database_answers.store(false, Ordering::SeqCst);
    let problem = refused(server.get("/health/ready"), Unavailable).await;
    assert_eq!(problem["checks"][0]["ok"], false);
    assert_eq!(
        server.get("/health/live").send().await.unwrap().status().as_u16(),
        200
    );
}

#[actix_web::test]
async fn metrics_are_for_the_machine_itself_or_the_token() {
    let server = TestServer::start();
    assert_eq!(
        server.get("/metrics").send().await.unwrap().text().await.unwrap(),
        "podium_up 1\n"
    );
    let forwarded = || server.get("/metrics").header("x-forwarded-for", "203.0.113.9");
    refused(forwarded(), NotFound).await;
    assert_eq!(
        forwarded()
            .bearer_auth("scrape")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        200
    );
    refused(forwarded().bearer_auth("scrapf"), NotFound).await;
}

#[actix_web::test]
async fn the_type_of_every_problem_leads_to_a_page_that_explains_it() {
    let server = TestServer::start();
    let list = server
        .get("/problems/")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for kind in ProblemType::ALL {
        assert!(list.contains(&format!("href=\"{}\"", kind.uri())));
        let page = server.get(kind.uri()).send().await.unwrap();
        assert_eq!(page.status().as_u16(), 200);
        assert!(
            page.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
    }
    refused(server.get("/problems/nothing"), NotFound).await;
}

#[actix_web::test]
async fn the_document_and_its_reader_are_served() {
    let server = TestServer::start();
    let document: Value = server
        .get("/api-docs/openapi.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let page = server
        .get("/api-docs/")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("swagger-ui"));
    let script = server
        .get("/api-docs/swagger-initializer.js")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(script.contains("/api-docs/openapi.json"), "{script}");
    refused(server.get("/api-docs/..%2findex.html"), NotFound).await;
}
