//! Every bad body, query and path gets its problem, and none a 500.

use crate::harness::{ID, TestServer, refused, said};
use api::problem_catalogue::ProblemType::{
    BadHeader, BadQuery, BodyTooLarge, Invalid, NotFound, NotJson, PreconditionFailed, UnsupportedMediaType,
};
use serde_json::{Value, json};
use std::io::{Read, Write};

#[actix_web::test]
async fn a_good_body_is_taken_as_it_is_meant() {
    let server = TestServer::start();
    let response = server
        .talk(r#"{"title": "  Rust ", "seats": 5, "password": " p "}"#)
        .header("idempotency-key", "k-1")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 201);
    assert_eq!(response.headers()["location"], format!("/api/v1/talks/{ID}"));
    assert_eq!(response.headers()["etag"], "\"1-0\"");
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        body,
        json!({"title": "Rust", "seats": 5, "password": " p ", "route": "POST /api/v1/talks"})
    );
}

#[actix_web::test]
async fn a_bad_body_gets_its_problem_and_pointer() {
    let server = TestServer::start();
    for (body, pointer, code) in [
        ("[]", "", "type"),
        ("\"x\"", "", "type"),
        ("{}", "/title", "missing"),
        ("{\"title\": \"  \"}", "/title", "missing"),
        ("{\"title\": 1}", "/title", "type"),
        ("{\"title\": \"a\", \"title\": \"b\"}", "/title", "duplicate"),
        ("{\"title\": \"a\", \"tilte\": \"b\"}", "/tilte", "unknown"),
        ("{\"title\": \"a\\u0000\"}", "/title", "nul"),
        ("{\"title\": \"a\", \"seats\": 70000}", "/seats", "range"),
        ("{\"title\": \"a\", \"seats\": 1e999}", "/seats", "range"),
        ("{\"title\": \"a\", \"seats\": 1.5}", "/seats", "type"),
    ] {
        let problem = refused(server.talk(body), Invalid).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        assert_eq!(problem["errors"][0]["code"], code, "{body}");
    }
    refused(server.talk("[".repeat(200_000)), Invalid).await;
}

#[actix_web::test]
async fn what_is_no_json_or_sent_as_something_else_is_refused() {
    let server = TestServer::start();
    for body in [
        &b""[..],
        b"{",
        b"{\"title\": \"a\",}",
        b"{\"title\": \"\xff\"}",
        b"title=a",
        b"\xef\xbb\xbf{}",
    ] {
        refused(server.talk(body), NotJson).await;
    }
    let typed = |media_type: &str| {
        server
            .post("/api/v1/talks")
            .bearer_auth("good")
            .header("content-type", media_type)
            .body("{\"title\": \"a\"}")
    };
    for media_type in [
        "text/plain",
        "application/merge-patch+json",
        "application/json; charset=latin1",
        ";",
        "é",
    ] {
        refused(typed(media_type), UnsupportedMediaType).await;
    }
    refused(
        server.post("/api/v1/talks").bearer_auth("good").body("{}"),
        UnsupportedMediaType,
    )
    .await;
    refused(
        server.talk("{}").header("content-encoding", "gzip"),
        UnsupportedMediaType,
    )
    .await;
    refused(
        server.talk("{\"title\": \"a\"}").header("idempotency-key", "a b"),
        BadHeader,
    )
    .await;
}

#[actix_web::test]
async fn a_large_body_is_refused_whatever_its_length_header_says() {
    let server = TestServer::start();
    let largest = 256 * 1024;
    let padded = |size: usize| format!("{{\"title\": \"a\"{}}}", " ".repeat(size - 14));
    assert_eq!(padded(largest).len(), largest);
    assert_eq!(
        server
            .talk(padded(largest))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        201
    );
    let answer = raw_exchange(&server, &format!("content-length: {}\r\n\r\n", largest + 1), b"{");
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains(BodyTooLarge.uri()),
        "{answer}"
    );
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let answer = raw_exchange(
        &server,
        "transfer-encoding: chunked\r\n\r\n",
        chunk.repeat(5).as_bytes(),
    );
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains(BodyTooLarge.uri()),
        "{answer}"
    );
}

