//! A ticket on a phone, for whoever has its link: the code in the path is all that it takes. So the page shows no e-mail address,
//! and what is no ticket is told nothing of.

use super::answer;
use crate::extract::{Caller, PathText};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use event::EventStatus;
use kernel::ServerKeys;
use registration::{RegistrationStatus, Ticket};
use ticket::{QrImage, TicketCode};

#[derive(Template)]
#[template(path = "ticket.html")]
struct Page {
    title: String,
    when: String,
    place: String,
    name: String,
    standing: Standing,
}

/// What the ticket is worth.
enum Standing {
    /// It lets in.
    Valid(Code),
    /// It did let in.
    CheckedIn {
        code: Code,
        /// In the event's zone.
        at: String,
    },
    /// The seat waits to be paid.
    NotYet,
    /// It does not let in any more.
    Over(&'static str),
}

struct Code {
    grouped: String,
    /// Of the QR code, in modules.
    side: usize,
    outline: String,
}

impl Code {
    fn of(code: &TicketCode, signed_text: &str) -> Result<Self, Problem> {
        let image = QrImage::of(signed_text).map_err(Problem::internal)?;
        Ok(Self {
            grouped: code.grouped(),
            side: image.modules(),
            outline: image.outline(),
        })
    }
}

/// The ticket.
pub async fn show(
    PathText(code): PathText,
    Caller(_): Caller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    // What is no code and what is nobody's are told alike.
    let code: TicketCode = code.parse().map_err(|_| Problem::not_found())?;
    let found = state
        .store
        .read(move |tx| registration::find_ticket(tx, &code))
        .await?;
    let ticket = found.ok_or_else(Problem::not_found)?;
    answer(StatusCode::OK, &page_of(ticket, &state.keys)?)
}

/// See [`show`].
pub fn describe_show(operation: OperationDoc) -> OperationDoc {
    operation
        .tag("pages")
        .summary("A ticket on a phone")
        .description("For whoever has the code: the link of the mail that gave the seat.")
        .path_text("code", "The code of the ticket, with or without hyphens.")
        .answer_media(200, "text/html", "The ticket, or that it is no longer valid.")
        .problems(&[ProblemType::NotFound])
}

fn page_of(ticket: Ticket, keys: &ServerKeys) -> Result<Page, Problem> {
    let (view, details) = (ticket.view, ticket.event.details);
    let registration = &view.registration;
    let code = || {
        let signed = ticket::signed_text(keys, &registration.ticket_code, registration.event_id);
        Code::of(&registration.ticket_code, &signed.map_err(Problem::internal)?)
    };
    let standing = match (ticket.event.status, registration.status) {
        (EventStatus::Cancelled, _) => Standing::Over("The event is called off."),
        (_, RegistrationStatus::Confirmed) => Standing::Valid(code()?),
        (_, RegistrationStatus::Attended) => Standing::CheckedIn {
            code: code()?,
            at: details
                .time_zone
                .local_time(registration.checked_in_at.unwrap_or(registration.registered_at)),
        },
        (_, RegistrationStatus::PendingPayment) => Standing::NotYet,
        (_, RegistrationStatus::Cancelled) => Standing::Over("The registration was cancelled."),
        (_, RegistrationStatus::Expired) => Standing::Over("The seat was not paid in time."),
    };
    Ok(Page {
        when: details.time_zone.local_span(details.starts_at, details.ends_at),
        place: details.location.unwrap_or_else(|| "Online".to_owned()),
        title: details.title,
        name: view.attendee_name,
        standing,
    })
}
