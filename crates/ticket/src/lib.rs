//! Tickets: the code that finds a seat, the signed text of its QR code, and how a ticket looks.
//!
//! Invariants: a code says nothing of its holder; what a QR code says is signed, and can be verified without asking
//! anybody.

mod code;
mod presented;

pub use code::{InvalidTicketCode, NoRandomness, TicketCode};
pub use presented::{NotATicket, Presented, read_presented};
