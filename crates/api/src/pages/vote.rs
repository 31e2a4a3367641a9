//! The page on which whoever got a campaign's mail confirms the vote that its link gives.

use super::{Notice, answer, describe_form};
use crate::extract::{Caller, PathText, RawBody};
use crate::middleware::OwnSite;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::campaign_links::{VOTE_REFUSALS, find_vote_link, vote_by_link};
use crate::state::SharedState;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use campaign::VoteLink;
use event::Event;
use kernel::Instant;
use voting::VotingState;

#[derive(Template)]
#[template(path = "vote.html")]
struct Page {
    /// Of the link; nobody else made it, so it holds nothing but letters, digits and hyphens.
    token: String,
    title: String,
    when: String,
    place: String,
    candidate: String,
    profession: Option<String>,
    talk: String,
    /// In paragraphs.
    summary: Vec<String>,
    standing: Standing,
}

/// Whether there is something to confirm.
enum Standing {
    /// Until then.
    Open(String),
    /// From then on.
    NotOpen(String),
    Closed,
    Gone,
}

/// The page. Opening it votes for nobody: programs that look for viruses follow links too.
pub async fn show(
    PathText(token): PathText,
    Caller(ctx): Caller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let link = find_vote_link(&state, ctx, &token).await?;
    answer(StatusCode::OK, &page_of(link, token))
}

/// See [`show`].
pub fn describe_show(operation: OperationDoc) -> OperationDoc {
    operation
        .tag("pages")
        .summary("The page on which a vote by link is confirmed")
        .description("For whoever has the link of a campaign's mail. Opening it gives no vote.")
        .path_text("token", "The last part of the link in the mail.")
        .answer_media(
            200,
            "text/html",
            "What the link votes for, with a button while voting is open.",
        )
        .problems(&[ProblemType::NotFound])
}

/// Votes.
pub async fn submit(
    PathText(token): PathText,
    _: OwnSite,
    Caller(ctx): Caller,
    _: RawBody,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let (_, link) = vote_by_link(&state, ctx, &token).await?;
    let page = Notice {
        title: "Your vote counts",
        sentences: &[
            format!("You voted for {}.", link.candidate.name).into(),
            format!("The event: {}.", link.event.details.title).into(),
            format!(
                "You can change it until {}: by the link of another candidate's mail, or signed in if you have an account.",
                closes(&link.event)
            )
            .into(),
        ],
        link: None,
        good: true,
    };
    answer(StatusCode::OK, &page)
}

/// See [`submit`].
pub fn describe_submit(operation: OperationDoc) -> OperationDoc {
    describe_form(operation)
        .summary("Vote by a link")
        .description("What is sent is not looked at: the link says it all.")
        .path_text("token", "The last part of the link in the mail.")
        .raw_bodies(&["application/x-www-form-urlencoded"], "Nothing.")
        .answer_media(200, "text/html", "The vote counts.")
        .problems(&[ProblemType::NotFound, ProblemType::UnsupportedMediaType])
        .problems(&VOTE_REFUSALS)
}

fn page_of(link: VoteLink, token: String) -> Page {
    let standing = if link.candidate_stands() {
        match link.state {
            VotingState::Open => Standing::Open(closes(&link.event)),
            VotingState::NotOpen => Standing::NotOpen(opens(&link.event)),
            VotingState::None | VotingState::Closed => Standing::Closed,
        }
    } else {
        Standing::Gone
    };
    let details = link.event.details;
    let candidate = link.candidate.candidate;
    let paragraphs = candidate.summary.lines().map(str::trim);
    Page {
        token,
        when: details.time_zone.local_span(details.starts_at, details.ends_at),
        place: details.location.unwrap_or_else(|| "Online".to_owned()),
        title: details.title,
        candidate: link.candidate.name,
        profession: link.candidate.profession,
        summary: paragraphs
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect(),
        talk: candidate.talk_title,
        standing,
    }
}

/// When voting closes: at the latest with the start.
fn closes(event: &Event) -> String {
    let details = &event.details;
    let closes_at = details.voting_closes_at.unwrap_or(details.starts_at);
    local_time(event, closes_at.min(details.starts_at))
}

fn opens(event: &Event) -> String {
    let details = &event.details;
    local_time(event, details.voting_opens_at.unwrap_or(details.starts_at))
}

fn local_time(event: &Event, instant: Instant) -> String {
    event.details.time_zone.local_time(instant)
}
