//! Tickets: of a registration, in the forms that people and programs want, and the keys that verify them.

use crate::extract::{PathId, SignedInCaller};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::{TicketBody, TicketKeysBody};
use actix_web::http::header::{self, Accept, Header, Quality};
use actix_web::{HttpRequest, HttpResponse};
use kernel::{RegistrationId, ServerKeys};
use registration::Ticket;
use ticket::{QrImage, Sheet};

/// Whoever has a ticket's bytes has the ticket: no cache keeps them.
const PRIVATE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "private, no-store");

/// Scanners may go without the network for an hour and more; a key is added when the server's key is changed.
const KEYS_FOR: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=3600");

/// So much of a title goes into the name of a file.
const MOST_OF_NAME: usize = 40;

/// In what a ticket is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Svg,
    Png,
    Pdf,
}

impl Form {
    /// The first is given to who asks for nothing in particular.
    const ALL: [Self; 4] = [Self::Json, Self::Svg, Self::Png, Self::Pdf];

    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
        }
    }

    /// What the Accept header likes best of what there is (RFC 9110, section 12.5.1).
    fn accepted(request: &HttpRequest) -> Result<Self, Problem> {
        if !request.headers().contains_key(header::ACCEPT) {
            return Ok(Self::Json);
        }
        let accept = Accept::parse(request)
            .map_err(|_| Problem::bad_header("Accept", "It is no list of media types."))?;
        let mut best = (None, Quality::ZERO);
        for form in Self::ALL {
            let liking = form.liking(&accept);
            // Of those that are liked alike, the first.
            if liking > best.1 {
                best = (Some(form), liking);
            }
        }
        best.0.ok_or_else(|| ProblemType::NotAcceptable.into())
    }

    /// By the range that names the form most closely.
    fn liking(self, accept: &Accept) -> Quality {
        let (kind, whole) = (self.media_type().split('/').next(), self.media_type());
        let ranges = accept.iter().filter_map(|range| {
            let named = range.item.essence_str();
            let closeness = match named.strip_suffix("/*") {
                Some("*") => 0,
                Some(named) if Some(named) == kind => 1,
                None if named == whole => 2,
                _ => return None,
            };
            Some((closeness, range.quality))
        });
        ranges.max().map_or(Quality::ZERO, |(_, liking)| liking)
    }
}

/// The ticket as JSON, or in the form that Accept names.
pub async fn read(
    id: PathId<RegistrationId>,
    caller: SignedInCaller,
    request: HttpRequest,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let ticket = find(id.0, caller, &state).await?;
    let mut response = give(ticket, Form::accepted(&request)?, &state).await?;
    let vary = header::HeaderValue::from_static("accept");
    response.headers_mut().append(header::VARY, vary);
    Ok(response)
}

/// See [`read`].
pub fn describe_read(operation: OperationDoc) -> OperationDoc {
    describe(operation)
        .summary("Read the ticket of a registration, in the form that Accept names")
        .description(
            "JSON, SVG, PNG or PDF; without Accept it is JSON. The paths that end in `.json`, `.svg`, `.png` and `.pdf` give \
             that form whatever Accept says.",
        )
        .answer_forms::<TicketBody>(&["image/svg+xml", "image/png", "application/pdf"], "The ticket.")
        .problems(&[ProblemType::NotAcceptable, ProblemType::BadHeader])
}

/// The ticket as JSON.
pub async fn read_json(
    id: PathId<RegistrationId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    give(find(id.0, caller, &state).await?, Form::Json, &state).await
}

/// See [`read_json`].
pub fn describe_read_json(operation: OperationDoc) -> OperationDoc {
    describe(operation)
        .summary("Read the ticket of a registration")
        .answer::<TicketBody>(200, "The ticket.")
}

/// The QR code as a drawing.
pub async fn read_svg(
    id: PathId<RegistrationId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    give(find(id.0, caller, &state).await?, Form::Svg, &state).await
}

/// See [`read_svg`].
pub fn describe_read_svg(operation: OperationDoc) -> OperationDoc {
    describe(operation)
        .summary("The QR code of a ticket as SVG")
        .answer_media(200, "image/svg+xml", "The QR code with its quiet zone.")
}

/// The QR code as a picture.
pub async fn read_png(
    id: PathId<RegistrationId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    give(find(id.0, caller, &state).await?, Form::Png, &state).await
}

/// See [`read_png`].
pub fn describe_read_png(operation: OperationDoc) -> OperationDoc {
    describe(operation)
        .summary("The QR code of a ticket as PNG")
        .answer_media(
            200,
            "image/png",
            "The QR code with its quiet zone, at least 600 pixels wide.",
        )
}

/// The ticket as a page to print.
pub async fn read_pdf(
    id: PathId<RegistrationId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    give(find(id.0, caller, &state).await?, Form::Pdf, &state).await
}

/// See [`read_pdf`].
pub fn describe_read_pdf(operation: OperationDoc) -> OperationDoc {
    describe(operation)
        .summary("A ticket as a page to print")
        .answer_media(200, "application/pdf", "One page, A4.")
}

