//! Who is let in, and that nothing of a request is told before that is settled.

use crate::harness::{ORIGIN, TestServer, refused, said};
use api::problem_catalogue::ProblemType::{
    Forbidden, NotJson, OriginNotAllowed, SessionEnded, Unauthenticated, Unavailable,
};

const PERSON: &str = "00000000-0000-0000-0000-000000000001";

#[actix_web::test]
async fn a_bad_body_does_not_hide_a_missing_sign_in() {
    let server = TestServer::start();
    let bad = || {
        server
            .post("/api/v1/talks")
            .header("content-type", "application/json")
            .body("{")
    };
    refused(bad(), Unauthenticated).await;
    refused(bad().bearer_auth("wrong"), Unauthenticated).await;
    refused(bad().bearer_auth("good"), NotJson).await;
}

#[actix_web::test]
async fn a_bearer_token_signs_in_and_a_bad_one_is_refused_even_where_none_is_needed() {
    let server = TestServer::start();
    assert_eq!(said(server.get("/api/v1/whoami")).await, "anonymous");
    for token in ["good", "slow-good"] {
        assert_eq!(
            said(server.get("/api/v1/whoami").bearer_auth(token)).await,
            PERSON
        );
        assert_eq!(said(server.get("/api/v1/me").bearer_auth(token)).await, PERSON);
    }
    for path in ["/api/v1/whoami", "/api/v1/me"] {
        refused(server.get(path).bearer_auth("wrong"), Unauthenticated).await;
        refused(server.get(path).bearer_auth("slow-late"), Unauthenticated).await;
        refused(server.get(path).bearer_auth("slow-ended"), SessionEnded).await;
        refused(server.get(path).bearer_auth("slow-away"), Unavailable).await;
        refused(
            server.get(path).header("authorization", "Basic Z29vZA=="),
            Unauthenticated,
        )
        .await;
    }
    refused(server.get("/api/v1/me"), Unauthenticated).await;
}

#[actix_web::test]
async fn a_header_wins_over_a_cookie_and_a_bad_cookie_is_nobody() {
    let server = TestServer::start();
    let with_cookie = |path: &str, token: &str| {
        server
            .get(path)
            .header("cookie", format!("podium_access={token}"))
    };
    assert_eq!(said(with_cookie("/api/v1/me", "good")).await, PERSON);
    refused(
        with_cookie("/api/v1/me", "good").bearer_auth("wrong"),
        Unauthenticated,
    )
    .await;
    assert_eq!(said(with_cookie("/api/v1/whoami", "wrong")).await, "anonymous");
    assert_eq!(
        said(with_cookie("/api/v1/whoami", "slow-late")).await,
        "anonymous"
    );
    refused(with_cookie("/api/v1/me", "wrong"), Unauthenticated).await;
}

#[actix_web::test]
async fn what_a_cookie_signs_in_must_come_from_an_allowed_origin() {
    let server = TestServer::start();
    let post = || {
        server
            .post("/api/v1/whoami")
            .header("cookie", "podium_access=good")
    };
    refused(post(), OriginNotAllowed).await;
    refused(post().header("origin", "https://evil.example"), OriginNotAllowed).await;
    refused(post().header("sec-fetch-site", "cross-site"), OriginNotAllowed).await;
    assert_eq!(said(post().header("origin", ORIGIN)).await, PERSON);
    assert_eq!(
        said(post().header("origin", "http://127.0.0.1:8080")).await,
        PERSON
    );
    assert_eq!(said(post().header("sec-fetch-site", "same-origin")).await, PERSON);
    // A Bearer token is never sent by a browser on its own.
    assert_eq!(
        said(server.post("/api/v1/whoami").bearer_auth("good")).await,
        PERSON
    );
    let upgrade = server
        .get("/api/v1/me")
        .header("cookie", "podium_access=good")
        .header("upgrade", "websocket");
    refused(upgrade, OriginNotAllowed).await;
}

#[actix_web::test]
async fn a_permission_is_asked_before_the_handler() {
    let server = TestServer::start();
    refused(server.get("/api/v1/admin"), Unauthenticated).await;
    let problem = refused(server.get("/api/v1/admin").bearer_auth("good"), Forbidden).await;
    assert_eq!(problem["permission"], "user:manage");
    assert_eq!(
        said(server.get("/api/v1/admin").bearer_auth("admin")).await,
        PERSON
    );
}

#[actix_web::test]
async fn on_the_way_to_a_sign_in_tokens_are_not_looked_at() {
    let server = TestServer::start();
    let login = || server.post("/api/v1/auth/login");
    assert_eq!(said(login().bearer_auth("wrong")).await, "anonymous");
    assert_eq!(
        said(login().header("cookie", "podium_access=good")).await,
        "anonymous"
    );
}

#[actix_web::test]
async fn a_sign_out_takes_a_session_or_the_refresh_cookie() {
    let server = TestServer::start();
    let logout = || server.post("/api/v1/auth/logout");
    let refresh = || logout().header("cookie", "podium_refresh=r1");
    refused(logout(), Unauthenticated).await;
    refused(logout().bearer_auth("wrong"), Unauthenticated).await;
    assert_eq!(said(logout().bearer_auth("good")).await, "session");
    refused(refresh(), OriginNotAllowed).await;
    assert_eq!(said(refresh().header("origin", ORIGIN)).await, "r1");
    assert_eq!(
        said(refresh().bearer_auth("slow-late").header("origin", ORIGIN)).await,
        "r1"
    );
}
