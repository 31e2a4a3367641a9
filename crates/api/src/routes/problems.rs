//! The pages that a problem's `type` leads to.

use crate::extract::PathText;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use actix_web::HttpResponse;
use actix_web::http::header;
use std::fmt::Write;

/// The whole catalogue.
pub async fn list() -> HttpResponse {
    let mut content = String::from("<h1>Problems</h1><ul>");
    for problem in ProblemType::ALL {
        // Writing into a String cannot fail.
        let _ = write!(
            content,
            "<li><a href=\"{uri}\"><code>{slug}</code></a> ({status}): {title}</li>",
            uri = problem.uri(),
            slug = problem.slug(),
            status = problem.status().as_u16(),
            title = escaped(problem.title()),
        );
    }
    content.push_str("</ul>");
    page("Problems", &content)
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("All problems that the API answers with")
        .answer_media(200, "text/html", "A page with a link to each.")
}

/// One problem.
pub async fn explain(PathText(slug): PathText) -> Result<HttpResponse, Problem> {
    let problem = ProblemType::from_slug(&slug).ok_or_else(Problem::not_found)?;
    let content = format!(
        "<h1>{title}</h1><p>{explanation}</p><p>Status {status}, <code>{uri}</code></p>\
         <p><a href=\"/problems/\">All problems</a></p>",
        title = escaped(problem.title()),
        explanation = escaped(problem.explanation()),
        status = problem.status(),
        uri = problem.uri(),
    );
    Ok(page(problem.title(), &content))
}

/// See [`explain`].
pub fn describe_explain(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("What a problem means")
        .path_text("slug", "The last part of the problem's type.")
        .answer_media(200, "text/html", "A page that explains it.")
}

fn page(title: &str, content: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{} · Podium</title></head>\
             <body>{content}</body></html>",
            escaped(title)
        ))
}

/// The catalogue is ours, but a sentence in it may hold a sign that HTML reads.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
