//! Events for calendars (`text/calendar`, RFC 5545): one, a feed of many, and the one that somebody has a seat at.

use crate::extract::{Caller, PathId, QueryParams, SignedInCaller, matches_if_none_match};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::events::EventParams;
use crate::state::{AppState, SharedState};
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use calendar::{Calendar, Entry, Feed, Method, Status};
use chrono::TimeDelta;
use event::{Event, EventStatus};
use kernel::{EventId, Instant, PageRequest, RegistrationId};
use registration::RegistrationStatus;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Events of a feed at the most.
const MOST: u16 = 500;
/// So much of a description is in a feed.
const MOST_OF_DESCRIPTION: usize = 500;
/// After what time a feed is worth reading again.
const REFRESH: TimeDelta = TimeDelta::hours(1);

const CALENDAR: &str = "text/calendar";

/// An event as an entry of a calendar.
fn entry_of(state: &AppState, event: Event) -> Entry {
    let public_url = &state.settings.public_url;
    Entry {
        event_id: event.id,
        as_of: event.updated_at,
        title: event.details.title,
        description: event.details.description.unwrap_or_default(),
        place: event.details.location.unwrap_or_else(|| "Online".to_owned()),
        starts_at: event.details.starts_at,
        ends_at: Some(event.details.ends_at),
        time_zone: event.details.time_zone,
        status: match event.status {
            EventStatus::Draft => Status::Tentative,
            EventStatus::Published | EventStatus::Completed => Status::Confirmed,
            EventStatus::Cancelled => Status::Cancelled,
        },
        url: Some(format!("{public_url}/api/v1/events/{}/calendar.ics", event.id)),
    }
}

fn file(state: &AppState, feed: Option<Feed>, entries: Vec<Entry>) -> String {
    let calendar = Calendar {
        public_url: &state.settings.public_url,
        method: Method::Publish,
        feed,
        entries,
    };
    calendar.to_text()
}

/// Answers with the file, or that the client has it already.
fn send(request: &HttpRequest, file_name: &str, text: String) -> HttpResponse {
    let etag = tag_of(&text);
    let known = request.headers().contains_key(header::IF_NONE_MATCH)
        && matches_if_none_match(request.headers(), &etag);
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    if known {
        return response.finish();
    }
    response
        .insert_header((header::CONTENT_TYPE, "text/calendar; charset=utf-8"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{file_name}\""),
        ))
        .body(text)
}

fn tag_of(text: &str) -> HeaderValue {
    let mut tag = String::from("\"");
    for byte in &Sha256::digest(text)[..16] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    // Digits and quotes always make a header's value.
    HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// One event.
pub async fn of_event(
    request: HttpRequest,
    id: PathId<EventId>,
    caller: Caller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let (id, ctx) = (id.0, caller.0);
    let event = state
        .store
        .read(move |tx| event::read_event(tx, &ctx, id))
        .await?;
    let text = file(&state, None, vec![entry_of(&state, event)]);
    Ok(send(&request, "event.ics", text))
}

/// See [`of_event`].
pub fn describe_of_event(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read an event for a calendar")
        .description(
            "The UID is that of the files in mails, so that a calendar keeps one entry of the event.",
        )
        .if_none_match()
        .answer_media(200, CALENDAR, "The event.")
        .problems(&[ProblemType::NotFound])
}

/// Many events, to be read again and again.
pub async fn feed(
    request: HttpRequest,
    caller: Caller,
    query: QueryParams<EventParams>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let ctx = caller.0;
    let (mut filter, _) = query.0.into_filter(ctx.now);
    filter.status.get_or_insert(EventStatus::Published);
    let most = PageRequest {
        limit: MOST,
        ..PageRequest::first()
    };
    let page = state
        .store
        .read(move |tx| event::list_events(tx, &ctx, filter.clone(), most))
        .await?;
    let entries = page.items.into_iter().map(|event| {
        let mut entry = entry_of(&state, event);
        if let Some((end, _)) = entry.description.char_indices().nth(MOST_OF_DESCRIPTION) {
            entry.description.truncate(end);
            entry.description.push('…');
        }
        entry
    });
    let about = Feed {
        name: format!("Events at {}", calendar::host_of(&state.settings.public_url)),
        refresh: REFRESH,
    };
    let text = file(&state, Some(about), entries.collect());
    Ok(send(&request, "events.ics", text))
}

/// See [`feed`].
pub fn describe_feed(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Subscribe to events in a calendar")
        .description(
            "With the filters of the list of events; without `status` what is announced and not over, the soonest first. 500 \
             events at the most.",
        )
        .query::<EventParams>()
        .if_none_match()
        .answer_media(200, CALENDAR, "The events.")
}

/// The event of a registration.
pub async fn of_registration(
    request: HttpRequest,
    id: PathId<RegistrationId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let (view, event) = state
        .store
        .read(move |tx| registration::read_for_calendar(tx, &ctx, id))
        .await?;
    let registration = view.registration;
    let begun = event.updated_at.max(registration.registered_at);
    // Of what has ended the end is the last that happened to it, and the same whenever it is read.
    let since = registration.ended_at.map_or(begun, |ended| ended.max(begun));
    let mut entry = entry_of(&state, event);
    let (status, as_of) = standing(entry.status, registration.status, since)?;
    (entry.status, entry.as_of) = (status, as_of);
    let text = file(&state, None, vec![entry]);
    Ok(send(&request, "event.ics", text))
}

/// Where the entry stands, and since when: later than whatever was mailed before.
fn standing(
    event: Status,
    registration: RegistrationStatus,
    since: Instant,
) -> Result<(Status, Instant), Problem> {
    match registration {
        RegistrationStatus::PendingPayment => {
            Err(Problem::new(ProblemType::WrongState).detail("The seat is not paid yet."))
        }
        RegistrationStatus::Cancelled | RegistrationStatus::Expired => Ok((Status::Cancelled, since)),
        RegistrationStatus::Confirmed | RegistrationStatus::Attended => Ok((event, since)),
    }
}

/// See [`of_registration`].
pub fn describe_of_registration(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read the event of a registration for a calendar")
        .description(
            "The UID is that of the files in mails, and what is newer has a greater SEQUENCE: a calendar keeps one entry. That \
             of a registration that has ended is cancelled.",
        )
        .if_none_match()
        .answer_media(200, CALENDAR, "The event.")
        .problems(&[ProblemType::NotFound, ProblemType::WrongState])
}
