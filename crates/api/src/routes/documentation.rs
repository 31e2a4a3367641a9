//! The OpenAPI document, and Swagger UI to read it with.

use crate::extract::PathText;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::state::SharedState;
use actix_web::HttpResponse;
use actix_web::http::header;
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::Config;

static SWAGGER: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::new(["/api-docs/openapi.json"]).validator_url("none")));

/// The files carry styles in their markup, and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The document.
pub async fn openapi(state: SharedState) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(state.openapi_json.clone())
}

/// See [`openapi`].
pub fn describe_openapi(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("This document")
        .answer_object(200, "OpenAPI 3.1.")
}

/// The page of Swagger UI.
pub async fn index() -> Result<HttpResponse, Problem> {
    serve("index.html")
}

/// See [`index`].
pub fn describe_index(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("This document as pages to read and try")
        .answer_media(200, "text/html", "Swagger UI.")
}

/// What the page loads.
pub async fn file(PathText(name): PathText) -> Result<HttpResponse, Problem> {
    serve(&name)
}

/// See [`file()`].
pub fn describe_file(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("A file of Swagger UI")
        .path_text("file", "The name of the file.")
        .answer_media(200, "*/*", "The file.")
}

fn serve(name: &str) -> Result<HttpResponse, Problem> {
    let file = utoipa_swagger_ui::serve(name, Arc::clone(&SWAGGER))
        .map_err(Problem::internal)?
        .ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::Ok();
    response
        .content_type(file.content_type)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(response.body(file.bytes.into_owned()))
}
