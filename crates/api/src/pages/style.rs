//! How the pages look.

use crate::openapi::OperationDoc;
use actix_web::HttpResponse;
use actix_web::http::header;

const STYLE: &str = include_str!("../../templates/pages.css");

/// The style sheet of all pages.
pub async fn show() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(STYLE)
}

/// See [`show`].
pub fn describe_show(operation: OperationDoc) -> OperationDoc {
    operation
        .tag("pages")
        .summary("How the pages look")
        .answer_media(200, "text/css", "The style sheet.")
}
