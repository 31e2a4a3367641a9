//! The OpenAPI document describes the table, all of it and nothing else.

use crate::harness;
use api::limits::Limit;
use api::openapi::document_json;
use api::problem_catalogue::ProblemType;
use api::route_table::Endpoint;
use serde_json::Value;
use std::collections::BTreeSet;

fn document(table: &[Endpoint]) -> Value {
    serde_json::from_slice(&document_json(table)).unwrap()
}

/// Method, path and operation of everything in the document.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, operation)| (method.to_ascii_uppercase(), path.clone(), operation))
        })
        .collect()
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_document_has_every_route_and_no_other() {
    for table in [api::routes::table(), harness::table()] {
        let document = document(&table);
        let described: BTreeSet<(String, String)> = operations(&document)
            .into_iter()
            .map(|(method, path, _)| (method, path))
            .collect();
        let routed: BTreeSet<(String, String)> = table
            .iter()
            .map(|row| (row.method.to_string(), row.path.to_owned()))
            .collect();
        assert_eq!(described, routed);
        assert_eq!(routed.len(), table.len(), "a row stands twice");
    }
}

#[test]
fn every_operation_is_described_as_a_whole() {
    for table in [api::routes::table(), harness::table()] {
        let document = document(&table);
        let mut ids = BTreeSet::new();
        for (method, path, operation) in operations(&document) {
            let name = format!("{method} {path}");
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{name}"
            );
            assert!(
                !operation["summary"].as_str().unwrap_or_default().is_empty(),
                "{name}"
            );
            assert!(!operation["x-who"].as_array().unwrap().is_empty(), "{name}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses
                    .keys()
                    .any(|status| status.starts_with('2') || status.starts_with('3')),
                "{name}"
            );
            assert!(responses.contains_key("500"), "{name}");
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                // Pages tell people, everything else programs.
                assert!(
                    ["application/problem+json", "text/html"]
                        .iter()
                        .any(|media_type| response["content"][media_type].is_object()),
                    "{name} {status}"
                );
            }
            let placeholders = path.matches('{').count();
            let parameters = operation["parameters"].as_array().map_or(0, |parameters| {
                parameters
                    .iter()
                    .filter(|parameter| parameter["in"] == "path")
                    .count()
            });
            assert_eq!(placeholders, parameters, "{name}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_body_refuses_unknown_fields() {
    for table in [api::routes::table(), harness::table()] {
        let document = document(&table);
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in found {
            let target = document.pointer(reference.strip_prefix('#').unwrap());
            assert!(target.is_some(), "{reference}");
        }
        for (method, path, operation) in operations(&document) {
            let Some(content) = operation["requestBody"]["content"].as_object() else {
                continue;
            };
            for (media_type, body) in content
                .iter()
                .filter(|(media_type, _)| media_type.ends_with("json"))
            {
                let reference = body["schema"]["$ref"].as_str().unwrap();
                let schema = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
                assert_eq!(
                    schema["additionalProperties"], false,
                    "{method} {path} {media_type}"
                );
            }
        }
    }
}

#[test]
fn what_a_row_implies_is_in_its_description() {
    let document = document(&harness::table());
    let statuses = |path: &str, method: &str| -> Vec<String> {
        document["paths"][path][method]["responses"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let create = statuses("/api/v1/talks", "post");
    for status in [
        "201", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503",
    ] {
        assert!(create.iter().any(|known| known == status), "{status} {create:?}");
    }
    assert!(statuses("/api/v1/talks/{id}", "patch").contains(&"412".to_owned()));
    assert!(statuses("/api/v1/talks/{id}", "get").contains(&"404".to_owned()));
    assert!(statuses("/api/v1/admin", "get").contains(&"403".to_owned()));
    assert!(!statuses("/api/v1/auth/login", "post").contains(&"401".to_owned()));
    let who = |path: &str, method: &str| document["paths"][path][method]["x-who"].clone();
    assert_eq!(
        who("/api/v1/talks/{id}", "patch"),
        serde_json::json!(["own", "manager"])
    );
    assert_eq!(
        who("/api/v1/admin", "get"),
        serde_json::json!(["permission user:manage"])
    );
}

#[test]
fn every_way_to_a_sign_in_has_a_limit_of_its_own_and_nothing_but_the_watch_has_none() {
    for row in api::routes::table() {
        let name = format!("{} {}", row.method, row.path);
        let way = row.path.strip_prefix("/api/v1/auth/");
        // Signing out leads nowhere, and one's own sessions are read and ended by whoever is signed in.
        let is_open =
            way.is_some_and(|way| way != "logout") && (row.who.admits_anonymous() || row.method == "POST");
        if is_open {
            assert!(matches!(row.limit, Limit::SignIn | Limit::SignUp), "{name}");
        }
        let watches = row.path.starts_with("/health/") || row.path == "/metrics";
        assert_eq!(row.limit == Limit::Unlimited, watches, "{name}");
        let described = row.document().all_problems().contains(&ProblemType::RateLimited);
        assert_eq!(described, !watches, "{name}");
    }
}
