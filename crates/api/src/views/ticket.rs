//! Tickets and their keys in answers.

use super::registration::EventOfRegistration;
use kernel::TypedId;
use registration::Ticket;
use serde::Serialize;
use ticket::PublicKey;
use utoipa::ToSchema;
use uuid::Uuid;

/// The event of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventOfTicket {
    /// The event.
    pub id: Uuid,
    /// What else there is to know of it.
    #[serde(flatten)]
    pub event: EventOfRegistration,
    /// When it ends.
    pub ends_at: chrono::DateTime<chrono::Utc>,
}

/// Who holds the ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttendeeOfTicket)]
pub struct TicketHolder {
    /// The attendee.
    pub id: Uuid,
    /// How the person is called.
    pub name: String,
}

/// A ticket. Whoever has the code has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
pub struct TicketBody {
    /// 12 letters and digits, to read out where nothing can be scanned.
    #[schema(example = "01AB89XYZT0K")]
    pub code: String,
    /// What the QR code says: a compact JWS (RFC 7515) with `EdDSA`, whose claims are the code (`c`) and the event's id
    /// without hyphens (`e`). `GET /api/v1/tickets/keys` has the keys that verify it.
    pub qr: String,
    /// The event.
    pub event: EventOfTicket,
    /// Who holds it.
    pub attendee: TicketHolder,
}

impl TicketBody {
    /// A ticket with what its QR code says.
    pub fn new(ticket: Ticket, qr: String) -> Self {
        let (view, details) = (ticket.view, ticket.event.details);
        Self {
            code: view.registration.ticket_code.as_str().to_owned(),
            qr,
            event: EventOfTicket {
                id: view.registration.event_id.uuid(),
                event: EventOfRegistration {
                    title: details.title,
                    starts_at: details.starts_at,
                    time_zone: details.time_zone.name().to_owned(),
                    location: details.location,
                },
                ends_at: details.ends_at,
            },
            attendee: TicketHolder {
                id: view.registration.attendee_id.uuid(),
                name: view.attendee_name,
            },
        }
    }
}

/// The keys that verify tickets (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketKeys)]
pub struct TicketKeysBody {
    /// The present one first, then those of before.
    pub keys: Vec<TicketKeyBody>,
}

/// A public key of Ed25519 (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketKey)]
pub struct TicketKeyBody {
    /// `OKP`.
    pub kty: &'static str,
    /// `Ed25519`.
    pub crv: &'static str,
    /// `EdDSA`.
    pub alg: &'static str,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: &'static str,
    /// Names the key in the headers of signed texts.
    pub kid: String,
    /// The key's bytes in base64 for URLs.
    pub x: String,
}

impl TicketKeysBody {
    /// The keys in that order.
    pub fn of(keys: Vec<PublicKey>) -> Self {
        let keys = keys.into_iter().map(|key| TicketKeyBody {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            kid: key.id,
            x: key.x,
        });
        Self { keys: keys.collect() }
    }
}