/// Writes a request by hand and reads until the body's closing brace.
fn raw_exchange(server: &TestServer, headers: &str, body: &[u8]) -> String {
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /api/v1/talks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\n{headers}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.ends_with(b"}") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
        }
    }
    String::from_utf8(answer).unwrap()
}

#[actix_web::test]
async fn a_patch_tells_absent_null_and_set_apart() {
    let server = TestServer::start();
    let path = format!("/api/v1/talks/{ID}");
    let patch = |body: &'static str, media_type: &'static str| {
        server
            .client
            .patch(server.url(&path))
            .bearer_auth("good")
            .header("content-type", media_type)
            .body(body)
    };
    let merge_patch = "application/merge-patch+json";
    assert_eq!(said(patch("{}", merge_patch)).await, "kept");
    assert_eq!(said(patch("{\"title\": null}", merge_patch)).await, "cleared");
    assert_eq!(said(patch("{\"title\": \" x \"}", "application/json")).await, "x");
    refused(patch("{}", "text/plain"), UnsupportedMediaType).await;
    assert_eq!(
        said(patch("{}", merge_patch).header("if-match", "\"7-99\"")).await,
        "kept"
    );
    // The handler asks for the version first, so a bad body does not hide that.
    refused(
        patch("{\"titel\": 1}", merge_patch).header("if-match", "\"6-1\""),
        PreconditionFailed,
    )
    .await;
    refused(patch("{\"titel\": 1}", merge_patch), Invalid).await;
}

#[actix_web::test]
async fn an_optional_body_may_be_absent_and_a_raw_one_is_anything() {
    let server = TestServer::start();
    assert_eq!(said(server.post("/api/v1/optional")).await, "");
    let json = |body: &'static str| {
        server
            .post("/api/v1/optional")
            .header("content-type", "application/json")
            .body(body)
    };
    assert_eq!(said(json("{}")).await, "");
    assert_eq!(said(json("{\"reason\": \"r\"}")).await, "r");
    refused(json("{\"x\": 1}"), Invalid).await;
    refused(server.post("/api/v1/optional").body("{}"), UnsupportedMediaType).await;
    assert_eq!(said(server.post("/api/v1/raw").body(&b"\xff\0"[..])).await, "2");
    refused(
        server.post("/api/v1/raw").body(vec![0; 256 * 1024 + 1]),
        BodyTooLarge,
    )
    .await;
}

#[actix_web::test]
async fn a_bad_query_is_named() {
    let server = TestServer::start();
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("include_total=yes", "include_total"),
        ("cursor=x", "cursor"),
        ("sort=title", "sort"),
        ("q=a&q=b", "q"),
        ("q=%00", "q"),
        ("q=%zz", "q"),
        ("has_seats=maybe", "has_seats"),
    ] {
        let problem = refused(server.get(&format!("/api/v1/talks?{query}")), BadQuery).await;
        assert_eq!(problem["errors"][0]["pointer"], name, "{query}");
    }
    refused(server.get("/api/v1/search?limit=1"), BadQuery).await;
    assert_eq!(said(server.get("/api/v1/search?q=%20caf%C3%A9+")).await, "café");
    let list: Value = server
        .get("/api/v1/talks?limit=3&q=x")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        list,
        json!({"items": [{"said": "3 Some(\"x\") None"}], "next_cursor": null, "total": 1})
    );
}

#[actix_web::test]
async fn a_malformed_id_names_nothing() {
    let server = TestServer::start();
    for id in [
        "x",
        "%00",
        "%ff",
        &ID.replace('-', ""),
        &format!("{{{ID}}}"),
        &ID[1..],
        "..%2f",
    ] {
        refused(server.get(&format!("/api/v1/talks/{id}")), NotFound).await;
    }
    assert_eq!(said(server.get(&format!("/api/v1/talks/{ID}"))).await, "talk");
    assert_eq!(said(server.get("/api/v1/tokens/a%2Fb%20c%25")).await, "a/b c%");
    refused(server.get("/api/v1/tokens/a%00"), NotFound).await;
}
