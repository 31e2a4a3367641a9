//! The validator on a small document: what fits passes, and each way of not fitting is found.

use super::{Seen, Validator};
use serde_json::json;

fn validator() -> Validator {
    Validator::new(json!({
        "openapi": "3.1.0",
        "servers": [{"url": "/api/v1"}],
        "paths": {
            "/events/{id}": {"get": {"responses": {
                "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}},
                "404": {"$ref": "#/components/responses/Problem"},
                "204": {"description": "nothing to say"}
            }}},
            "/events/calendar": {"get": {"responses": {"200": {"content": {"text/*": {}}}}}},
            "/tickets/{id}.pdf": {"get": {"responses": {"2XX": {"content": {"application/pdf": {}}}}}},
            "/tickets/{id}": {"get": {"responses": {"default": {"$ref": "#/components/responses/Problem"}}}}
        },
        "components": {
            "responses": {"Problem": {"content": {"application/problem+json": {"schema": {
                "type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}}}}},
            "schemas": {
                "Event": {"type": "object", "required": ["id", "organizer"], "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "location": {"type": ["string", "null"]},
                    "organizer": {"$ref": "#/components/schemas/Person"}}},
                "Person": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
            }
        }
    }))
}

fn check(method: &str, path: &str, status: u16, content_type: &str, body: &str) -> Result<(), String> {
    let content_type = (!content_type.is_empty()).then_some(content_type);
    let seen = Seen {
        method,
        path,
        status,
        content_type,
        body: body.as_bytes(),
    };
    validator().check(&seen).map_err(|mismatch| mismatch.to_string())
}

const EVENT: &str =
    r#"{"id": "0190a000-0000-7000-8000-000000000001", "location": null, "organizer": {"name": "Asha"}}"#;

#[test]
fn answers_that_fit_pass() {
    for (path, status, content_type, body) in [
        ("/api/v1/events/1", 200, "application/json", EVENT),
        (
            "/api/v1/events/1?limit=2",
            200,
            "application/json; charset=utf-8",
            EVENT,
        ),
        ("/events/1", 200, "application/json", EVENT),
        (
            "/api/v1/events/1",
            404,
            "application/problem+json",
            r#"{"title": "gone"}"#,
        ),
        ("/api/v1/events/1", 204, "", ""),
        ("/api/v1/events/calendar", 200, "text/calendar", "BEGIN:VCALENDAR"),
        ("/api/v1/tickets/1.pdf", 201, "application/pdf", "%PDF"),
        (
            "/api/v1/tickets/1",
            500,
            "application/problem+json",
            r#"{"title": "ours"}"#,
        ),
        (
            "/api/v1/nothing",
            404,
            "text/html",
            "an unknown path need not be documented",
        ),
    ] {
        assert_eq!(
            check("GET", path, status, content_type, body),
            Ok(()),
            "{path} {status}"
        );
    }
    assert_eq!(check("PUT", "/api/v1/events/1", 405, "", ""), Ok(()));
}

#[test]
fn every_way_of_not_fitting_is_found() {
    let nested = r#"{"id": "0190a000-0000-7000-8000-000000000001", "organizer": {"name": 7}}"#;
    let no_uuid = r#"{"id": "1", "organizer": {"name": "Asha"}}"#;
    for (method, path, status, content_type, body, expected) in [
        (
            "GET",
            "/api/v1/events/1",
            200,
            "application/json",
            nested,
            "/organizer/name",
        ),
        (
            "GET",
            "/api/v1/events/1",
            200,
            "application/json",
            no_uuid,
            "uuid",
        ),
        (
            "GET",
            "/api/v1/events/1",
            200,
            "application/json",
            r#"{"id": "x"}"#,
            "organizer",
        ),
        (
            "GET",
            "/api/v1/events/1",
            200,
            "application/json",
            "{",
            "not JSON",
        ),
        ("GET", "/api/v1/events/1", 200, "text/html", EVENT, "media type"),
        ("GET", "/api/v1/events/1", 200, "", "", "media type"),
        (
            "GET",
            "/api/v1/events/1",
            204,
            "text/plain",
            "but one came",
            "no body",
        ),
        (
            "GET",
            "/api/v1/events/1",
            409,
            "application/problem+json",
            "{}",
            "status is not documented",
        ),
        (
            "GET",
            "/api/v1/events/1",
            404,
            "application/problem+json",
            "{}",
            "title",
        ),
        (
            "PUT",
            "/api/v1/events/1",
            200,
            "application/json",
            EVENT,
            "not with this method",
        ),
        ("GET", "/api/v1/nothing", 200, "text/html", "", "no such path"),
        (
            "GET",
            "/api/v1/events/calendar",
            200,
            "application/json",
            EVENT,
            "media type",
        ),
        (
            "GET",
            "/api/v1/tickets/1.pdf",
            200,
            "application/problem+json",
            "{}",
            "media type",
        ),
    ] {
        let mismatch = check(method, path, status, content_type, body).expect_err(path);
        assert!(
            mismatch.contains(expected),
            "{mismatch}\nshould tell of {expected:?}"
        );
        assert!(mismatch.contains(path), "{mismatch}");
    }
}

#[test]
fn a_document_with_a_broken_reference_is_refused() {
    let document = json!({"openapi": "3.1.0", "paths": {"/a": {"get": {"responses": {"200": {"content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/Missing"}}}}}}}}});
    let seen = Seen {
        method: "GET",
        path: "/a",
        status: 200,
        content_type: Some("application/json"),
        body: b"{}",
    };
    let checked = std::panic::catch_unwind(|| Validator::new(document).check(&seen).is_ok());
    assert!(!matches!(checked, Ok(true)), "a reference to nothing was taken");
}
