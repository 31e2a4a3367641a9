//! The OpenAPI 3.1 document, made from the route table.
//!
//! A row's description names what is particular to it: bodies, answers, problems of its rules. What follows from the
//! row itself (sign-in, path, method) and from what it takes (a body, a query, a key) is added here, so that no
//! operation can forget to list an error that the extractors or the middleware give for it.

mod operation;

pub use operation::OperationDoc;

use crate::middleware::ACCESS_COOKIE;
use crate::route_table::Endpoint;
use bytes::Bytes;
use serde::Serialize;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths};
use utoipa::{PartialSchema, ToSchema};

/// The security scheme of the Authorization header.
pub(crate) const BEARER: &str = "bearer";
/// The security scheme of the cookie.
pub(crate) const COOKIE: &str = "cookie";

/// One thing in a request that does not fit.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
#[expect(dead_code, reason = "describes what problems are made of")]
pub struct FieldErrorSchema {
    /// JSON Pointer (RFC 6901) into the body, or the name of a parameter or header.
    #[schema(example = "/capacity")]
    pointer: String,
    /// A stable word for programs.
    #[schema(example = "range")]
    code: String,
    /// A sentence for people.
    detail: String,
}

/// A problem (RFC 9457). Some types have members of their own besides.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what problems are made of")]
pub struct ProblemSchema {
    /// Names the kind of problem; a page that explains it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/event-full")]
    kind: String,
    /// The problem in a few words.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What happened this time.
    detail: String,
    /// The path of the request.
    instance: String,
    /// The request's name in the server's log.
    request_id: String,
    /// What does not fit, field by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors: Option<Vec<FieldErrorSchema>>,
}

/// The document of a route table.
pub fn document(table: &[Endpoint]) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = ComponentsBuilder::new()
        .schema("FieldError", FieldErrorSchema::schema())
        .schema("Problem", ProblemSchema::schema())
        .security_scheme(BEARER, bearer_scheme())
        .security_scheme(COOKIE, cookie_scheme());
    for row in table {
        let (operation, schemas) = row.document().build();
        for (name, schema) in schemas {
            components = components.schema(name, schema);
        }
        paths.add_path_operation(row.path, vec![http_method(&row.method)], operation);
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Podium")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Events and conferences: seats, waitlists, votes and tickets.",
                ))
                .license(Some(
                    LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build(),
                ))
                .build(),
        )
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

/// The document as it is served.
pub fn document_json(table: &[Endpoint]) -> Bytes {
    // A tree of strings, numbers and lists always has a JSON form.
    Bytes::from(document(table).to_json().unwrap_or_default())
}

fn bearer_scheme() -> SecurityScheme {
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "The access token that a sign-in answers with. It wins over the cookie.",
            ))
            .build(),
    )
}

fn cookie_scheme() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
        ACCESS_COOKIE,
        "The same token as a cookie; requests that change something must come from an allowed origin.",
    )))
}

fn http_method(method: &actix_web::http::Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        "HEAD" => HttpMethod::Head,
        "OPTIONS" => HttpMethod::Options,
        _ => HttpMethod::Get,
    }
}
