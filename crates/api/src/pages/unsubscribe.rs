//! The page on which a person says that they want no more mails that ask for votes. What one click in a mail program sends comes here
//! too (RFC 8058): it has no origin, no cookie and no session, and asks for no page.

use super::{Notice, answer};
use crate::extract::{Caller, PathText, RawBody};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::campaign_links::{find_unsubscribe_link, one_click, unsubscribe_by_link};
use crate::state::SharedState;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Form {
    token: String,
    /// As much of it as is told; none when it is not known any more.
    address: Option<String>,
}

/// The page. Opening it unsubscribes nobody: programs that look for viruses follow links too.
pub async fn show(
    PathText(token): PathText,
    Caller(_): Caller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let link = find_unsubscribe_link(&state, &token).await?;
    let address = link.masked_address;
    if link.is_unsubscribed {
        done(address.as_deref())
    } else {
        answer(StatusCode::OK, &Form { token, address })
    }
}

/// See [`show`].
pub fn describe_show(operation: OperationDoc) -> OperationDoc {
    operation
        .tag("pages")
        .summary("The page on which a person unsubscribes")
        .description("For whoever has the link of a campaign's mail. Opening it unsubscribes nobody.")
        .path_text("token", "The last part of the link in the mail.")
        .answer_media(200, "text/html", "A button, or that the address is unsubscribed.")
        .problems(&[ProblemType::NotFound])
}

/// Unsubscribes. There is nothing that a page of another site could gain: it would have to know the link.
pub async fn submit(
    PathText(token): PathText,
    Caller(ctx): Caller,
    _: RawBody,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let link = unsubscribe_by_link(&state, ctx, &token).await?;
    done(link.masked_address.as_deref())
}

/// See [`submit`].
pub fn describe_submit(operation: OperationDoc) -> OperationDoc {
    one_click(operation.tag("pages"))
        .path_text("token", "The last part of the link in the mail.")
        .answer_media(200, "text/html", "The address gets none any more.")
        .problems(&[ProblemType::NotFound])
}

fn done(address: Option<&str>) -> Result<HttpResponse, Problem> {
    let whose = match address {
        Some(address) => format!("No mails that ask for votes go to {address} any more."),
        None => "No mails that ask for votes go to this address any more.".to_owned(),
    };
    let page = Notice {
        title: "You are unsubscribed",
        sentences: &[
            whose.into(),
            "Mails about your own seats still come. You can close this page.".into(),
        ],
        link: None,
        good: true,
    };
    answer(StatusCode::OK, &page)
}