/// The keys with which scanners verify tickets without asking anybody.
pub async fn keys(state: SharedState) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(KEYS_FOR)
        .json(TicketKeysBody::of(ticket::public_keys(&state.keys)))
}

/// See [`keys`].
pub fn describe_keys(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("The keys that verify tickets")
        .description(
            "A JWK Set (RFC 7517). With it a scanner verifies what a QR code says without asking the server: a compact JWS \
             with `EdDSA`, whose header names the key. It must take no other algorithm, and compare the event's id.",
        )
        .answer::<TicketKeysBody>(200, "The present key first, then those of before.")
}

fn describe(operation: OperationDoc) -> OperationDoc {
    operation.problems(&[ProblemType::NotFound, ProblemType::NoTicket])
}

async fn find(id: RegistrationId, caller: SignedInCaller, state: &SharedState) -> Result<Ticket, Problem> {
    let ctx = caller.ctx;
    let ticket = state
        .store
        .read(move |tx| registration::read_ticket(tx, &ctx, id))
        .await?;
    Ok(ticket)
}

/// The answer with the ticket in it.
async fn give(ticket: Ticket, form: Form, state: &SharedState) -> Result<HttpResponse, Problem> {
    let keys = state.keys.clone();
    let name = file_name(&ticket.event.details.title);
    let body = match form {
        Form::Json | Form::Svg => draw(ticket, form, &keys)?,
        Form::Png | Form::Pdf => state.tickets.run(move || draw(ticket, form, &keys)).await?,
    };
    let mut response = HttpResponse::Ok();
    response.content_type(form.media_type()).insert_header(PRIVATE);
    match form {
        // An image that is opened by itself is a document, in which nothing is to run.
        Form::Svg => {
            response.insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'"));
        }
        Form::Pdf => {
            response.insert_header((
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{name}\""),
            ));
        }
        Form::Json | Form::Png => {}
    }
    Ok(response.body(body))
}

fn draw(ticket: Ticket, form: Form, keys: &ServerKeys) -> Result<Vec<u8>, Problem> {
    let registration = &ticket.view.registration;
    let code = &registration.ticket_code;
    let signed_text = ticket::signed_text(keys, code, registration.event_id).map_err(Problem::internal)?;
    match form {
        Form::Json => serde_json::to_vec(&TicketBody::new(ticket, signed_text)).map_err(Problem::internal),
        Form::Svg => {
            let image = QrImage::of(&signed_text).map_err(Problem::internal)?;
            Ok(image.svg().into_bytes())
        }
        Form::Png => {
            let image = QrImage::of(&signed_text).map_err(Problem::internal)?;
            image.png().map_err(Problem::internal)
        }
        Form::Pdf => {
            let details = &ticket.event.details;
            let sheet = Sheet {
                title: &details.title,
                when: &details.time_zone.local_span(details.starts_at, details.ends_at),
                place: details.location.as_deref().unwrap_or("Online"),
                name: &ticket.view.attendee_name,
                code,
                signed_text: &signed_text,
                reference: &registration.id.to_string(),
            };
            ticket::print(&sheet).map_err(Problem::internal)
        }
    }
}

/// Letters and digits of ASCII and hyphens, whatever the title is: it stands in a header and on other people's disks.
fn file_name(title: &str) -> String {
    let mut name = String::from("ticket");
    for word in title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if name.len() + word.len() > MOST_OF_NAME {
            break;
        }
        name.push('-');
        name.push_str(&word.to_ascii_lowercase());
    }
    name + ".pdf"
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn accepted(accept: &str) -> Option<Form> {
        let request = TestRequest::default().insert_header((header::ACCEPT, accept));
        Form::accepted(&request.to_http_request()).ok()
    }

    #[test]
    fn the_form_is_the_one_that_is_liked_best() {
        for (accept, form) in [
            ("*/*", Some(Form::Json)),
            ("application/json", Some(Form::Json)),
            ("image/*", Some(Form::Svg)),
            ("image/png, */*;q=0.1", Some(Form::Png)),
            ("application/pdf;q=0.9, image/*;q=0.8", Some(Form::Pdf)),
            ("*/*, application/json;q=0, image/svg+xml;q=0", Some(Form::Png)),
            ("APPLICATION/PDF", Some(Form::Pdf)),
            ("text/html", None),
            ("image/png;q=0", None),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some(Form::Json)),
        ] {
            assert_eq!(accepted(accept), form, "{accept}");
        }
    }

    #[test]
    fn the_name_of_a_file_is_safe() {
        for (title, name) in [
            (
                "Rust Delhi: async from the ground up",
                "ticket-rust-delhi-async-from-the-ground.pdf",
            ),
            ("../../etc/passwd\r\nX: y", "ticket-etc-passwd-x-y.pdf"),
            ("\";quoted\"", "ticket-quoted.pdf"),
            ("مؤتمر", "ticket.pdf"),
        ] {
            assert_eq!(file_name(title), name);
        }
        assert!(file_name(&"x".repeat(200)).len() < 60);
    }
}
